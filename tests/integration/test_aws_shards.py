# SPDX-License-Identifier: MIT
"""Shards that split, merge, end and are trimmed, and positions in them that go stale."""

import time

import pytest

import aws_truth
from aws_truth import SETTINGS
from fake_aws import FakeAws
from kinesalite import Kinesalite


@pytest.fixture
def aws():
    with FakeAws() as peer:
        aws_truth.create_account(peer, shards=2)
        yield peer


def test_split_and_merge_while_tweets_flow_through_kinesalite(start):
    with FakeAws() as aws, Kinesalite() as kinesis:
        aws_truth.create_table(aws)
        aws_truth.create_lease_tables(aws)
        aws_truth.create_stream(kinesis, shards=1)
        daemon = start({**SETTINGS, "archive.type": "directory"},
                       environ=aws.environment(AWS_ENDPOINT_URL_KINESIS=kinesis.url))
        client, tweets = kinesis.client("kinesis"), []

        def flow(first):
            some = aws_truth.made_tweets(100, first=first)
            tweets.extend(some)
            aws_truth.put(kinesis, some)

        def settled():
            summary = client.describe_stream_summary(StreamName=aws_truth.STREAM)["StreamDescriptionSummary"]
            return summary["StreamStatus"] == "ACTIVE"
        flow(1)
        client.split_shard(StreamName=aws_truth.STREAM, ShardToSplit="shardId-000000000000",
                           NewStartingHashKey=str(1 << 127))
        flow(1001)
        aws_truth.wait_until(settled, "the split is done")
        flow(2001)
        client.merge_shards(StreamName=aws_truth.STREAM, ShardToMerge="shardId-000000000001",
                            AdjacentShardToMerge="shardId-000000000002")
        flow(3001)
        aws_truth.wait_until(settled, "the merge is done")
        flow(4001)
        aws_truth.wait_for_counts(aws, aws_truth.count_of(tweets))
        kinesis.move_clock(301)
        flow(5001)
        aws_truth.wait_for_counts(aws, aws_truth.count_of(tweets))
        daemon.wait_until_counted(aws_truth.count_of(tweets))
        daemon.stop()


def test_children_are_read_after_both_parents(aws, start):
    tweets = aws_truth.made_tweets(400)
    for at, change in ((0, aws.split), (100, aws.merge), (200, aws.merge), (300, aws.split)):
        aws_truth.put(aws, tweets[at:at + 100])
        change(stream=aws_truth.STREAM)
    daemon = start({**SETTINGS}, environ=aws.environment())
    aws_truth.wait_for_counts(aws, aws_truth.count_of(tweets))
    daemon.stop()
    rows = {row["leaseKey"]["S"]: row for row in aws.items(f"{aws_truth.TABLE}-{aws_truth.STREAM}-leases")}
    for key, row in rows.items():
        for parent in row.get("parentShardId", {"SS": []})["SS"]:
            assert key in rows[parent].get("childShardIds", {"SS": []})["SS"], (key, rows)
    assert sum(len(row.get("parentShardId", {"SS": []})["SS"]) for row in rows.values()) == 8, rows


def test_an_expired_iterator_is_replaced(aws, start):
    daemon = start({**SETTINGS}, environ=aws.environment())
    first, second = aws_truth.made_tweets(50), aws_truth.made_tweets(50, first=1000)
    aws_truth.put(aws, first)
    aws_truth.wait_for_counts(aws, aws_truth.count_of(first))
    aws.move_clock(seconds=1000, skew=-1000)
    aws_truth.put(aws, second)
    aws_truth.wait_for_counts(aws, aws_truth.count_of(first + second))
    assert daemon.delete("/hashtags/tag1").status == 200
    aws_truth.wait_for_archive(aws, 1)


def test_pain_13_a_position_before_the_trim_horizon_is_a_gap_and_no_loop(aws, start):
    daemon = start({**SETTINGS}, environ=aws.environment())
    first, lost, third = (aws_truth.made_tweets(40, first=first) for first in (1, 1000, 2000))
    aws_truth.put(aws, first)
    aws_truth.wait_for_counts(aws, aws_truth.count_of(first))
    daemon.stop()
    aws_truth.put(aws, lost)
    aws.trim(stream=aws_truth.STREAM)
    aws_truth.put(aws, third)
    daemon.start()
    aws_truth.wait_for_counts(aws, aws_truth.count_of(first + third))


def test_a_change_stream_that_was_trimmed_goes_on(aws, start):
    daemon = start({**SETTINGS}, environ=aws.environment())
    tweets = aws_truth.made_tweets(60)
    aws_truth.put(aws, tweets)
    aws_truth.wait_for_counts(aws, aws_truth.count_of(tweets))
    daemon.stop()
    aws.delete(table=aws_truth.TABLE, key="tag1")
    aws.roll_over(table=aws_truth.TABLE)
    aws.trim_changes(table=aws_truth.TABLE)
    aws.delete(table=aws_truth.TABLE, key="tag2")
    daemon.start()
    aws_truth.wait_until(lambda: "tag2" in {line["hashtag"] for line in aws_truth.archive_lines(aws)},
                         "the deletion that is still there is archived")


def test_the_change_stream_rolls_over_and_splits(aws, start):
    daemon = start({**SETTINGS}, environ=aws.environment())
    aws.options(late_child_s=0.3, describe_stream_page=2)
    tweets = aws_truth.made_tweets(100, tags=20)
    aws_truth.put(aws, tweets)
    aws_truth.wait_for_counts(aws, aws_truth.count_of(tweets))
    for number in range(1, 9):
        if number % 2:
            assert daemon.delete(f"/hashtags/tag{number}").status in (200, 404)
        else:
            aws.delete(table=aws_truth.TABLE, key=f"tag{number}", by="ttl" if number % 4 else "program")
        aws.roll_over(table=aws_truth.TABLE, split=number in (3, 5))
        time.sleep(0.05)
    aws_truth.wait_for_archive(aws, len(aws.deletions()))


def test_limits_of_a_shard_are_kept(aws, start):
    aws.options(limits=True)
    start({**SETTINGS}, environ=aws.environment())
    tweets = aws_truth.made_tweets(300)
    aws_truth.put(aws, tweets)
    aws_truth.wait_for_counts(aws, aws_truth.count_of(tweets))
    before = aws.counters()["requests"]["Kinesis.GetRecords"]
    time.sleep(2)
    assert aws.counters()["requests"]["Kinesis.GetRecords"] - before <= 2 * 2 * 5 + 4
