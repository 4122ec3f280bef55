# SPDX-License-Identifier: MIT
"""text of a service's error: one short line, no control characters, nothing of the secret"""

from corpus import literals

MAX_BYTES = 4300
RUNS = 8000

SECRET = b"Bearer AAAAAAAAAAAAAAAAsecret"
BODIES = [
    b'{"title":"Unauthorized","detail":"no: AAAAAAAAAAAAAAAAsecret","errors":[{"message":"x","code":32}]}',
    b"<html><head><title>t</title><style>a</style></head><body>sorry &amp; bye AAAAAAAAAAAAAAAAsecret</body>",
    b'{"error":{"message":"a\\u0000b\\u0085c\\u001b[31m"},"error_description":"AAAAAAAA\\u0041AAAAAAAsecret"}',
    "x" .encode() * 250 + "é\u009b€".encode(), b"a" * 251 + b" " + b"\xf0\x9f\x98\x80" * 3,
]


def seeds():
    texts = literals("tests/unit/sources/test_answer_text.c") + BODIES
    yield from (text + SECRET + bytes([len(SECRET)]) for text in texts)
    yield from (text + b"\0" for text in texts)
