# SPDX-License-Identifier: MIT
"""What is known before a restart is known after it, and nothing twice."""

import pytest

from daemon import tweet

WINDOWS = ["all", "24h", "1h", "5m"]


def everything(daemon):
    return {window: daemon.counts(window) for window in WINDOWS}


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_counts_and_windows_stay(daemon, end):
    daemon.post_tweets([tweet(n, f"tag{n % 7}", f"tag{n % 11}") for n in range(1, 1001)])
    expected = {}
    for n in range(1, 1001):
        for tag in (f"tag{n % 7}", f"tag{n % 11}"):
            expected[tag] = expected.get(tag, 0) + 1
    daemon.wait_until_counted(expected)
    daemon.flush()
    getattr(daemon, end)()
    daemon.start()
    assert everything(daemon) == {window: expected for window in WINDOWS}
    assert daemon.get("/status").json["hashtags"]["total"] == 2000


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_tweet_put_again_after_a_restart_counts_once(daemon, end):
    tweets = [tweet(n, "foo") for n in range(1, 101)]
    daemon.post_tweets(tweets)
    daemon.wait_until_counted({"foo": 100})
    getattr(daemon, end)()
    daemon.start()
    daemon.post_tweets(tweets + [tweet(101, "bar")])
    daemon.wait_until_counted({"foo": 100, "bar": 1})


def test_what_was_accepted_is_counted_although_killed_at_once(daemon):
    for round_ in range(3):
        first = 1 + 500 * round_
        assert daemon.post_tweets([tweet(n, "foo") for n in range(first, first + 500)]).json["accepted"] == 500
        daemon.kill()
        daemon.start()
    daemon.wait_until_counted({"foo": 1500})


def test_a_deletion_stays_deleted(daemon):
    daemon.post_tweets([tweet(1, "foo"), tweet(2, "bar")])
    daemon.wait_until_counted({"foo": 1, "bar": 1})
    assert daemon.delete("/hashtags/foo").status == 200
    daemon.kill()
    daemon.start()
    assert everything(daemon) == {window: {"bar": 1} for window in WINDOWS}


def test_first_and_last_seen_stay(daemon):
    daemon.post_tweets([tweet(1, "foo")])
    daemon.wait_until_counted({"foo": 1})
    before = daemon.get("/hashtags/foo").json
    daemon.restart()
    after = daemon.get("/hashtags/foo").json
    for name in ("count", "first_seen", "last_seen", "windows", "ranks"):
        assert after[name] == before[name]


def test_archive_stays_on_show(daemon):
    daemon.post_tweets([tweet(1, "foo")])
    daemon.wait_until_counted({"foo": 1})
    daemon.delete("/hashtags/foo")
    daemon.flush()
    before = daemon.get("/archive").json
    daemon.restart()
    assert daemon.get("/archive").json == before


def test_the_address_is_taken_away_at_the_end(daemon):
    daemon.stop()
    assert not (daemon.data / "admin.url").exists()


@pytest.mark.parametrize("fold,expected", [("case", {"foo": 3}), ("none", {"foo": 1, "Foo": 1, "ＦＯＯ": 1})])
def test_folding(start, fold, expected):
    daemon = start({"counting.fold": fold})
    daemon.post_tweets([tweet(1, "foo"), tweet(2, "Foo"), tweet(3, "ＦＯＯ")])
    daemon.wait_until_counted(expected)


@pytest.mark.parametrize("once,expected", [("false", {"foo": 2}), ("true", {"foo": 1})])
def test_once_per_tweet(start, once, expected):
    daemon = start({"counting.once_per_tweet": once})
    daemon.post_tweets([tweet(1, "foo", "Foo")])
    daemon.wait_until_counted(expected)


def test_every_record_counts_where_the_window_is_0(start):
    daemon = start({"counting.repeat_window": 0})
    daemon.post_tweets([tweet(1, "foo"), tweet(1, "foo")])
    daemon.wait_until_counted({"foo": 2})
