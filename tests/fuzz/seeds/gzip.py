# SPDX-License-Identifier: MIT
"""gzip: packed and back, the same however cut, never more out than allowed"""

import gzip
import zlib

from corpus import framed

MAX_BYTES = 2000
RUNS = 5000

ENDS = [b"\0\1", b"\4\x07", b"\x01\2\1", b"\x10\6\x55"]
TEXTS = [b"", b"a", b"#tag " * 500, bytes(range(256)) * 3, b"\0" * 100000]


def raw(text, level):
    packer = zlib.compressobj(level, zlib.DEFLATED, -15)
    return packer.compress(text) + packer.flush()


def seeds():
    texts = [raw(text, level) for text in TEXTS for level in (0, 1, 9)]
    packed = [gzip.compress(text, mtime=0) for text in TEXTS]
    texts += packed + [packed[1] + packed[2], packed[1] + b"\0" * 20, packed[1] + b"\0" + packed[1], packed[2][:-4],
                       b"\x1f\x8b\x08\x1e\0\0\0\0\0\3\2\0abname\0comment\0\1\2" + raw(b"x", 9), b"\x1f\x8b"]
    yield from framed(texts * 2, ENDS)
