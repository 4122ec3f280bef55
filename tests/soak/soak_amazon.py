# SPDX-License-Identifier: MIT
"""The soak with stream, table and archive at the fake of Amazon, which throttles, loses answers, fails by
halves and reshards all the time. The fake is Python: a few hundred tweets a second are what it carries."""

import collections

import aws_truth
from fake_aws import FakeAws
from fake_aws.faults import STORM
from soak_samples import MIB, read_metrics

CALMER = 4  # the storm of the integration tests is for seconds


def faults():
    return {kind: chance / CALMER for kind, chance in STORM.items()}


def started(seed):
    """A fake with everything that `hashtagd setup` makes, and the storm begun."""
    aws = FakeAws(seed=seed).start()
    aws_truth.create_account(aws)
    aws.set_faults(faults())
    return aws


def settings():
    return {**aws_truth.SETTINGS, "counting.repeat_window": 100000, "memory.budget_bytes": 64 * MIB}


def settle(aws, daemon, expected, delivered):
    """Waits for the end; {hashtag: times} that the table has and deletions took along, and the
    event_ids of the bucket. Looks past every limit of the services."""
    aws.set_faults()

    def all_delivered():
        values, _ = read_metrics(daemon.get("/metrics").text)
        return values["hashtagd_source_delivered_total"] >= delivered and values["hashtagd_ingest_waiting_messages"] == 0

    def found():
        counts = collections.Counter({item["hashtag"]["S"]: int(item["htCount"]["N"]) for item in aws.items(aws_truth.TABLE)})
        for entry in aws.deletions(table=aws_truth.TABLE):
            counts[entry["item"]["hashtag"]["S"]] += int(entry["item"]["htCount"]["N"])
        return counts

    daemon.wait_for(all_delivered, "the end of all sources", 600)
    daemon.wait_for(lambda: sum(found().values()) >= sum(expected.values()), "all counts in the table", 600)
    wanted = {entry["event_id"] for entry in aws.deletions(table=aws_truth.TABLE)}
    archived = set()

    def all_archived():
        archived.update(line["event_id"] for line in aws_truth.archive_lines(aws))
        return wanted <= archived

    daemon.wait_for(all_archived, "every deletion in the bucket", 600)
    return found(), archived
