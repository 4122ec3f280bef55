# SPDX-License-Identifier: MIT
"""kill -9 at random moments while tweets flow through Kinesis into DynamoDB: counts are the truth."""

import random
import time

import pytest

import aws_truth
from aws_truth import SETTINGS
from conftest import SEED, crashes
from daemon import hashtagd
from fake_aws import FakeAws
from moto_peer import Moto

KILLS = crashes(8)


@pytest.mark.parametrize("peer", [FakeAws, Moto])
def test_kill_while_tweets_flow(peer, tmp_path, start):
    draw = random.Random(f"{peer.__name__} {SEED}")
    with peer() as aws:
        settings = {**SETTINGS, "stream.shards": 2, "data.dir": str(tmp_path / "data")}
        assert hashtagd("setup", *aws_truth.options(settings), environ=aws.environment()).returncode == 0
        daemon = start({**SETTINGS}, environ=aws.environment(), up=False)
        tweets = []
        for round_ in range(KILLS):
            daemon.spawn()
            end = time.monotonic() + draw.uniform(0.1, 1.5)
            while time.monotonic() < end:
                some = aws_truth.made_tweets(30, first=1 + len(tweets), tags=60)
                tweets += some
                aws_truth.put(aws, some)
                time.sleep(0.05)
            daemon.kill()
        daemon.start()
        aws_truth.wait_for_counts(aws, aws_truth.count_of(tweets), timeout=120)
        daemon.wait_until_counted(aws_truth.count_of(tweets))
        daemon.stop()


def test_kill_while_hashtags_are_deleted(start):
    draw = random.Random(f"deleted {SEED}")
    with FakeAws() as aws:
        aws_truth.create_account(aws, shards=2)
        daemon = start({**SETTINGS}, environ=aws.environment(), up=False)
        tweets = []
        for round_ in range(KILLS):
            daemon.start()
            some = aws_truth.made_tweets(60, first=1 + len(tweets), tags=20)
            tweets += some
            aws_truth.put(aws, some)
            time.sleep(draw.uniform(0, 1))
            assert daemon.delete(f"/hashtags/tag{draw.randint(1, 5)}").status in (200, 404)
            time.sleep(draw.uniform(0, 0.3))
            daemon.kill()
        daemon.start()
        expected = aws_truth.count_of(tweets)

        def conserved():
            found = aws_truth.counts(aws)
            for entry in aws.deletions(table=aws_truth.TABLE):
                tag = entry["item"]["hashtag"]["S"]
                found[tag] = found.get(tag, 0) + int(entry["item"]["htCount"]["N"])
            return found == expected
        aws_truth.wait_until(conserved, "counts and deletions make up the truth", 60)
        wanted = {entry["event_id"] for entry in aws.deletions()}
        aws_truth.wait_until(lambda: wanted <= {line["event_id"] for line in aws_truth.archive_lines(aws)},
                             "every deletion archived", 60)
        daemon.stop()
