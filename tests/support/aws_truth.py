# SPDX-License-Identifier: MIT
"""Looks at an AWS account from outside, with boto3: what the table counts, what the bucket holds.

`aws` is any AwsPeer: the fake, moto, kinesalite. Also here: the older notebook's table and producer,
and the resources that a daemon needs, for tests that do not want `hashtagd setup`.
"""

import collections
import gzip
import json
import random
import time

from daemon import setting_text, tweet
from independent_count import count_tweet

STREAM = "twitter_bigdata"
TABLE = "hashtags"
DELIVERY = "deleted-hashtags"
BUCKET = "deleted-hashtags-123456789012-eu-west-1"  # as `hashtagd setup` names it

# A daemon with all of it at Amazon, by the usual names.
SETTINGS = {"stream.type": "kinesis", "table.type": "dynamodb", "archive.type": "firehose", "archive.buffer_s": 1}


# -- reading ----------------------------------------------------------------------------------


def wait_until(holds, what, timeout=30, every=0.05):
    """Calls `holds` until it answers something true, which is returned. An AssertionError inside
    counts as "not yet", and is shown when the time is over."""
    deadline = time.monotonic() + timeout
    while True:
        seen = None
        try:
            found = holds()
        except AssertionError as error:
            found, seen = None, error
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what}" + (f": {seen}" if seen else ""))
        time.sleep(every)


def items(aws, table=TABLE):
    """Every item, by its hashtag, as DynamoDB's JSON."""
    found = {}
    for page in aws.client("dynamodb", retries=True).get_paginator("scan").paginate(
            TableName=table, ConsistentRead=True):
        for item in page["Items"]:
            assert item["hashtag"]["S"] not in found, f"{item} stands on two pages"
            found[item["hashtag"]["S"]] = item
    return found


def counts(aws, table=TABLE):
    """hashtag -> htCount; 0 where an item has none. (moto shows an item that is half written.)"""
    return {tag: int(item.get("htCount", {"N": "0"})["N"]) for tag, item in items(aws, table).items()}


def objects(aws, bucket=BUCKET, prefix=""):
    """key -> content, un-gzipped."""
    s3 = aws.client("s3", retries=True)
    found = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", []):
            body = s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
            found[entry["Key"]] = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
    return found


def archive_lines(aws, bucket=BUCKET, prefix=""):
    """Every line of every object, in order of key and place; each object ends in a newline."""
    lines = []
    for key, body in sorted(objects(aws, bucket, prefix).items()):
        assert body.endswith(b"\n"), f"{key} ends within a line: {body[-80:]!r}"
        lines += [json.loads(line) for line in body.splitlines()]
    return lines


def wait_for_counts(aws, expected, table=TABLE, timeout=60):
    """Waits until the table holds exactly these counts."""
    def equal():
        found = counts(aws, table)
        if found == expected:
            return True
        tags = sorted(set(found) | set(expected), key=lambda tag: (found.get(tag) == expected.get(tag), tag))[:5]
        wrong = {tag: (found.get(tag), expected.get(tag)) for tag in tags}
        raise AssertionError(f"{sum(found.values())} of {sum(expected.values())}; found and expected: {wrong}")
    wait_until(equal, f"{len(expected)} exact counts in {table}", timeout)


def wait_for_archive(aws, number, bucket=BUCKET, timeout=60):
    """Waits until so many deletions (by event_id) are archived; the lines, repeats left out."""
    def enough():
        unique = {line["event_id"]: line for line in archive_lines(aws, bucket)}
        assert len(unique) >= number, f"{len(unique)} of {number} lines"
        return list(unique.values())
    return wait_until(enough, f"{number} archived deletions", timeout)


# -- tweets -----------------------------------------------------------------------------------


def made_tweets(number, seed=1, first=1, tags=200):
    """Tweets with skewed hashtags; the same seed and first id make the same ones."""
    draw = random.Random(f"{seed} {first}")
    return [tweet(first + at, *(f"Tag{min(tags, int(draw.paretovariate(0.7)))}" for _ in range(draw.randint(1, 4))))
            for at in range(number)]


def count_of(tweets, **options):
    """hashtag -> times, by the rules and not by the program."""
    counted, recent = collections.Counter(), collections.OrderedDict()
    for one in tweets:
        count_tweet(counted, recent, 100000, one, {}, options)
    return dict(counted)


def options(settings):
    """Settings as words of a command line."""
    return [word for key, value in settings.items() for word in ("--set", f"{key}={setting_text(value)}")]


# -- the older notebook -----------------------------------------------------------------------


def create_notebook_table(aws, counted=(), table=TABLE):
    """The notebook's table: 100/100 provisioned, no change stream; `counted` is hashtag -> htCount."""
    dynamodb = aws.client("dynamodb", retries=True)
    dynamodb.create_table(
        TableName=table, KeySchema=[{"AttributeName": "hashtag", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "hashtag", "AttributeType": "S"}],
        ProvisionedThroughput={"ReadCapacityUnits": 100, "WriteCapacityUnits": 100})
    wait_for_table(aws, table)
    for tag, number in dict(counted).items():
        dynamodb.put_item(TableName=table, Item={"hashtag": {"S": tag}, "htCount": {"N": str(number)}})


def put_like_the_notebook(aws, tweets, stream=STREAM):
    """The notebook's producer: one PutRecord a tweet, each with the partition key "filler"."""
    kinesis = aws.client("kinesis", retries=True)
    for tweet in tweets:
        kinesis.put_record(StreamName=stream, Data=json.dumps(tweet).encode(), PartitionKey="filler")


def put(aws, tweets, stream=STREAM):
    """Puts tweets as this program does: partition key is the id. Every record is taken in the end,
    perhaps twice where an answer was lost."""
    from botocore.exceptions import BotoCoreError, ClientError
    kinesis = aws.client("kinesis")
    records = [{"Data": json.dumps(one).encode(), "PartitionKey": str(one["id_str"])} for one in tweets]
    while records:
        try:
            answers = kinesis.put_records(StreamName=stream, Records=records[:500]).get("Records")
        except (BotoCoreError, ClientError):
            answers = None
        if answers is None:  # boto3 takes an answer that was cut off for an empty one
            time.sleep(0.02)
            continue
        records = [record for record, answer in zip(records, answers) if "ErrorCode" in answer] + records[500:]


# -- resources --------------------------------------------------------------------------------


def create_stream(aws, shards=1, stream=STREAM):
    kinesis = aws.client("kinesis", retries=True)
    kinesis.create_stream(StreamName=stream, ShardCount=shards)
    wait_until(lambda: kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]["StreamStatus"]
               == "ACTIVE", f"stream {stream}")


def wait_for_table(aws, table):
    dynamodb = aws.client("dynamodb", retries=True)
    wait_until(lambda: dynamodb.describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE", f"table {table}")


def create_lease_tables(aws):
    """Where the daemon keeps how far it is in the stream and in the table's changes."""
    for name in (f"{TABLE}-{STREAM}-leases", f"{TABLE}-changes-leases"):
        aws.client("dynamodb", retries=True).create_table(
            TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "leaseKey", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "leaseKey", "AttributeType": "S"}])
        wait_for_table(aws, name)


def create_table(aws, table=TABLE):
    dynamodb = aws.client("dynamodb", retries=True)
    dynamodb.create_table(
        TableName=table, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "hashtag", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "hashtag", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
    wait_for_table(aws, table)
    dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification={
        "Enabled": True, "AttributeName": "expiresAt"})


def create_bucket(aws, bucket=BUCKET):
    aws.client("s3", retries=True).create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": aws.region})


def create_delivery(aws, bucket=BUCKET, delivery=DELIVERY, prefix="deleted/"):
    trust = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "firehose.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    role = aws.client("iam", retries=True).create_role(
        RoleName=f"{delivery}-role", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    firehose = aws.client("firehose", retries=True)
    firehose.create_delivery_stream(DeliveryStreamName=delivery, ExtendedS3DestinationConfiguration={
        "RoleARN": role, "BucketARN": f"arn:aws:s3:::{bucket}", "Prefix": prefix,
        "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60}})

    def active():
        answer = firehose.describe_delivery_stream(DeliveryStreamName=delivery)
        return answer["DeliveryStreamDescription"]["DeliveryStreamStatus"] == "ACTIVE"
    wait_until(active, f"delivery stream {delivery}")


def create_account(aws, shards=1):
    """Everything that `hashtagd setup` makes, by its usual names."""
    create_stream(aws, shards)
    create_table(aws)
    create_lease_tables(aws)
    create_bucket(aws)
    create_delivery(aws)
