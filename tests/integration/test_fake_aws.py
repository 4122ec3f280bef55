# SPDX-License-Identifier: MIT
"""The fake of AWS as boto3 sees it."""

import time

import pytest
from botocore.exceptions import ClientError

from fake_aws import FakeAws


@pytest.fixture
def aws():
    with FakeAws(options={"settle_s": 0}) as fake:
        yield fake


def code_of(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]


def make_table(aws, name="hashtags", view="NEW_AND_OLD_IMAGES"):
    dynamodb = aws.client("dynamodb")
    dynamodb.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "hashtag", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "hashtag", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": view})
    return dynamodb


def add(dynamodb, tag, number=1, **more):
    return dynamodb.update_item(TableName="hashtags", Key={"hashtag": {"S": tag}}, UpdateExpression="ADD htCount :n",
                                ExpressionAttributeValues={":n": {"N": str(number)}}, **more)


def test_a_wrong_secret_is_refused(aws):
    assert code_of(aws.client("kinesis", aws_secret_access_key="wrong").list_streams) == "InvalidSignatureException"
    assert code_of(aws.client("s3", aws_secret_access_key="wrong").list_buckets) == "SignatureDoesNotMatch"
    assert code_of(aws.client("sts", aws_access_key_id="AKIDOTHER").get_caller_identity) == "InvalidClientTokenId"


def test_a_split_shard_ends_and_names_its_children(aws):
    kinesis = aws.client("kinesis")
    kinesis.create_stream(StreamName="tweets", ShardCount=1)
    kinesis.put_record(StreamName="tweets", Data=b"before", PartitionKey="1")
    children = aws.split(stream="tweets")
    start = kinesis.get_shard_iterator(StreamName="tweets", ShardId="shardId-000000000000",
                                       ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    page = kinesis.get_records(ShardIterator=start)
    assert [record["Data"] for record in page["Records"]] == [b"before"] and "NextShardIterator" not in page
    assert [child["ShardId"] for child in page["ChildShards"]] == children


def test_a_lost_answer_has_had_its_effect(aws):
    dynamodb = make_table(aws)
    aws.set_faults(rules=[{"operation": "DynamoDB.UpdateItem", "fault": "lost_answer"}])
    with pytest.raises(Exception, match="closed|reset"):
        add(dynamodb, "foo")
    assert aws.items("hashtags") == [{"hashtag": {"S": "foo"}, "htCount": {"N": "1"}}]
    assert add(dynamodb, "foo", ReturnValues="UPDATED_NEW")["Attributes"] == {"htCount": {"N": "2"}}


def test_a_removal_is_in_the_change_stream_with_its_old_image(aws):
    dynamodb = make_table(aws)
    add(dynamodb, "foo", 3)
    aws.delete(table="hashtags", key="foo", by="ttl")
    arn = dynamodb.describe_table(TableName="hashtags")["Table"]["LatestStreamArn"]
    streams = aws.client("dynamodbstreams")
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    start = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    insert, remove = streams.get_records(ShardIterator=start)["Records"]
    assert insert["eventName"] == "INSERT" and "userIdentity" not in insert
    assert remove["dynamodb"]["OldImage"] == {"hashtag": {"S": "foo"}, "htCount": {"N": "3"}}
    assert remove["userIdentity"] == {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
    assert [entry["event_id"] for entry in aws.deletions()] == [remove["eventID"]]


def test_firehose_brings_its_records_to_the_bucket(aws):
    aws.client("s3").create_bucket(Bucket="archive", CreateBucketConfiguration={"LocationConstraint": aws.region})
    firehose = aws.client("firehose")
    firehose.create_delivery_stream(DeliveryStreamName="deleted", ExtendedS3DestinationConfiguration={
        "RoleARN": aws.role(name="firehose"), "BucketARN": "arn:aws:s3:::archive", "Prefix": "deleted/"})
    firehose.put_record_batch(DeliveryStreamName="deleted", Records=[{"Data": b"one\n"}, {"Data": b"two\n"}])
    aws.deliver()
    (key, body), = aws.objects("archive").items()
    assert key.startswith(time.strftime("deleted/%Y/", time.gmtime())) and body == b"one\ntwo\n"
