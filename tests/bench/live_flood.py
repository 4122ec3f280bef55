#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures a live source under a flood: one daemon, one sender in a process of its own.

    tests/bench/live_flood.py build [--service twitter-v2] [--rate 100000] [--seconds 60]
                                    [--bytes 600] [--set KEY=VALUE]...

Offers so many messages a second for so long to `build/hashtagd serve` on a fresh data directory,
first as X's sample stream, then as Jetstream (or one of them), and tells
  - how many were counted a second until all were counted, and how late the sender was at worst,
  - processor time a message of each thread, resident memory (most, and at the end),
  - the loop's lag (p50, p99, longest),
and then compares every count with what was sent, exactly; the exit status says whether it was.
"""

import argparse
import os
import pathlib
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT / "tests" / "bench")]

from daemon import Daemon, difference  # noqa: E402  (their folders are known only now)
from end_to_end import memory_mb, threads  # noqa: E402
from streaming_server.flood import Flood  # noqa: E402


class Watch:
    """Looks at a daemon's memory every tenth of a second."""

    def __init__(self, pid):
        self.pid, self.most, self.is_over = pid, 0, threading.Event()
        self.thread = threading.Thread(target=self.look)
        self.thread.start()

    def look(self):
        while not self.is_over.wait(0.1):
            self.most = max(self.most, memory_mb(self.pid))

    def stop(self):
        self.is_over.set()
        self.thread.join()


def measure(service, options, folder):
    """Returns whether every count was right."""
    count = int(options.rate * options.seconds)
    with Flood(service, count, options.rate, options.bytes) as flood:
        settings = {**flood.settings(), "log.level": "warning", **dict(pair.split("=", 1) for pair in options.set)}
        daemon = Daemon(settings, data=folder / service, environ=flood.environ)
        began = time.monotonic()
        daemon.start()
        watch = Watch(daemon.process.pid)
        try:
            sent = flood.wait()
            found = wait_until_counted(daemon, flood.counts)
            seconds = time.monotonic() - began
            report(service, flood, sent, seconds, daemon)
        finally:
            watch.stop()
        print(f"  memory: {watch.most:.0f} MB at most, {memory_mb(daemon.process.pid):.0f} MB at the end")
        daemon.stop()
    is_right = found == flood.counts
    print("  every count is right" if is_right else difference(found, flood.counts))
    return is_right


def wait_until_counted(daemon, expected):
    """The counts, when they are right or have not moved for ten seconds."""
    total, moved = -1, time.monotonic()
    while time.monotonic() - moved < 10:
        now = daemon.get("/hashtags?limit=1").json["total"]
        if now >= sum(expected.values()):
            break
        if now != total:
            total, moved = now, time.monotonic()
        time.sleep(0.02)
    return daemon.counts()


def report(service, flood, sent, seconds, daemon):
    print(f"{service}: {flood.messages:,} messages of {flood.bytes} bytes, {flood.messages / seconds:,.0f} a second counted "
          f"in {seconds:.2f} s; offered in {sent['seconds']:.2f} s, at worst {sent['late_seconds']:.2f} s late, "
          f"{sent['connections']} connection")
    for name, (user, system) in sorted(threads(daemon.process.pid).items(), key=lambda item: -sum(item[1])):
        if user + system > 0.05:
            print(f"  thread {name}: {user / flood.messages * 1e6:.2f} us user, {system / flood.messages * 1e6:.2f} us system a message")
    loop = daemon.status()["loop"]
    print("  loop lag:", ", ".join(f"{name} {loop[f'lag_{name}_seconds'] * 1e3:.1f} ms" for name in ("p50", "p99", "max")))
    print(f"  held back {daemon.metric('hashtagd_ingest_pauses_total') or 0:.0f} times")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("build", help="the build directory")
    parser.add_argument("--service", choices=("twitter-v2", "jetstream"))
    parser.add_argument("--rate", type=int, default=100000, help="messages a second")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--bytes", type=int, default=600, help="of a message, on average")
    parser.add_argument("--directory", help="where the data directories are made")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    options = parser.parse_args()
    os.environ["HT_PROGRAM"] = str(pathlib.Path(options.build).resolve() / "hashtagd")
    services = [options.service] if options.service else ["twitter-v2", "jetstream"]
    with tempfile.TemporaryDirectory(prefix="hashtagd-bench-", dir=options.directory) as folder:
        results = [measure(service, options, pathlib.Path(folder)) for service in services]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
