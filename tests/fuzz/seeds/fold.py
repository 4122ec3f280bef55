# SPDX-License-Identifier: MIT
"""folding and widths: total, bounded, the same when done twice, deaf to other spellings"""

from corpus import literals

MAX_BYTES = 17000
RUNS = 6000


def seeds():
    for name in ("fold", "width"):
        yield from literals(f"tests/unit/tweet/test_{name}.c")
