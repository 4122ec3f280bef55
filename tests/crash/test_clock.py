# SPDX-License-Identifier: MIT
"""The wall clock is set, by hours and days, both ways, between runs and while it runs: counts stay exact,
windows say what happened lately, timers run on, and Amazon is spoken to in its own time."""

import json
import random
import time

import pytest

import aws_truth
from accounts import Client, Ledger, archive_lines, judge, wait_until_still
from aws_truth import SETTINGS
from conftest import SEED, crashes
from fake_aws import FakeAws
from world import World

HOUR, DAY = 3600, 86400
SMALL = {"stream.retention_bytes": 1 << 20, "archive.buffer_s": 1, "counting.repeat_window": 1000}
JUMPS = {"an hour ahead": HOUR, "days back": -3 * DAY, "years ahead": 4000 * DAY, "years back": -4000 * DAY}


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


@pytest.fixture
def client(tmp_path, world):
    made = Client(Ledger(SEED), SMALL, data=tmp_path / "data", environ=world.environ)
    yield made
    made.kill()
    if made.log_file.exists():
        print(made.log[-4000:])


def post(client, count=30):
    assert client.post_ids(client.ledger.take_ids(count)).status == 202


def own_tags(client, window):
    return {tag for tag in client.counts(window) if tag.startswith("own")}


@pytest.mark.parametrize("jump", JUMPS)
def test_the_clock_is_set_between_runs(client, world, jump):
    """Also over what is on the stream and not counted yet, older than it is kept."""
    client.settings["stream.retention_s"] = 60
    client.start()
    post(client)
    client.kill()
    world.set_wall(JUMPS[jump])
    client.start()
    post(client, 300)
    judge(client, client.ledger.promises())
    post(client)
    client.kill()
    world.set_wall(0)
    client.start()
    post(client)
    judge(client, client.ledger.promises())
    client.stop()


@pytest.mark.parametrize("jump", JUMPS)
def test_the_clock_is_set_while_it_runs(client, world, jump):
    """What came in just now is in the smallest window, whatever the clock showed before."""
    client.start()
    post(client)
    wait_until_still(client)
    for wall in (JUMPS[jump], 0):
        before = own_tags(client, "all")
        world.set_wall(wall)
        time.sleep(0.1)
        post(client)
        wait_until_still(client)
        new = own_tags(client, "all") - before
        client.wait_for(lambda: new <= own_tags(client, "5m"), f"what is new is in the window of 5 minutes, clock {wall:+}", 5)
        for window in ("5m", "1h", "24h"):
            counts, everything = client.counts(window), client.counts()
            assert all(count <= everything.get(tag, 0) for tag, count in counts.items()), window
        assert client.delete(f"/hashtags/shared{1 if wall else 2}").status in (200, 404)
        answered = [one.answer.json["event_id"] for one in client.ledger.requests
                    if one.method == "DELETE" and one.answer.status == 200]
        client.wait_for(lambda: set(answered) <= {line["event_id"] for line in archive_lines(client.data)},
                        "the archive's timer runs on", 10)
    judge(client, client.ledger.promises())
    lines = archive_lines(client.data)
    assert len({line["event_id"] for line in lines}) == len(lines)
    client.stop()


def test_a_clock_that_wanders(client, world):
    """Many jumps, with load and kills: nothing but the clock's own figures changes."""
    draw = random.Random(f"wanders {SEED}")
    client.start()
    for _ in range(crashes(15)):
        world.set_wall(draw.choice((0, draw.uniform(-3, 3), draw.uniform(-DAY, DAY), draw.uniform(-400, 400) * DAY)))
        post(client, draw.choice((1, 10, 100)))
        if draw.random() < 0.5:
            client.delete(f"/hashtags/shared{draw.randrange(10)}")
        if draw.random() < 0.3:
            client.flush()
        if draw.random() < 0.3:
            client.kill()
            client.start()
    judge(client, client.ledger.promises())
    client.stop()


def test_what_expires_by_the_clock_is_archived(client, world):
    """A jump ahead ends what was not seen for so long, by that clock; nothing vanishes without a line."""
    client.settings["table.ttl_s"] = HOUR
    client.start()
    post(client, 200)
    wait_until_still(client)
    world.set_wall(-DAY)
    post(client, 10)
    wait_until_still(client)
    assert not archive_lines(client.data), "a clock that went back ends nothing"
    world.set_wall(2 * DAY)
    world.pass_time(61)
    post(client, 20)
    client.wait_for(lambda: len(archive_lines(client.data)) > 100, "old hashtags are archived", 20)
    world.set_wall(0)
    post(client, 20)
    wait_until_still(client)
    assert {line["origin"] for line in archive_lines(client.data)} == {"ttl"}
    counts = client.counts()
    for line in archive_lines(client.data):
        counts[line["hashtag"]] = counts.get(line["hashtag"], 0) + line["count"]
    expected = {}
    for identity in range(1, client.ledger.next_id):
        for tag in client.ledger.tags(identity):
            expected[tag] = expected.get(tag, 0) + 1
    assert counts == expected
    client.stop()


@pytest.mark.parametrize("skew", [2 * HOUR, -2 * HOUR, 40 * DAY])
def test_amazon_in_another_time(start, world, skew):
    """Wrong from the start, and set while it runs."""
    with FakeAws(seed=7) as aws:
        aws_truth.create_account(aws)
        world.set_wall(skew)
        daemon = start(SETTINGS, environ={**aws.environment(), **world.environ})
        tweets = []
        for wall in (skew, 0, -skew):
            world.set_wall(wall)
            some = aws_truth.made_tweets(60, first=1 + len(tweets))
            tweets += some
            aws_truth.put(aws, some)
            aws_truth.wait_for_counts(aws, aws_truth.count_of(tweets))
        daemon.stop()
