# SPDX-License-Identifier: MIT
"""two files that are replayed: an end, and from any place on the same rest"""

from corpus import literals

MAX_BYTES = 4096
RUNS = 1000


def seeds():
    for name in ("documents", "replay_reader"):
        for text in literals(f"tests/unit/sources/test_{name}.c"):
            yield text + b"\n%%\n" + text + b"\x03"
