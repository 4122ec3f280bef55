# SPDX-License-Identifier: MIT
"""bodies and files of tweets: same messages and rejects however cut, packed or plain"""

from corpus import files, framed, lines, literals

MAX_BYTES = 3000
RUNS = 4000

ENDS = [b"\1", b"\x07", b"\x33"]


def seeds():
    texts = literals("tests/unit/sources/test_documents.c") + literals("tests/unit/admin/test_tweets_body.c")
    texts = [text for text in texts if len(text) > 2]
    texts += [line[:2900] for line in lines("messages/*.json*", 20)]
    texts += [content[:2500] for content in files("v2/*.json")] + [content[:2500] for content in files("v11-search/*.json")]
    texts += [b'[{"id":1},\n{"id":2},x,{"id":3}]', b'{"statuses":[{"a":1},{"b":2}],"x":1}{"data":{"id":"1"}}',
              b'{"data":[{"id":"1","referenced_tweets":[{"id":"2"}]}],"includes":{"tweets":[{"id":"2"}]},"meta":{}}',
              b'{"data":"e30=","reason":"x"}\n[[[[1]]]]\n{"a":\n{"b":1}\n']
    yield from framed(texts, ENDS)
