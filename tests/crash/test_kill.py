# SPDX-License-Identifier: MIT
"""kill -9 at random moments under load: the counts are the truth each time, to the last one."""

import collections
import gzip
import http.client
import json
import random
import threading
import time

from conftest import SEED, crashes
from daemon import difference, tweet
from independent_count import count_files
from synthetic import final_counts, synthetic, told_by_generator, truth_of

ROUNDS = crashes(20)


def hashtags_of(identity):
    """A few skewed hashtags for a tweet, the same every time."""
    draw = random.Random(identity)
    return [f"tag{int(draw.paretovariate(0.8)) % 500}" for _ in range(draw.randint(1, 4))]


class Load:
    """Puts numbered tweets until it is told to stop. A request whose answer was lost is put again, as
    a careful client does: with the same ids, so the stream may hold them twice."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.next_id = 1
        self.accepted = collections.Counter()
        self.unsure = []
        self.stopped = threading.Event()
        self.thread = None

    def start(self):
        self.stopped.clear()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def stop(self):
        self.stopped.set()
        self.thread.join()

    def _run(self):
        while not self.stopped.is_set():
            if not self.unsure:
                self.unsure = list(range(self.next_id, self.next_id + 200))
                self.next_id += 200
            try:
                answer = self.daemon.post_tweets([tweet(identity, *hashtags_of(identity)) for identity in self.unsure])
            except (OSError, http.client.HTTPException):
                return  # killed under us; the same ids again in the next round
            if answer.status == 503:
                time.sleep(0.05)
                continue
            assert answer.status == 202 and answer.json["accepted"] == len(self.unsure), answer
            for identity in self.unsure:
                self.accepted.update(hashtags_of(identity))
            self.unsure = []

    def settle(self):
        """Puts what the last kill left unsure."""
        if self.unsure:
            answer = self.daemon.post_tweets([tweet(identity, *hashtags_of(identity)) for identity in self.unsure])
            assert answer.status == 202, answer
            for identity in self.unsure:
                self.accepted.update(hashtags_of(identity))
            self.unsure = []


def test_kill_under_load_with_posted_tweets(start):
    draw = random.Random(f"posted {SEED}")
    daemon = start({"table.flush_interval_s": 1}, up=False)
    load = Load(daemon)
    for round_ in range(ROUNDS):
        daemon.start()
        load.settle()
        load.start()
        time.sleep(draw.uniform(0.05, 1.5))
        daemon.kill()
        load.stop()
    daemon.start()
    load.settle()
    daemon.wait_until_counted(dict(load.accepted), timeout=120)
    assert sum(load.accepted.values()) > 1000, "there was no load"


def test_kill_right_after_each_answer(start):
    """No time to count: what was answered 202 is there all the same."""
    daemon = start()
    expected = collections.Counter()
    for round_ in range(ROUNDS):
        identities = range(1 + 100 * round_, 101 + 100 * round_)
        assert daemon.post_tweets([tweet(n, *hashtags_of(n)) for n in identities]).status == 202
        for identity in identities:
            expected.update(hashtags_of(identity))
        daemon.kill()
        daemon.start()
    daemon.wait_until_counted(dict(expected))


def test_kill_under_synthetic_load(start, tmp_path):
    limit = 40_000
    (tmp_path / "messages.jsonl").write_bytes(told_by_generator("messages", 7, limit))
    truth = count_files([tmp_path / "messages.jsonl"])
    assert truth == truth_of(7, limit) and sum(truth.values()) > 1000
    draw = random.Random(f"synthetic {SEED}")
    daemon = start(synthetic(limit), data="killed", up=False)
    for _ in range(ROUNDS):
        daemon.start()
        time.sleep(draw.uniform(0, 0.5))
        daemon.kill()
    daemon.start()
    found = final_counts(daemon)
    assert found == truth, difference(found, truth)


def test_deletions_under_kill_reach_the_archive(start):
    """Each deletion that was answered is archived, whatever was killed when."""
    draw = random.Random(f"deleted {SEED}")
    daemon = start({"archive.buffer_s": 1}, up=False)
    promised = set()
    identity = 0
    for round_ in range(ROUNDS):
        daemon.start()
        tags = [f"r{round_}t{number}" for number in range(10)]
        daemon.post_tweets([tweet(identity + number + 1, tag) for number, tag in enumerate(tags)])
        identity += 10
        deadline = time.monotonic() + draw.uniform(0.1, 1.5)
        while time.monotonic() < deadline and tags:
            answer = daemon.delete(f"/hashtags/{tags[0]}")
            if answer.status == 200:
                promised.add(answer.json["event_id"])
                tags.pop(0)
        daemon.kill()
    daemon.start()
    daemon.flush()

    def stored():
        found = set()
        for path in (daemon.data / "archive").rglob("*.gz"):
            with gzip.open(path) as lines:  # each is whole at every instant
                found |= {json.loads(line)["event_id"] for line in lines}
        return found

    assert len(promised) > ROUNDS
    daemon.wait_for(lambda: promised <= stored(), f"{len(promised)} deletions in the archive")
