# SPDX-License-Identifier: MIT
"""what an answer that is no success means, and whether it is tried again: total, in words"""

from corpus import literals

MAX_BYTES = 4096
RUNS = 10000


def seeds():
    for number, text in enumerate(literals("tests/unit/aws/test_failure.c")):
        yield text + bytes([number % 2, number & 255, 1, number % 7])
        yield b"ThrottlingException\n%%\n" + text + bytes([1, number & 255, 1, number % 7])
