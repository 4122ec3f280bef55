# SPDX-License-Identifier: MIT
"""What is wrong at Amazon, or with the way there: one clear sentence, and all goes on by itself when
it is mended."""

import sys

import pytest

import aws_truth
from aws_truth import SETTINGS, TABLE
from daemon import hashtagd
from fake_aws import FakeAws


@pytest.fixture
def aws():
    with FakeAws() as peer:
        yield peer


def not_ready(daemon, *words):
    """Waits until /readyz is 503 and says all of these words; its text."""
    def said():
        try:
            answer = daemon.get("/readyz")
        except OSError:
            return None
        text = answer.text
        return text if answer.status == 503 and all(word.lower() in text.lower() for word in words) else None
    return aws_truth.wait_until(said, f"/readyz says {words}")


def ready(daemon):
    aws_truth.wait_until(lambda: daemon.get("/readyz").status == 200, "/readyz is content", timeout=60)


def check(aws, tmp_path, **environ):
    settings = {**SETTINGS, "data.dir": str(tmp_path / "checked"), "admin.listen": "127.0.0.1:0"}
    done = hashtagd("check", *aws_truth.options(settings), environ=aws.environment(**environ), timeout=120)
    return done.returncode, (done.stdout + done.stderr).decode()


def works(aws, daemon, first=1):
    """One tweet goes the whole way to the table."""
    tweets = aws_truth.made_tweets(5, first=first)
    aws_truth.put(aws, tweets)
    wanted = aws_truth.count_of(tweets)
    aws_truth.wait_until(lambda: all(aws_truth.counts(aws).get(tag, 0) >= number for tag, number in wanted.items()),
                         "tweets are counted")


def test_a_stream_that_is_not_there(aws, start):
    aws_truth.create_table(aws)
    aws_truth.create_lease_tables(aws)
    aws_truth.create_bucket(aws)
    aws_truth.create_delivery(aws)
    daemon = start({**SETTINGS}, environ=aws.environment(), up=False).spawn()
    not_ready(daemon, aws_truth.STREAM, "hashtagd setup")
    aws_truth.create_stream(aws)
    ready(daemon)
    works(aws, daemon)


def test_a_table_that_is_not_there(aws, start):
    aws_truth.create_stream(aws)
    aws_truth.create_lease_tables(aws)
    aws_truth.create_bucket(aws)
    aws_truth.create_delivery(aws)
    daemon = start({**SETTINGS}, environ=aws.environment(), up=False).spawn()
    not_ready(daemon, f"{TABLE}", "hashtagd setup")
    aws_truth.create_table(aws)
    ready(daemon)
    works(aws, daemon)


def test_a_table_with_another_key(aws, tmp_path, start):
    aws_truth.create_stream(aws)
    aws.client("dynamodb").create_table(
        TableName=TABLE, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "tag", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "tag", "AttributeType": "S"}])
    daemon = start({**SETTINGS}, environ=aws.environment(), up=False).spawn()
    not_ready(daemon, TABLE, "hashtag")
    status, text = check(aws, tmp_path)
    assert status == 1 and "key" in text
    settings = {**SETTINGS, "data.dir": str(tmp_path / "other")}
    assert hashtagd("setup", *aws_truth.options(settings), environ=aws.environment(), timeout=60).returncode == 1
    daemon.kill()  # it waits for a table that it can open; how it ends is not asked here


@pytest.mark.parametrize("stream", [None, "KEYS_ONLY", "NEW_IMAGE"])
def test_a_change_stream_that_is_off_or_without_old_images(aws, tmp_path, start, stream):
    aws_truth.create_account(aws)
    dynamodb = aws.client("dynamodb", retries=True)

    def switch(**specification):
        dynamodb.update_table(TableName=TABLE, StreamSpecification=specification)
        aws_truth.wait_for_table(aws, TABLE)
    switch(StreamEnabled=False)
    if stream is not None:
        switch(StreamEnabled=True, StreamViewType=stream)
    daemon = start({**SETTINGS}, environ=aws.environment(), up=False).spawn()
    not_ready(daemon, TABLE, "stream")
    if stream is not None:
        switch(StreamEnabled=False)
    switch(StreamEnabled=True, StreamViewType="NEW_AND_OLD_IMAGES")
    ready(daemon)
    works(aws, daemon)
    assert daemon.delete("/hashtags/tag1").status == 200
    aws_truth.wait_for_archive(aws, 1)


@pytest.mark.parametrize("action", ["dynamodb:UpdateItem", "dynamodb:GetRecords", "kinesis:GetRecords",
                                    "kinesis:ListShards", "firehose:PutRecordBatch"])
def test_a_missing_permission_is_named(aws, start, action):
    aws_truth.create_account(aws)
    aws.deny(actions=[action])
    daemon = start({**SETTINGS}, environ=aws.environment(), up=False).spawn()
    if action in ("dynamodb:UpdateItem", "dynamodb:GetRecords", "firehose:PutRecordBatch"):
        aws_truth.put(aws, aws_truth.made_tweets(5))
        dynamodb = aws.client("dynamodb")
        dynamodb.put_item(TableName=TABLE, Item={"hashtag": {"S": "gone"}, "htCount": {"N": "1"}})
        aws.delete(table=TABLE, key="gone")
    not_ready(daemon, action.partition(":")[2])
    aws.deny(actions=[])
    ready(daemon)
    works(aws, daemon, first=1000)
    aws_truth.wait_until(lambda: aws_truth.counts(aws), "counts")


def test_check_names_the_missing_permission(aws, tmp_path):
    aws_truth.create_account(aws)
    aws.deny(actions=["firehose:DescribeDeliveryStream"])
    status, text = check(aws, tmp_path)
    assert status == 1 and "firehose:DescribeDeliveryStream" in text


def test_no_credentials(aws, tmp_path, start):
    aws_truth.create_account(aws)
    none = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "HOME": str(tmp_path)}
    status, text = check(aws, tmp_path, **none)
    assert status in (1, 2) and "credential" in text.lower()


def test_a_wrong_secret(aws, tmp_path, start):
    aws_truth.create_account(aws)
    daemon = start({**SETTINGS}, environ=aws.environment(AWS_SECRET_ACCESS_KEY="wrong"), up=False).spawn()
    text = not_ready(daemon, "signature")
    assert "wrong" not in text
    status, _ = check(aws, tmp_path, AWS_SECRET_ACCESS_KEY="wrong")
    assert status == 1
    daemon.kill()  # it waits for a key that is right; how it ends is not asked here


def test_a_wrong_region(aws, tmp_path):
    aws_truth.create_account(aws)
    status, text = check(aws, tmp_path, AWS_REGION="us-west-2", AWS_DEFAULT_REGION="us-west-2")
    assert status == 1 and "region" in text.lower()


def test_pain_18_a_clock_that_is_off_is_learned(aws, start):
    aws_truth.create_account(aws)
    aws.move_clock(skew=3600)
    daemon = start({**SETTINGS}, environ=aws.environment())
    aws.move_clock(skew=0)
    aws_truth.put(aws, aws_truth.made_tweets(20))
    aws.move_clock(skew=-1800)
    aws_truth.wait_until(lambda: {item["hashtag"]["S"]: int(item["htCount"]["N"]) for item in aws.items(TABLE)}
                         == aws_truth.count_of(aws_truth.made_tweets(20)), "exact counts")
    ready(daemon)


def test_pain_19_credentials_that_end_are_fetched_anew(aws, tmp_path, start):
    aws_truth.create_account(aws)
    fetch = tmp_path / "fetch.py"
    fetch.write_text(
        "import json, sys, urllib.request\n"
        f"url = '{aws.url}/_fake/session'\n"
        "body = urllib.request.urlopen(urllib.request.Request(url, b'{\"seconds\": 900}')).read()\n"
        "key = json.loads(body)\n"
        "print(json.dumps({'Version': 1, 'AccessKeyId': key['AWS_ACCESS_KEY_ID'],\n"
        "                  'SecretAccessKey': key['AWS_SECRET_ACCESS_KEY'],\n"
        "                  'SessionToken': key['AWS_SESSION_TOKEN'], 'Expiration': sys.argv[1]}))\n")
    config = tmp_path / "config"
    config.write_text(f"[default]\ncredential_process = {sys.executable} {fetch} 2099-01-01T00:00:00Z\n")
    environ = aws.environment(AWS_CONFIG_FILE=str(config))
    del environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"]
    daemon = start({**SETTINGS}, environ=environ)
    works(aws, daemon)
    aws.move_clock(seconds=1000, skew=-1000)
    works(aws, daemon, first=1000)
    ready(daemon)


def test_no_secret_is_ever_told(aws, start):
    aws_truth.create_account(aws)
    daemon = start({**SETTINGS, "log.level": "debug"}, environ=aws.environment())
    works(aws, daemon)
    daemon.stop()
    for secret in (aws.secret_key, "Authorization", "Signature="):
        assert secret not in daemon.log
