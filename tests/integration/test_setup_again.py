# SPDX-License-Identifier: MIT
"""A setup that was cut short, here by a permission that is missing, leaves nothing behind that the next one
takes for finished."""

import re

import pytest
from daemon import hashtagd
from fake_aws import FakeAws

SETTINGS = ("stream.type=kinesis", "table.type=dynamodb", "archive.type=firehose")
BLOCKED = ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"]


def setup(aws, *settings, words=()):
    flags = [word for setting in (*SETTINGS, *settings) for word in ("--set", setting)]
    done = hashtagd("setup", *words, *flags, environ=aws.environment(), timeout=120)
    return done.returncode, done.stdout.decode() + done.stderr.decode()


def assert_whole(aws, name="deleted-hashtags"):
    described = aws.client("firehose").describe_delivery_stream(DeliveryStreamName=name)
    destination = described["DeliveryStreamDescription"]["Destinations"][0]["ExtendedS3DestinationDescription"]
    bucket = destination["BucketARN"].rpartition(":")[2]
    block = aws.client("s3").get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert sorted(name for name, is_on in block.items() if is_on) == BLOCKED
    role = destination["RoleARN"].rpartition("/")[2]
    assert aws.client("iam").list_role_policies(RoleName=role)["PolicyNames"] == ["hashtagd-archive"]


@pytest.mark.parametrize("action", ["kinesis:CreateStream", "dynamodb:CreateTable", "s3:CreateBucket",
                                    "s3:PutBucketPublicAccessBlock", "iam:CreateRole", "iam:PutRolePolicy",
                                    "firehose:CreateDeliveryStream"])
def test_what_a_setup_left_undone_the_next_one_does(action):
    with FakeAws(options={"settle_s": 0}) as aws:
        aws.deny(actions=[action])
        status, text = setup(aws)
        assert status == 1 and action in text, text
        aws.deny(actions=[])
        status, text = setup(aws)
        assert status == 0, text
        assert_whole(aws)
        status, text = setup(aws)
        assert status == 0 and "\n0 made," in text, text


def test_no_delivery_stream_is_made_into_a_bucket_that_is_not_there():
    with FakeAws(options={"settle_s": 0}) as aws:
        aws.deny(actions=["s3:CreateBucket"])
        status, text = setup(aws)
        assert status == 1
        assert re.search("^FAILED +delivery .*The bucket of the delivery stream is not ready", text, re.MULTILINE), text
        assert aws.client("firehose").list_delivery_streams()["DeliveryStreamNames"] == []


def test_a_bucket_that_somebody_opened_is_left_as_it_is():
    with FakeAws(options={"settle_s": 0}) as aws:
        s3 = aws.client("s3")
        s3.create_bucket(Bucket="open", CreateBucketConfiguration={"LocationConstraint": aws.region})
        block = {name: name != "BlockPublicPolicy" for name in BLOCKED}
        s3.put_public_access_block(Bucket="open", PublicAccessBlockConfiguration=block)
        status, text = setup(aws, "archive.bucket=open")
        assert status == 0 and "somebody allowed some public access" in text, text
        assert s3.get_public_access_block(Bucket="open")["PublicAccessBlockConfiguration"] == block


def test_the_bucket_takes_what_it_can_of_a_name_that_no_bucket_may_have():
    with FakeAws(options={"settle_s": 0}) as aws:
        status, text = setup(aws, "archive.name=_Deleted.Hash_Tags")
        assert status == 0, text
        assert_whole(aws, "_Deleted.Hash_Tags")
        assert "hdeleted-hash-tags-123456789012-eu-west-1" in text


def test_a_dry_run_makes_nothing_and_names_everything():
    with FakeAws(options={"settle_s": 0}) as aws:
        status, text = setup(aws, words=["--dry-run"])
        assert status == 0, text
        for kind in ("stream", "table", "change stream", "leases", "bucket", "privacy", "role", "delivery"):
            assert re.search(f"^would make +{kind} ", text, re.MULTILINE), text
        assert aws.client("s3").list_buckets()["Buckets"] == []


def test_a_table_of_somebody_else_is_not_touched():
    with FakeAws(options={"settle_s": 0}) as aws:
        dynamodb = aws.client("dynamodb")
        dynamodb.create_table(TableName="theirs", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                              AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                              BillingMode="PAY_PER_REQUEST")
        status, text = setup(aws, "table.name=theirs", "table.ttl_s=60")
        assert status == 1 and "its key is id (S)" in text, text
        table = dynamodb.describe_table(TableName="theirs")["Table"]
        assert not table.get("StreamSpecification", {}).get("StreamEnabled")
        live = dynamodb.describe_time_to_live(TableName="theirs")["TimeToLiveDescription"]
        assert live["TimeToLiveStatus"] == "DISABLED"
