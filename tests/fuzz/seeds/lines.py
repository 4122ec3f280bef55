# SPDX-License-Identifier: MIT
"""line reader of X's streams: the same messages wherever cut, and what a model says"""

from corpus import framed, lines, literals

MAX_BYTES = 2048
RUNS = 8000

CHOICES = [bytes([way << 1 | framing]) + cuts for way in range(6) for framing in (0, 1) for cuts in (b"\1", b"\7")]


def seeds():
    texts = literals("tests/unit/sources/test_line_reader.c")
    texts += [line + b"\r\n" for line in lines("messages/*.json*", 20)]
    texts += [b"%d\r\n%s\r\n" % (len(line) + 2, line) for line in lines("messages/*.json*", 10)]
    texts += [b'{"a":[\n1,\n"\\"\n"]}\n\r\n{}\n[]\r\n', b"3\r\n{}\r\n12\r\n{}\r\nx\r\n\r\n"]
    yield from framed(texts, CHOICES)
