# SPDX-License-Identifier: MIT
"""200,000 synthetic tweets as fast as they go: exactly counted, in bounded memory, and how fast."""

import time

from daemon import difference
from synthetic import final_counts, synthetic, truth_of

TWEETS = 200_000
BUDGET = 256 << 20


def test_many_tweets(start, capsys):
    began = time.monotonic()
    daemon = start(synthetic(TWEETS))
    counts = final_counts(daemon, timeout=300)
    seconds = time.monotonic() - began
    status = daemon.status()
    resident = status["memory"]["resident_bytes"]
    with capsys.disabled():
        print(f"\n   {TWEETS} tweets in {seconds:.1f} s, {TWEETS / seconds:.0f} a second, {resident >> 20} MiB resident")
    truth = truth_of(7, TWEETS)
    assert counts == truth, difference(counts, truth)
    assert status["hashtags"] == {"distinct": len(truth), "total": sum(truth.values())}
    assert resident < BUDGET + (64 << 20)
