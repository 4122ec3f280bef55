# SPDX-License-Identifier: MIT
"""a segment log that was damaged in any way: opens or says so, and takes new records"""

MAX_BYTES = 1024
RUNS = 300


def seeds():
    for kind in range(12):
        for blocks in (1, 3, 6):
            yield b"noise" * 20 + bytes([7] * 8 + [3] * blocks + [kind, blocks])
    bomb = bytes.fromhex("28b52ffd")
    yield bomb + bytes(30) + bytes([255, 24, 20, 30, 1] + [5] * 4 + [4, 2])
