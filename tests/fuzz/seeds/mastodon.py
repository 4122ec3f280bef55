# SPDX-License-Identifier: MIT
"""source mastodon: server, stream, pages of a gap; the same statuses however cut, and it always stops"""

from corpus import answers, files, framed, literals

MAX_BYTES = 4000
RUNS = 1500

ENDS = [choice + cuts for choice in (b"\0", b"\1", b"\4") for cuts in (b"\x05", b"\1", b"\x44")]
SERVER = (0, b"", b'{"version":"4.2.0","configuration":{"urls":{"streaming":"wss://streaming.mastodon.example"}}}')


def status(number, tags=("a",), edited=None):
    tags = ",".join('{"name":"%s"}' % tag for tag in tags)
    return ('{"id":"%d","created_at":"2026-07-04T14:38:08.000Z","edited_at":%s,"content":"x","tags":[%s]}'
            % (110000000000000000 + number, '"%s"' % edited if edited else "null", tags)).encode()


def stream(*events):
    return (0, b"", b":)\n" + b"".join(b"event: %s\ndata: %s\n\n" % event for event in events))


def seeds():
    first = stream((b"update", status(1)), (b"delete", b"110000000000000001"), (b"update", status(1)),
                   (b"status.update", status(1, ("a", "b"), "2026-07-04T14:39:00.000Z")), (b"filters_changed", b""))
    second = stream((b"update", status(9)), (b"update", b"{"))
    page = (0, b"Link: <https://mastodon.example/api?max_id=5>; rel=\"next\"",
            b"[" + b",".join(status(number) for number in (8, 7, 6, 2)) + b"]")
    texts = [answers(SERVER, first, page, second, page, page), answers(SERVER, page, first, page, second, (12, b"Retry-After: 2", b"")),
             answers(SERVER, (0, b"", b"[]"), first, first), answers((10, b"", b'{"error":"Record not found"}'), first, page),
             answers(SERVER, (8, b"", b'{"error":"The access token is invalid"}')), answers(SERVER, (0, b"", b"event: update\ndata: "))]
    for content in files("mastodon/*"):
        texts.append(answers(SERVER, (0, b"", content[:2500]), page))
    texts += [answers(SERVER, (0, b"", text)) for text in literals("tests/unit/sources/test_mastodon_status.c") if len(text) > 30]
    yield from framed(texts * 3, ENDS)
