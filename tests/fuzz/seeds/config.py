# SPDX-License-Identifier: MIT
"""configuration of any bytes: all mistakes at once, each with a place, no secret in any"""

from corpus import literals

MAX_BYTES = 2048
RUNS = 100
SEPARATOR = b"\n%%\n"


def seeds():
    texts = literals("tests/unit/daemon/test_config.c")
    for number, text in enumerate(texts[::12]):
        other = texts[number * 7 % len(texts)]
        yield text + bytes([number & 255])
        yield SEPARATOR.join([b"{}", b"HASHTAGD_" + text, other, b"X=1", other, text, other]) + bytes([96 + number % 32])
