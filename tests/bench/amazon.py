#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures Kinesis to durable count against the fake of AWS.

    tests/bench/amazon.py build [--hashtags 1000000] [--shards 4] [--interval 1] [--distinct 100000]

Fills a stream with tweets that carry so many skewed hashtags, starts `build/hashtagd serve` with
stream and table at the fake, and tells
  - tweets and hashtags a second from the daemon's start until the last count is in the table,
  - requests to DynamoDB, beside the two a hashtag of the older notebook,
  - processor seconds of the daemon and of the fake (on a machine with few cores they share),
  - the loop's lag and the daemon's resident memory,
and compares every count with the truth.
"""

import argparse
import collections
import json
import os
import pathlib
import random
import re
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))

import aws_truth  # noqa: E402  (its folder is known only now)
from daemon import Daemon, tweet  # noqa: E402
from fake_aws import FakeAws  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")


def processor_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_mib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return {name: int(re.search(rf"{name}:\s+(\d+)", status)[1]) / 1024 for name in ("VmRSS", "VmHWM")}


def fill(aws, options):
    """Puts the tweets; (how many, {hashtag: count})."""
    draw, counts, waiting = random.Random(1), collections.Counter(), []
    number = total = 0
    threads = []
    while total < options.hashtags:
        tags = [f"tag{min(options.distinct, int(draw.paretovariate(0.4)))}" for _ in range(draw.randint(1, 5))]
        number += 1
        total += len(tags)
        counts.update(tags)
        waiting.append(tweet(number, *tags))
        if len(waiting) == 5000:
            threads.append(threading.Thread(target=aws_truth.put, args=(aws, waiting)))
            threads[-1].start()
            waiting = []
            if len(threads) % 2 == 0:
                threads[-2].join()
    for thread in threads:
        thread.join()
    aws_truth.put(aws, waiting)
    return number, dict(counts)


def lag(daemon):
    """{le: count} of the loop's lag histogram."""
    text = daemon.get("/metrics").text
    return [line for line in text.splitlines() if "loop_lag" in line and not line.startswith("#")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--hashtags", type=int, default=1_000_000)
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("--interval", type=int, default=1)
    parser.add_argument("--distinct", type=int, default=100_000)
    parser.add_argument("--faults", type=json.loads, default=None)
    options = parser.parse_args()
    os.environ["HT_PROGRAM"] = str(pathlib.Path(options.build) / "hashtagd")
    with tempfile.TemporaryDirectory(prefix="hashtagd-bench-") as place, FakeAws() as aws:
        aws_truth.create_account(aws, options.shards)
        tweets, expected = fill(aws, options)
        print(f"{tweets} tweets with {options.hashtags} hashtags, {len(expected)} of them distinct", flush=True)
        aws.set_faults(options.faults)
        before, fake_before = aws.counters()["requests"], processor_s(aws.process.pid)
        settings = {**aws_truth.SETTINGS, "table.flush_interval_s": options.interval, "log.level": "warning"}
        total = sum(expected.values())
        with Daemon(settings, data=pathlib.Path(place) / "data", environ=aws.environment()) as daemon:
            began = time.monotonic()
            while aws.total(table=aws_truth.TABLE) < total:
                time.sleep(0.1)
            seconds = time.monotonic() - began
            pid = daemon.process.pid
            daemon_s, fake_s = processor_s(pid), processor_s(aws.process.pid) - fake_before
            memory = memory_mib(pid)
            print(f"{tweets / seconds:.0f} tweets/s, {total / seconds:.0f} hashtags/s in {seconds:.1f} s; processor: "
                  f"daemon {daemon_s:.1f} s, fake {fake_s:.1f} s")
            print(f"memory: {memory['VmRSS']:.0f} MiB resident, {memory['VmHWM']:.0f} MiB at most")
            print("\n".join(lag(daemon)))
        made = collections.Counter(aws.counters()["requests"])
        made.subtract(before)
        dynamodb = sum(count for name, count in made.items() if name.startswith("DynamoDB."))
        print(f"{dynamodb} requests to DynamoDB (the notebook: {2 * total}): "
              + ", ".join(f"{name} {count}" for name, count in sorted(made.items()) if count))
        found = {item["hashtag"]["S"]: int(item["htCount"]["N"]) for item in aws.items(aws_truth.TABLE)}
        if found != expected:
            sys.exit("the counts are NOT the truth")
        print("every count is the truth")


if __name__ == "__main__":
    main()
