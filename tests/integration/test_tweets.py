# SPDX-License-Identifier: MIT
"""Tweets in: every form that is read, and what is wrong with the others. A bad one takes no neighbour along."""

import gzip
import json

import pytest

from daemon import hashtagd, tweet
from independent_count import count_files
from social_truth import SocialTruth
from streaming_server import samples

DEEP = b'{"id_str":"9","entities":' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}"

BAD = {
    "no JSON": b"nonsense",
    "cut off": b'{"id":9,"id_str":"9","entities":{"hashtags":[{"text":"bad"',
    "two values": b'{"id_str":"9"} {"id_str":"10"}',
    "nested too deep": DEEP,
    "a lone surrogate": b'{"id":9,"id_str":"9","entities":{"hashtags":[{"text":"bad\\ud800","indices":[0,1]}]}}',
    "no UTF-8": b'{"id":9,"id_str":"9","entities":{"hashtags":[{"text":"bad\xff","indices":[0,1]}]}}',
    "hashtags of another type": b'{"id":9,"id_str":"9","entities":{"hashtags":"bad"}}',
    "a hashtag that is a number": b'{"id":9,"id_str":"9","entities":{"hashtags":[{"text":7}]}}',
    "an id of another type": b'{"id":{},"id_str":[],"entities":{"hashtags":[{"text":"bad"}]}}',
    "no id": b'{"text":"#bad","entities":{"hashtags":[{"text":"bad"}]}}',
    "larger than a tweet may be": b'{"id":9,"id_str":"9","text":"' + b"x" * (2 << 20) + b'"}',
    "a list": b"[1]",
    "a number": b"7",
    "a NUL": b'{"id":9,"id_str":"9",\0}',
}


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_a_bad_tweet_among_good_ones(daemon, bad):
    answer = daemon.post_tweets([tweet(1, "foo"), BAD[bad], tweet(2, "foo", "bar")])
    assert answer.status == 202, answer
    body = answer.json
    assert body["accepted"] + len(body["rejected"]) >= 2
    for row in body["rejected"]:
        assert row["line"] == 2 and row["reason"], body
    daemon.wait_until_counted({"foo": 2, "bar": 1})
    assert daemon.get("/readyz").status == 200


def test_every_bad_tweet_at_once_through_put(daemon, tmp_path):
    path = tmp_path / "mixed.jsonl"
    lines = []
    for number, bad in enumerate(BAD.values(), 1):
        lines += [json.dumps(tweet(100 + number, "foo")).encode(), bad]
    path.write_bytes(b"\n".join(lines) + b"\n")
    hashtagd("put", path, "--set", f"data.dir={daemon.data}")
    daemon.wait_until_counted({"foo": len(BAD)})


def test_control_messages_count_nothing(daemon):
    notices = [{"delete": {"status": {"id": 1, "id_str": "1", "user_id": 3, "user_id_str": "3"}}},
               {"limit": {"track": 7}}, {"scrub_geo": {"user_id": 1, "user_id_str": "1", "up_to_status_id": 2}},
               {"warning": {"code": "FALLING_BEHIND", "message": "x", "percent_full": 60}},
               {"disconnect": {"code": 4, "stream_name": "x", "reason": "y"}}]
    daemon.post_tweets(notices + [tweet(5, "foo")])
    daemon.wait_until_counted({"foo": 1})


def hashtags(*tags, key="text"):
    return {"hashtags": [{key: tag} for tag in tags]}


@pytest.mark.parametrize("message,expected", [
    (tweet(1, "foo", "foo"), {"foo": 2}),
    ({**tweet(1, "cut"), "truncated": True, "extended_tweet": {"entities": hashtags("cut", "whole")}}, {"cut": 1, "whole": 1}),
    ({**tweet(1, "cut"), "retweeted_status": {**tweet(2, "cut", "whole")}}, {"cut": 1, "whole": 1}),
    ({**tweet(1, "cut"), "retweeted_status": {**tweet(2, "cut"), "extended_tweet": {"entities": hashtags("a", "b")}}},
     {"a": 1, "b": 1}),
    ({**tweet(1, "own"), "quoted_status": tweet(2, "other")}, {"own": 1}),
    ({"data": {"id": "1", "text": "x", "entities": hashtags("foo", key="tag")}}, {"foo": 1}),
    ({"id": "1", "text": "x", "entities": hashtags("foo", key="tag")}, {"foo": 1}),
    ({"data": {"id": "1", "text": "x", "entities": hashtags("cut", key="tag"), "note_tweet": {"entities": hashtags("cut", "whole", key="tag")}}},
     {"cut": 1, "whole": 1}),
    ({"data": {"id": "1", "text": "RT", "referenced_tweets": [{"type": "retweeted", "id": "2"}], "entities": hashtags("cut", key="tag")},
      "includes": {"tweets": [{"id": "2", "text": "x", "entities": hashtags("cut", "whole", key="tag")}]}}, {"cut": 1, "whole": 1}),
    ({"data": {"id": "1", "text": "x", "referenced_tweets": [{"type": "quoted", "id": "2"}], "entities": hashtags("own", key="tag")},
      "includes": {"tweets": [{"id": "2", "text": "x", "entities": hashtags("other", key="tag")}]}}, {"own": 1}),
], ids=["repeated", "extended", "retweet", "retweet of an extended one", "quote", "v2", "bare v2", "v2 note", "v2 retweet", "v2 quote"])
def test_which_hashtags_count(daemon, message, expected):
    assert daemon.post("/tweets", message).json["accepted"] == 1
    daemon.wait_until_counted(expected)


def test_retweets_may_be_ignored(start):
    daemon = start({"counting.retweets": "ignore"})
    daemon.post_tweets([{**tweet(1, "cut"), "retweeted_status": tweet(2, "cut")}, tweet(3, "foo")])
    daemon.wait_until_counted({"foo": 1})


def test_a_tweet_that_the_stream_holds_twice_counts_once(daemon):
    daemon.post_tweets([tweet(1, "foo"), tweet(1, "foo"), tweet(2, "foo")])
    daemon.post_tweets([tweet(2, "foo"), tweet(3, "bar")])
    daemon.wait_until_counted({"foo": 2, "bar": 1})


@pytest.mark.parametrize("body,kind", [
    (json.dumps(tweet(1, "foo")), "application/json"),
    (json.dumps(tweet(1, "foo"), indent=2), "application/json"),
    (json.dumps([tweet(1, "foo")]), "application/json"),
    (json.dumps({"statuses": [tweet(1, "foo")], "search_metadata": {}}), "application/json"),
    (json.dumps({"data": [{"id": "1", "text": "x", "entities": hashtags("foo", key="tag")}], "meta": {}}), "application/json"),
    (json.dumps(tweet(1, "foo")), "application/json; charset=utf-8"),
    (json.dumps(tweet(1, "foo")) + "\r\n\r\n\n", "application/x-ndjson"),
    ("\n\n" + json.dumps(tweet(1, "foo")), "application/x-ndjson"),
], ids=["one", "pretty", "array", "v1.1 search", "v2 search", "with charset", "line with CRLF", "line without end"])
def test_forms_of_a_body(daemon, body, kind):
    answer = daemon.post("/tweets", body, headers={"Content-Type": kind})
    assert answer.status == 202 and answer.json == {"accepted": 1, "rejected": []}, answer
    daemon.wait_until_counted({"foo": 1})


def test_many_in_one_body(daemon):
    answer = daemon.post_tweets([tweet(n, f"tag{n % 10}") for n in range(1, 5001)])
    assert answer.json == {"accepted": 5000, "rejected": []}
    daemon.wait_until_counted({f"tag{n}": 500 for n in range(10)})


def test_dead_letters_can_be_put_back(daemon):
    daemon.post_tweets([tweet(1, "foo"), BAD["a lone surrogate"], BAD["hashtags of another type"]])
    daemon.wait_until_counted({"foo": 1})
    letters = sorted((daemon.data / "dead-letters").glob("*")) if (daemon.data / "dead-letters").exists() else []
    for path in letters:
        for line in path.read_text().splitlines():
            assert {"data", "reason"} <= json.loads(line).keys()
    assert daemon.get("/readyz").status == 200


REAL = ["v11-search/twitter.json", "v2/filtered-stream-with-truncated-tail.jsonl", "v2/twarc-2sets.jsonl", "v2/twarc-edits.jsonl",
        "v2/twarc-flat.jsonl", "v2/twarc-kpop.jsonl", "v2/twarc-withheld.jsonl",
        "extended-tweet/extended_classic_14002.json", "extended-tweet/compatibility_extended_13996.json",
        "messages/v11-control-examples.jsonl", "messages/v2-control-examples.jsonl"]


@pytest.mark.parametrize("name", REAL)
def test_real_tweets_put(daemon, shared, name):
    hashtagd("put", shared / name, "--set", f"data.dir={daemon.data}")
    daemon.wait_until_counted(count_files([shared / name]))


def test_all_real_tweets_together(daemon, shared, tmp_path):
    paths = [shared / name for name in REAL]
    packed = tmp_path / "packed.jsonl.gz"
    packed.write_bytes(gzip.compress(paths[2].read_bytes()))
    hashtagd("put", *paths[:2], packed, *paths[3:], "--set", f"data.dir={daemon.data}")
    daemon.wait_until_counted(count_files(paths))


def test_real_tweets_posted(daemon, shared):
    path = shared / "v11-search/twitter.json"
    answer = daemon.post("/tweets", path.read_bytes(), headers={"Content-Type": "application/json"})
    assert answer.json["accepted"] == 100
    daemon.wait_until_counted(count_files([path]))


def test_real_tweets_replayed(start, shared):
    path = shared / "v2/twarc-kpop.jsonl"
    daemon = start({"source.type": "replay", "source.files": [str(path)], "source.rate": 0})
    daemon.wait_until_counted(count_files([path]))


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_posts_of_other_networks_put(daemon, tmp_path, end):
    """Lines of Bluesky's events and arrays of Mastodon's statuses; edits count what is new in them,
    also of posts that came before a restart."""
    truth = SocialTruth()
    events = [message.data for message in samples.jetstream_events(400, seed=5)]
    statuses = [message.data for message in samples.statuses(400, seed=6) if message.event.endswith("update")]
    for number, part in enumerate([slice(0, 200), slice(200, None)]):
        lines, array = tmp_path / f"events{number}.jsonl", tmp_path / f"statuses{number}.json"
        lines.write_bytes(b"\n".join(events[part]) + b"\n")
        array.write_bytes(b"[" + b",\n".join(statuses[part]) + b"]")
        hashtagd("put", lines, array, "--set", f"data.dir={daemon.data}")
        for event in events[part]:
            truth.jetstream(event)
        for status in statuses[part]:
            truth.mastodon("update", status)
        daemon.wait_until_counted(dict(truth.counts))
        if number == 0:
            getattr(daemon, end)()
            daemon.start()


def test_real_posts_of_bluesky_put(daemon, shared):
    truth = SocialTruth()
    paths = sorted((shared / "bluesky").glob("*.jsonl"))
    for path in paths:
        for line in path.read_bytes().splitlines():
            truth.jetstream(line)
    hashtagd("put", *paths, "--set", f"data.dir={daemon.data}")
    daemon.wait_until_counted(dict(truth.counts))
