# SPDX-License-Identifier: MIT
"""DNS gone and back, for live sources and for Amazon: the loop never waits for it, the state says it, and it
goes on by itself."""

import time

import pytest

import aws_truth
import live
from aws_truth import SETTINGS
from fake_aws import FakeAws
from world import HANG, HERE, TRY_AGAIN, UNKNOWN, World, by_name

WAYS = {"try again": TRY_AGAIN, "unknown": UNKNOWN, "no answer": HANG}
LONGEST_TURN_S = 1.0  # of a daemon on a busy machine; a resolver that is waited for takes many


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def asks_quickly(daemon, seconds):
    """The longest that an answer took in so many seconds."""
    longest, end = 0.0, time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        assert daemon.get("/healthz").status == 200
        longest = max(longest, time.monotonic() - began)
        time.sleep(0.02)
    return longest


def is_up(daemon):
    """A source may ask for its names before the server listens, and is not ready without them."""
    try:
        return daemon.get("/healthz").status == 200
    except OSError:
        return False


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["twitter-v1", "mastodon", "jetstream"])
def test_a_source_without_names(start, streaming, world, name, way):
    service = streaming.service(name)
    settings = {**live.settings(streaming, name), "source.url": by_name(streaming.url_of(name), "live")}
    world.names(WAYS[way])
    daemon = start(settings, environ={**live.secrets(streaming, name), **world.environ}, up=False).spawn()
    daemon.wait_for(lambda: world.asked > 0 and is_up(daemon), "the name is asked for")
    assert asks_quickly(daemon, 0.5) < LONGEST_TURN_S
    if way == "no answer":
        world.pass_time(40)  # past the time that connecting may take
        assert asks_quickly(daemon, 1) < LONGEST_TURN_S, "the loop waits for the resolver"
    daemon.wait_for(lambda: any(word in live.source_text(daemon) for word in ("live.test", "Resolving")), "the state says it")
    world.names(HERE)
    daemon.wait_for(lambda: world.pass_time(1) or service.is_streaming(), "it connects by itself")
    posts = live.unedited(name, 50)
    service.publish(posts)
    live.wait_until_counted(daemon, live.truth_of(name, posts))


@pytest.mark.parametrize("way", WAYS)
def test_a_drain_without_names(start, streaming, world, way):
    """SIGTERM while a name is asked for ends at once."""
    settings = {**live.settings(streaming, "mastodon"), "source.url": by_name(streaming.url_of("mastodon"), "live")}
    world.names(WAYS[way])
    daemon = start(settings, up=False,
                   environ={**live.secrets(streaming, "mastodon"), **world.environ}).spawn()
    daemon.wait_for(lambda: world.asked > 0, "the name is asked for")
    began = time.monotonic()
    daemon.stop(timeout=20)
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("way", WAYS)
def test_amazon_without_names(start, world, way):
    with FakeAws(seed=7) as aws:
        aws_truth.create_account(aws)
        environ = aws.environment()
        environ = {key: by_name(value, "amazon") if key.startswith("AWS_ENDPOINT_URL") else value
                   for key, value in environ.items()}
        daemon = start(SETTINGS, environ={**environ, **world.environ})
        tweets = aws_truth.made_tweets(100)
        aws_truth.put(aws, tweets)
        aws_truth.wait_for_counts(aws, aws_truth.count_of(tweets))
        world.names(WAYS[way])
        asked = world.asked
        for _ in range(5):  # connections and remembered names grow old
            world.pass_time(70)
            assert asks_quickly(daemon, 0.3) < LONGEST_TURN_S, "the loop waits for the resolver"
        tweets += aws_truth.made_tweets(100, first=1000)
        aws_truth.put(aws, tweets[100:])
        daemon.wait_for(lambda: world.asked > asked, "the name is asked for again")
        world.names(HERE)
        daemon.wait_for(lambda: world.pass_time(1) or aws_truth.counts(aws) == aws_truth.count_of(tweets), "exact counts")
        daemon.stop()
