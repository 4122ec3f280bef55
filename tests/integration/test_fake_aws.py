# SPDX-License-Identifier: MIT
"""The fake of AWS as boto3 sees it."""

import itertools
import threading
import time

import pytest
from botocore.exceptions import ClientError, HTTPClientError

from botocore_shapes import checked
from fake_aws import FakeAws
from fake_aws.faults import STORM


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
    with pytest.raises(HTTPClientError):
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


# -- who may come in ------------------------------------------------------------------------------


def test_a_clock_that_is_off_is_refused_and_the_date_tells(aws):
    aws.move_clock(skew=600)
    with pytest.raises(ClientError, match="Signature expired") as caught:
        aws.client("kinesis").list_streams()
    assert caught.value.response["Error"]["Code"] == "InvalidSignatureException"
    assert "date" in caught.value.response["ResponseMetadata"]["HTTPHeaders"]
    aws.client("s3").list_buckets()
    aws.move_clock(skew=-1000)
    with pytest.raises(ClientError, match="not yet current"):
        aws.client("dynamodb").list_tables()
    assert code_of(aws.client("s3").list_buckets) == "RequestTimeTooSkewed"
    aws.move_clock(skew=0)
    aws.client("kinesis").list_streams()


def test_a_session_ends(aws):
    key = aws.session(seconds=60)
    names = {"aws_access_key_id": key["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": key["AWS_SECRET_ACCESS_KEY"]}
    assert code_of(aws.client("kinesis", **names).list_streams) == "UnrecognizedClientException", "without its token"
    names["aws_session_token"] = key["AWS_SESSION_TOKEN"]
    aws.client("kinesis", **names).list_streams()
    aws.move_clock(seconds=61, skew=-61)
    assert code_of(aws.client("kinesis", **names).list_streams) == "ExpiredTokenException"
    assert code_of(aws.client("s3", **names).list_buckets) == "ExpiredToken"


def test_a_role_is_assumed(aws):
    sts = checked(aws.client("sts"))
    none = "arn:aws:iam::123456789012:role/none"
    assert code_of(sts.assume_role, RoleArn=none, RoleSessionName="me") == "AccessDenied"
    key = sts.assume_role(RoleArn=aws.role(name="reader"), RoleSessionName="me")["Credentials"]
    client = aws.client("sts", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"],
                        aws_session_token=key["SessionToken"])
    assert client.get_caller_identity()["Arn"].endswith("assumed-role/reader/me")


def test_a_permission_can_be_missing(aws):
    aws.deny(actions=["dynamodb:ListTables"])
    with pytest.raises(ClientError, match="not authorized to perform: dynamodb:ListTables"):
        aws.client("dynamodb").list_tables()
    aws.deny(actions=[])
    aws.client("dynamodb").list_tables()


# -- Kinesis --------------------------------------------------------------------------------------


def stream_with(aws, shards=1, records=()):
    kinesis = checked(aws.client("kinesis"))
    kinesis.create_stream(StreamName="tweets", ShardCount=shards)
    for record in records:
        kinesis.put_record(StreamName="tweets", Data=record, PartitionKey="filler")
    return kinesis


def iterator(kinesis, shard="shardId-000000000000", kind="TRIM_HORIZON", **more):
    return kinesis.get_shard_iterator(StreamName="tweets", ShardId=shard, ShardIteratorType=kind,
                                      **more)["ShardIterator"]


def test_an_iterator_lives_five_minutes(aws):
    kinesis = stream_with(aws, records=[b"1"])
    start = iterator(kinesis)
    aws.move_clock(seconds=290, skew=-290)
    kinesis.get_records(ShardIterator=start)
    aws.move_clock(seconds=20, skew=-310)
    assert code_of(kinesis.get_records, ShardIterator=start) == "ExpiredIteratorException"


def test_old_records_are_trimmed_and_a_position_before_them_starts_at_the_horizon(aws):
    kinesis = stream_with(aws, records=[b"old"])
    first = kinesis.get_records(ShardIterator=iterator(kinesis))["Records"][0]["SequenceNumber"]
    aws.move_clock(seconds=24 * 3600 + 1, skew=-24 * 3600 - 1)
    kinesis.put_record(StreamName="tweets", Data=b"new", PartitionKey="filler")
    after = iterator(kinesis, kind="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=first)
    page = kinesis.get_records(ShardIterator=after)
    assert [record["Data"] for record in page["Records"]] == [b"new"]
    assert [record["data"] for record in aws.records("tweets")] == [b"old", b"new"]


def test_shards_are_listed_page_by_page_and_the_token_ends(aws):
    aws.options(list_shards_page=3)
    kinesis = stream_with(aws, shards=8)
    first = kinesis.list_shards(StreamName="tweets")
    token = first["NextToken"]
    second = kinesis.list_shards(NextToken=token)
    third = kinesis.list_shards(NextToken=second["NextToken"])
    assert [len(page["Shards"]) for page in (first, second, third)] == [3, 3, 2] and "NextToken" not in third
    assert code_of(kinesis.list_shards, StreamName="tweets", NextToken=token) == "InvalidArgumentException"
    aws.move_clock(seconds=301, skew=-301)
    assert code_of(kinesis.list_shards, NextToken=token) == "ExpiredNextTokenException"


def test_filters_choose_shards(aws):
    kinesis = stream_with(aws)
    aws.split(stream="tweets")

    def listed(**chosen):
        return [shard["ShardId"][-1] for shard in kinesis.list_shards(StreamName="tweets", **chosen)["Shards"]]
    assert listed() == ["0", "1", "2"] == listed(ShardFilter={"Type": "FROM_TRIM_HORIZON"})
    assert listed(ShardFilter={"Type": "AT_LATEST"}) == ["1", "2"]
    assert listed(ShardFilter={"Type": "AT_TRIM_HORIZON"}) == ["0"]
    assert listed(ShardFilter={"Type": "AFTER_SHARD_ID", "ShardId": "shardId-000000000001"}) == ["2"]
    assert listed(ExclusiveStartShardId="shardId-000000000000") == ["1", "2"]


def test_a_merged_shard_has_both_parents(aws):
    kinesis = stream_with(aws, shards=2)
    child = aws.merge(stream="tweets")
    for parent in ("shardId-000000000000", "shardId-000000000001"):
        page = kinesis.get_records(ShardIterator=iterator(kinesis, parent))
        assert "NextShardIterator" not in page
        assert [one["ShardId"] for one in page["ChildShards"]] == [child]
    listed = kinesis.list_shards(StreamName="tweets")["Shards"][2]
    parents = {listed["ParentShardId"], listed["AdjacentParentShardId"]}
    assert parents == {"shardId-000000000000", "shardId-000000000001"}


def test_limits_hold_where_they_are_switched_on(aws):
    aws.options(limits=True)
    kinesis = stream_with(aws)
    start = iterator(kinesis)
    outcomes = [reading(kinesis, start) for _ in range(8)]
    assert outcomes[:5] == ["read"] * 5 and outcomes[5:] == ["ProvisionedThroughputExceededException"] * 3
    answer = kinesis.put_records(StreamName="tweets", Records=[
        {"Data": b"x" * 100_000, "PartitionKey": str(number)} for number in range(20)])
    assert answer["FailedRecordCount"] == 10
    assert {record.get("ErrorCode") for record in answer["Records"][10:]} == {"ProvisionedThroughputExceededException"}


def reading(kinesis, start):
    try:
        kinesis.get_records(ShardIterator=start)
        return "read"
    except ClientError as error:
        return error.response["Error"]["Code"]


def test_a_page_has_ten_mebibytes_and_says_how_far_behind_it_is(aws):
    kinesis = stream_with(aws)
    for _ in range(3):
        kinesis.put_records(StreamName="tweets", Records=[{"Data": b"x" * 1_000_000, "PartitionKey": "1"}] * 5)
    page = kinesis.get_records(ShardIterator=iterator(kinesis))
    assert len(page["Records"]) == 10 and page["MillisBehindLatest"] > 0
    rest = kinesis.get_records(ShardIterator=page["NextShardIterator"])
    assert len(rest["Records"]) == 5 and rest["MillisBehindLatest"] == 0


@pytest.mark.parametrize("size,code", [(1 << 20, "ValidationException"), ((1 << 20) - 6, None)])
def test_a_record_has_a_mebibyte_with_its_key(aws, size, code):
    kinesis = stream_with(aws)
    put = {"StreamName": "tweets", "Data": b"x" * size, "PartitionKey": "filler"}
    assert code_of(kinesis.put_record, **put) == code if code else kinesis.put_record(**put)


def test_records_of_a_batch_fail_one_by_one(aws):
    kinesis = stream_with(aws)
    aws.set_faults({"record_throttle": 0.3, "record_failure": 0.2})
    answer = kinesis.put_records(StreamName="tweets", Records=[{"Data": b"%d" % number, "PartitionKey": "1"}
                                                               for number in range(100)])
    failed = [number for number, record in enumerate(answer["Records"]) if "ErrorCode" in record]
    assert answer["FailedRecordCount"] == len(failed) and 20 < len(failed) < 80
    stored = [int(record["data"]) for record in aws.records("tweets")]
    assert stored == [number for number in range(100) if number not in failed]


# -- the change stream ----------------------------------------------------------------------------


def change_pages(aws, arn):
    """Reads the whole stream, parents first: (records, shards in order)."""
    streams = checked(aws.client("dynamodbstreams"))
    shards, start = [], {}
    while True:
        page = streams.describe_stream(StreamArn=arn, **start)["StreamDescription"]
        shards += page["Shards"]
        if "LastEvaluatedShardId" not in page:
            break
        start = {"ExclusiveStartShardId": page["LastEvaluatedShardId"]}
    records = []
    for shard in shards:
        token = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"],
                                           ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        page = streams.get_records(ShardIterator=token)
        records += page["Records"]
        assert ("NextShardIterator" in page) == ("EndingSequenceNumber" not in shard["SequenceNumberRange"])
    return records, shards


def arn_of(dynamodb):
    return dynamodb.describe_table(TableName="hashtags")["Table"]["LatestStreamArn"]


def test_shards_roll_over_and_split_and_are_listed_page_by_page(aws):
    aws.options(describe_stream_page=2)
    dynamodb = make_table(aws)
    add(dynamodb, "a")
    aws.roll_over(table="hashtags")
    add(dynamodb, "a")
    aws.roll_over(table="hashtags", split=True)
    for tag in "bcde":
        add(dynamodb, tag)
    records, shards = change_pages(aws, arn_of(dynamodb))
    assert [shard.get("ParentShardId") for shard in shards] == [
        None, shards[0]["ShardId"], shards[1]["ShardId"], shards[1]["ShardId"]]
    assert [record["eventName"] for record in records[:2]] == ["INSERT", "MODIFY"] and len(records) == 6
    children = aws.client("dynamodbstreams").describe_stream(
        StreamArn=arn_of(dynamodb), ShardFilter={"Type": "CHILD_SHARDS", "ShardId": shards[1]["ShardId"]})
    assert [shard["ShardId"] for shard in children["StreamDescription"]["Shards"]] == [
        shard["ShardId"] for shard in shards[2:]]


def test_a_write_that_changes_nothing_makes_no_record(aws):
    dynamodb = make_table(aws)
    add(dynamodb, "a")
    add(dynamodb, "a", 0)
    dynamodb.delete_item(TableName="hashtags", Key={"hashtag": {"S": "none"}})
    records, _ = change_pages(aws, arn_of(dynamodb))
    assert [record["eventName"] for record in records] == ["INSERT"]


@pytest.mark.parametrize("view,images", [("KEYS_ONLY", set()), ("OLD_IMAGE", {"OldImage"}), ("NEW_IMAGE", {"NewImage"}),
                                         ("NEW_AND_OLD_IMAGES", {"OldImage", "NewImage"})])
def test_records_have_the_images_of_the_view(aws, view, images):
    dynamodb = make_table(aws, view=view)
    add(dynamodb, "a")
    add(dynamodb, "a")
    records, _ = change_pages(aws, arn_of(dynamodb))
    assert {"OldImage", "NewImage"} & set(records[1]["dynamodb"]) == images
    assert records[1]["dynamodb"]["StreamViewType"] == view


def test_changes_older_than_a_day_are_trimmed(aws):
    dynamodb = make_table(aws)
    add(dynamodb, "old")
    (record,), (shard,) = change_pages(aws, arn_of(dynamodb))
    streams = aws.client("dynamodbstreams")
    where = {"StreamArn": arn_of(dynamodb), "ShardId": shard["ShardId"]}
    number = record["dynamodb"]["SequenceNumber"]
    aws.trim_changes(table="hashtags")
    streams.get_shard_iterator(**where, ShardIteratorType="AFTER_SEQUENCE_NUMBER", SequenceNumber=number)
    assert code_of(streams.get_shard_iterator, **where, ShardIteratorType="AT_SEQUENCE_NUMBER",
                   SequenceNumber=number) == "TrimmedDataAccessException"
    start = streams.get_shard_iterator(**where, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    assert streams.get_records(ShardIterator=start)["Records"] == []
    aws.move_clock(seconds=901, skew=-901)
    assert code_of(streams.get_records, ShardIterator=start) == "ExpiredIteratorException"


def test_ttl_deletes_what_is_over_and_says_who_it_was(aws):
    dynamodb = make_table(aws)
    dynamodb.update_time_to_live(TableName="hashtags", TimeToLiveSpecification={"Enabled": True,
                                                                                 "AttributeName": "expiresAt"})
    now = int(time.time())
    for tag, over in (("past", now - 10), ("ahead", now + 1000), ("ancient", now - 6 * 365 * 86400)):
        dynamodb.put_item(TableName="hashtags", Item={"hashtag": {"S": tag}, "expiresAt": {"N": str(over)}})
    assert aws.expire(table="hashtags") == 1
    assert {item["hashtag"]["S"] for item in aws.items("hashtags")} == {"ahead", "ancient"}
    assert [entry["by"] for entry in aws.deletions()] == ["ttl"]


def test_a_stream_that_is_switched_on_again_has_another_name(aws):
    dynamodb = make_table(aws)
    first = arn_of(dynamodb)
    on = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    assert code_of(dynamodb.update_table, TableName="hashtags", StreamSpecification=on) == "ResourceInUseException"
    dynamodb.update_table(TableName="hashtags", StreamSpecification={"StreamEnabled": False})
    assert code_of(dynamodb.update_table, TableName="hashtags",
                   StreamSpecification={"StreamEnabled": False}) == "ValidationException"
    time.sleep(0.002)
    dynamodb.update_table(TableName="hashtags", StreamSpecification=on)
    assert arn_of(dynamodb) != first


# -- reading tables -------------------------------------------------------------------------------


def test_segments_and_pages_of_a_scan_cover_the_table_once(aws):
    dynamodb = make_table(aws)
    tags = {f"tag{number}" for number in range(60)}
    for tag in tags:
        add(dynamodb, tag)
    for segments, limit in itertools.product((1, 3, 7), (1, 7, 100)):
        found = []
        for segment in range(segments):
            for page in dynamodb.get_paginator("scan").paginate(TableName="hashtags", Segment=segment, Limit=limit,
                                                                TotalSegments=segments):
                found += [item["hashtag"]["S"] for item in page["Items"]]
        assert sorted(found) == sorted(tags)


def test_keys_of_a_batch_may_stay_unprocessed(aws):
    dynamodb = make_table(aws)
    for tag in "abcd":
        add(dynamodb, tag)
    aws.set_faults(rules=[{"operation": "DynamoDB.BatchGetItem", "fault": "unprocessed", "times": 2}])
    answer = dynamodb.batch_get_item(RequestItems={"hashtags": {"Keys": [{"hashtag": {"S": tag}} for tag in "abcd"]}})
    assert len(answer["Responses"]["hashtags"]) == 2 and len(answer["UnprocessedKeys"]["hashtags"]["Keys"]) == 2


# -- Firehose -------------------------------------------------------------------------------------


def test_a_batch_has_its_limits(aws):
    aws.client("s3").create_bucket(Bucket="archive", CreateBucketConfiguration={"LocationConstraint": aws.region})
    firehose = checked(aws.client("firehose"))
    target = {"RoleARN": "arn:aws:iam::123456789012:role/none", "BucketARN": "arn:aws:s3:::archive"}
    assert code_of(firehose.create_delivery_stream, DeliveryStreamName="deleted",
                   ExtendedS3DestinationConfiguration=target) == "InvalidArgumentException", "no such role"
    target["RoleARN"] = aws.role(name="firehose")
    firehose.create_delivery_stream(DeliveryStreamName="deleted", ExtendedS3DestinationConfiguration=target)

    def put(*sizes):
        return {"DeliveryStreamName": "deleted", "Records": [{"Data": b"x" * size} for size in sizes]}
    assert code_of(firehose.put_record_batch, **put(*[1] * 501)) == "ValidationException"
    assert code_of(firehose.put_record_batch, **put(1_024_001)) == "ValidationException"
    assert code_of(firehose.put_record_batch, **put(*[1_000_000] * 5)) == "InvalidArgumentException"
    aws.set_faults({"record_throttle": 0.5})
    answer = firehose.put_record_batch(**put(*[1] * 100))
    taken = [one for one in answer["RequestResponses"] if "RecordId" in one]
    assert answer["FailedPutCount"] == 100 - len(taken) and len(aws.delivered("deleted")) == len(taken) > 0


# -- faults ---------------------------------------------------------------------------------------


BEFORE = {"throttle": "ProvisionedThroughputExceededException", "server_error": "InternalServerError",
          "html_503": "503", "reset": HTTPClientError, "expired_token": "ExpiredTokenException"}
AFTER = {"lost_answer": HTTPClientError, "lost_reset": HTTPClientError, "cut_body": HTTPClientError,
         "error_after": "503"}


@pytest.mark.parametrize("kind", [*BEFORE, *AFTER])
def test_a_fault_strikes_before_or_after_the_effect(aws, kind):
    dynamodb = make_table(aws)
    aws.set_faults(rules=[{"operation": "DynamoDB.UpdateItem", "fault": kind, "after": 1}])
    add(dynamodb, "a")
    expected = {**BEFORE, **AFTER}[kind]
    if isinstance(expected, str):
        assert code_of(add, dynamodb=dynamodb, tag="a") == expected
    else:
        with pytest.raises(HTTPClientError):
            add(dynamodb, "a")
    assert aws.items("hashtags")[0]["htCount"] == {"N": "1" if kind in BEFORE else "2"}
    assert aws.counters()["faults"] == {kind: 1}


def test_a_wrong_checksum_is_seen(aws):
    dynamodb = make_table(aws)
    seen = []
    dynamodb.meta.events.register("after-call.dynamodb.UpdateItem", lambda http_response, **_: seen.append(
        http_response.headers["x-amz-crc32"]))
    add(dynamodb, "a")
    aws.set_faults(rules=[{"operation": "DynamoDB.UpdateItem", "fault": "wrong_crc"}])
    add(dynamodb, "a")
    assert seen == ["2745614147", "1"]


def test_the_same_seed_gives_the_same_faults():
    def story(seed):
        with FakeAws(seed=seed, faults={"throttle": 0.3}, options={"settle_s": 0}) as aws:
            aws.set_faults()
            dynamodb = make_table(aws)
            aws.set_faults({"throttle": 0.3, "server_error": 0.2})
            return "".join(outcome_letter(dynamodb) for _ in range(40))
    assert story(5) == story(5) != story(6)


def outcome_letter(dynamodb):
    try:
        add(dynamodb, "a")
        return "."
    except ClientError as error:
        return error.response["Error"]["Code"][0]


def test_a_storm_hits_every_kind_that_it_names(aws):
    dynamodb = make_table(aws)
    aws.set_faults({kind: 0.5 for kind in ("roll_over", "ttl_delete", "foreign_delete", "short_page", "latency")})
    for number in range(30):
        add(dynamodb, f"tag{number}")
    dynamodb.scan(TableName="hashtags")
    struck = aws.counters()["faults"]
    assert {"roll_over", "ttl_delete", "foreign_delete"} <= set(struck)
    total = len(aws.items("hashtags")) + len(aws.deletions(table="hashtags"))
    assert total == 30
    aws.set_faults(STORM)


def test_a_hanging_answer_hangs(aws):
    dynamodb = make_table(aws)
    aws.set_faults(rules=[{"operation": "DynamoDB.UpdateItem", "fault": "hang"}])
    thread = threading.Thread(target=lambda: pytest.raises(Exception, add, dynamodb, "a"), daemon=True)
    thread.start()
    thread.join(0.3)
    assert thread.is_alive() and aws.items("hashtags")[0]["htCount"] == {"N": "1"}


def test_what_was_just_made_may_not_be_known_yet():
    with FakeAws(options={"invisible_s": 50, "settle_s": 100, "role_ready_s": 50}) as aws:
        dynamodb, kinesis = make_table(aws), aws.client("kinesis")
        kinesis.create_stream(StreamName="tweets", ShardCount=1)
        assert code_of(dynamodb.describe_table, TableName="hashtags") == "ResourceNotFoundException"
        assert code_of(kinesis.describe_stream_summary, StreamName="tweets") == "ResourceNotFoundException"
        aws.move_clock(seconds=75)
        assert dynamodb.describe_table(TableName="hashtags")["Table"]["TableStatus"] == "CREATING"
        assert code_of(kinesis.list_shards, StreamName="tweets") == "ResourceInUseException"
        aws.move_clock(seconds=75)
        assert dynamodb.describe_table(TableName="hashtags")["Table"]["TableStatus"] == "ACTIVE"
        kinesis.list_shards(StreamName="tweets")
