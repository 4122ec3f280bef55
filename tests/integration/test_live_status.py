# SPDX-License-Identifier: MIT
"""What /status and /metrics tell of a live source: its state, what it saw, why it came again."""

import time

import pytest

import live
from streaming_server import HTML, Plan, refusal, samples


def connection(daemon, index=0):
    return daemon.status()["sources"][index]["connection"]


@pytest.mark.parametrize("name", live.SOURCES)
def test_a_connection_that_works_and_breaks(start, streaming, name):
    service = streaming.service(name)
    service.script(Plan(after=50, end="reset"))
    daemon = live.run(start, streaming, name)
    source = daemon.status()["sources"][0]
    assert (source["name"], source["type"], source["state"]) == (name, name, "working"), source
    assert source["connection"]["state"] == "connected" and source["connection"]["connects"] == 1
    assert source["connection"]["reconnects"] == {}
    messages = live.unedited(name, 80)
    service.publish(messages)
    live.wait_until_counted(daemon, live.truth_of(name, messages))
    found = connection(daemon)
    now = time.time()
    assert found["connects"] == 2 and sum(found["reconnects"].values()) == 1, found
    assert set(found["reconnects"]) <= {"network", "ended"}, found
    assert abs(now - found["last_message_at"]) < 30 and abs(now - found["last_byte_at"]) < 30
    assert found["received_bytes"] > sum(len(getattr(message, "data", message)) for message in messages) / 2
    assert daemon.metric("hashtagd_source_connects_total") == 2
    assert daemon.metric("hashtagd_source_reconnects_total") == 1
    if name == "jetstream":
        assert found["repeats"] > 0, "the cursor goes back a little"


def test_what_the_service_reports(start, streaming):
    daemon = live.run(start, streaming, "twitter-v2")
    limit = connection(daemon)["rate_limit"]
    assert limit["limit"] == 50 and limit["remaining"] == 49 and limit["reset_at"] == streaming.twitter_v2.reset_at


def test_events_that_say_nothing_of_hashtags(start, streaming):
    daemon = live.run(start, streaming, "mastodon")
    streaming.mastodon.publish([samples.Message(b"7", event="unheard_of"), samples.Message(b"undefined", event="filters_changed"),
                                samples.Message(samples.packed(samples.status(116 * 10**15, ["a"])), id=str(116 * 10**15))])
    live.wait_until_counted(daemon, {"a": 1})
    assert connection(daemon)["skipped"] == 2
    assert daemon.metric("hashtagd_source_skipped_total") == 2


def test_what_v1_holds_back(start, streaming):
    daemon = live.run(start, streaming, "twitter-v1")
    streaming.twitter_v1.publish([samples.packed({"limit": {"track": track}}) for track in (5, 19, 6, 6)])
    daemon.wait_for(lambda: connection(daemon)["undelivered"] is not None, "the limit notice is told")
    streaming.twitter_v1.publish([samples.v1_post(1, ["a"])])
    live.wait_until_counted(daemon, {"a": 1})
    assert connection(daemon)["undelivered"] in (6, 19), "the last or the largest, never the sum"


def test_a_refusal_is_told_waited_for_and_over(start, streaming):
    """The first rung for an HTTP error is five seconds; the page's words are told without its tags."""
    service = streaming.twitter_v1
    service.script(refusal(503, HTML))
    daemon = start(live.settings(streaming, "twitter-v1"), environ=live.secrets(streaming, "twitter-v1"), up=False)
    daemon.spawn()
    streaming.wait_for(service.streams, "an attempt")
    found = daemon.wait_for(lambda: is_waiting(daemon), "it waits")
    assert "503" in found["text"] and "<" not in found["text"]
    assert found["connection"]["next_try_at"] - time.time() < 8
    assert daemon.get("/readyz").status == 503
    live.until_streaming(streaming, "twitter-v1", daemon)
    assert 4.9 < streaming.visits.waits("twitter-v1")[0] < 7
    daemon.wait_for(lambda: daemon.get("/readyz").status == 200, "it is over")
    assert daemon.status()["sources"][0]["connection"]["reconnects"] == {"http_error": 1}
    assert daemon.log.count("503") == 1, "a line when the state changes, not one a try"


def is_waiting(daemon):
    try:
        source = daemon.status()["sources"][0]
    except OSError:
        return None
    return source["connection"]["state"] == "waiting" and source


def test_what_is_no_message_is_kept(start, streaming):
    """Bad lines are dead letters, and their neighbours count."""
    daemon = live.run(start, streaming, "twitter-v2")
    lines = [samples.v2_post(1, ["a"]), b"nonsense", b'{"data":{"id":"2","text":"cut', b"\xff\xfe", samples.v2_post(3, ["a"])]
    streaming.twitter_v2.rules.set("#cats")
    streaming.twitter_v2.publish(lines)
    live.wait_until_counted(daemon, {"a": 2})
    daemon.wait_for(lambda: daemon.metric("hashtagd_dead_letters_total") == 3, "three dead letters")
