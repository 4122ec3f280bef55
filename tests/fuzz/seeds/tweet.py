# SPDX-License-Identifier: MIT
"""tweets, notices and events of each service: the reader and a judge over jansson agree"""

from corpus import lines, literals

MAX_BYTES = 6000
RUNS = 12000


def seeds():
    for name in ("tweet", "tweet_jetstream", "tweet_mastodon"):
        yield from literals(f"tests/unit/tweet/test_{name}.c")
    for pattern in ("v11-search/*.json*", "v2/*.json*", "extended-tweet/*", "messages/*", "bluesky/*.jsonl"):
        yield from lines(pattern, 60)
