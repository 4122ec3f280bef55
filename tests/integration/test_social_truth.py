# SPDX-License-Identifier: MIT
"""The judge of the live sources, held to cases worked out by hand from the services' documents."""

import json

import pytest

from social_truth import SocialTruth, read_sse
from streaming_server import samples


def counted(feed, **options):
    truth = SocialTruth(**options)
    feed(truth)
    return dict(truth.counts)


def hashtags(*tags, key="tag"):
    return {"hashtags": [{key: tag} for tag in tags]}


@pytest.mark.parametrize("lines,expected", [
    ([{"data": {"id": "1", "text": "x", "entities": hashtags("A", "a", "ｂ")}}], {"a": 2, "b": 1}),
    ([{"data": {"id": "1", "text": "x", "entities": hashtags("cut"), "note_tweet": {"entities": hashtags("cut", "whole")}}}],
     {"cut": 1, "whole": 1}),
    ([{"data": {"id": "1", "text": "RT", "entities": hashtags("c"), "referenced_tweets": [{"type": "retweeted", "id": "2"}]},
       "includes": {"tweets": [{"id": "2", "text": "x", "entities": hashtags("cut", "whole")}]}}], {"cut": 1, "whole": 1}),
    ([{"data": {"id": "1", "text": "x", "entities": hashtags("a")}}, {"data": {"id": "1", "text": "x", "entities": hashtags("a")}}], {"a": 1}),
    ([{"data": {"id": "1", "text": "x", "entities": hashtags("a")}},
      {"data": {"id": "2", "text": "x", "edit_history_tweet_ids": ["1", "2"], "entities": hashtags("b")}}], {"a": 1}),
    ([{"data": {"id": "1", "text": "x", "entities": hashtags("a")}, "errors": [{"title": "Not Found Error"}]}], {"a": 1}),
    ([{"errors": [{"title": "operational-disconnect"}]}, {"data": {"delete": {"tweet": {"id": "1"}}}}], {}),
    ([{"id": 1, "id_str": "1", "text": "x", "entities": hashtags("cut", key="text"),
       "extended_tweet": {"entities": hashtags("cut", "whole", key="text")}}], {"cut": 1, "whole": 1}),
    ([{"id": 1, "id_str": "1", "text": "x", "entities": hashtags("own", key="text"),
       "quoted_status": {"id": 2, "text": "y", "entities": hashtags("other", key="text")}}], {"own": 1}),
    (samples.v1_notices(7) + [[], None, 7, {}], {}),
], ids=["folded", "note", "retweet", "repeat", "edit", "partial", "notices", "extended", "quote", "v1 notices"])
def test_x(lines, expected):
    assert counted(lambda truth: [truth.x(json.dumps(line)) for line in lines]) == expected


@pytest.mark.parametrize("line", [b"", b"\xff", b"{", b'{"data":', b"NaN", b'{"id_str":"1","text":"\\ud800","entities":{"hashtags":[{"text":"a"}]}}'])
def test_what_is_no_json_counts_nothing(line):
    assert counted(lambda truth: truth.x(line)) == counted(lambda truth: truth.mastodon("update", line)) == {}


@pytest.mark.parametrize("events,expected", [
    ([("update", samples.status(1, ["a", "B"])), ("update", samples.status(2, ["b"]))], {"a": 1, "b": 2}),
    ([("update", samples.status(1, ["a"])), ("update", samples.status(1, ["a", "b"]))], {"a": 1}),
    ([("update", samples.status(1, ["a", "b"])), ("status.update", samples.status(1, ["b", "c"], "2026")),
      ("status.update", samples.status(1, ["a", "d"], "2027"))], {"a": 1, "b": 1, "c": 1, "d": 1}),
    ([("status.update", samples.status(1, ["b", "c"], "2026")), ("update", samples.status(1, ["a"]))], {"b": 1, "c": 1}),
    ([("update", samples.status(1, [], reblog=samples.status(2, ["in"])))], {"in": 1}),
    ([("notification", {"status": samples.status(1, ["a"])}), ("delete", 1), ("conversation", {})], {}),
    ([("update", {"tags": [{"name": "a"}]}), ("update", {"id": "3", "tags": [{"name": "b"}, {"name": 7}]}),
      ("update", {"id": "4", "tags": [{"name": "c"}]}), ("update", {"uri": "", "tags": [{"name": "d"}]})], {"c": 1}),
], ids=["two", "repeat", "edits", "an edit first", "boost", "others", "malformed"])
def test_mastodon(events, expected):
    assert counted(lambda truth: [truth.mastodon(name, json.dumps(data)) for name, data in events]) == expected


def test_boosts_may_be_ignored():
    boost = json.dumps(samples.status(1, [], reblog=samples.status(2, ["in"])))
    assert counted(lambda truth: truth.mastodon("update", boost), retweets="ignore") == {}


def commit(*arguments, **options):
    return samples.commit("did:plc:a", *arguments, **options)


@pytest.mark.parametrize("events,expected", [
    ([commit("1", 1, record=samples.record(["A", "a"], ["a", "B", "B"]))], {"a": 1, "b": 1}),
    ([commit("1", 1, record=samples.record(["a"])), commit("1", 1, record=samples.record(["a"])),
      samples.commit("did:plc:b", "1", 1, record=samples.record(["a"]))], {"a": 2}),
    ([commit("1", 1, record=samples.record(["a", "b"])), commit("1", 2, "update", record=samples.record(["b", "c"]))], {"a": 1, "b": 1, "c": 1}),
    ([commit("1", 1, record=samples.record(["a"])), commit("1", 2, "delete")], {"a": 1}),
    ([commit("1", 1, collection="app.bsky.feed.like", record=samples.record(["a"])), {"kind": "account", "did": "x", "account": {}}], {}),
    ([commit("1", 1, record={"facets": [{"features": [{"$type": samples.FACET, "tag": ""}, {"$type": samples.FACET, "tag": 7}, 7,
                                                      {"$type": "app.bsky.richtext.facet#link", "tag": "no"},
                                                      {"$type": samples.FACET, "tag": "yes"}]}, 7, {"features": 7}], "tags": ["#t", 7]})],
     {"yes": 1, "t": 1}),
    ([commit("1", 1, record={"tags": ["x" * 2049]}), commit("2", 1, record=None), commit("3", 1, record={"facets": 7})], {}),
], ids=["union", "repeats", "edit", "delete", "others", "malformed", "long and missing"])
def test_jetstream(events, expected):
    assert counted(lambda truth: [truth.jetstream(json.dumps(event)) for event in events]) == expected


def test_server_sent_events():
    body = b":)\nevent: update\ndata: {\"a\":\ndata: 1}\n\n:thump\n\nevent: delete\r\ndata:7\r\n\r\ndata\n\nevent: no data\n\ndata: cut"
    assert list(read_sse(body)) == [("update", b'{"a":\n1}'), ("delete", b"7"), ("message", b"")]


def test_the_captures_have_hashtags(shared):
    """A judge that finds nothing judges nothing."""
    truth = SocialTruth()
    for path in sorted((shared / "bluesky").glob("*.jsonl")):
        for line in path.read_bytes().splitlines():
            truth.jetstream(line)
    assert sum(truth.counts.values()) >= 4 and truth.posts >= 17
    truth = SocialTruth()
    for path in sorted((shared / "mastodon").glob("*.sse")):
        for name, data in read_sse(path.read_bytes()):
            truth.mastodon(name, data)
    assert truth.posts >= 3
