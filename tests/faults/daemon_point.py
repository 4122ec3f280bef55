# SPDX-License-Identifier: MIT
"""The real program through a whole life, with one failure somewhere in it. Whatever fails, it goes on
or ends with a word why; and after a restart without failures every count is exact.

The life: start with a source, POST, flush, delete, POST again, flush, look at the archive, stop. A
request that was not answered is repeated afterwards, as a client would: tweets have their ids, so
nothing may count twice. This one has all that it needs embedded; lives.py has the others.
"""

import collections
import gzip
import http.client
import json
import os
import pathlib
import re
import shutil
import time

from daemon import Daemon, program, tweet
from faults_map import FAULTS, FaultsMap, WRITE
from symbols import Symbols

REPLAYED, POSTED = 120, 10
OPTIONS = {
    "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=1:exitcode=99:halt_on_error=1:handle_abort=2:"
                    "allocator_may_return_null=1:malloc_context_size=30",
    "LSAN_OPTIONS": "exitcode=99",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1:exitcode=99",
}
UNANSWERED = (OSError, http.client.HTTPException, ValueError)


class Wrong(AssertionError):
    """A promise that was not kept."""


def library():
    """The preloaded library of the build that the program is of."""
    return pathlib.Path(program()).resolve().parent / "tests" / "faults" / "libfaults.so"


class Life:
    """One life in an empty folder. A kind of life is a subclass, which changes what it runs on."""

    FAULTS = FAULTS

    def __init__(self, place):
        self.place = pathlib.Path(place)
        self.map = FaultsMap(self.place / "map", program())
        self.symbols = Symbols(program())
        self.expected = collections.Counter()
        self.again = []
        self.deleted = False  # whether "gone" was removed; None: nobody knows
        self.ends = []
        self.fault = None
        self.daemon = None
        try:
            settings, environ = self.open_world()
        except BaseException:
            self.close()
            raise
        self.environ = {**OPTIONS, "LD_PRELOAD": str(library()), "HT_FAULTS_FILE": str(self.map.path), **environ}
        self.daemon = Daemon({"table.flush_interval_s": 1, **settings}, data=self.place / "data",
                             environ=self.environ)

    # What a kind of life may change

    def open_world(self):
        """Makes what the program needs; its settings and environment."""
        return self.replay_source(), {}

    def close_world(self):
        """Ends what open_world() made, as far as it came."""

    def feed(self):
        """What the source gets once the program is up."""

    def feed_again(self):
        """What the source gets once more after a restart, where it may have been lost on the way."""

    def stored(self):
        """The counts as the table itself has them, where somebody else can tell."""
        return self.daemon.counts()

    def is_archived(self):
        """Whether the removal of "gone" is in the archive."""
        lines = self.daemon.get("/archive").json["deletions"]
        return any(line["hashtag"] == "gone" for line in lines) or "gone" in self._archived_files()

    # Life

    def replay_source(self):
        replayed = self.place / "tweets.jsonl"
        replayed.write_text("".join(json.dumps(tweet(1000 + i, f"r{i % 7}")) + "\n" for i in range(REPLAYED)))
        self.expected.update(f"r{i % 7}" for i in range(REPLAYED))
        return {"source.type": "replay", "source.files": [str(replayed)], "source.rate": 0}

    def run(self, fault=None, nth=1):
        """One life with that failure and, where the program ended, what follows. Raises Wrong."""
        self.map.restart()
        self.map.clear()
        self.fault = fault
        if fault is not None:
            self.map.set(fault, nth, 1 if fault.kind == WRITE else None)  # more would take the log away
        self._start()
        self._live()
        self._ended()
        self._stop()
        self.map.clear()
        self._restart_and_compare()

    def _live(self):
        for step in (self.feed, self._post, self._flush, self._delete, self._post_more, self._flush):
            step()

    def counts(self):
        return [self.map.seen(kind) for kind in range(7)]

    # Steps: each may find the program gone.

    def _start(self):
        self.daemon.spawn()
        began = time.monotonic()
        while time.monotonic() < began + 60 and not self._ended():
            try:
                answer = self.daemon.get("/readyz", timeout=5)
                # A part may have failed for good; then it must say so.
                if answer.status == 200 or (time.monotonic() > began + 8 and len(answer.json["detail"]) > 20):
                    return
            except UNANSWERED:
                self._read_address()
            time.sleep(0.05)
        if self.daemon.process is not None:
            raise Wrong(f"not ready within 60 s and not gone either:\n{self.daemon.log[-3000:]}")

    def _read_address(self):
        """The file with the address may be what could not be written."""
        told = re.search(r"dashboard=(http://\S+)", self.daemon.log)
        place = self.place / "data" / "admin.url"
        if told and not place.exists():
            place.write_text(told[1] + "\n")

    def _ended(self):
        """Whether it is gone; then with a word why, and no crash."""
        process = self.daemon.process
        if process is None or process.poll() is None:
            return process is None
        status = self.daemon.wait()
        if status not in (1, 2, 3):
            raise Wrong(f"it ended with {status}:\n{self.daemon.log[-4000:]}")
        if not self.daemon.log.strip() and self.fault.kind != WRITE:
            raise Wrong(f"it ended with {status} without a word")
        self.ends.append(status)
        return True

    def _ask(self, method, path, body=None):
        """The answer, or None where there was none."""
        if self._ended():
            return None
        try:
            answer = self.daemon.request(method, path, body=body, timeout=20,
                                         headers={"Content-Type": "application/x-ndjson"} if body else None)
            return answer
        except UNANSWERED:
            return None

    def _post_tweets(self, first):
        tweets = [tweet(first + i, "gone" if first == 1 and i % 2 else f"p{i % 3}") for i in range(POSTED)]
        body = "".join(json.dumps(each) + "\n" for each in tweets)
        for each in tweets:
            self.expected[each["entities"]["hashtags"][0]["text"]] += 1
        answer = self._ask("POST", "/tweets", body)
        if answer is None or answer.status != 202 or answer.json["accepted"] != POSTED:
            self.again.append(body)

    def _post(self):
        self._post_tweets(1)

    def _post_more(self):
        self._post_tweets(101)

    def _flush(self):
        self._ask("POST", "/flush")

    def _delete(self):
        if self.again or not self._wait_for_gone():
            return
        answer = self._ask("DELETE", "/hashtags/gone")
        self.deleted = answer is not None and answer.status == 200
        if self.deleted:
            del self.expected["gone"]
        elif answer is None or answer.status != 404:
            self.deleted = None  # nobody knows

    def _wait_for_gone(self):
        """Whether all of "gone" is counted: a stream may give it later, or not at all."""
        began = time.monotonic()
        while time.monotonic() < began + 10 and not self._ended():
            answer = self._ask("GET", "/hashtags/gone")
            if answer is not None and answer.status == 200 and answer.json["count"] == self.expected["gone"]:
                return True
            time.sleep(0.05)
        return False

    def _stop(self):
        if self.daemon.process is None:
            return
        self.daemon.process.terminate()
        status = self.daemon.wait(90)
        if status not in (0, 1, 3):
            raise Wrong(f"after SIGTERM it ended with {status}:\n{self.daemon.log[-4000:]}")

    def _restart_and_compare(self):
        self.daemon.start()
        self.feed_again()
        self._ask_again()
        if self.again:
            raise Wrong(f"after the restart a POST was not taken:\n{self.daemon.log[-3000:]}")
        self._wait_for_counts()
        self._stop()
        if self.daemon.process is not None:
            raise Wrong("it did not end")

    def _ask_again(self):
        """What was not taken, as a client does that was not answered."""
        def is_refused(body):
            answer = self._ask("POST", "/tweets", body)
            return answer is None or answer.status != 202
        self.again = [body for body in self.again if is_refused(body)]

    def _wait_for_counts(self):
        """Waits until the program and its table have the right counts, and the archive what was removed."""
        without = {tag: count for tag, count in self.expected.items() if tag != "gone"}
        allowed = [dict(self.expected)] + ([without] if self.deleted is None else [])
        deadline = time.monotonic() + 30
        while True:
            found, stored = self.daemon.counts(), self.stored()
            if found in allowed and stored == found:
                break
            if time.monotonic() > deadline:
                raise Wrong(f"counts are {sorted(found.items())}, in the table {sorted(stored.items())}, not "
                            f"{sorted(self.expected.items())}\n{self.daemon.log[-3000:]}")
            time.sleep(0.1)
        if self.deleted or (self.deleted is None and "gone" not in found):
            self._wait_for_archive()

    def _wait_for_archive(self):
        deadline = time.monotonic() + 30
        while not self.is_archived():
            if time.monotonic() > deadline:
                raise Wrong(f"the deletion is not in the archive\n{self.daemon.log[-3000:]}")
            self.daemon.flush()
            time.sleep(0.1)

    def _archived_files(self):
        found = set()
        for path in (self.place / "data" / "archive").rglob("*.gz"):
            with gzip.open(path, "rt") as file:
                found |= {json.loads(line)["hashtag"] for line in file}
        return found

    def trace(self):
        return self.symbols.trace(self.map.trace)

    def close(self):
        if self.daemon is not None:
            self.daemon.kill()
        self.close_world()
        self.map.close()
        self.symbols.close()


def count_operations(kind, place):
    """How many operations of each sort a life of this kind makes without failures."""
    life = kind(fresh(place))
    try:
        life.daemon.spawn()
        life.daemon.wait_until_up()
        life._live()
        life._stop()
        return life.counts()
    finally:
        life.close()


def fresh(place):
    shutil.rmtree(place, ignore_errors=True)
    os.makedirs(place)
    return place


def try_point(kind, place, fault, nth):
    """None, or what was wrong, with the operation that failed."""
    life = kind(fresh(place))
    try:
        life.run(fault, nth)
        return None
    except AssertionError as wrong:
        trace = "\n".join("    " + text for text in life.trace()[:16])
        return f"{wrong}\n  the operation that failed (of {life.map.fired}):\n{trace}"
    finally:
        life.close()
