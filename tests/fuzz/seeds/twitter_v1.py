# SPDX-License-Identifier: MIT
"""source twitter-v1: the same messages however the stream is cut and held back, and it always stops"""

from corpus import answers, framed, lines, literals

MAX_BYTES = 3000
RUNS = 1500

ENDS = [choice + cuts for choice in (b"\0", b"\2", b"\1", b"\3") for cuts in (b"\x05", b"\1", b"\x44")]
NOTICES = [b'{"disconnect":{"code":4,"stream_name":"","reason":"x"}}', b'{"limit":{"track":3}}',
           b'{"warning":{"code":"FALLING_BEHIND","message":"m","percent_full":60}}',
           b'{"disconnect":{"code":6}}', b'{"delete":{"status":{"id":1}}}']


def seeds():
    tweets = [line[:1200] for line in lines("messages/*.json*", 12)] or [b'{"id":1,"text":"#a"}']
    texts = []
    for number, tweet in enumerate(tweets):
        messages = [tweet, NOTICES[number % len(NOTICES)], b"", tweet[:50]]
        texts.append(answers((0, b"", b"\r\n".join(messages) + b"\r\n"), (12, b"Retry-After: 3", b"slow"),
                             (0, b"", b"%d\r\n%s\r\n" % (len(tweet) + 2, tweet)), (8, b"", b'{"errors":[{"code":32}]}')))
    texts += [answers((0, b"", text)) for text in literals("tests/unit/sources/test_twitter_v1_notice.c") if b"{" in text]
    texts.append(answers((11, b"", b"Exceeded connection limit for user"), (13, b"", b"<html>x"), (15, b"", b"")))
    yield from framed(texts * 2, ENDS)
