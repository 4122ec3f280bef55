# SPDX-License-Identifier: MIT
"""JSON: all scans and jansson agree, what is valid is written, parsed and located again"""

from corpus import literals

MAX_BYTES = 2048
RUNS = 8000


def seeds():
    for name in ("json", "json_locate", "number", "parts", "reader", "writer"):
        yield from literals(f"tests/unit/json/test_{name}.c")
