# SPDX-License-Identifier: MIT
"""The older notebook's table and producer: taken over as they stand."""

import pytest

import aws_truth
from aws_truth import SETTINGS
from daemon import hashtagd
from fake_aws import FakeAws


@pytest.fixture
def aws():
    with FakeAws() as peer:
        yield peer


def test_its_table_and_its_producer_go_on(aws, tmp_path, start):
    counted = {"tag1": 100, "tag2": 7, "untouched": 3}
    aws_truth.create_notebook_table(aws, counted)
    aws_truth.create_stream(aws, shards=3)
    settings = {**SETTINGS, "data.dir": str(tmp_path / "data")}
    done = hashtagd("setup", *aws_truth.options(settings), environ=aws.environment())
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    table = aws.client("dynamodb").describe_table(TableName=aws_truth.TABLE)["Table"]
    assert table["ProvisionedThroughput"]["WriteCapacityUnits"] == 100
    assert table["StreamSpecification"]["StreamViewType"] in ("OLD_IMAGE", "NEW_AND_OLD_IMAGES")

    daemon = start({**SETTINGS}, environ=aws.environment())
    tweets = aws_truth.made_tweets(200)
    aws_truth.put_like_the_notebook(aws, tweets)
    expected = aws_truth.count_of(tweets)
    for tag, number in counted.items():
        expected[tag] = expected.get(tag, 0) + number
    aws_truth.wait_for_counts(aws, expected)
    daemon.wait_until_counted(expected)
    assert aws_truth.items(aws)["untouched"] == {"hashtag": {"S": "untouched"}, "htCount": {"N": "3"}}
    assert daemon.delete("/hashtags/untouched").json["count"] == 3
    line, = aws_truth.wait_for_archive(aws, 1)
    assert line["item"] == {"hashtag": {"S": "untouched"}, "htCount": {"N": "3"}}


def test_every_shard_is_read_not_one(aws, start):
    aws_truth.create_account(aws, shards=4)
    start({**SETTINGS}, environ=aws.environment())
    tweets = aws_truth.made_tweets(100)
    aws_truth.put(aws, tweets)
    aws_truth.wait_for_counts(aws, aws_truth.count_of(tweets))
