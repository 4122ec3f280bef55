# SPDX-License-Identifier: MIT
"""frames of a WebSocket server: the same messages wherever cut, those of RFC 6455; ours unmasked"""

import struct

from corpus import framed

MAX_BYTES = 3000
RUNS = 8000

ENDS = [bytes([most]) + cuts for most in (7, 5, 3, 2, 0x86) for cuts in (b"\1", b"\x0b")]


def frame(opcode, payload, final=True, mask=b"", reserved=0):
    length = len(payload)
    room = struct.pack("!BH", 126, length) if 125 < length < 65536 else bytes([length])
    head = bytes([final << 7 | reserved << 4 | opcode, room[0] | (0x80 if mask else 0)]) + room[1:] + mask
    return head + (bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload)) if mask else payload)


def seeds():
    text = "#héllo 😀 €".encode()
    texts = [
        frame(1, text), frame(2, b"\0\xff" * 100), frame(1, b""), frame(9, b"ping"), frame(10, b""),
        frame(8, b""), frame(8, struct.pack("!H", 1000) + b"bye"), frame(8, b"\3"), frame(8, struct.pack("!H", 1005)),
        frame(8, struct.pack("!H", 4999) + text), frame(8, struct.pack("!H", 1000) + b"\xff"),
        frame(1, text[:3], False) + frame(9, b"x") + frame(0, text[3:9], False) + frame(0, text[9:]),
        frame(1, text[:2], False) + frame(1, text), frame(0, b"a"), frame(3, b""), frame(11, b""),
        frame(1, text, mask=b"abcd"), frame(1, text, reserved=4), frame(9, b"x", False),
        frame(1, b"\xed\xa0\x80"), frame(1, b"\xf4\x90\x80\x80"), frame(1, b"\xc3", False) + frame(0, b"\x28"),
        b"\x81\x7e\x00\x05hello", b"\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x05hello", b"\x89\x7e\x00\x7e" + b"a" * 126,
        b"\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00", b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff",
        frame(2, b"z" * 700) + frame(1, b"after") + frame(8, b""),
    ]
    yield from framed(texts + texts, ENDS)
    yield from framed(texts, ENDS[::-1])
