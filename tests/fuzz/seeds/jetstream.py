# SPDX-License-Identifier: MIT
"""source jetstream, packed messages too: the same posts and cursor however many come in one read"""

from corpus import framed, lines, literals

MAX_BYTES = 3000
RUNS = 600

ENDS = [b"\0", b"\1"]


def event(number, operation="create", age_s=0):
    return ('{"did":"did:plc:a","time_us":%d,"kind":"commit","commit":{"rev":"3m%d","operation":"%s","collection":'
            '"app.bsky.feed.post","rkey":"3k%d","record":{"text":"#a"}}}'
            % (1783175888000000 - age_s * 1000000, number, operation, number)).encode()


def say(*parts):
    return b"\xfe\xfe".join(bytes([how]) + text for how, text in parts)


def seeds():
    account = b'{"did":"did:plc:a","time_us":1783175888000001,"kind":"account","account":{"active":false,"status":"deleted"}}'
    texts = [say((0, event(1)), (4, event(2)), (0, event(1)), (7, b""), (0, event(2)), (4, event(3, "update")), (0, account)),
             say((0, event(1, age_s=90)), (0, b"{"), (3, b"\x28\xb5\x2f\xfd"), (4, b"{"), (0, b""), (5, event(4))),
             say((0, event(1)), (7, b""), (7, b""), (0, event(5)))]
    real = [line[:1200] for line in lines("bluesky/*.json*", 12)]
    texts += [say((0, line), (4, line), (7, b""), (0, line)) for line in real]
    texts += [say((0, text), (4, text)) for text in literals("tests/unit/sources/test_jetstream_event.c") if b"{" in text]
    yield from framed(texts * 2, ENDS)
