# SPDX-License-Identifier: MIT
"""items, numbers, marks, lease rows and removals of DynamoDB: exact, or refused"""

from corpus import literals

MAX_BYTES = 2048
RUNS = 8000


def seeds():
    for path in ("aws/test_dynamodb_item.c", "aws/test_attribute.c", "aws/test_dynamodb_streams_record.c",
                 "backends/test_dynamodb_leases.c", "backends/test_dynamodb_mark.c",
                 "backends/test_dynamodb_removal.c"):
        yield from literals("tests/unit/" + path)
