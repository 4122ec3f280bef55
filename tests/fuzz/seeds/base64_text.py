# SPDX-License-Identifier: MIT
"""Base64: accepted and decoded as RFC 4648 says, at every alignment and in place"""

from corpus import literals

MAX_BYTES = 512
RUNS = 15000


def seeds():
    yield from literals("tests/unit/json/test_base64.c")
    for length in (0, 1, 31, 32, 33, 64, 200):
        yield bytes(range(length)) + b"\x03"
        yield b"QUJD" * length + b"\x07"
