# SPDX-License-Identifier: MIT
"""All attackers at once while tweets are counted at full speed: every count is right, the loop goes on
turning, and the honest client is served."""

import collections
import http.client
import json
import math
import os
import pathlib
import subprocess
import threading

import attackers
from arena import MIB, SECONDS, Arena
from attackers import many
from daemon import difference, program, tweet
from independent_count import fold

TWEETS = 30_000


def truth(count):
    tool = pathlib.Path(program()).parent / "tests" / "tools" / "synthetic_truth"
    counts = collections.Counter()
    for line in subprocess.run([str(tool), "counts", "5", str(count)], check=True, capture_output=True).stdout.splitlines():
        row = json.loads(line)
        counts[fold(row["hashtag"])] += row["count"]
    return counts


class Posts(threading.Thread):
    """Posts all the time, as a careful client: what was not answered goes again."""

    def __init__(self, daemon):
        super().__init__(daemon=True)
        self.daemon_under_test, self.over, self.counts = daemon, threading.Event(), collections.Counter()

    def run(self):
        first = 1
        while not self.over.is_set():
            batch = [tweet(first + number, f"posted{(first + number) % 37}") for number in range(50)]
            try:
                answered = self.daemon_under_test.post_tweets(batch).status == 202
            except (OSError, http.client.HTTPException):
                answered = False
            if answered:
                self.counts.update(f"posted{(first + number) % 37}" for number in range(50))
                first += 50


def lag_quantile(daemon, part):
    """A border below which `part` of the loop's lag lies, in seconds."""
    counts = {}
    for line in daemon.get("/metrics").text.splitlines():
        if line.startswith("hashtagd_loop_lag_seconds_bucket"):
            border = line.split('le="')[1].split('"')[0]
            counts[math.inf if border == "+Inf" else float(border)] = float(line.rsplit(" ", 1)[1])
    return next(border for border in sorted(counts) if counts[border] >= part * counts[math.inf])


def test_all_at_once(start):
    limit = int(TWEETS * max(1, SECONDS / 1.5))
    daemon = start({"source.type": "synthetic", "source.rate": 10_000 if SECONDS > 5 else 0, "source.seed": 5, "source.limit": limit,
                    "memory.budget_bytes": 64 * MIB})
    daemon.post_tweets([tweet(10**17, "honest")])
    daemon.wait_for(lambda: daemon.get("/hashtags/honest").status == 200, "the honest hashtag")
    posts = Posts(daemon)
    cast = [(attackers.slow_head, 60), (attackers.slow_body, 40), (attackers.endless_chunks, 3), (attackers.deaf_listener, 60),
            (attackers.slow_reader, 20), (attackers.idle, 300), (attackers.half_closed, 5), (attackers.reset_at_once, 3), (attackers.pipeliner, 1),
            (attackers.churner, 2), (attackers.nonsense, 2)]
    with Arena(daemon, memory_mib=256) as arena:
        posts.start()
        arena.attack(*(many(count, client, arena.address, arena.tally, client.__name__, 0.05) for client, count in cast),
                     seconds=max(SECONDS, 3))
        posts.over.set()
        posts.join()
    expected = truth(limit) + posts.counts + collections.Counter({"honest": 1})
    found = {}

    def all_counted():
        found.clear()
        found.update(daemon.counts())
        return sum(found.values()) >= sum(expected.values())

    daemon.wait_for(all_counted, "all counts", 120 + 2 * SECONDS)
    assert found == dict(expected), difference(found, expected)
    print(f"loop lag: p50 {lag_quantile(daemon, 0.5) * 1e3:g} ms, p99 {lag_quantile(daemon, 0.99) * 1e3:g} ms, "
          f"longest {lag_quantile(daemon, 1) * 1e3:g} ms; {sum(posts.counts.values())} posted, {os.cpu_count()} cores")
    assert lag_quantile(daemon, 0.5) <= 0.1
