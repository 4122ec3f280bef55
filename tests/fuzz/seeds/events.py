# SPDX-License-Identifier: MIT
"""reader of server-sent events: the same events wherever cut, and what the standard says"""

from corpus import files, framed, literals

MAX_BYTES = 4096
RUNS = 8000

ENDS = [bytes([way]) + cuts for way in (5, 4, 3, 2, 1, 0) for cuts in (b"\1", b"\x09")]


def seeds():
    texts = literals("tests/unit/sources/test_event_reader.c")
    for content in files("mastodon/*"):
        texts += [content[at:at + 3000] for at in range(0, min(len(content), 30000), 3000)]
    texts += [b"\xef\xbb\xbfevent: update\ndata: {}\n\n", b":)\n\n:thump\r\n\r\rdata\ndata:\ndata: x\n\n"]
    yield from framed(texts, ENDS)
