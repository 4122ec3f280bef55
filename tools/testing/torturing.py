# SPDX-License-Identifier: MIT
"""The short form of tools/torture: the points of fixed seeds. Of all that there are few have ever been
tried, so a fresh seed would now and then find what is not of the change; that is for tools/torture."""

import os

import builds
from results import Result

# Seconds of the short form; the unit tests whose every step matters most are tried first.
FIXED = "^(backends/(segment_log|files)|pipeline/ingest_rescue|tally/pending_generation)$"


def short(run):
    """`run(command, environ, limit_s)` gives the exit status."""
    build = builds.make("address")
    result = Result()
    for words in (["--only", FIXED, "--seed", "1", "--minutes", "0.1"],
                  ["--seed", "7", "--minutes", "0.3"]):
        command = ["tools/torture", "--build", str(build), *words]
        environ = {**builds.environment(), "PATH": os.environ["PATH"]}
        if run(command, environ, 300) == 0:
            result.passed += 1
        else:
            result.fail(f"faults: {' '.join(command)}")
    return result
