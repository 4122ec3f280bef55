# SPDX-License-Identifier: MIT
"""Faults from seeds: throttles, partial failures, lost answers, resets, wrong answers, reshards and
shards that roll over, all at once. Every count stays exact, every deletion reaches the archive.

HT_SEEDS=200 tries so many seeds; a failing seed is in the test's name and fails again.
"""

import os
import time

import pytest

import aws_truth
from aws_truth import SETTINGS
from fake_aws import FakeAws
from fake_aws.faults import STORM

SEEDS = int(os.environ.get("HT_SEEDS", "6"))
FIRST = int(os.environ.get("HT_FIRST_SEED", "1"))


def deleted_counts(aws):
    """hashtag -> sum of the counts that deletions took along."""
    total = {}
    for entry in aws.deletions(table=aws_truth.TABLE):
        tag = entry["item"]["hashtag"]["S"]
        total[tag] = total.get(tag, 0) + int(entry["item"]["htCount"]["N"])
    return total


def conserved(aws, expected):
    """What is counted and what was deleted with its count make up the truth. Looks past every limit."""
    found = {item["hashtag"]["S"]: int(item["htCount"]["N"]) for item in aws.items(aws_truth.TABLE)}
    for tag, number in deleted_counts(aws).items():
        found[tag] = found.get(tag, 0) + number
    wrong = {tag: (found.get(tag), expected.get(tag)) for tag in set(found) | set(expected)
             if found.get(tag) != expected.get(tag)}
    assert not wrong, f"{len(wrong)} differ; found, expected: {dict(list(wrong.items())[:8])}"
    return True


def all_archived(aws):
    wanted = {entry["event_id"] for entry in aws.deletions(table=aws_truth.TABLE)}
    got = {line["event_id"] for line in aws_truth.archive_lines(aws)}
    assert wanted <= got, f"{len(wanted - got)} of {len(wanted)} deletions are not archived"
    return True


def delete(daemon, tag):
    """DELETE through the program, until it says how it went."""
    def done():
        try:
            return daemon.delete(f"/hashtags/{tag}", timeout=10).status in (200, 404)
        except OSError:
            return False
    aws_truth.wait_until(done, f"DELETE {tag}", timeout=60)


@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEEDS))
def test_counts_stay_exact_in_a_storm(seed, start):
    with FakeAws(seed=seed) as aws:
        aws_truth.create_account(aws, shards=1 + seed % 3)
        daemon = start({**SETTINGS}, environ=aws.environment())
        aws.set_faults(STORM)
        tweets = []
        for round_ in range(6):
            some = aws_truth.made_tweets(60, seed=seed, first=1 + 1000 * round_, tags=40)
            tweets += some
            aws_truth.put(aws, some)
            if round_ % 2 == 1:
                delete(daemon, f"tag{round_}")
            time.sleep(0.2)
        aws_truth.wait_until(lambda: conserved(aws, aws_truth.count_of(tweets)), "exact counts in the storm", 90)
        struck = aws.counters()["faults"]
        aws.set_faults()
        aws_truth.wait_until(lambda: all_archived(aws), "every deletion archived", 60)
        aws_truth.wait_until(lambda: daemon.counts() == aws_truth.counts(aws), "the daemon shows the table", 30)
        assert sum(struck.values()) > 20, struck
        daemon.stop()


def test_deletions_by_others_and_by_time_to_live_are_archived(start):
    others = {"ttl_delete": 0.05, "foreign_delete": 0.05, "roll_over": 0.05, "stream_split": 0.01, "short_page": 0.3}
    with FakeAws(seed=3) as aws:
        aws_truth.create_account(aws)
        daemon = start({**SETTINGS}, environ=aws.environment())
        aws.set_faults(others)
        tweets = aws_truth.made_tweets(300, tags=60)
        for at in range(0, 300, 50):
            aws_truth.put(aws, tweets[at:at + 50])
            time.sleep(0.3)
        aws_truth.wait_until(lambda: conserved(aws, aws_truth.count_of(tweets)), "exact counts", 60)
        aws.set_faults()
        aws_truth.wait_until(lambda: all_archived(aws), "every deletion archived", 60)
        origins = {entry["event_id"]: entry["by"] for entry in aws.deletions()}
        told = {line["event_id"]: line["origin"] for line in aws_truth.archive_lines(aws)}
        assert {told[event] for event, by in origins.items() if by == "ttl"} == {"ttl"}
        assert "ttl" not in {told[event] for event, by in origins.items() if by == "program"}
        daemon.stop()


def test_an_update_whose_answer_is_lost_counts_once(start):
    with FakeAws() as aws:
        aws_truth.create_account(aws)
        daemon = start({**SETTINGS}, environ=aws.environment())
        aws.set_faults(rules=[{"operation": "DynamoDB.UpdateItem", "fault": kind, "times": 3}
                              for kind in ("lost_answer", "cut_body", "wrong_crc", "truncated_json", "error_after")])
        tweets = aws_truth.made_tweets(60)
        aws_truth.put(aws, tweets)
        aws_truth.wait_for_counts(aws, aws_truth.count_of(tweets))
        assert len(aws.counters()["faults"]) == 5
        daemon.stop()


def test_tweets_put_twice_by_a_lost_answer_count_once(start):
    with FakeAws() as aws:
        aws_truth.create_account(aws, shards=2)
        daemon = start({**SETTINGS}, environ=aws.environment())
        aws.set_faults({"record_throttle": 0.3, "record_failure": 0.1},
                       [{"operation": "Kinesis.PutRecords", "fault": kind, "times": 2}
                        for kind in ("lost_answer", "lost_reset", "error_after")])
        tweets = aws_truth.made_tweets(200)
        answer = daemon.post_tweets(tweets)
        assert answer.status == 202 and answer.json["accepted"] == 200, answer
        aws_truth.wait_for_counts(aws, aws_truth.count_of(tweets))
        assert len(aws.records(aws_truth.STREAM)) > 200, "the stream holds some of them twice"
        daemon.stop()
