# SPDX-License-Identifier: MIT
"""HTTP dates and RFC 3339 against the calendar, cursors, ids and positions"""

from corpus import literals

MAX_BYTES = 256
RUNS = 8000


def seeds():
    for path in ("net/test_http.c", "base/test_clock.c", "sources/test_source_cursor.c",
                 "sources/test_jetstream_cursor.c", "sources/test_mastodon_id.c"):
        yield from literals("tests/unit/" + path)
