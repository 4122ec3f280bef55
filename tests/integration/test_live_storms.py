# SPDX-License-Identifier: MIT
"""Live sources under trouble from a seed: whatever breaks, each message that was sent counts once.

HT_LIVE_SECONDS says how long each storm lasts (6), HT_LIVE_SEED which it is (1).
"""

import json
import os
import time

import pytest

import live
from streaming_server import FINE, Plan, refusal, samples, storm

SECONDS = float(os.environ.get("HT_LIVE_SECONDS", "6"))
SEED = int(os.environ.get("HT_LIVE_SEED", "1"))
RATE = 400
ENDS = ("close", "short", "cut", "reset", "told")


def rate_of(name):
    """A long storm asks Mastodon's timeline for no more pages than its limit of requests allows."""
    return 20 if name == "mastodon" and SECONDS >= 60 else RATE


def plans(name):
    """Connections that live for a second in a short storm, and for many in a long one."""
    most = rate_of(name) * (2 if SECONDS < 60 else 20)
    yield Plan(after=rate_of(name) // 2, end="reset", cuts="random", seed=SEED)
    yield Plan(is_reset=True)
    for number, plan in enumerate(storm(SEED, ENDS, most, noise=0.01, repeats=30 if name.startswith("twitter") else 0)):
        if SECONDS >= 60 and number % 20 == 19:
            yield refusal(503, b'{"error":"over capacity"}')
        yield plan


def messages_for(name):
    count = int(SECONDS * rate_of(name))
    if name == "jetstream":  # five seconds of its time are 250 messages, so that replays come to an end
        return live.posts(name, count, SEED, step_us=20000, first_us=time.time_ns() // 1000 - count * 20000)
    return live.unedited(name, count, SEED)


@pytest.mark.parametrize("name", live.SOURCES)
def test_a_storm(start, streaming, name):
    service = streaming.service(name)
    service.feed.rate = RATE if name.startswith("twitter") else None
    service.script(then=plans(name))
    if name == "mastodon":
        service.remaining = 10**9
    if name == "twitter-v2" and SECONDS >= 60:
        service.connects_a_window = 10**6  # else it waits out X's window of 15 minutes, as it should
    daemon = live.run(start, streaming, name)
    messages = messages_for(name)
    service.feed.pump(messages, rate_of(name)).result(SECONDS + 60)
    service.script(then=FINE)  # what a long storm held up comes after it
    if name.startswith("twitter"):
        streaming.wait_for(lambda: service.feed.next_unsent == len(messages), "all are sent", timeout=SECONDS + 60)
    live.wait_until_counted(daemon, live.truth_of(name, messages), timeout=20 if SECONDS < 60 else 300)
    assert len(service.connected()) >= 3, live.told(streaming, name)
    waits = streaming.visits.waits(name)
    assert waits[0] < 0.2, f"at once after a stream that ran: {waits}"
    waits = [wait for wait in waits[1:] if wait > 0.05]  # libcurl asks again by itself on a kept connection that is dead
    assert 0.2 < waits[0] < 1.5, f"250 ms after a failure of the network: {waits}"
    assert daemon.metric("hashtagd_source_reconnects_total") >= len(service.connected()) - 1


@pytest.mark.parametrize("name", ["jetstream", "mastodon"])
def test_kill_and_restart_lose_nothing(start, streaming, name):
    """What was sent after the last durable position comes again, what was sent meanwhile too."""
    service = streaming.service(name)
    daemon = live.run(start, streaming, name)
    count = 3 * RATE
    messages = (live.posts(name, count, step_us=20000) if name == "jetstream" else live.unedited(name, count))
    pumping = service.feed.pump(messages, RATE)
    for already in (count // 4, count // 2):
        streaming.wait_for(lambda: len(service.feed.messages) > already, "messages come")
        daemon.kill()
        seen = len(service.feed.messages)
        streaming.wait_for(lambda: len(service.feed.messages) > seen + 50, "messages come while it is down")
        daemon.spawn()
        live.until_streaming(streaming, name, daemon)
    pumping.result(60)
    live.wait_until_counted(daemon, live.truth_of(name, messages))


def test_a_cursor_goes_back_a_little(start, streaming):
    """A few seconds early, and the same events do not count again."""
    service = streaming.jetstream
    messages = live.posts("jetstream", 300)
    service.script(Plan(after=300))
    live.run(start, streaming, "jetstream")
    service.publish(messages)
    streaming.wait_for(lambda: len(service.connected()) == 2, "it comes again")
    cursor = int(service.connected()[1].query["cursor"][0])
    assert 1_000_000 <= messages[-1].time_us - cursor <= 30_000_000


@pytest.mark.parametrize("name", live.SOURCES)
def test_a_full_pipeline_holds_the_service_back(start, streaming, name):
    """A burst many times the budget: nothing is lost, memory stays."""
    daemon = live.run(start, streaming, name, more={"memory.budget_bytes": 1 << 20})
    before = resident_bytes(daemon)
    messages = live.posts(name, 4000)
    messages += [padded(name, number) for number in range(4000)]
    streaming.service(name).publish(messages)
    live.wait_until_counted(daemon, live.truth_of(name, messages))
    assert resident_bytes(daemon) - before < 64 << 20


def padded(name, number):
    """A post of six kilobytes."""
    text = "x" * 6000
    if name == "twitter-v1":
        return samples.v1_post(samples.FIRST_ID + 10**6 + number, ["big"], text=text)
    if name == "twitter-v2":
        return samples.v2_post(samples.FIRST_ID + 10**6 + number, ["big"], text=text)
    if name == "mastodon":
        status = samples.status(117 * 10**15 + number, ["big"], content=text)
        return samples.Message(samples.packed(status), id=str(status["id"]))
    return samples.event(samples.commit("did:plc:big", f"{number:09}", time.time_ns() // 1000 + 10**7 + number,
                                        record=samples.record(["big"], text=text)))


def resident_bytes(daemon):
    with open(f"/proc/{daemon.process.pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_two_sources_at_once(start, streaming, tmp_path):
    """A list in the file: both stream, both count, each is told of by its name, one may fail alone."""
    file = tmp_path / "hashtagd.json"
    file.write_text(json.dumps({"source": [
        {"type": "twitter-v2", "url": streaming.url, "rules": [{"value": "#cats"}]},
        {"type": "mastodon", "name": "fediverse", "url": streaming.url},
        {"type": "jetstream", "url": streaming.jetstream.url}]}))
    daemon = start({}, arguments=["--config", str(file)], up=False,
                   environ=live.secrets(streaming, "twitter-v2", "mastodon"))
    daemon.spawn()
    names = ("twitter-v2", "mastodon", "jetstream")
    for name in names:
        live.until_streaming(streaming, name, daemon)
    streaming.mastodon.script(Plan(after=100, end="reset"))
    expected, posts = {}, {name: live.unedited(name, 300) for name in names}
    for name in names:
        streaming.service(name).publish(posts[name])
        for tag, times in live.truth_of(name, posts[name]).items():
            expected[tag] = expected.get(tag, 0) + times
    live.wait_until_counted(daemon, expected)
    status = daemon.get("/status").text
    assert all(name in status for name in ("twitter-v2", "fediverse", "jetstream"))
    streaming.mastodon.script(then=refusal(401, b'{"error":"The access token was revoked"}'))
    streaming.call(break_streams(streaming.mastodon))
    daemon.wait_for(lambda: "revoked" in daemon.get("/status").text, "the failure is told")
    more = live.posts("jetstream", 50, seed=2)
    streaming.jetstream.publish(more)
    for tag, times in live.truth_of("jetstream", more).items():
        expected[tag] = expected.get(tag, 0) + times
    live.wait_until_counted(daemon, expected)


async def break_streams(service):
    for exchange in list(service.open_streams):
        exchange.reset()
        exchange.gone.set()
