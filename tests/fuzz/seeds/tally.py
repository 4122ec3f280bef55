# SPDX-License-Identifier: MIT
"""windows kept in the table, as any bytes: applied whole or refused, the same after a restart"""

MAX_BYTES = 1024
RUNS = 150


def seeds():
    part = b"\x01a\x05\x02cc\xff\x01"
    for decision in range(8):
        yield part + b"\n%%\n" + part * 3 + bytes([decision * 40 & 255, decision, 3, decision, 1])
    yield bytes(range(256)) * 3
