# SPDX-License-Identifier: MIT
"""URLs, request targets, queries, addresses: the parts make up the whole, coding goes both ways"""

from corpus import literals

MAX_BYTES = 512
RUNS = 20000


def seeds():
    yield from literals("tests/unit/net/test_url.c")
    yield from literals("tests/unit/net/test_address.c")
