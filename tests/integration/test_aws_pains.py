# SPDX-License-Identifier: MIT
"""What hurts users of other programs on this way, one test a pain: lost batches, doubled counts, shards
that stop, iterators that expire for ever, poison that blocks. The numbers are only a list; 13, 18 and 19
are beside what they belong to, in test_aws_shards.py and test_aws_trouble.py."""

import hashlib
import json
import time

import pytest

import aws_truth
from aws_truth import SETTINGS, STREAM, TABLE
from daemon import Daemon, tweet
from fake_aws import FakeAws


@pytest.fixture
def aws():
    with FakeAws() as peer:
        aws_truth.create_account(peer)
        yield peer


def on_amazon(start, aws, **more):
    return start({**SETTINGS, **more}, environ=aws.environment())


def put_items(aws, *tags, table=TABLE):
    dynamodb = aws.client("dynamodb", retries=True)
    for tag in tags:
        dynamodb.put_item(TableName=table, Item={"hashtag": {"S": tag}, "htCount": {"N": "1"}})


def delete_items(aws, tags):
    """Another program deletes; the eventIDs."""
    for tag in tags:
        aws.delete(table=TABLE, key=tag)
    return {entry["event_id"] for entry in aws.deletions()}


def accepted_lines(aws):
    """Every line that Firehose accepted, as often as it did."""
    return [json.loads(line) for record in aws.delivered(aws_truth.DELIVERY) for line in record.splitlines()]


def wait_for_events(aws, events):
    aws_truth.wait_until(lambda: events <= {line["event_id"] for line in aws_truth.archive_lines(aws)},
                         f"{len(events)} deletions archived", 25)


def exact(aws, tweets, timeout=60):
    aws_truth.wait_for_counts(aws, aws_truth.count_of(tweets), timeout=timeout)


# -- the archive ------------------------------------------------------------------------------------


def test_pain_01_a_partly_refused_batch_loses_nothing(aws, start):
    tags = [f"tag{number}" for number in range(60)]
    put_items(aws, *tags)
    aws.set_faults({"record_throttle": {"p": 0.5, "operations": ["Firehose."]},
                    "record_failure": {"p": 0.3, "operations": ["Firehose."]}})
    on_amazon(start, aws)
    wait_for_events(aws, delete_items(aws, tags))


def test_pain_02_only_refused_records_go_again(aws, start):
    tags = [f"tag{number}" for number in range(40)]
    put_items(aws, *tags)
    aws.set_faults({"record_throttle": {"p": 0.5, "operations": ["Firehose."]}})
    on_amazon(start, aws)
    events = delete_items(aws, tags)
    wait_for_events(aws, events)
    lines = [line["event_id"] for line in accepted_lines(aws)]
    assert sorted(lines) == sorted(events), "each line once, where no answer was lost"


@pytest.mark.parametrize("number", [1, 2, 499, 500, 501])
def test_pain_03_a_batch_of_any_size_arrives_whoever_deleted(aws, start, number):
    tags = [f"tag{at}" for at in range(number)]
    put_items(aws, *tags)
    on_amazon(start, aws)
    for at, tag in enumerate(tags):
        aws.delete(table=TABLE, key=tag, by="ttl" if at % 2 else "program")
    wait_for_events(aws, {entry["event_id"] for entry in aws.deletions()})


def test_pain_04_each_deletion_is_a_line_of_its_own(aws, start):
    put_items(aws, "a", "b", 'quote"', "new\nline", "ünï")
    on_amazon(start, aws)
    wait_for_events(aws, delete_items(aws, ["a", "b", 'quote"', "new\nline", "ünï"]))
    assert {line["hashtag"] for line in aws_truth.archive_lines(aws)} == {"a", "b", 'quote"', "new\nline", "ünï"}
    assert all(record.endswith(b"\n") for record in aws.delivered(aws_truth.DELIVERY))


# -- poison -----------------------------------------------------------------------------------------


def put_raw(aws, *bodies):
    aws.client("kinesis", retries=True).put_records(
        StreamName=STREAM, Records=[{"Data": body, "PartitionKey": str(at)} for at, body in enumerate(bodies)])


def test_pain_05_a_poison_record_skips_no_neighbour(aws, start):
    good = [tweet(number, f"tag{number}") for number in range(1, 5)]
    bodies = [json.dumps(one).encode() for one in good]
    put_raw(aws, bodies[0], b"no json", bodies[1], b"\xff\xfe", b"[", bodies[2], b"\xf3\x89\x9a\xc2garbage", bodies[3])
    daemon = on_amazon(start, aws)
    exact(aws, good)
    letters = [json.loads(line) for path in (daemon.data / "dead-letters").iterdir()
               for line in path.read_text().splitlines()]
    assert len(letters) == 4


def test_pain_06_what_is_refused_for_good_does_not_block(aws, start):
    long_tag = "x" * 2100
    put_raw(aws, json.dumps(tweet(1, "before")).encode(), json.dumps(tweet(2, long_tag)).encode(),
            json.dumps(tweet(3, "after")).encode())
    on_amazon(start, aws)
    aws_truth.wait_until(lambda: {"before": 1, "after": 1}.items() <= aws_truth.counts(aws).items(), "its neighbours")


# -- exactly once -----------------------------------------------------------------------------------


def test_pain_07_a_restart_counts_nothing_twice(aws, start):
    tweets = aws_truth.made_tweets(200)
    aws_truth.put(aws, tweets)
    daemon = on_amazon(start, aws)
    for _ in range(3):
        time.sleep(0.3)
        daemon.kill()
        daemon.start()
    exact(aws, tweets)


def test_pain_08_the_checkpoint_waits_for_what_is_not_written(aws, start):
    tweets = aws_truth.made_tweets(100)
    aws.set_faults({"throttle": {"p": 0.9, "operations": ["DynamoDB.UpdateItem"]}})
    aws_truth.put(aws, tweets)
    daemon = on_amazon(start, aws)
    time.sleep(1)
    daemon.kill()
    aws.set_faults()
    daemon.start()
    exact(aws, tweets)


def test_pain_20_connections_that_are_reset_count_once(aws, start):
    aws.set_faults({"reset": 0.1, "lost_reset": 0.1})
    on_amazon(start, aws)
    tweets = aws_truth.made_tweets(100)
    aws_truth.put(aws, tweets)
    aws_truth.wait_until(lambda: {item["hashtag"]["S"]: int(item["htCount"]["N"]) for item in aws.items(TABLE)}
                         == aws_truth.count_of(tweets), "exact counts", 60)


# -- shards -----------------------------------------------------------------------------------------


def test_pain_09_the_tail_of_a_closed_shard_is_read(aws, start):
    aws.set_faults({"short_page": 1.0})
    tweets = aws_truth.made_tweets(150)
    aws_truth.put(aws, tweets[:100])
    aws.split(stream=STREAM)
    aws_truth.put(aws, tweets[100:])
    on_amazon(start, aws)
    exact(aws, tweets)


def test_pain_10_a_shard_whose_answers_never_come_is_read_again(aws, start):
    tweets = aws_truth.made_tweets(60)
    aws_truth.put(aws, tweets)
    aws.set_faults(rules=[{"operation": "Kinesis.GetRecords", "fault": "hang", "times": 1}])
    daemon = on_amazon(start, aws)
    exact(aws, tweets, timeout=120)
    assert all(shard["last_success_age_seconds"] < 30 for shard in daemon.status()["shards"])


def test_pain_11_every_page_of_shards_is_read(start):
    with FakeAws(options={"list_shards_page": 2, "describe_stream_page": 1}) as aws:
        aws_truth.create_account(aws, shards=9)
        put_items(aws, *"abcdef")
        for split in (True, True, False, False):
            aws.roll_over(table=TABLE, split=split)
            put_items(aws, "again")
        daemon = on_amazon(start, aws)
        tweets = aws_truth.made_tweets(100)
        aws_truth.put(aws, tweets)
        wait_for_events(aws, delete_items(aws, "abcdef"))
        wanted = aws_truth.count_of(tweets)
        aws_truth.wait_until(lambda: wanted.items() <= aws_truth.counts(aws).items(), "exact counts")
        daemon.stop()


def test_pain_12_an_iterator_that_expires_again_and_again_is_no_loop(aws, start):
    on_amazon(start, aws)
    aws.set_faults({"iterator_expiry": 0.5})
    tweets = aws_truth.made_tweets(100)
    aws_truth.put(aws, tweets)
    exact(aws, tweets)
    put_items(aws, "gone")
    wait_for_events(aws, delete_items(aws, ["gone"]))


def test_pain_14_a_second_daemon_takes_no_lease_that_is_alive(aws, tmp_path, start):
    first = on_amazon(start, aws)
    tweets = aws_truth.made_tweets(120)
    aws_truth.put(aws, tweets[:60])
    exact(aws, tweets[:60])
    second = Daemon({**first.settings, "data.dir": str(tmp_path / "second")}, data=tmp_path / "second",
                    environ=aws.environment())
    second.spawn()
    try:
        aws_truth.wait_until(lambda: "lease" in second.log, "the second daemon says that it waits", 30)
        time.sleep(3)
        aws_truth.put(aws, tweets[60:90])
        exact(aws, tweets[:90])
        assert second.get("/readyz").status == 503
        first.kill()
        second.wait_until_up(60)
        aws_truth.put(aws, tweets[90:])
        exact(aws, tweets)
        second.stop()
    finally:
        second.kill()


def test_pain_15_a_throttled_lease_table_slows_and_drops_nothing(aws, start):
    aws.set_faults({"throttle": {"p": 0.3, "operations": ["DynamoDB."]}})
    daemon = on_amazon(start, aws)
    tweets = aws_truth.made_tweets(60)
    aws_truth.put(aws, tweets)
    aws_truth.wait_until(lambda: {item["hashtag"]["S"]: int(item["htCount"]["N"]) for item in aws.items(TABLE)}
                         == aws_truth.count_of(tweets), "exact counts", 60)
    aws.set_faults()
    daemon.stop()
    daemon.start()
    exact(aws, tweets)


# -- memory and the end -----------------------------------------------------------------------------


def test_pain_16_a_table_that_takes_nothing_fills_no_memory(aws, start):
    budget = 16 << 20
    daemon = on_amazon(start, aws, **{"memory.budget_bytes": budget, "source.type": "synthetic", "source.rate": 2000,
                                      "source.limit": 30000})
    aws.set_faults({"throttle": {"p": 1.0, "operations": ["DynamoDB.UpdateItem"]}})
    used = []
    for _ in range(40):
        time.sleep(0.25)
        used.append(daemon.status()["memory"]["used_bytes"])
    assert max(used) <= budget * 2, max(used)
    aws.set_faults()
    aws_truth.wait_until(lambda: daemon.post("/flush").status == 200, "it goes on by itself", 90)
    aws_truth.wait_until(lambda: daemon.get("/readyz").status == 200, "it says so", 90)


@pytest.mark.parametrize("throttled", [False, True])
def test_pain_17_a_stop_loses_nothing(aws, start, throttled):
    tweets = aws_truth.made_tweets(400)
    if throttled:
        aws.set_faults({"throttle": {"p": 0.5, "operations": ["DynamoDB.UpdateItem"]}})
    daemon = on_amazon(start, aws)
    aws_truth.put(aws, tweets)
    time.sleep(0.4)
    daemon.stop()
    aws.set_faults()
    daemon.start()
    exact(aws, tweets)


# -- hot keys ---------------------------------------------------------------------------------------


def test_pain_22_a_hot_hashtag_is_folded_and_no_label(aws, start):
    tweets = [tweet(number, "hot") for number in range(1, 3001)]
    aws_truth.put(aws, tweets)
    daemon = on_amazon(start, aws)
    exact(aws, tweets)
    made = aws.counters()["requests"]
    assert made["DynamoDB.UpdateItem"] < 200, made
    assert "hot" not in daemon.get("/metrics").text


# -- records that others packed ---------------------------------------------------------------------


def varint(number):
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def field(tag, body):
    return bytes([tag]) + varint(len(body)) + body


def aggregated(tweets):
    """One record as the Kinesis Producer Library packs them."""
    message = b"".join(field(0x0A, one["id_str"].encode()) for one in tweets)
    for at, one in enumerate(tweets):
        message += field(0x1A, b"\x08" + varint(at) + field(0x1A, json.dumps(one).encode()))
    return b"\xf3\x89\x9a\xc2" + message + hashlib.md5(message).digest()


def test_records_of_the_producer_library_count_through_a_crash(aws, start):
    tweets = aws_truth.made_tweets(300)
    kinesis = aws.client("kinesis", retries=True)
    for at in range(0, 300, 50):
        kinesis.put_record(StreamName=STREAM, Data=aggregated(tweets[at:at + 50]), PartitionKey="a")
    daemon = on_amazon(start, aws)
    time.sleep(0.5)
    daemon.kill()
    daemon.start()
    exact(aws, tweets)
