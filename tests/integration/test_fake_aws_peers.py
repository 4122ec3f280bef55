# SPDX-License-Identifier: MIT
"""The fake beside other stand-ins for AWS: the same scenario, the same answers, where they are honest."""

import json
import time

import pytest
from botocore.exceptions import ClientError

from botocore_shapes import checked
from fake_aws import FakeAws
from kinesalite import Kinesalite
from moto_peer import Moto


@pytest.fixture(scope="module")
def fake():
    with FakeAws(options={"settle_s": 0.05}) as aws:
        yield aws


@pytest.fixture(scope="module")
def moto():
    with Moto() as aws:
        yield aws


@pytest.fixture(scope="module")
def kinesalite():
    with Kinesalite() as aws:
        yield aws


def attempt(call, **arguments):
    """The answer, or the error's code."""
    try:
        answer = call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    answer.pop("ResponseMetadata", None)
    return answer


def active(kinesis, name):
    for _ in range(200):
        if kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE":
            return
        time.sleep(0.02)
    raise AssertionError(f"{name} is not ACTIVE")


# -- Kinesis beside kinesalite: the life of shards ---------------------------------------------


def life_of_shards(kinesis):
    """Put, split, put, merge, put; then everything that can be read, as plain lists."""
    kinesis.create_stream(StreamName="life", ShardCount=1)
    seen = [kinesis.describe_stream_summary(StreamName="life")["StreamDescriptionSummary"]["StreamStatus"]]
    seen.append(attempt(kinesis.put_record, StreamName="life", Data=b"early", PartitionKey="1"))
    active(kinesis, "life")

    def put(text):
        answer = kinesis.put_records(StreamName="life", Records=[
            {"Data": f"{text}{key}".encode(), "PartitionKey": str(key)} for key in range(6)])
        return [record["ShardId"] for record in answer["Records"]]
    seen.append(put("a"))
    middle = str(1 << 127)
    kinesis.split_shard(StreamName="life", ShardToSplit="shardId-000000000000", NewStartingHashKey=middle)
    seen.append(attempt(kinesis.split_shard, StreamName="life", ShardToSplit="shardId-000000000000",
                        NewStartingHashKey=middle))
    active(kinesis, "life")
    seen.append(put("b"))
    kinesis.merge_shards(StreamName="life", ShardToMerge="shardId-000000000001",
                         AdjacentShardToMerge="shardId-000000000002")
    active(kinesis, "life")
    seen.append(put("c"))
    shards = kinesis.list_shards(StreamName="life")["Shards"]
    for shard in shards:
        numbers = shard["SequenceNumberRange"]
        seen.append([shard["ShardId"], shard.get("ParentShardId"), shard.get("AdjacentParentShardId"),
                     shard["HashKeyRange"], "EndingSequenceNumber" in numbers,
                     len(numbers["StartingSequenceNumber"])])
        seen.append(drained(kinesis, "life", shard["ShardId"]))
    return seen


def drained(kinesis, name, shard):
    """(data of all records, whether the shard ended)."""
    iterator = kinesis.get_shard_iterator(StreamName=name, ShardId=shard,
                                          ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    data, numbers = [], []
    for _ in range(4):
        page = kinesis.get_records(ShardIterator=iterator, Limit=4)
        data += [record["Data"] for record in page["Records"]]
        numbers += [int(record["SequenceNumber"]) for record in page["Records"]]
        iterator = page.get("NextShardIterator")
        if iterator is None:
            break
    assert numbers == sorted(set(numbers))
    return data, iterator is None


def test_shards_live_as_in_kinesalite():
    # what is asked for while a stream is CREATING has to come in time on a busy machine, too
    with FakeAws(options={"settle_s": 0.6}) as fake, Kinesalite(settle_ms=600) as kinesalite:
        assert life_of_shards(checked(fake.client("kinesis"))) == life_of_shards(kinesalite.client("kinesis"))


def iterators(kinesis):
    kinesis.create_stream(StreamName="iterators", ShardCount=1)
    active(kinesis, "iterators")
    numbers = [kinesis.put_record(StreamName="iterators", Data=text, PartitionKey="k")["SequenceNumber"]
               for text in (b"0", b"1", b"2")]

    def read(**start):
        where = {"StreamName": "iterators", "ShardId": "shardId-000000000000"}
        answer = attempt(kinesis.get_shard_iterator, **where, **start)
        if isinstance(answer, str):
            return answer
        return [record["Data"] for record in kinesis.get_records(ShardIterator=answer["ShardIterator"])["Records"]]
    return [
        read(ShardIteratorType="TRIM_HORIZON"), read(ShardIteratorType="LATEST"),
        read(ShardIteratorType="AT_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[1]),
        read(ShardIteratorType="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[1]),
        read(ShardIteratorType="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[2]),
        read(ShardIteratorType="AT_TIMESTAMP", Timestamp=time.time() - 100),
        read(ShardIteratorType="AT_SEQUENCE_NUMBER"), read(ShardIteratorType="AT_TIMESTAMP"),
        attempt(kinesis.get_shard_iterator, StreamName="iterators", ShardId="shardId-000000000009",
                ShardIteratorType="LATEST"),
        attempt(kinesis.get_shard_iterator, StreamName="gone", ShardId="shardId-000000000000",
                ShardIteratorType="LATEST"),
        attempt(kinesis.get_records, ShardIterator="broken"),
        attempt(kinesis.put_records, StreamName="iterators",
                Records=[{"Data": b"x", "PartitionKey": "k"}] * 501),
        attempt(kinesis.create_stream, StreamName="iterators", ShardCount=1),
        attempt(kinesis.put_record, StreamName="iterators", Data=b"x", PartitionKey="k", ExplicitHashKey=str(1 << 128)),
    ]


def test_iterators_start_as_in_kinesalite(fake, kinesalite):
    assert iterators(checked(fake.client("kinesis"))) == iterators(kinesalite.client("kinesis"))


# -- the whole flow beside moto ------------------------------------------------------------------


def flow(aws, look=lambda client: client):
    """Stream, table, change records, Firehose, object; what a consumer sees of it, without names and times."""
    kinesis, dynamodb, s3 = (look(aws.client(name)) for name in ("kinesis", "dynamodb", "s3"))
    seen = []
    kinesis.create_stream(StreamName="flow", ShardCount=2)
    active(kinesis, "flow")
    summary = kinesis.describe_stream_summary(StreamName="flow")["StreamDescriptionSummary"]
    seen.append([summary[name] for name in ("StreamName", "StreamStatus", "OpenShardCount", "RetentionPeriodHours")])
    answer = kinesis.put_records(StreamName="flow", Records=[
        {"Data": bytes([number]), "PartitionKey": f"key{number}"} for number in range(40)])
    seen.append([answer["FailedRecordCount"], [record["ShardId"] for record in answer["Records"]]])

    dynamodb.create_table(
        TableName="flow", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "hashtag", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "hashtag", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
    dynamodb.get_waiter("table_exists").wait(TableName="flow", WaiterConfig={"Delay": 1})
    time.sleep(0.1)
    seen += table_flow(dynamodb)
    arn = dynamodb.describe_table(TableName="flow")["Table"]["LatestStreamArn"]
    seen.append(changes(look(aws.client("dynamodbstreams")), arn))

    s3.create_bucket(Bucket="flow", CreateBucketConfiguration={"LocationConstraint": aws.region})
    seen.append(attempt(s3.head_bucket, Bucket="nothere"))
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                                                     "Principal": {"Service": "firehose.amazonaws.com"}}]}
    iam = look(aws.client("iam"))
    seen.append(attempt(iam.get_role, RoleName="flow"))
    role = iam.create_role(RoleName="flow", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName="flow", PolicyName="flow", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}]}))
    seen.append([role, iam.get_role(RoleName="flow")["Role"]["AssumeRolePolicyDocument"],
                 attempt(iam.create_role, RoleName="flow", AssumeRolePolicyDocument=json.dumps(trust))])
    seen += firehose_flow(look(aws.client("firehose")), s3, role)
    identity = look(aws.client("sts")).get_caller_identity()
    seen.append(identity["Account"])
    return seen


def table_flow(dynamodb):
    def call(operation, **arguments):
        answer = attempt(operation, TableName="flow", **arguments)
        if isinstance(answer, dict):
            answer.pop("ConsumedCapacity", None)
        return answer
    add = {"UpdateExpression": "ADD htCount :n SET m0 = :m",
           "ConditionExpression": "attribute_not_exists(m0) OR m0 < :m"}
    seen = []
    for tag, mark in (("a", "0011"), ("b", "0011"), ("a", "0012"), ("a", "0012")):
        seen.append(call(dynamodb.update_item, Key={"hashtag": {"S": tag}}, ReturnValues="ALL_NEW", **add,
                         ExpressionAttributeValues={":n": {"N": "2"}, ":m": {"S": mark}}))
    seen.append(call(dynamodb.get_item, Key={"hashtag": {"S": "a"}}))
    seen.append(call(dynamodb.get_item, Key={"hashtag": {"S": "none"}}))
    page = dynamodb.scan(TableName="flow")
    seen.append([page["Count"], page["ScannedCount"], sorted(item["hashtag"]["S"] for item in page["Items"])])
    seen.append(call(dynamodb.delete_item, Key={"hashtag": {"S": "a"}}, ReturnValues="ALL_OLD"))
    seen.append(call(dynamodb.delete_item, Key={"hashtag": {"S": "a"}}, ReturnValues="ALL_OLD"))
    seen.append(call(dynamodb.update_time_to_live,
                     TimeToLiveSpecification={"Enabled": True, "AttributeName": "expiresAt"}))
    seen.append(attempt(dynamodb.describe_table, TableName="nothere"))
    seen.append(attempt(dynamodb.batch_get_item, RequestItems={"flow": {"Keys": [
        {"hashtag": {"S": "b"}}, {"hashtag": {"S": "a"}}]}})["Responses"])
    return seen


def changes(streams, arn):
    """The removals among the change records. (moto makes two records of an item that is new.)"""
    description = streams.describe_stream(StreamArn=arn)["StreamDescription"]
    seen = [description["StreamStatus"], description["StreamViewType"], description["KeySchema"]]
    for shard in description["Shards"]:
        iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"],
                                              ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        for record in streams.get_records(ShardIterator=iterator)["Records"]:
            inner = record["dynamodb"]
            assert 21 <= len(inner["SequenceNumber"]) <= 40
            if record["eventName"] == "REMOVE":
                seen.append([inner["Keys"], inner["OldImage"], inner.get("NewImage"), record.get("userIdentity")])
    return seen


def firehose_flow(firehose, s3, role):
    firehose.create_delivery_stream(DeliveryStreamName="flow", ExtendedS3DestinationConfiguration={
        "RoleARN": role, "BucketARN": "arn:aws:s3:::flow", "Prefix": "deleted/",
        "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60}})
    time.sleep(0.1)
    description = firehose.describe_delivery_stream(DeliveryStreamName="flow")["DeliveryStreamDescription"]
    seen = [description["DeliveryStreamStatus"], description["DeliveryStreamName"]]
    answer = firehose.put_record_batch(DeliveryStreamName="flow", Records=[{"Data": b"1\n"}, {"Data": b"2\n"}])
    seen.append([answer["FailedPutCount"], len(answer["RequestResponses"])])
    for _ in range(100):
        listing = s3.list_objects_v2(Bucket="flow", Prefix="deleted/")
        if listing["KeyCount"]:
            break
        time.sleep(0.05)
    key, = [entry["Key"] for entry in listing["Contents"]]
    seen += [s3.get_object(Bucket="flow", Key=key)["Body"].read(), key.split("/")[0], len(key.split("/")),
             attempt(firehose.put_record_batch, DeliveryStreamName="none", Records=[{"Data": b"1"}])]
    return seen


def test_the_whole_flow_is_as_in_moto(fake, moto):
    ours, theirs = flow(fake, checked), flow(moto)
    for number, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
        assert mine == other, f"step {number}"


# -- S3 beside moto ---------------------------------------------------------------------------------


KEYS = ["a/1", "a/2", "a/b/3", "b c+d&e", "ünï/çode", "z'\"<>"]


def objects(s3, region):
    s3.create_bucket(Bucket="objects", CreateBucketConfiguration={"LocationConstraint": region})
    for key in KEYS:
        s3.put_object(Bucket="objects", Key=key, Body=key.encode())
    seen = [[s3.get_object(Bucket="objects", Key=key)["Body"].read().decode() for key in KEYS]]
    for options in ({}, {"Prefix": "a/"}, {"Delimiter": "/"}, {"Prefix": "a/", "Delimiter": "/"}, {"MaxKeys": 2},
                    {"StartAfter": "a/2"}, {"Prefix": "none"}):
        page = s3.list_objects_v2(Bucket="objects", **options)
        seen.append([page["KeyCount"], page["IsTruncated"], [entry["Key"] for entry in page.get("Contents", [])],
                     [entry["Prefix"] for entry in page.get("CommonPrefixes", [])],
                     [entry["Size"] for entry in page.get("Contents", [])]])
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="objects", PaginationConfig={"PageSize": 2})
    seen.append([entry["Key"] for page in pages for entry in page.get("Contents", [])])
    seen += [s3.head_object(Bucket="objects", Key="a/1")["ContentLength"],
             s3.get_object(Bucket="objects", Key="a/b/3", Range="bytes=1-2")["Body"].read(),
             attempt(s3.get_object, Bucket="objects", Key="none"),
             attempt(s3.head_object, Bucket="objects", Key="none"),
             attempt(s3.put_object, Bucket="objects", Key="a/1", Body=b"x", IfNoneMatch="*"),
             attempt(s3.delete_object, Bucket="objects", Key="none"), attempt(s3.put_object, Bucket="nothere", Key="a"),
             attempt(s3.create_bucket, Bucket="objects", CreateBucketConfiguration={"LocationConstraint": region}),
             attempt(s3.get_public_access_block, Bucket="objects")]
    block = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    s3.put_public_access_block(Bucket="objects", PublicAccessBlockConfiguration=block)
    seen.append(s3.get_public_access_block(Bucket="objects")["PublicAccessBlockConfiguration"])
    upload = s3.create_multipart_upload(Bucket="objects", Key="big")["UploadId"]
    parts = []
    for number, body in ((1, b"x" * (5 << 20)), (2, b"end")):
        part = s3.upload_part(Bucket="objects", Key="big", UploadId=upload, PartNumber=number, Body=body)
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    done = s3.complete_multipart_upload(Bucket="objects", Key="big", UploadId=upload, MultipartUpload={"Parts": parts})
    seen.append([done["ETag"], s3.head_object(Bucket="objects", Key="big")["ContentLength"]])
    return seen


def test_objects_are_as_in_moto(fake, moto):
    ours, theirs = objects(checked(fake.client("s3")), fake.region), objects(moto.client("s3"), moto.region)
    for number, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
        if isinstance(mine, dict) and isinstance(other, dict):
            shared = mine.keys() & other.keys()
            mine, other = ({name: one[name] for name in shared} for one in (mine, other))
        assert mine == other, f"step {number}"


def expiry(aws, **clock):
    """An iterator that is used after 301 s."""
    kinesis = aws.client("kinesis")
    kinesis.create_stream(StreamName="expiry", ShardCount=1)
    active(kinesis, "expiry")
    iterator = kinesis.get_shard_iterator(StreamName="expiry", ShardId="shardId-000000000000",
                                          ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    before = attempt(kinesis.get_records, ShardIterator=iterator)["Records"]
    aws.move_clock(seconds=301, **clock)
    return before, attempt(kinesis.get_records, ShardIterator=iterator)


def test_iterators_expire_as_in_kinesalite(kinesalite):
    with FakeAws(options={"settle_s": 0}) as fake:
        ours = expiry(fake, skew=-301)
    assert ours == expiry(kinesalite) == ([], "ExpiredIteratorException")
