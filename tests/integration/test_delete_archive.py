# SPDX-License-Identifier: MIT
"""A deleted hashtag leaves the table and reaches the archive."""

import gzip
import json
import time
import urllib.parse

import pytest

from daemon import tweet


def archived(daemon):
    """Every record of every archive file, in order of file and line; each file is whole gzip."""
    records = []
    for path in sorted((daemon.data / "archive").rglob("*.gz")):
        with gzip.open(path) as lines:
            records += [json.loads(line) for line in lines]
    return records


def count(daemon, *tags, first=1):
    daemon.post_tweets([tweet(first + number, tag) for number, tag in enumerate(tags)])
    for tag in tags:
        daemon.wait_for(lambda tag=tag: daemon.get("/hashtags/" + urllib.parse.quote(tag)).status == 200, tag)


def test_delete_answers_the_item_as_it_was(daemon):
    count(daemon, "foo", "foo", "foo")
    daemon.wait_until_counted({"foo": 3})
    item = daemon.get("/hashtags/foo").json
    answer = daemon.delete("/hashtags/foo")
    assert answer.status == 200
    body = answer.json
    assert (body["hashtag"], body["count"]) == ("foo", 3)
    assert (body["first_seen"], body["last_seen"]) == (item["first_seen"], item["last_seen"])
    assert abs(body["deleted_at"] - time.time()) < 60 and body["event_id"]
    assert daemon.get("/hashtags/foo").status == 404
    assert daemon.delete("/hashtags/foo").status == 404
    assert daemon.counts() == {}


def test_flush_brings_it_to_the_archive(daemon):
    count(daemon, "foo")
    deleted = daemon.delete("/hashtags/foo").json
    assert daemon.flush()["archived"] >= 1
    record, = archived(daemon)
    assert record["event_id"] == deleted["event_id"]
    assert (record["hashtag"], record["count"], record["origin"]) == ("foo", 1, "user")
    assert record["deleted_at"] == deleted["deleted_at"]
    assert record["item"]["hashtag"] == {"S": "foo"} and record["item"]["htCount"] == {"N": "1"}
    shown = daemon.get("/archive").json["deletions"]
    assert shown[0]["event_id"] == deleted["event_id"] and shown[0]["object"].startswith("deleted/")
    assert (daemon.data / "archive" / shown[0]["object"]).exists()


def test_the_buffer_time_brings_it_too(start):
    daemon = start({"archive.buffer_s": 1})
    count(daemon, "foo")
    daemon.delete("/hashtags/foo")
    daemon.wait_for(lambda: archived(daemon), "the record in the archive", timeout=20)


def test_a_deleted_hashtag_starts_again_from_nothing(daemon):
    count(daemon, "foo", "foo")
    daemon.wait_until_counted({"foo": 2})
    first = daemon.delete("/hashtags/foo").json
    count(daemon, "foo", first=10)
    daemon.wait_until_counted({"foo": 1})
    assert daemon.get("/hashtags/foo").json["windows"] == {"all": 1, "24h": 1, "1h": 1, "5m": 1}
    second = daemon.delete("/hashtags/foo").json
    daemon.flush()
    assert [(record["event_id"], record["count"]) for record in archived(daemon)] == [
        (first["event_id"], 2), (second["event_id"], 1)]


def test_counts_not_yet_written_go_along(start):
    daemon = start({"table.flush_interval_s": 3600})
    daemon.post_tweets([tweet(1, "foo"), tweet(2, "foo")])
    daemon.wait_until_counted({"foo": 2})
    assert daemon.delete("/hashtags/foo").json["count"] == 2
    daemon.kill()
    daemon.start()
    daemon.flush()
    assert daemon.counts() == {}
    assert [record["count"] for record in archived(daemon)] == [2]


@pytest.mark.parametrize("tag", ["été", "日本語", "한국어", "слово", "ہیش_ٹیگ", "a_b", "1a", "İstanbul", "नमस्ते"])
def test_tags_of_many_scripts(daemon, tag):
    count(daemon, tag)
    shown, = daemon.counts()
    assert daemon.delete("/hashtags/%23" + urllib.parse.quote(tag)).status == 200
    daemon.flush()
    record, = archived(daemon)
    assert record["hashtag"] == shown


def test_ttl_deletes_and_says_so(start):
    daemon = start({"table.ttl_s": 2})
    count(daemon, "foo")
    assert daemon.get("/hashtags/foo").json["expires_at"] is not None
    daemon.wait_until_counted({}, timeout=60)
    daemon.flush()
    record, = archived(daemon)
    assert (record["hashtag"], record["origin"]) == ("foo", "ttl")


def test_newest_first_and_no_more_than_asked_for(daemon):
    tags = [f"tag{number}" for number in range(5)]
    count(daemon, *tags)
    for tag in tags:
        assert daemon.delete(f"/hashtags/{tag}").status == 200
    daemon.flush()
    assert [row["hashtag"] for row in daemon.get("/archive?limit=3").json["deletions"]] == ["tag4", "tag3", "tag2"]
    assert daemon.get("/archive?limit=0").status == 400


def test_deletions_survive_kill_before_they_are_archived(daemon):
    tags = [f"tag{number}" for number in range(20)]
    count(daemon, *tags)
    identities = {daemon.delete(f"/hashtags/{tag}").json["event_id"] for tag in tags}
    daemon.kill()
    daemon.start()
    assert daemon.counts() == {}
    daemon.flush()
    assert {record["event_id"] for record in archived(daemon)} == identities


def test_archive_none_keeps_nothing(start):
    daemon = start({"archive.type": "none"})
    count(daemon, "foo")
    assert daemon.delete("/hashtags/foo").status == 200
    daemon.flush()
    assert archived(daemon) == []
    assert daemon.part("archive")["state"] == "off"
