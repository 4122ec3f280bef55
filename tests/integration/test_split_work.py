# SPDX-License-Identifier: MIT
"""Several processes split the work on one stream and table: each leaves the positions of the others alone."""

import json

import pytest

from daemon import Daemon, hashtagd, tweet
from fake_aws import FakeAws

AMAZON = {"stream.type": "kinesis", "table.type": "dynamodb", "archive.type": "firehose",
          "counting.repeat_window": 1000}
TAKES_IN = {"counting.enabled": False, "archive.type": "none"}
COUNTS = {"archive.type": "none"}
ARCHIVES = {"counting.enabled": False}


@pytest.fixture
def aws(tmp_path):
    with FakeAws(seed=11, options={"role_ready_s": 0}) as fake:
        words = [f"--set={key}={value}" for key, value in AMAZON.items()]
        done = hashtagd("setup", *words, "--set", f"data.dir={tmp_path / 'setup'}", environ=fake.environment())
        assert done.returncode == 0, done.stdout + done.stderr
        yield fake


def owners(aws, table):
    return {row["leaseKey"]["S"]: row["leaseOwner"]["S"] for row in aws.items(table) if "leaseOwner" in row}


def test_check_of_a_process_that_takes_tweets_in_and_sees_no_counts(aws, tmp_path):
    settings = {**AMAZON, **TAKES_IN, "data.dir": tmp_path / "takes-in", "admin.listen": "127.0.0.1:0"}
    words = [f"--set={key}={json.dumps(value) if isinstance(value, bool) else value}" for key, value in settings.items()]
    done = hashtagd("check", *words, environ=aws.environment(), timeout=40)
    told = done.stdout.decode()
    assert done.returncode == 0, told
    assert "ok    put" in told and "--    count" in told and "0 failed" in told


def test_each_process_can_stop_and_start_while_the_others_work(aws, tmp_path):
    def make(name, settings):
        return Daemon({**AMAZON, **settings}, tmp_path / name, environ=aws.environment())

    counts, archives, takes_in = (make(*one) for one in (("counts", COUNTS), ("archives", ARCHIVES),
                                                         ("takes-in", TAKES_IN)))
    positions, changes = "hashtags-twitter_bigdata-leases", "hashtags-changes-leases"
    with counts, archives, takes_in:
        # ready with nothing to do yet: nobody would send tweets to one that is not
        assert takes_in.post_tweets([tweet(1000 + i, "one") for i in range(50)]).json["accepted"] == 50
        counts.wait_until_counted({"one": 50})
        counts.flush()
        aws.delete(table="hashtags", key="one")
        counts_id = (counts.data / "worker-id").read_text().strip()
        archives_id = (archives.data / "worker-id").read_text().strip()
        archives.wait_for(lambda: archives.flush() and owners(aws, changes), "a position in the change stream")
        for daemon in (takes_in, archives, counts):
            daemon.stop()
            daemon.start(timeout=30)
        # while the others are away for longer than a lease lives, nobody takes what is theirs
        archives.stop()
        counts.stop()
        aws.move_clock(seconds=60)
        takes_in.wait_for(lambda: takes_in.get("/readyz").status == 200, "a process that takes tweets in")
        assert owners(aws, positions) == {} and owners(aws, changes) == {}
        counts.start(timeout=30)
        archives.start(timeout=30)
        assert takes_in.post_tweets([tweet(2000 + i, "two") for i in range(20)]).json["accepted"] == 20
        archives.wait_for(lambda: archives.counts() == {"two": 20}, "the counts of another process")
        assert archives.delete("/hashtags/two").status == 200
        # this one neither counts nor follows the changes: it asks the table
        assert takes_in.post_tweets([tweet(3000 + i, "three") for i in range(5)]).json["accepted"] == 5
        counts.wait_until_counted({"two": 20, "three": 5})  # it was not told of the deletion
        counts.flush()
        assert takes_in.delete("/hashtags/three").json["count"] == 5
        assert takes_in.delete("/hashtags/three").status == 404
        archives.flush()
        aws.deliver()
        lines = [json.loads(line) for record in aws.delivered("deleted-hashtags") for line in record.splitlines()]
        assert {(line["hashtag"], line["count"]) for line in lines} == {("one", 50), ("two", 20), ("three", 5)}
        archives.wait_for(lambda: owners(aws, changes), "the position after the deletions")
        assert set(owners(aws, positions).values()) == {counts_id}
        assert set(owners(aws, changes).values()) == {archives_id}
