# SPDX-License-Identifier: MIT
"""signatures: the same for any order of pairs and headers, and nothing of the secret"""

from corpus import literals

MAX_BYTES = 1024
RUNS = 5000
SEPARATOR = b"\n%%\n"


def seeds():
    texts = literals("tests/unit/aws/test_sigv4.c")
    for number, text in enumerate(texts):
        yield SEPARATOR.join([text, texts[number * 3 % len(texts)], b"host", text, b"a b", text]) + bytes(
            [number & 255] * 4 + [number % 32])
    yield SEPARATOR.join([b"/a/../b%20c//", b"b=2&a=1&a=%7e&c", b"h", b"v"]) + bytes([1, 2, 3, 4, 17])
