# SPDX-License-Identifier: MIT
"""SIGSTOP for minutes, then SIGCONT: nothing is lost, nothing goes mad, what has expired is renewed.

The minutes pass on the clocks that the daemon sees (world.c).
"""

import collections
import http.client
import signal
import threading
import time

import pytest

import aws_truth
import live
from accounts import Client, Ledger, judge
from aws_truth import SETTINGS
from conftest import SEED, crashes
from daemon import Daemon
from fake_aws import FakeAws
from world import World

SMALL = {"stream.retention_bytes": 1 << 20, "archive.buffer_s": 1, "counting.repeat_window": 1000}
STOPS = max(2, crashes(2) // 10)


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def stand_still(daemon, world, minutes, true_s=0.2):
    daemon.process.send_signal(signal.SIGSTOP)
    time.sleep(true_s)
    world.pass_time(60 * minutes)
    daemon.process.send_signal(signal.SIGCONT)


def test_stopped_under_load(tmp_path, world):
    """Requests that wait meanwhile are answered, or cut; what was answered holds."""
    client = Client(Ledger(SEED), SMALL, data=tmp_path / "data", environ=world.environ)
    client.start()
    over = threading.Event()

    def load():
        while not over.is_set():
            try:
                client.post_ids(client.ledger.take_ids(20))
                client.delete("/hashtags/shared3")
            except (OSError, http.client.HTTPException):
                time.sleep(0.01)

    thread = threading.Thread(target=load)
    thread.start()
    try:
        for stop in range(STOPS):
            time.sleep(0.3)
            stand_still(client, world, 5)
            client.wait_for(lambda: client.get("/readyz").status == 200, "ready again", 10)
    finally:
        over.set()
        thread.join()
    judge(client, client.ledger.promises())
    client.stop()


@pytest.mark.parametrize("name", live.SOURCES)
def test_a_source_stopped(start, streaming, world, name):
    """What came meanwhile lies in the kernel: it is read before anybody's patience is judged."""
    service = streaming.service(name)
    daemon = start(live.settings(streaming, name), environ={**live.secrets(streaming, name), **world.environ}, up=False)
    daemon.spawn()
    live.until_streaming(streaming, name, daemon)
    posts = live.unedited(name, 300)
    service.publish(posts[:100])
    live.wait_until_counted(daemon, live.truth_of(name, posts[:100]))
    for stop in range(STOPS):
        daemon.process.send_signal(signal.SIGSTOP)
        service.publish(posts[100 * (stop + 1):100 * (stop + 2)])
        time.sleep(0.3)
        world.pass_time(300, wall=False)  # the service checks the time of a request
        daemon.process.send_signal(signal.SIGCONT)
        told = posts[:100 * (stop + 2)]
        deadline = time.monotonic() + 20
        while daemon.counts() != live.truth_of(name, told) and time.monotonic() < deadline:
            world.pass_time(1, wall=False)
            time.sleep(0.1)
        live.wait_until_counted(daemon, live.truth_of(name, told), 1)
    assert "no byte came" not in daemon.log and "has not answered" not in daemon.log, "patience is lost too early"


def test_amazon_stopped(start, world):
    """Iterators and leases have expired meanwhile."""
    with FakeAws(seed=7) as aws:
        aws_truth.create_account(aws, shards=2)
        daemon = start(SETTINGS, environ={**aws.environment(), **world.environ})
        tweets = []
        some = aws_truth.made_tweets(100)
        tweets += some
        aws_truth.put(aws, some)
        aws_truth.wait_for_counts(aws, aws_truth.count_of(tweets))
        assert daemon.delete(f"/hashtags/{sorted(aws_truth.counts(aws))[0]}").status == 200
        daemon.wait_for(lambda: len(aws.deletions(table=aws_truth.TABLE)) == 1, "a deletion")
        gone = aws.deletions(table=aws_truth.TABLE)[0]["item"]
        for stop in range(STOPS):
            daemon.process.send_signal(signal.SIGSTOP)
            aws.move_clock(seconds=600, skew=-600 * (stop + 1))  # only what expires: dates are looked at by the old one
            world.pass_time(600, wall=False)
            some = aws_truth.made_tweets(100, first=1 + len(tweets))
            tweets += some
            aws_truth.put(aws, some)
            daemon.process.send_signal(signal.SIGCONT)
            expected = aws_truth.count_of(tweets)
            expected[gone["hashtag"]["S"]] -= int(gone["htCount"]["N"])
            expected = {tag: count for tag, count in expected.items() if count}
            aws_truth.wait_for_counts(aws, expected)
        wanted = {entry["event_id"] for entry in aws.deletions()}
        aws_truth.wait_until(lambda: wanted <= {line["event_id"] for line in aws_truth.archive_lines(aws)}, "archived", 30)
        daemon.stop()


def test_amazon_stopped_until_another_took_over(tmp_path):
    """What both show is what the table has: who was stopped writes nothing of what he had counted."""
    (tmp_path / "2").mkdir()
    worlds = World(tmp_path), World(tmp_path / "2")
    with FakeAws(seed=8) as aws:
        aws_truth.create_account(aws)
        first, second = (Daemon({**SETTINGS, "table.flush_interval_s": 1}, data=tmp_path / f"data{number}",
                                environ={**aws.environment(), **world.environ}) for number, world in enumerate(worlds))
        first.start()
        tweets = aws_truth.made_tweets(100)
        aws_truth.put(aws, tweets)
        aws_truth.wait_for_counts(aws, aws_truth.count_of(tweets))
        with first, second.spawn():
            aws_truth.wait_until(lambda: "lease" in second.log, "the second one waits")
            first.process.send_signal(signal.SIGSTOP)
            more = aws_truth.made_tweets(100, first=101)
            aws_truth.put(aws, more)
            worlds[1].pass_time(60, wall=False)
            second.wait_until_up()
            counted = aws_truth.count_of(tweets + more)
            second.wait_until_counted(counted)
            gone = max(counted, key=counted.get)
            second.wait_for(lambda: aws_truth.counts(aws) == counted, "all is written")
            assert second.delete(f"/hashtags/{gone}").json["count"] == counted.pop(gone)
            aws_truth.wait_for_counts(aws, counted)
            assert second.counts() == counted and second.metric("hashtagd_count_reloads_total") == 0
            worlds[0].pass_time(60, wall=False)
            first.process.send_signal(signal.SIGCONT)
            first.wait_for(lambda: first.metric("hashtagd_count_reloads_total") == 1, "the first one forgets")
            assert first.get("/readyz").status == 503
            second.stop()
            first.wait_until_up()
            assert first.counts() == counted and first.status()["hashtags"]["total"] == sum(counted.values())
            some = aws_truth.made_tweets(100, first=201)
            aws_truth.put(aws, some)
            first.wait_until_counted(collections.Counter(counted) + collections.Counter(aws_truth.count_of(some)))
            first.flush()
            assert aws_truth.counts(aws) == first.counts()
            first.stop()
