# SPDX-License-Identifier: MIT
"""200,000 synthetic tweets as fast as they go: exactly counted, in bounded memory, and how fast."""

import time

from test_crash import final_counts, synthetic

TWEETS = 200_000
BUDGET = 256 << 20


def run(start, name):
    began = time.monotonic()
    daemon = start(synthetic(TWEETS), data=name)
    counts = final_counts(daemon, timeout=300)
    seconds = time.monotonic() - began
    status = daemon.status()
    daemon.stop()
    return counts, status, seconds


def test_many_tweets(start):
    counts, status, seconds = run(start, "first")
    resident = status["memory"]["resident_bytes"]
    print(f"{TWEETS} tweets in {seconds:.1f} s, {TWEETS / seconds:.0f} a second, {resident >> 20} MiB resident")
    assert status["hashtags"] == {"distinct": len(counts), "total": sum(counts.values())}
    assert resident < BUDGET + (64 << 20)

    again, _, _ = run(start, "second")
    assert again == counts, "the same seed made other counts"
