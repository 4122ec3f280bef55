# SPDX-License-Identifier: MIT
"""files of tweets: the same messages however they are cut, plain and as gzip"""

from corpus import lines, literals

MAX_BYTES = 4096
RUNS = 1500


def seeds():
    for name in ("documents", "documents_page", "documents_input", "json_extents", "json_skip", "round_ids"):
        yield from (text + b"\x05" for text in literals(f"tests/unit/sources/test_{name}.c"))
    for pattern in ("v11-search/*.json*", "v2/*.json*"):
        yield from lines(pattern, 10)
