# SPDX-License-Identifier: MIT
"""Captured streams, played to the whole program, count what an independent reading counts."""

import json

import live
from independent_count import messages as tweets_of
from independent_count import read, values
from social_truth import SocialTruth, read_sse
from streaming_server import Plan
from streaming_server.feed import Message
from streaming_server.samples import POST


def play(start, streaming, name, messages, more=None, plans=(Plan(cuts="random", seed=3),)):
    """The daemon's counts are those of the messages."""
    service = streaming.service(name)
    service.script(*plans)
    daemon = live.run(start, streaming, name, more=more or {})
    service.publish(messages)
    expected = live.truth_of(name, messages)
    assert expected, "there is something to count"
    live.wait_until_counted(daemon, expected)
    return daemon


def v2_lines(paths):
    """Each post of search answers as the stream would send it: with the posts that it refers to, not with those
    of the whole answer, which would be a hundred times as much."""
    for path in paths:
        for value in values(read(path)):
            includes = value.get("includes") if isinstance(value, dict) else None
            for tweet, own in tweets_of(value):
                referred = {other.get("id") for other in tweet.get("referenced_tweets", [])}
                others = [other for other in (own or includes or {}).get("tweets", []) if other["id"] in referred]
                yield json.dumps({"data": tweet, **({"includes": {"tweets": others}} if others else {})},
                                 ensure_ascii=False).encode()


def test_x_v2_stream_as_captured(start, streaming, shared):
    """Byte for byte, the line that is cut off at its end included."""
    body = (shared / "v2" / "filtered-stream-with-truncated-tail.jsonl").read_bytes()
    lines = [line for line in body.replace(b"\r\n", b"\n").split(b"\n") if line]
    play(start, streaming, "twitter-v2", lines, plans=(Plan(cuts=7),))


def test_x_v2_answers_as_a_stream(start, streaming, shared):
    lines = list(v2_lines(sorted((shared / "v2").glob("twarc-*.jsonl"))))
    assert len(lines) > 300
    play(start, streaming, "twitter-v2", lines, {"source.endpoint": "sample", "source.rules": []})


def test_x_v11_statuses_as_a_stream(start, streaming, shared):
    """Of a search answer, as ASCII lines between every kind of notice; also with lengths."""
    answer = json.loads((shared / "v11-search" / "twitter.json").read_bytes())
    notices = [line for line in (shared / "messages" / "v11-control-examples.jsonl").read_bytes().splitlines()
               if b'"disconnect"' not in line]
    lines = [json.dumps(status).encode() for status in answer["statuses"]]
    for number, notice in enumerate(notices):
        lines.insert(number * 7, notice)
    play(start, streaming, "twitter-v1", lines, {"source.delimited": True})


def test_x_v11_examples_as_a_stream(start, streaming, shared):
    paths = sorted((shared / "extended-tweet").glob("*.json")) + sorted((shared / "messages").glob("hbc-*.json"))
    lines = [json.dumps(value).encode() for path in paths if "disconnect" not in path.name
             for value in values(read(path))]
    play(start, streaming, "twitter-v1", lines)


def test_mastodon_as_captured(start, streaming, shared):
    messages = [Message(data, event) for path in sorted((shared / "mastodon").glob("*.sse"))
                for event, data in read_sse(path.read_bytes())]
    truth = SocialTruth()
    for message in messages:
        truth.mastodon(message.event, message.data)
    assert truth.posts > 2
    play(start, streaming, "mastodon", messages)


def test_jetstream_as_captured(start, streaming, shared):
    messages = []
    for name in ("jetstream-v1-golden.jsonl", "jetstream-v1-2026-07-04.jsonl"):
        for line in (shared / "bluesky" / name).read_bytes().splitlines():
            value = json.loads(line)
            collection = value.get("commit", {}).get("collection", "")
            messages.append(Message(line, time_us=value["time_us"], collection=collection, did=value["did"]))
    assert sum(message.collection == POST for message in messages) > 10
    play(start, streaming, "jetstream", messages)
