# SPDX-License-Identifier: MIT
"""The synthetic source, and what its generator itself knows of it (tests/tools/synthetic_truth.c)."""

import base64 as codec
import collections
import functools
import json
import pathlib
import subprocess
import time

from daemon import program
from independent_count import fold


def synthetic(limit, seed=7):
    """Settings of a daemon that takes so many of its messages, as fast as it goes."""
    return {"source.type": "synthetic", "source.rate": 0, "source.seed": seed, "source.limit": limit}


@functools.lru_cache
def told_by_generator(what, seed, count):
    """What tests/tools/synthetic_truth says of the first `count` messages."""
    tool = pathlib.Path(program()).parent / "tests" / "tools" / "synthetic_truth"
    return subprocess.run([str(tool), what, str(seed), str(count)], check=True, capture_output=True, timeout=300).stdout


@functools.lru_cache
def truth_of(seed, count):
    """The counts that the generator itself knows, folded by Python."""
    counts = collections.Counter()
    for line in told_by_generator("counts", seed, count).splitlines():
        row = json.loads(line)
        counts[fold(row["hashtag"])] += row["count"]
    return dict(counts)


def wait_until_over(daemon, timeout=120):
    """Waits until the source is at its end and everything is counted and written."""

    def quiet():
        status = daemon.status()
        source = next(part for part in status["parts"] if part["name"] == "source")
        return source["state"] in ("idle", "stopped", "off") and all(shard["lag_records"] == 0 for shard in status["shards"])

    daemon.wait_for(quiet, "the source's end", timeout)
    daemon.flush()


def final_counts(daemon, timeout=120):
    """The counts when nothing comes any more."""
    wait_until_over(daemon, timeout)
    before = None
    while before != (before := daemon.counts()):
        time.sleep(0.3)
    return before


def base64(data):
    return codec.b64encode(data).decode()
