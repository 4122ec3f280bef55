#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures the whole embedded path, source to durable count, of one daemon.

    tests/bench/end_to_end.py build [--count 1000000] [--no-truth] [--set KEY=VALUE]...

Starts `build/hashtagd serve` with the synthetic source as fast as it goes on a fresh
data directory, and tells
  - tweets a second until all are counted and durable (a POST /flush at the end),
  - processor time a tweet of each thread: on a busy machine the figure to trust,
  - the loop's lag (p50, p99, longest) while it runs,
  - how long GET /hashtags takes meanwhile, on one connection, every 20 ms,
  - resident memory, at the middle and at the end,
and then compares every count with `build/tests/tools/synthetic_truth`, exactly.
"""

import argparse
import collections
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unicodedata
import urllib.parse

TICKS = os.sysconf("SC_CLK_TCK")


def fold(tag):
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", tag).casefold())


def wait_for(path):
    for _ in range(400):
        if path.exists():
            return urllib.parse.urlsplit(path.read_text().strip()).netloc
        time.sleep(0.025)
    sys.exit("the daemon did not start")


def threads(pid):
    """{name: (user seconds, system seconds)} of each thread."""
    found = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        text = (task / "stat").read_text()
        name = text[text.index("(") + 1 : text.rindex(")")]
        fields = text[text.rindex(")") + 2 :].split()
        found[name] = (int(fields[11]) / TICKS, int(fields[12]) / TICKS)
    return found


def memory_mb(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text).group(1)) / 1024


class Client:
    def __init__(self, address):
        self.connection = http.client.HTTPConnection(address, timeout=60)

    def get(self, path, method="GET"):
        self.connection.request(method, path)
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            sys.exit(f"{method} {path}: {answer.status} {body!r}")
        return body

    def wait_until_loaded(self):
        for _ in range(400):
            self.connection.request("GET", "/readyz")
            answer = self.connection.getresponse()
            answer.read()
            if answer.status == 200:
                return
            time.sleep(0.025)
        sys.exit("the daemon did not become ready")

    def json(self, path, method="GET"):
        return json.loads(self.get(path, method))


def all_counts(client):
    counts, after = {}, ""
    while True:
        page = client.json("/hashtags?limit=1000" + (f"&after={after}" if after else ""))
        for item in page["hashtags"]:
            counts[item["hashtag"]] = item["count"]
        if not page.get("next"):
            return counts
        after = urllib.parse.quote(page["next"])


def truth(build, seed, count):
    expected = collections.Counter()
    tool = [str(build / "tests/tools/synthetic_truth"), "counts", str(seed), str(count)]
    with subprocess.Popen(tool, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            entry = json.loads(line)
            expected[fold(entry["hashtag"])] += entry["count"]
    return dict(expected)


def run(options):
    build = pathlib.Path(options.build)
    directory = pathlib.Path(tempfile.mkdtemp(prefix="hashtagd-bench-", dir=options.directory))
    settings = {
        "source.type": "synthetic",
        "source.rate": 0,
        "source.limit": options.count,
        "admin.listen": "127.0.0.1:0",
        "data.dir": directory / "data",
        "log.level": "warning",
    }
    command = [str(build / "hashtagd"), "serve"]
    for key, value in settings.items():
        command += ["--set", f"{key}={value}"]
    for pair in options.set:
        command += ["--set", pair]
    started = time.monotonic()
    daemon = subprocess.Popen(command, stderr=open(directory / "log", "w"))
    try:
        measure(options, build, directory, daemon, started)
    finally:
        daemon.send_signal(signal.SIGTERM)
        try:
            print("exit status", daemon.wait(30))
        finally:
            daemon.kill()
        sys.stdout.write((directory / "log").read_text())
        shutil.rmtree(directory)


def measure(options, build, directory, daemon, started):
    client = Client(wait_for(directory / "data" / "admin.url"))
    client.wait_until_loaded()
    waits, memory = [], []
    next_look = 0
    while True:
        before = time.monotonic()
        client.get("/hashtags?limit=20")
        now = time.monotonic()
        waits.append(now - before)
        if now >= next_look:
            next_look = now + 0.5
            memory.append(memory_mb(daemon.pid))
            status = client.json("/status")
            if done(status, options.count):
                break
        time.sleep(0.02)
    client.json("/flush", "POST")
    seconds = time.monotonic() - started
    loop = client.json("/status")["loop"]
    report(options.count, seconds, threads(daemon.pid))
    print("loop lag:", ", ".join(
        f"{name} {loop[f'lag_{name}_seconds'] * 1e3:.1f} ms" for name in ("p50", "p99", "max")))
    waits.sort()
    print(
        f"GET /hashtags: {len(waits)} asked, p50 {waits[len(waits) // 2] * 1e3:.2f} ms, "
        f"p99 {waits[len(waits) * 99 // 100] * 1e3:.2f} ms, longest {waits[-1] * 1e3:.2f} ms"
    )
    memory.append(memory_mb(daemon.pid))
    print(f"memory: {memory[len(memory) // 2]:.0f} MB at the middle, {memory[-1]:.0f} MB at the end")
    if not options.no_truth:
        compare(all_counts(client), truth(build, 1, options.count))


def done(status, count):
    parts = {part["name"]: part["details"] for part in status["parts"]}
    return (
        parts["source"]["position"] >= count
        and parts["ingest"]["waiting_messages"] == 0
        and all(shard["lag_records"] == 0 for shard in status["shards"])
        and parts["count"]["records"] >= parts["ingest"]["accepted"]
    )


def report(count, seconds, times):
    print(f"{count / seconds:,.0f} tweets/s ({seconds:.2f} s for {count:,})")
    for name, (user, system) in sorted(times.items(), key=lambda item: -sum(item[1])):
        if user + system > 0.01:
            print(
                f"  thread {name}: {user / count * 1e6:.2f} us user, "
                f"{system / count * 1e6:.2f} us system a tweet"
            )


def compare(found, expected):
    wrong = [tag for tag in found.keys() | expected.keys() if found.get(tag) != expected.get(tag)]
    print(f"{len(expected):,} hashtags, {sum(expected.values()):,} counts: {len(wrong)} wrong")
    for tag in wrong[:5]:
        print(f"  {tag!r}: {found.get(tag)} instead of {expected.get(tag)}")
    if wrong:
        sys.exit(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("build", help="the build directory")
    parser.add_argument("--count", type=int, default=1000000)
    parser.add_argument("--no-truth", action="store_true", help="skip the comparison of all counts")
    parser.add_argument("--directory", help="where the data directory is made")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    run(parser.parse_args())


if __name__ == "__main__":
    main()
