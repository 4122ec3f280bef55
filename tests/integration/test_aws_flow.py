# SPDX-License-Identifier: MIT
"""The whole way on Amazon, from an empty account: setup, check, serve, put, count, delete, archive."""

import json

import pytest

import aws_truth
from aws_truth import SETTINGS
from daemon import hashtagd
from fake_aws import FakeAws
from moto_peer import Moto

TWEETS = 5000


@pytest.fixture(params=["fake", "moto"])
def aws(request):
    with FakeAws() if request.param == "fake" else Moto() as peer:
        yield peer


def run(aws, tmp_path, command, *words, expect=0, timeout=120, **settings):
    """A command with everything at Amazon; its stdout."""
    settings = {"data.dir": str(tmp_path / "data"), "admin.listen": "127.0.0.1:0", **SETTINGS, **settings}
    done = hashtagd(command, *aws_truth.options(settings), *words, environ=aws.environment(), timeout=timeout)
    assert done.returncode == expect, f"{command}: {done.stdout.decode()}\n{done.stderr.decode()}"
    return done.stdout.decode()


def resources(aws):
    """What the account holds, as a text that another setup must not change."""
    kinesis, dynamodb, s3 = (aws.client(name) for name in ("kinesis", "dynamodb", "s3"))
    firehose, iam = aws.client("firehose"), aws.client("iam")
    found = {"streams": kinesis.list_streams()["StreamNames"],
             "buckets": [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]],
             "summary": kinesis.describe_stream_summary(StreamName=aws_truth.STREAM)["StreamDescriptionSummary"]}
    for name in dynamodb.list_tables()["TableNames"]:
        table = dynamodb.describe_table(TableName=name)["Table"]
        for counted in ("ItemCount", "TableSizeBytes"):
            table.pop(counted, None)
        found[name] = table, dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    found["delivery"] = firehose.describe_delivery_stream(
        DeliveryStreamName=aws_truth.DELIVERY)["DeliveryStreamDescription"]
    role = found["delivery"]["Destinations"][0]["ExtendedS3DestinationDescription"]["RoleARN"].rpartition("/")[2]
    found["role"] = iam.get_role(RoleName=role)["Role"]["Arn"]
    found["access"] = s3.get_public_access_block(Bucket=aws_truth.BUCKET)["PublicAccessBlockConfiguration"]
    return json.dumps(found, default=str, sort_keys=True)


def test_the_whole_way_from_an_empty_account(aws, tmp_path, start):
    dry = run(aws, tmp_path, "setup", "--dry-run", **{"stream.shards": 2})
    assert "would make" in dry and aws.client("kinesis").list_streams()["StreamNames"] == []
    made = run(aws, tmp_path, "setup", **{"stream.shards": 2})
    assert "FAILED" not in made
    before = resources(aws)
    again = run(aws, tmp_path, "setup", **{"stream.shards": 2})
    assert again.splitlines()[-1].startswith("0 made") and resources(aws) == before

    assert "FAIL" not in run(aws, tmp_path, "check")

    daemon = start({**SETTINGS}, environ=aws.environment())
    tweets = aws_truth.made_tweets(TWEETS)
    path = tmp_path / "tweets.jsonl"
    path.write_text("".join(json.dumps(tweet) + "\n" for tweet in tweets))
    run(aws, tmp_path, "put", path)
    expected = aws_truth.count_of(tweets)
    aws_truth.wait_for_counts(aws, expected, timeout=120)
    daemon.wait_until_counted(expected)

    checked = len(aws_truth.archive_lines(aws))
    answer = daemon.delete("/hashtags/tag1")
    assert answer.status == 200 and answer.json["count"] == expected.pop("tag1")
    assert aws_truth.counts(aws) == expected
    daemon.flush()
    lines = aws_truth.wait_for_archive(aws, checked + 1)
    line, = [line for line in lines if line["hashtag"] == "tag1"]
    assert line["count"] == answer.json["count"] and line["item"]["htCount"] == {"N": str(line["count"])}
    assert len(aws_truth.archive_lines(aws)) == checked + 1


def test_objects_without_firehose(aws, tmp_path, start):
    settings = {"archive.type": "s3", "archive.name": "tag-archive", "archive.buffer_s": 1}
    run(aws, tmp_path, "setup", **settings)
    daemon = start({**SETTINGS, **settings}, environ=aws.environment())
    aws_truth.put(aws, aws_truth.made_tweets(50))
    daemon.wait_until_counted(aws_truth.count_of(aws_truth.made_tweets(50)))
    assert daemon.delete("/hashtags/tag1").status == 200
    daemon.flush()
    line, = aws_truth.wait_for_archive(aws, 1, bucket="tag-archive")
    assert (line["hashtag"], line["origin"]) == ("tag1", "user")
    key, = aws_truth.objects(aws, "tag-archive")
    assert key.startswith("deleted/")


def test_a_restart_goes_on_where_it_stopped(aws, tmp_path, start):
    run(aws, tmp_path, "setup")
    daemon = start({**SETTINGS}, environ=aws.environment())
    first, second = aws_truth.made_tweets(300), aws_truth.made_tweets(300, first=1000)
    aws_truth.put(aws, first)
    aws_truth.wait_for_counts(aws, aws_truth.count_of(first))
    daemon.stop()
    aws_truth.put(aws, second)
    daemon.start()
    aws_truth.wait_for_counts(aws, aws_truth.count_of(first + second))
    daemon.wait_until_counted(aws_truth.count_of(first + second))


def test_setup_waits_for_what_is_slow_to_come(tmp_path):
    with FakeAws(options={"invisible_s": 0.5, "settle_s": 1.5, "role_ready_s": 2.0}) as aws:
        run(aws, tmp_path, "setup")
        assert run(aws, tmp_path, "setup").splitlines()[-1].startswith("0 made")


def test_setup_goes_on_after_an_answer_that_was_lost(tmp_path):
    with FakeAws(seed=4, faults={"throttle": 0.1, "lost_answer": 0.1, "server_error": 0.1, "reset": 0.05}) as aws:
        for _ in range(5):
            settings = {"data.dir": str(tmp_path / "data"), **SETTINGS}
            done = hashtagd("setup", *aws_truth.options(settings), environ=aws.environment(), timeout=120)
            if done.returncode == 0:
                break
        aws.set_faults()
        assert run(aws, tmp_path, "setup").splitlines()[-1].startswith("0 made")
