# SPDX-License-Identifier: MIT
"""What happens to the daemon during a soak: tweets by POST, deletions, flushes, moments of misfortune.

Each is a thread that ends when `over` is set; what it did is in its attributes.
"""

import collections
import contextlib
import http.client
import os
import random
import signal
import subprocess
import threading
import time
import urllib.parse

from daemon import tweet

FAILED = (OSError, http.client.HTTPException)


class Worker:
    """Calls `step()` every `every_s`; a step that raises an assertion ends the soak with it."""

    def __init__(self, over, every_s):
        self.over, self.every_s, self.failure = over, every_s, None
        self.thread = threading.Thread(target=self.run, daemon=True)

    def start(self):
        self.thread.start()
        return self

    def run(self):
        due = time.monotonic()
        try:
            while not self.over.wait(max(0, due - time.monotonic())):
                self.step()
                due = max(due + self.every_s, time.monotonic() - 5)
        except BaseException as failure:  # shown by whoever waits for the end
            self.failure = failure
            self.over.set()

    def finish(self):
        self.thread.join()
        if self.failure is not None:
            raise self.failure


class Poster(Worker):
    """So many tweets a second by POST. A request without an answer is put again, with the same ids."""

    REQUEST_TWEETS = 50

    def __init__(self, over, daemon, rate, seed):
        super().__init__(over, self.REQUEST_TWEETS / rate)
        self.daemon, self.chance, self.next_id = daemon, random.Random(seed), 1
        self.counts, self.tweets = collections.Counter(), 0
        self.answers = collections.Counter()

    def step(self):
        batch = []
        for _ in range(self.REQUEST_TWEETS):
            tags = [f"posted{int(self.chance.paretovariate(0.8)) % 1000}" for _ in range(self.chance.randint(0, 3))]
            batch.append((tweet(self.next_id, *tags), tags))
            self.next_id += 1
        self.put([one for one, _ in batch])
        for _, tags in batch:
            self.counts.update(tags)
        self.tweets += len(batch)

    def put(self, tweets):
        deadline = time.monotonic() + 60
        while True:
            try:
                answer = self.daemon.post_tweets(tweets, timeout=20)
                self.answers[answer.status] += 1
                if answer.status == 202:
                    assert answer.json["accepted"] == len(tweets), answer
                    return
                assert answer.status == 503, answer
            except FAILED as failure:
                self.answers[type(failure).__name__] += 1
            assert time.monotonic() < deadline, f"nothing was taken for a minute: {dict(self.answers)}"
            time.sleep(0.5)


class Deleter(Worker):
    """Deletes a hashtag of the upper ranks now and then."""

    def __init__(self, over, daemon, every_s, seed):
        super().__init__(over, every_s)
        self.daemon, self.chance = daemon, random.Random(seed)
        self.promised, self.answers = set(), collections.Counter()

    def step(self):
        try:
            rows = self.daemon.get("/hashtags?limit=300", timeout=60).json["hashtags"]
            if not rows:
                return
            name = self.chance.choice(rows)["hashtag"]
            answer = self.daemon.delete("/hashtags/" + urllib.parse.quote(name, safe=""), timeout=60)
        except FAILED as failure:
            self.answers[type(failure).__name__] += 1
            return
        self.answers[answer.status] += 1
        assert answer.status in (200, 404, 503), answer
        if answer.status == 200 and answer.json["event_id"]:
            self.promised.add(answer.json["event_id"])


class Flusher(Worker):
    def __init__(self, over, daemon, every_s):
        super().__init__(over, every_s)
        self.daemon, self.answers = daemon, collections.Counter()

    def step(self):
        try:
            self.answers[self.daemon.post("/flush", timeout=60).status] += 1
        except FAILED as failure:
            self.answers[type(failure).__name__] += 1


class Stopper(Worker):
    """kill -STOP, and -CONT some seconds later. `moments` are (from, to) on the monotonic clock."""

    def __init__(self, over, daemon, every_s, seed):
        super().__init__(over, every_s)
        self.daemon, self.chance, self.moments = daemon, random.Random(seed), []

    def step(self):
        if self.over.wait(self.chance.uniform(0.3, 0.7) * self.every_s):
            return
        began = time.monotonic()
        self.daemon.process.send_signal(signal.SIGSTOP)
        time.sleep(min(self.every_s / 4, self.chance.uniform(0.5, 3)))
        self.daemon.process.send_signal(signal.SIGCONT)
        self.moments.append((began, time.monotonic()))


class DiskFiller(Worker):
    """Takes all free space of the small file system for some seconds, then gives it back."""

    def __init__(self, over, folder, every_s, seed):
        super().__init__(over, every_s)
        self.ballast, self.chance, self.moments = folder / "ballast", random.Random(seed), []

    def step(self):
        if self.over.wait(self.chance.uniform(0.3, 0.7) * self.every_s):
            return
        began = time.monotonic()
        try:
            with open(self.ballast, "wb") as file:
                for size in (1 << 24, 1 << 20, 1 << 16, 1 << 12):
                    self.fill(file, size)
            self.over.wait(self.chance.uniform(2, 5))
        finally:
            self.ballast.unlink(missing_ok=True)
        self.moments.append((began, time.monotonic()))

    @staticmethod
    def fill(file, size):
        with contextlib.suppress(OSError):
            while True:
                at = os.fstat(file.fileno()).st_size
                os.posix_fallocate(file.fileno(), at, size)


@contextlib.contextmanager
def small_disk(folder, size_bytes):
    """A file system of its own, mounted from a file; None where this machine does not let us."""
    image, place = folder / "disk.img", folder / "disk"
    place.mkdir()
    with open(image, "wb") as file:
        file.truncate(size_bytes)
    made = os.geteuid() == 0 and all(subprocess.run(command, capture_output=True).returncode == 0 for command in (
        ["mkfs.ext4", "-q", "-F", "-m", "0", str(image)], ["mount", "-o", "loop", str(image), str(place)]))
    try:
        yield place if made else None
    finally:
        if made:
            subprocess.run(["umount", str(place)], check=True)
        image.unlink()
