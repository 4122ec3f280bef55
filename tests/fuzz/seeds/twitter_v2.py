# SPDX-License-Identifier: MIT
"""source twitter-v2: token, rules and stream; the same messages however cut, and it always stops"""

from corpus import answers, files, framed

MAX_BYTES = 3000
RUNS = 1500

ENDS = [choice + cuts for choice in (b"\0", b"\1", b"\2", b"\4", b"\3") for cuts in (b"\x05", b"\1")]
TOKEN = (0, b"", b'{"token_type":"bearer","access_token":"AAAA%3Dbearer"}')
RULES = (0, b"", b'{"data":[{"id":"1","value":"#a","tag":"one"},{"id":"2","value":"#old"}],"meta":{"sent":"x"}}')
ADDED = (0, b"", b'{"data":[{"id":"3","value":"#b"}],"meta":{"summary":{"created":1,"not_created":0,"valid":1,"invalid":0}}}')
DELETED = (0, b"", b'{"meta":{"summary":{"deleted":1,"not_deleted":0}}}')
POST = b'{"data":{"id":"7","text":"#a","entities":{"hashtags":[{"start":0,"end":2,"tag":"a"}]}}}'
ERROR = b'{"errors":[{"title":"operational-disconnect","disconnect_type":"UpstreamOperationalDisconnect","detail":"x"}]}'
STREAM = (0, b"x-rate-limit-remaining: 3", POST + b"\r\n\r\n" + POST.replace(b"7", b"8") + b"\r\n" + ERROR + b"\r\n" + POST)
BUSY = (12, b"x-rate-limit-reset: 1783175890", b'{"title":"ConnectionException","connection_issue":"TooManyConnections"}')


def seeds():
    texts = [answers(TOKEN, RULES, ADDED, ADDED, DELETED, STREAM), answers(RULES, ADDED, ADDED, DELETED, STREAM, BUSY, STREAM),
             answers(RULES, ADDED, DELETED, STREAM, STREAM), answers(STREAM, BUSY, STREAM), answers(TOKEN, STREAM, (8, b"", b"")),
             answers(RULES, STREAM), answers((0, b"", b'{"meta":{"result_count":0}}')),
             answers(RULES, (0, b"", b'{"errors":[{"value":"#b","title":"Invalid Rule","details":["bad"]}],"meta":{}}'))]
    texts += [answers((0, b"", content[:1500] + b"\r\n")) for content in files("v2/*.json")]
    yield from framed(texts * 5, ENDS)
