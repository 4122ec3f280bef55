# SPDX-License-Identifier: MIT
"""The change feed over DynamoDB Streams, by itself: every deletion comes, in order, whatever breaks."""

import collections
import json
import pathlib
import random
import re
import signal
import subprocess
import time
import unittest

import pytest

from daemon import clean_environment, program
from fake_aws import FakeAws
from fake_aws.faults import STORM
from moto_peer import Moto

ORIGINS = {"user": "0", "ttl": "1", "unknown": "2"}


class Feed:
    """Runs of changes_probe after each other on one table."""

    def __init__(self, aws, folder):
        self.tool = pathlib.Path(program()).parent / "tests" / "tools" / "changes_probe"
        if not self.tool.is_file():
            raise unittest.SkipTest(f"{self.tool} is not built")
        self.aws, self.folder, self.runs, self.process = aws, folder, [], None

    def start(self):
        place = self.folder / f"run-{len(self.runs)}"
        with open(place, "wb") as out, open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen([self.tool, "hashtags", self.folder / "hashtagd.db"], stdout=out,
                                            stderr=log, env=clean_environment(self.aws.environment()))
        self.runs.append(place)

    def watches_for_the_end(self):
        """Whether it catches SIGTERM by now: a process that has just begun does not."""
        caught = re.search(r"SigCgt:\s*([0-9a-f]+)", pathlib.Path(f"/proc/{self.process.pid}/status").read_text())
        return int(caught[1], 16) >> (signal.SIGTERM - 1) & 1

    def stop(self, how=signal.SIGTERM):
        deadline = time.monotonic() + 30
        while how == signal.SIGTERM and not self.watches_for_the_end() and self.process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        self.process.send_signal(how)
        status = self.process.wait(30)
        self.process = None
        assert status == (0 if how == signal.SIGTERM else -how), (self.folder / "log").read_text()[-4000:]

    def lines(self, run=None):
        places = self.runs if run is None else [self.runs[run]]
        return [line for place in places for line in place.read_text().splitlines()]

    def removals(self):
        """(event id, origin, count, item) in the order in which they were read, repeats too."""
        found = [line.split(" ", 4)[1:] for line in self.lines() if line.startswith("removal ") and line.endswith("}")]
        return [(event, origin, int(count), json.loads(item)) for event, origin, count, item in found]

    def wait_for(self, events, timeout=60):
        wanted, deadline = set(events), time.monotonic() + timeout
        while wanted - {removal[0] for removal in self.removals()}:
            assert time.monotonic() < deadline, (self.folder / "log").read_text()[-4000:]
            time.sleep(0.05)

    def wait_for_line(self, words, timeout=30):
        deadline = time.monotonic() + timeout
        while not any(line.startswith(words) for line in self.lines(-1)):
            assert time.monotonic() < deadline, (self.folder / "log").read_text()[-4000:]
            time.sleep(0.05)

    def repeated(self):
        """Events that came again although they were committed in a run before."""
        done, again = set(), []
        for run in range(len(self.runs)):
            waiting = []
            for line in self.lines(run):
                if line.startswith("removal "):
                    event = line.split(" ")[1]
                    again += [event] if event in done else []
                    waiting.append(event)
                elif line.startswith("committed "):
                    done.update(waiting)
                    waiting = []
        return again


def make_tables(aws, view="NEW_AND_OLD_IMAGES"):
    dynamodb = aws.client("dynamodb", retries=True)
    stream = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": view}}
    for name, key, more in (("hashtags", "hashtag", stream), ("hashtags-changes-leases", "leaseKey", {})):
        dynamodb.create_table(TableName=name, KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
                              AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
                              BillingMode="PAY_PER_REQUEST", **more)
    for name in ("hashtags", "hashtags-changes-leases"):
        wait_for_table(dynamodb, name)
    return dynamodb


def wait_for_table(dynamodb, name):
    while dynamodb.describe_table(TableName=name)["Table"]["TableStatus"] != "ACTIVE":
        time.sleep(0.05)


def count(dynamodb, tag):
    dynamodb.update_item(TableName="hashtags", Key={"hashtag": {"S": tag}}, UpdateExpression="ADD htCount :n",
                         ExpressionAttributeValues={":n": {"N": "3"}})


def delete(dynamodb, tag):
    dynamodb.delete_item(TableName="hashtags", Key={"hashtag": {"S": tag}})


def test_moto_hands_over_what_was_deleted(tmp_path):
    with Moto() as aws:
        dynamodb = make_tables(aws)
        feed = Feed(aws, tmp_path)
        for run, tag in enumerate(["bä", "c"]):
            count(dynamodb, tag)
            delete(dynamodb, tag)
            feed.start()
            feed.wait_for_line("committed 1")
            feed.stop()
            assert feed.lines(run)[0] == f"remembered {run}"
        assert [(origin, number, item) for _event, origin, number, item in feed.removals()] == [
            (ORIGINS["user"], 3, {"hashtag": {"S": tag}, "htCount": {"N": "3"}}) for tag in ("bä", "c")]


def live(aws, dynamodb, feed, chance):
    """Changes, deletions by anybody, shards that end and split, the feed killed and started again."""
    for _step in range(12):
        aws.set_faults(probabilities={})
        for _ in range(chance.randrange(1, 8)):
            tag = f"t{chance.randrange(10)}"
            count(dynamodb, tag)
            if chance.random() < 0.5:
                aws.delete(table="hashtags", key=[tag], by=chance.choice(["program", "ttl"]))
        if chance.random() < 0.3:
            aws.roll_over(table="hashtags", split=chance.random() < 0.5)
        aws.set_faults(probabilities=STORM)
        time.sleep(chance.random())
        if chance.random() < 0.3:
            feed.stop(chance.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM]))
            feed.start()


@pytest.mark.parametrize("seed", [1, 2])
def test_every_deletion_comes_in_order_through_faults_splits_and_kills(tmp_path, seed):
    with FakeAws(seed=seed, options={"late_child_s": 0.3, "describe_stream_page": 3}) as aws:
        dynamodb = make_tables(aws)
        feed = Feed(aws, tmp_path)
        feed.start()
        live(aws, dynamodb, feed, random.Random(seed))
        aws.set_faults(probabilities={})
        truth = aws.deletions(table="hashtags")
        feed.wait_for(deletion["event_id"] for deletion in truth)
        feed.stop()
        assert feed.lines(-1)[-1] == "closed 0 0"
        expected, read, origins = collections.defaultdict(list), collections.defaultdict(list), {}
        for deletion in truth:
            tag = deletion["item"]["hashtag"]
            expected[tag["S"] if isinstance(tag, dict) else tag].append(deletion["event_id"])
            origins[deletion["event_id"]] = ORIGINS["ttl" if deletion["by"] == "ttl" else "user"]
        for event, origin, _number, item in feed.removals():
            assert origins[event] == origin
            if event not in read[item["hashtag"]["S"]]:
                read[item["hashtag"]["S"]].append(event)
        assert read == expected
        assert feed.repeated() == []


def switch(dynamodb):
    """Off, and on again with old images."""
    dynamodb.update_table(TableName="hashtags", StreamSpecification={"StreamEnabled": False})
    wait_for_table(dynamodb, "hashtags")
    dynamodb.update_table(TableName="hashtags", StreamSpecification={"StreamEnabled": True,
                                                                     "StreamViewType": "NEW_AND_OLD_IMAGES"})
    wait_for_table(dynamodb, "hashtags")


def test_a_stream_that_is_switched_off_and_on_loses_nothing(tmp_path):
    with FakeAws(seed=3, options={"settle_s": 0.05}) as aws:
        dynamodb = make_tables(aws, view="KEYS_ONLY")
        feed = Feed(aws, tmp_path)
        feed.start()
        for tag in ("a", "b"):
            count(dynamodb, tag)
            delete(dynamodb, tag)
        feed.wait_for(deletion["event_id"] for deletion in aws.deletions(table="hashtags"))
        feed.wait_for_line("committed")
        feed.stop()
        count(dynamodb, "c")
        delete(dynamodb, "c")
        switch(dynamodb)
        count(dynamodb, "d")
        delete(dynamodb, "d")
        feed.start()
        feed.wait_for(deletion["event_id"] for deletion in aws.deletions(table="hashtags"))
        feed.stop()
        assert [(item["hashtag"]["S"], number, origin) for _event, origin, number, item in feed.removals()] == [
            ("a", 0, ORIGINS["unknown"]), ("b", 0, ORIGINS["unknown"]), ("c", 0, ORIGINS["unknown"]),
            ("d", 3, ORIGINS["user"])]
        assert feed.repeated() == []
