# SPDX-License-Identifier: MIT
"""Hashtags that mean no good, everywhere where a hashtag can be: they are counted or refused, and what is
written of them (lists, events, log, archive, terminal) stays what it is."""

import gzip
import json
import re
import time
import urllib.parse

import pytest

from daemon import hashtagd, tweet
from independent_count import fold

HOSTILE = {
    "newline": "a\nb", "carriage return": "a\r\nSet-Cookie: x=y", "null": "a\0b", "escape": "\x1b[2J\x1b]0;owned\x07", "bell": "\x07",
    "one-byte controls": "\x9b31mred", "right to left": "abc\u202etxt.exe", "isolates": "\u2066a\u2069", "zero width": "a\u200bb", "joiners": "a\u200db",
    "only joiners": "\u200d\u200c", "soft hyphen": "a\u00adb", "byte order mark": "\ufeffa", "line separator": "a\u2028b\u2029c", "tags": "a\U000e0041b",
    "script": "<script>alert(1)</script>", "image": "\"><img src=x onerror=alert(1)>", "quotes": "a'b\"c`d", "backslashes": "a\\\\u0041\\n",
    "path": "../../etc/passwd", "slashes": "a/b/c", "query": "a?limit=1&b=c", "percent": "%25%32%66%00", "plus": "a+b c", "formula": "=cmd|'/c calc'!A1",
    "comma": "a,b;c\td", "braces": "{\"a\":[1]}", "format": "%s%n%1000000d", "shell": "$(reboot)`reboot`;reboot", "sql": "'; DROP TABLE items; --",
    "metric": 'x"} 1\nhashtagd_evil_total{a="', "event": "x\n\nevent: deleted\ndata: {}", "two kilobytes": "k" * 2048, "emoji": "👩‍👩‍👧‍👦" * 50, "zalgo": "z" + "\u0301" * 500,
    "private use": "\ue000\U0010fffd", "not a character": "\ufffe\uffff", "hashes": "###a", "wide hash": "＃a", "turkish": "İIıi", "ligature": "ﬁ" * 100,
}
LONG = {"over two kilobytes": "k" * 2049, "long after folding": "\ufdfa" * 200}


@pytest.fixture(scope="module")
def hostile(target):
    """The daemon with all of them counted, and {key: times}."""
    tweets = [tweet(5000 + number, text) for number, text in enumerate([*HOSTILE.values(), *LONG.values()])]
    answer = target.post_tweets(tweets)
    assert answer.status == 202 and answer.json["accepted"] == len(tweets), answer
    expected = {"honest": 2}
    for text in HOSTILE.values():
        if key := fold(text):
            expected[key] = expected.get(key, 0) + 1
    target.wait_until_counted(expected)
    return target, expected


def test_the_list_has_each_as_it_is(hostile):
    daemon, expected = hostile
    answer = daemon.get("/hashtags?limit=1000")
    assert {row["hashtag"]: row["count"] for row in answer.json["hashtags"]} == expected
    assert not re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", answer.body), "a control character is in the JSON"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", HOSTILE)
def test_each_is_found_by_its_path_and_prefix(hostile, name):
    daemon, expected = hostile
    text = HOSTILE[name]
    path = "/hashtags/" + urllib.parse.quote(text, safe="")
    answer = daemon.get(path)
    if not fold(text):
        assert answer.status in (400, 404)
        return
    assert answer.status == 200 and answer.json["count"] == expected[fold(text)], answer
    found = daemon.get("/hashtags?limit=1000&prefix=" + urllib.parse.quote(text, safe=""))
    assert fold(text) in [row["hashtag"] for row in found.json["hashtags"]]
    assert daemon.get("/hashtags/" + urllib.parse.quote(urllib.parse.quote(text, safe=""), safe="")).status in (200, 404)


@pytest.mark.parametrize("path", ["%ff%fe", "%c0%80", "%ed%a0%80", "%f8%88%80%80%80", "%", "%4", "%zz", "%00" * 2000, "%f4%90%80%80", "a" * 2049, "%2e%2e%2f" * 100])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_paths_that_are_no_hashtag(hostile, path, method):
    daemon, _ = hostile
    answer = daemon.request(method, "/hashtags/" + path)
    assert answer.status in (400, 404), answer
    assert json.loads(answer.body.decode())["status"] == answer.status
    answer = daemon.get("/hashtags?prefix=" + path)
    assert answer.status in (200, 400) and json.loads(answer.body.decode()) is not None


def test_no_metric_and_no_log_line_has_one(hostile):
    daemon, _ = hostile
    for path in ("/metrics", "/status", "/readyz"):
        text = daemon.get(path, headers={"Accept": "application/openmetrics-text"} if path == "/metrics" else {}).text
        assert "evil" not in text and "<script" not in text and "\x1b" not in text
    for line in daemon.log.splitlines():
        assert re.match(r"time=\S+ level=\w+ part=\w+ msg=", line), f"a line of the log was forged: {line!r}"
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", daemon.log)


def test_events_cannot_be_forged(hostile):
    daemon, expected = hostile
    import http.client
    address = urllib.parse.urlsplit(daemon.url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=20)
    connection.request("GET", "/events?limit=100")
    stream = connection.getresponse()
    names, seen = [], None
    while seen is None:
        line = stream.readline().decode()
        if line.startswith("event:"):
            names.append(line.split(":", 1)[1].strip())
        elif line.startswith("data:"):
            data = json.loads(line[5:])
            seen = data if names[-1] == "top" else None
    connection.close()
    stream.close()
    assert set(names) <= {"top", "rates", "status"}
    assert {row["hashtag"] for row in seen["hashtags"]} == set(expected)


@pytest.mark.parametrize("arguments", [[], ["--window", "5m"]])
def test_the_terminal_is_left_alone(hostile, arguments):
    daemon, _ = hostile
    done = hashtagd("top", "-n", "100", "--url", daemon.url, *arguments)
    assert done.returncode == 0, done
    text = done.stdout.decode()
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text), "a control character reaches the terminal"
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u2028\u2029]", text), "text can be turned around"
    rows = [line for line in text.splitlines() if "honest" in line]
    assert len(rows) == 1


def test_archived_lines_stay_lines(hostile):
    daemon, expected = hostile
    for key in expected.keys() - {"honest"}:
        answer = daemon.delete("/hashtags/" + urllib.parse.quote(key, safe=""))
        assert answer.status == 200 and answer.json["hashtag"] == key, answer
    daemon.flush()

    def archived():
        found = {}
        for path in (daemon.data / "archive").rglob("*.gz"):
            for line in gzip.decompress(path.read_bytes()).split(b"\n"):
                if line:
                    row = json.loads(line)
                    found[row["hashtag"]] = row["count"]
        return found

    expected = {key: count for key, count in expected.items() if key != "honest"}
    daemon.wait_for(lambda: archived() == expected, "every deletion in the archive")
    for row in daemon.get("/archive?limit=1000").json["deletions"]:
        assert row["hashtag"] in expected


def test_requests_leave_the_log_alone(hostile):
    """Whatever stands in a request, it writes no line of its own."""
    daemon, _ = hostile
    for text in ("a%0atime=2026-01-01T00:00:00Z%20level=error%20part=x%20msg=forged", "%1b%5b31m"):
        daemon.get("/hashtags/" + text)
        daemon.get("/" + text, headers={"User-Agent": "forged\tpart=x", "Referer": text})
        daemon.post("/tweets", urllib.parse.unquote(text).encode(), headers={"Content-Type": "application/json"})
    time.sleep(0.05)
    assert "forged" not in daemon.log and "\x1b" not in daemon.log
