# SPDX-License-Identifier: MIT
"""Each live source against its service: what is asked, in which words, and that all that came counts."""

import json
import time

import pytest

import live
from daemon import hashtagd
from streaming_server import Plan, refusal, samples


@pytest.mark.parametrize("name", live.SOURCES)
def test_everything_that_came_counts_once(start, streaming, name):
    daemon = live.run(start, streaming, name)
    messages = live.posts(name, 400)
    streaming.service(name).publish(messages)
    live.wait_until_counted(daemon, live.truth_of(name, messages))
    assert daemon.get("/readyz").status == 200
    assert len(streaming.service(name).streams()) == 1, live.told(streaming, name)


@pytest.mark.parametrize("name", live.SOURCES)
def test_any_border_between_bytes(start, streaming, name):
    """Messages of one length, the n-th in two pieces, cut behind its n-th byte."""
    streaming.service(name).script(Plan(cuts="each"))
    daemon = live.run(start, streaming, name)
    small = {"twitter-v1": lambda n: samples.v1_post(samples.FIRST_ID + n, ["ä", "東京"]),
             "twitter-v2": lambda n: samples.v2_post(samples.FIRST_ID + n, ["ä", "東京"]),
             "mastodon": lambda n: samples.Message(samples.packed(samples.status(116 * 10**15 + n, ["ä", "東京"]))),
             "jetstream": lambda n: samples.event(samples.commit("did:plc:x", f"{n:05}", time.time_ns() // 1000,
                                                                 record=samples.record(["ä", "東京"])))}[name]
    count = len(getattr(small(0), "data", small(0))) + 60
    streaming.service(name).publish([small(number) for number in range(count)])
    live.wait_until_counted(daemon, {"ä": count, "東京": count})
    assert daemon.metric("hashtagd_dead_letters_total") in (None, 0)


def test_v1_asks_as_documented(start, streaming):
    daemon = live.run(start, streaming, "twitter-v1", more={
        "source.track": ["a b", "ä&ö=%,#x"], "source.locations": ["-180,-90,180,90"], "source.follow": ["12", "13"],
        "source.language": ["en", "ja"], "source.delimited": True})
    service = streaming.twitter_v1
    visit = service.streams()[0]
    assert visit.method == "POST" and visit.headers["user-agent"].startswith("hashtagd")
    wanted = {"track": "a b,ä&ö=%,#x", "locations": "-180,-90,180,90", "follow": "12,13", "language": "en,ja",
              "delimited": "length"}
    assert wanted.items() <= service.parameters.items() and service.parameters.get("stall_warnings") == "true"
    messages = live.posts("twitter-v1", 100)
    service.publish(messages)
    live.wait_until_counted(daemon, live.truth_of("twitter-v1", messages))


def test_v1_sample(start, streaming):
    daemon = live.run(start, streaming, "twitter-v1", more={"source.endpoint": "sample", "source.track": []})
    visit = streaming.twitter_v1.streams()[0]
    assert (visit.method, visit.path) == ("GET", "/1.1/statuses/sample.json")
    assert "gzip" in visit.headers["accept-encoding"]
    messages = live.posts("twitter-v1", 100)
    streaming.twitter_v1.publish(messages)
    live.wait_until_counted(daemon, live.truth_of("twitter-v1", messages))


def test_v2_makes_the_rules_equal(start, streaming):
    rules = streaming.twitter_v2.rules
    rules.largest_page = 3
    rules.set("#stays", *(f"#old{n}" for n in range(7)))
    kept = next(iter(rules.rules))
    wanted = [{"value": "#stays"}, {"value": "#new", "tag": "t"}, {"value": "cats has:hashtags"}]
    live.run(start, streaming, "twitter-v2", more={"source.rules": wanted})
    assert sorted(rules.values()) == ["#new", "#stays", "cats has:hashtags"] and kept in rules.rules
    dry = [body for is_dry, body in rules.posts if is_dry]
    wet = [body for is_dry, body in rules.posts if not is_dry]
    assert any("add" in body for body in dry) and rules.posts[0][0], "tried without effect first"
    assert sum("add" in body for body in wet) == 1
    assert ("#new", "t") in rules.rules.values()


def test_v2_leaves_equal_rules_alone(start, streaming):
    streaming.twitter_v2.rules.set("#cats")
    live.run(start, streaming, "twitter-v2")
    assert streaming.twitter_v2.rules.posts == []


def test_v2_names_the_rule_that_is_wrong(start, streaming):
    daemon = start({**live.settings(streaming, "twitter-v2"), "source.rules": [{"value": "#fine"}, {"value": "(never closed"}]},
                   environ=live.secrets(streaming, "twitter-v2"), up=False)
    daemon.spawn()
    streaming.twitter_v2.rules.set("#before")
    text = until_source_tells(daemon, "never closed")
    assert "position" in text, "the service's own reason is told"
    assert streaming.twitter_v2.rules.values() == ["#before"], "nothing is changed by half"


def test_v2_asks_for_a_token(start, streaming):
    daemon = start(live.settings(streaming, "twitter-v2"), environ=streaming.twitter_v2.key_and_secret(), up=False)
    daemon.spawn()
    live.until_streaming(streaming, "twitter-v2", daemon)
    assert [visit.problem for visit in streaming.visits.of("twitter-v2", "token")] == [""]
    assert_no_secret(daemon, streaming.twitter_v2.bearer, streaming.twitter_v2.secret)


def test_v2_sample_needs_no_rules(start, streaming):
    daemon = live.run(start, streaming, "twitter-v2", more={"source.endpoint": "sample", "source.rules": []})
    assert streaming.visits.of("twitter-v2", "rules") == []
    messages = live.posts("twitter-v2", 100)
    streaming.twitter_v2.publish(messages)
    live.wait_until_counted(daemon, live.truth_of("twitter-v2", messages))


def test_v2_waits_its_turn(start, streaming):
    """Another connection is open: nothing is forced, and the wait is told."""
    streaming.twitter_v2.max_connections = 0
    daemon = start(live.settings(streaming, "twitter-v2"), environ=live.secrets(streaming, "twitter-v2"), up=False)
    daemon.spawn()
    daemon.wait_for(lambda: streaming.visits.streams("twitter-v2"), "an attempt")
    until_source_tells(daemon, "connection")
    wait_s = daemon.status()["sources"][0]["connection"]["next_try_at"] - time.time()
    assert 50 < wait_s < 80, "a minute, although X names a quarter of an hour for its other limits"
    assert len(streaming.visits.streams("twitter-v2")) == 1


@pytest.mark.parametrize("timeline,tag,path", [
    ("public", None, "/api/v1/streaming/public"), ("local", None, "/api/v1/streaming/public/local"),
    ("remote", None, "/api/v1/streaming/public/remote"), ("public", "Größe", "/api/v1/streaming/hashtag"),
    ("local", "cats", "/api/v1/streaming/hashtag/local")], ids=str)
def test_mastodon_timelines(start, streaming, timeline, tag, path):
    more = {"source.timeline": timeline, **({"source.track": [tag]} if tag else {})}
    daemon = live.run(start, streaming, "mastodon", more=more)
    visit = streaming.mastodon.streams()[0]
    assert visit.path == path and visit.query.get("tag") == ([tag] if tag else None)
    streaming.mastodon.publish([samples.Message(samples.packed(samples.status(7, ["a"])))])
    live.wait_until_counted(daemon, {"a": 1})


def test_mastodon_edits_add_and_deletes_take_nothing(start, streaming):
    daemon = live.run(start, streaming, "mastodon")
    streaming.mastodon.publish([
        samples.Message(samples.packed(samples.status(7, ["a", "b"]))),
        samples.Message(samples.packed(samples.status(7, ["b", "c"], "2026-01-01T00:00:00.000Z")), "status.update"),
        samples.Message(b"7", "delete"),
        samples.Message(samples.packed(samples.status(8, ["a"])))])
    live.wait_until_counted(daemon, {"a": 2, "b": 1, "c": 1})


def test_jetstream_asks_for_posts(start, streaming):
    daemon = live.run(start, streaming, "jetstream", more={"source.follow": ["did:plc:one", "did:plc:two"]})
    visit = streaming.jetstream.streams()[0]
    assert visit.path == "/subscribe" and visit.query["wantedCollections"] == [samples.POST]
    assert visit.query["wantedDids"] == ["did:plc:one", "did:plc:two"] and "cursor" not in visit.query
    now = time.time_ns() // 1000
    streaming.jetstream.publish([samples.event(samples.commit(did, "r", now, record=samples.record(["a"])))
                                 for did in ("did:plc:one", "did:plc:two", "did:plc:three")])
    live.wait_until_counted(daemon, {"a": 2})


def test_jetstream_with_the_dictionary(start, streaming, shared):
    path = shared / "bluesky" / "jetstream-v1.zdict"
    streaming.jetstream.dictionary = path.read_bytes()
    daemon = live.run(start, streaming, "jetstream", more={"source.dictionary": str(path)})
    assert streaming.jetstream.streams()[0].query["compress"] == ["true"]
    messages = live.posts("jetstream", 200)
    streaming.jetstream.publish(messages)
    live.wait_until_counted(daemon, live.truth_of("jetstream", messages))


def test_each_source_has_its_own_dictionary(start, streaming, shared, tmp_path):
    """One that is wrong for the first source says nothing about the second's."""
    path, wrong = shared / "bluesky" / "jetstream-v1.zdict", tmp_path / "wrong.zdict"
    wrong.write_bytes(b"no dictionary")
    streaming.jetstream.dictionary = path.read_bytes()
    file = tmp_path / "hashtagd.json"
    file.write_text(json.dumps({"source": [
        {"type": "jetstream", "name": name, "url": streaming.jetstream.url, "dictionary": str(dictionary)}
        for name, dictionary in (("first", wrong), ("second", path))]}))
    daemon = start({}, arguments=["--config", str(file)])
    streaming.wait_for(lambda: len(streaming.jetstream.streams()) == 2, "both connect")
    assert sorted("compress" in visit.query for visit in streaming.jetstream.streams()) == [False, True]
    assert "source=first" in daemon.log and "source=second dictionary_id" not in daemon.log


def test_jetstream_answers_pings(start, streaming):
    """The library ends a connection whose pings are not answered."""
    pings = []

    async def ping():
        for _ in range(5):
            answered = await streaming.jetstream.open_streams[0].ping(b"%d" % len(pings))
            pings.append(await answered)

    live.run(start, streaming, "jetstream")
    streaming.call(ping())
    assert len(pings) == 5


# Stopping, secrets, refusals


@pytest.mark.parametrize("name", live.SOURCES)
def test_a_stop_ends_the_connection_at_once(start, streaming, name):
    daemon = live.run(start, streaming, name)
    service = streaming.service(name)
    pumping = service.feed.pump(live.posts(name, 5000), 1000)
    daemon.wait_for(lambda: daemon.counts(), "something counts")
    began = time.monotonic()
    daemon.stop()
    assert time.monotonic() - began < 5
    streaming.wait_for(lambda: not service.is_streaming(), "the stream is over", timeout=3)
    assert service.streams()[0].ended_by == "client"
    pumping.cancel()


@pytest.mark.parametrize("name", live.SOURCES)
def test_a_stop_while_waiting(start, streaming, name):
    streaming.service(name).script(then=refusal(503))
    daemon = start(live.settings(streaming, name), environ=live.secrets(streaming, name), up=False)
    daemon.spawn()
    daemon.wait_for(lambda: streaming.visits.streams(name), "an attempt")
    until_source_tells(daemon, "503")
    began = time.monotonic()
    daemon.stop()
    assert time.monotonic() - began < 5


WRONG = {"twitter-v1": {"TWITTER_CONSUMER_KEY": "wrong-key", "TWITTER_CONSUMER_SECRET": "hush-hush-1",
                        "TWITTER_ACCESS_TOKEN": "hush-hush-2", "TWITTER_ACCESS_TOKEN_SECRET": "hush-hush-3"},
         "twitter-v2": {"TWITTER_BEARER_TOKEN": "hush-hush-1"}, "mastodon": {"MASTODON_ACCESS_TOKEN": "hush-hush-1"}}


@pytest.mark.parametrize("name", sorted(WRONG))
def test_wrong_keys_are_told_and_never_shown(start, streaming, name):
    daemon = start(live.settings(streaming, name), environ=WRONG[name], up=False)
    daemon.spawn()
    text = until_source_tells(daemon, "401")
    assert any(word in text for word in {k.removesuffix("_SECRET") for k in WRONG[name]} | {"token", "key"}), text
    ready = daemon.get("/readyz")
    assert ready.status == 503 and b"source" in ready.body, ready
    assert daemon.part("source")["state"] == "failed"
    assert_no_secret(daemon, "hush-hush")
    assert daemon.get("/healthz").status == 200


def test_wrong_key_and_secret_for_a_token(start, streaming):
    daemon = start(live.settings(streaming, "twitter-v2"), up=False,
                   environ={"TWITTER_CONSUMER_KEY": "wrong", "TWITTER_CONSUMER_SECRET": "hush-hush"})
    daemon.spawn()
    until_source_tells(daemon, "403")
    assert daemon.part("source")["state"] == "failed"
    assert_no_secret(daemon, "hush-hush")


@pytest.mark.parametrize("name", ["twitter-v1", "mastodon"])
def test_missing_keys_start_nothing(tmp_path, streaming, name):
    words = [word for key, value in live.settings(streaming, name).items() if isinstance(value, str)
             for word in ("--set", f"{key}={value}")]
    done = hashtagd("serve", *words, "--set", f"data.dir={tmp_path}/data", "--set", "admin.listen=127.0.0.1:0")
    assert done.returncode == 2 and next(iter(WRONG[name])).encode() in done.stderr, done
    assert not streaming.visits


def until_source_tells(daemon, word):
    """Waits until /status tells `word` of the source, and returns its text."""
    def told():
        try:
            part = daemon.part("source")
        except OSError:
            return None
        return word in str(part) and str(part)
    return daemon.wait_for(told, f"the source tells {word!r}")


def assert_no_secret(daemon, *words):
    shown = [daemon.log, daemon.get("/status").text, daemon.get("/metrics").text, daemon.get("/readyz").text]
    done = hashtagd("config", *(word for key, value in daemon.settings.items() if isinstance(value, str)
                                for word in ("--set", f"{key}={value}")), environ=daemon.environ)
    shown.append((done.stdout + done.stderr).decode(errors="replace"))
    for word in words:
        assert all(word not in text for text in shown), word
