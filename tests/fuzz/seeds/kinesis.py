# SPDX-License-Identifier: MIT
"""answers of GetRecords as jansson reads them, and the batch of their user records"""

import base64

from corpus import files, literals

MAX_BYTES = 4096
RUNS = 6000


def seeds():
    yield from (text + b"\x00" for text in literals("tests/unit/aws/test_kinesis_get_records.c"))
    yield from (text + b"\x05" for text in literals("tests/unit/backends/test_kinesis_batch.c"))
    record = b'{"SequenceNumber":"%d","ApproximateArrivalTimestamp":1.5e9,"Data":"%b","PartitionKey":"k"}'
    data = [b"aGVsbG8=", b"", b"aGVsbG8", base64.b64encode(b"\xf3\x89\x9a\xc2" + bytes(40))]
    for content in files("kpl-vectors.json"):
        data += [part.split(b'"')[2] for part in content.split(b'"base64":')[1:] if part.count(b'"') > 2]
    for choice, text in enumerate(data):
        records = b",".join(record % (number, text) for number in range(1, 4))
        yield b'{"Records":[' + records + b'],"NextShardIterator":"i","MillisBehindLatest":5}' + bytes([choice])
