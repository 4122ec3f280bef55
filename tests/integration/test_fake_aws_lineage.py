# SPDX-License-Identifier: MIT
"""Whatever splits, merges and rolls over: who reads parents before children gets every record of the
fake once, and in order per key."""

import json
import random

import pytest

from fake_aws import FakeAws


def read_shard(get_records, iterator):
    """All records of a shard up to its end, or to the first page that is at the tip."""
    records = []
    for _ in range(2000):
        page = get_records(ShardIterator=iterator)
        records += page["Records"]
        iterator = page.get("NextShardIterator")
        if iterator is None:
            return records, True
        if not page["Records"] and page.get("MillisBehindLatest", 0) == 0:
            return records, False
    raise AssertionError("a shard without an end")


@pytest.mark.parametrize("seed", range(4))
def test_records_come_once_and_in_order_through_reshards(seed):
    draw = random.Random(seed)
    with FakeAws(seed=seed, options={"settle_s": 0, "list_shards_page": 3}) as aws:
        kinesis = aws.client("kinesis")
        kinesis.create_stream(StreamName="tweets", ShardCount=2)
        aws.set_faults({"split": 0.1, "merge": 0.1})
        put = []
        for number in range(150):
            key = f"key{draw.randrange(20)}"
            put.append((key, number))
            kinesis.put_records(StreamName="tweets", Records=[{"Data": str(number).encode(), "PartitionKey": key}])
        aws.set_faults({"short_page": 0.5})
        shards, token = [], {"StreamName": "tweets"}
        while token:
            page = kinesis.list_shards(**token)
            shards += page["Shards"]
            token = {"NextToken": page["NextToken"]} if "NextToken" in page else None
        assert len(shards) > 6 and len({shard["ShardId"] for shard in shards}) == len(shards)
        found, ended = {}, set()
        for shard in shards:  # a child is listed after its parents
            parents = [shard[name] for name in ("ParentShardId", "AdjacentParentShardId") if name in shard]
            assert ended.issuperset(parents)
            iterator = kinesis.get_shard_iterator(StreamName="tweets", ShardId=shard["ShardId"],
                                                  ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
            records, at_end = read_shard(kinesis.get_records, iterator)
            if at_end:
                ended.add(shard["ShardId"])
            for record in records:
                found.setdefault(record["PartitionKey"], []).append(int(record["Data"]))
        wanted = {}
        for key, number in put:
            wanted.setdefault(key, []).append(number)
        assert found == wanted


@pytest.mark.parametrize("seed", range(4))
def test_changes_come_once_and_in_order_through_roll_overs(seed):
    draw = random.Random(seed)
    with FakeAws(seed=seed, options={"settle_s": 0, "describe_stream_page": 2}) as aws:
        dynamodb, streams = aws.client("dynamodb"), aws.client("dynamodbstreams")
        dynamodb.create_table(
            TableName="tags", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "tag", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "tag", "AttributeType": "S"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
        aws.set_faults({"roll_over": 0.1, "stream_split": 0.03, "foreign_delete": 0.1})
        for _ in range(150):
            dynamodb.update_item(TableName="tags", Key={"tag": {"S": f"t{draw.randrange(9)}"}},
                                 UpdateExpression="ADD n :one", ExpressionAttributeValues={":one": {"N": "1"}})
        deleted = {entry["event_id"] for entry in aws.deletions()}
        items = {item["tag"]["S"]: item for item in aws.items("tags")}
        aws.set_faults({"short_page": 0.3})
        arn = dynamodb.describe_table(TableName="tags")["Table"]["LatestStreamArn"]
        images, removed, start, shards = {}, set(), {}, []
        while start is not None:
            page = streams.describe_stream(StreamArn=arn, **start)["StreamDescription"]
            shards += page["Shards"]
            last = page.get("LastEvaluatedShardId")
            start = {"ExclusiveStartShardId": last} if last else None
        for shard in shards:
            iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"],
                                                  ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
            records, at_end = read_shard(streams.get_records, iterator)
            assert at_end == ("EndingSequenceNumber" in shard["SequenceNumberRange"])
            for record in records:
                change = record["dynamodb"]
                tag = change["Keys"]["tag"]["S"]
                assert json.dumps(images.get(tag)) == json.dumps(change.get("OldImage")), "each begins where one ended"
                images[tag] = change.get("NewImage")
                if record["eventName"] == "REMOVE":
                    removed.add(record["eventID"])
        assert len(shards) > 5 and removed == deleted != set()
        assert {tag: image for tag, image in images.items() if image is not None} == items
