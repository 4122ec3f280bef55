# SPDX-License-Identifier: MIT
"""The short form of tools/torture: a fixed small set of points, and others from a fresh seed."""

import os
import secrets

import builds
from results import Result

# Seconds of the short form; the unit tests whose every step matters most are tried first.
FIXED = "^(backends/(segment_log|files)|pipeline/ingest_rescue|tally/pending_generation)$"


def short(run):
    """`run(command, environ, limit_s)` gives the exit status."""
    build = builds.make("address")
    seed = str(secrets.randbelow(1 << 31))
    result = Result()
    for words in (["--only", FIXED, "--seed", "1", "--minutes", "0.1"],
                  ["--seed", seed, "--minutes", "0.3"]):
        command = ["tools/torture", "--build", str(build), *words]
        environ = {**builds.environment(), "PATH": os.environ["PATH"]}
        if run(command, environ, 300) == 0:
            result.passed += 1
        else:
            result.fail(f"faults: {' '.join(command)}")
    return result
