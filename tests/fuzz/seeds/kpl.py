# SPDX-License-Identifier: MIT
"""aggregated Kinesis records: opened and walked as a second reading of the message does"""

import json

from corpus import files

MAX_BYTES = 2048
RUNS = 15000


def seeds():
    for content in files("kpl-vectors.json"):
        for vector in json.loads(content)["vectors"]:
            record = bytes.fromhex(vector["hex"])
            yield record + b"r"
            yield record[4:-16] + b"m"
    yield b"\x0a\x01k\x12\x01h\x1a\x0d\x08\x00\x10\x00\x1a\x02xy\x22\x03\x0a\x01tm"
