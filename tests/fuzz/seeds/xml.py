# SPDX-License-Identifier: MIT
"""XML of S3, STS and IAM: what expat takes is taken with the same elements and texts"""

from corpus import literals

MAX_BYTES = 2048
RUNS = 15000


def seeds():
    for name in ("xml", "failure", "s3_list_objects_v2", "iam_get_role", "sts_get_caller_identity"):
        yield from (text for text in literals(f"tests/unit/aws/test_{name}.c") if b"<" in text)
