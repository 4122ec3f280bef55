# SPDX-License-Identifier: MIT
"""an answer of every operation at Amazon: one end, a status, all memory, words that are text"""

import pathlib

from corpus import ROOT, literals

OPERATIONS = 36

MAX_BYTES = 4096
RUNS = 12000


def seeds():
    folder = ROOT / "tests" / "unit" / "aws"
    answers = [text for path in sorted(pathlib.Path(folder).glob("test_*.c"))
               for text in literals(path.relative_to(ROOT)) if text[:1] in (b"{", b"<")]
    for number, text in enumerate(answers):
        for operation in (number % OPERATIONS, (number * 7 + 3) % OPERATIONS):
            yield text + bytes([number % 16, operation])
    for operation in range(OPERATIONS):
        yield b'{"__type":"x#ResourceNotFoundException","message":"m"}' + bytes([5, operation])
        yield b"abc\x1f<Error><Code>NoSuchBucket</Code></Error>" + bytes([5 + operation * 16 & 255, operation])
