# SPDX-License-Identifier: MIT
"""Bodies that mean no good: answered in full and in time, and the loop goes on turning."""

import json

import pytest

MOST = 32 << 20

BODIES = {
    "line feeds": (b"\n" * (MOST - 1), "application/x-ndjson"),
    "spaces": (b" " * (MOST - 1), "application/json"),
    "brackets": (b"[" * (MOST - 1), "application/json"),
    "deep objects": (b'{"a":' * (MOST // 5), "application/json"),
    "one text": (b'"' + b"\\u0041" * (MOST // 6 - 10) + b'"', "application/json"),
    "numbers": (b"[" + b"1," * 10_000_000 + b"1]", "application/json"),
    "one line": (b"[" * (MOST - 1), "application/x-ndjson"),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_large_body_is_refused(target, name):
    body, kind = BODIES[name]
    answer = target.post("/tweets", body, headers={"Content-Type": kind}, timeout=60)
    assert answer.status in (400, 413), answer
    assert answer.json["status"] == answer.status and answer.json["detail"]
    assert target.get("/hashtags/honest").status == 200


@pytest.mark.parametrize("line", [b"x", b"{}", b'{"id":1}'])
def test_every_refused_line_is_told(target, line):
    """50,000 reasons are more than a megabyte; they come whole."""
    answer = target.post("/tweets", (line + b"\n") * 49_999, headers={"Content-Type": "application/x-ndjson"}, timeout=60)
    assert answer.status == 400, answer
    assert [row["line"] for row in answer.json["rejected"]] == list(range(1, 50_000))


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "identity, gzip"])
def test_a_packed_body_is_not_unpacked(target, coding):
    """No coding of content is known here: what comes is what is read."""
    bomb = b"\x1f\x8b\x08" + b"\0" * 1000
    answer = target.post("/tweets", bomb, headers={"Content-Type": "application/json", "Content-Encoding": coding})
    assert answer.status in (400, 415), answer


def test_a_tweet_among_nonsense_counts(target):
    lines = [b"\x00", b"{", json.dumps({"id": 990, "text": "", "entities": {"hashtags": [{"text": "among"}]}}).encode(), b"[" * 5000, b"\xff\xfe"]
    answer = target.post("/tweets", b"\n".join(lines), headers={"Content-Type": "application/x-ndjson"})
    assert answer.status == 202 and answer.json["accepted"] == 1 and len(answer.json["rejected"]) == 4, answer
    target.wait_for(lambda: target.get("/hashtags/among").status == 200, "the tweet's count")
