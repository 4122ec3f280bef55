# SPDX-License-Identifier: MIT
"""zstd with and without a dictionary: packed and back, never more out than there is room for"""

from corpus import framed, lines

MAX_BYTES = 2000
RUNS = 2500

ENDS = [b"\xff\3", b"\x10\x83", b"\xff\x86", b"\1\0"]
MAGIC = b"\x28\xb5\x2f\xfd"
# a raw block, one byte repeated, a frame that claims much, two frames, a frame to be skipped
FRAMES = [MAGIC + b"\x20\3\x19\0\0abc", MAGIC + b"\x60\x00\x01\x03\x08\0a", MAGIC + b"\xa0\xff\xff\xff\xff\3\xff\xffz",
          MAGIC + b"\0\x88\x01\0\0", MAGIC + b"\x20\1\x09\0\0a" * 2, b"\x50\x2a\x4d\x18\2\0\0\0ab", MAGIC + b"\x23\7\0\0\0\1\1\0\0"]


def seeds():
    texts = FRAMES + [b"", b"{}" * 300] + [line[:1900] for line in lines("bluesky/*.json*", 12)]
    yield from framed(texts * 2, ENDS)
