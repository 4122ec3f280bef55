# SPDX-License-Identifier: MIT
"""GET /events: what the dashboard lives on."""

import http.client
import json
import time
import urllib.parse

import pytest

from daemon import tweet


class Events:
    """One open stream of events."""

    def __init__(self, daemon, query="", headers=None):
        address = urllib.parse.urlsplit(daemon.url)
        self.connection = http.client.HTTPConnection(address.hostname, address.port, timeout=20)
        self.connection.request("GET", "/events" + query, headers=headers or {})
        self.response = self.connection.getresponse()

    def __iter__(self):
        """(event, data) pairs; comments and other fields are passed over."""
        event, data = "message", []
        while True:
            line = self.response.readline()
            if not line:
                return
            line = line.decode().rstrip("\n")
            if line == "" and data:
                yield event, json.loads("\n".join(data))
            if line == "":
                event, data = "message", []
            elif line.startswith("event:"):
                event = line.removeprefix("event:").strip()
            elif line.startswith("data:"):
                data.append(line.removeprefix("data:").removeprefix(" "))

    def until(self, name, accept=lambda data: True, timeout=20):
        deadline = time.monotonic() + timeout
        for event, data in self:
            if event == name and accept(data):
                return data
            assert time.monotonic() < deadline, f"no {name} within {timeout} s"
        raise AssertionError(f"the stream ended before {name}")

    def close(self):
        self.connection.close()
        self.response.close()


@pytest.fixture
def events(daemon):
    opened = []

    def make(*arguments):
        opened.append(Events(daemon, *arguments))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def test_first_come_top_and_status(daemon, events):
    stream = events()
    assert stream.response.status == 200
    assert stream.response.getheader("Content-Type").startswith("text/event-stream")
    assert stream.response.getheader("Cache-Control") in ("no-store", "no-cache")
    assert stream.until("status")["ready"] is True
    assert stream.until("rates")["tweets"] >= 0


def test_a_new_count_arrives(daemon, events):
    stream = events("?limit=5")
    daemon.post_tweets([tweet(1, "foo")])
    top = stream.until("top", lambda data: data["hashtags"])
    assert top["hashtags"][0]["hashtag"] == "foo"
    assert len(top["hashtags"][0]["series"]) == 60


def test_the_list_is_as_asked_for(daemon, events):
    daemon.post_tweets([tweet(number, f"tag{number}") for number in range(1, 9)])
    daemon.wait_until_counted({f"tag{number}": 1 for number in range(1, 9)})
    top = events("?limit=3&window=5m").until("top", lambda data: data["hashtags"])
    assert top["window"] == "5m" and len(top["hashtags"]) == 3


@pytest.mark.parametrize("query", ["?limit=0", "?limit=101", "?window=1s"])
def test_wrong_query(daemon, query):
    assert daemon.get("/events" + query).status == 400


def test_a_deletion_is_told_and_told_again_when_archived(daemon, events):
    daemon.post_tweets([tweet(1, "foo")])
    daemon.wait_until_counted({"foo": 1})
    stream = events()
    deleted = daemon.delete("/hashtags/foo").json
    first = stream.until("deleted")
    assert first["hashtag"] == "foo" and first["event_id"] == deleted["event_id"]
    daemon.flush()
    again = first if first["archived"] else stream.until("deleted", lambda data: data["archived"])
    assert again["event_id"] == deleted["event_id"] and again["object"]


def test_every_listener_hears(daemon, events):
    streams = [events() for _ in range(20)]
    daemon.post_tweets([tweet(1, "foo")])
    for stream in streams:
        assert stream.until("top", lambda data: data["hashtags"])["hashtags"][0]["hashtag"] == "foo"


def test_a_stop_ends_the_stream(start, tmp_path):
    daemon = start()
    stream = Events(daemon)
    stream.until("status")
    began = time.monotonic()
    daemon.stop()
    assert time.monotonic() - began < 15
    for _ in stream:
        pass
    stream.close()
