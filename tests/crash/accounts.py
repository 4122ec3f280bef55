# SPDX-License-Identifier: MIT
"""What a client was promised, and whether a daemon kept it.

Each tweet of the ledger has a hashtag of its own, which nobody deletes, and some that many share. So
whatever was lost or came twice shows by name, and for each shared hashtag the count in the table and the
counts in the archive make up the tweets that are there.
"""

import collections
import gzip
import http.client
import json
import re
import threading
import urllib.parse
import zlib

from daemon import Answer, Daemon, difference, tweet

SHARED_TAGS = 40

# What a log may say at level warning after a crash, because it is true and harmless.
HARMLESS = ("torn tail cut off", "unfinished segment removed", "until the count catches up")


class Request:
    """One question on its way: `answer` is None as long as nobody has heard."""

    def __init__(self, run, port, method, path, ids):
        self.run, self.port, self.method, self.path, self.ids = run, port, method, path, ids
        self.answer = None
        self.heard_before = 0  # of a flush: how many deletions were answered when it was sent
        self.taken_before = 0  # of a flush: how many tweets


class Ledger:
    def __init__(self, seed):
        self.seed = seed
        self.lock = threading.Lock()
        self.requests = []
        self.next_id = 1

    def tags(self, identity):
        draw = zlib.crc32(f"{self.seed} {identity}".encode())
        return [f"own{identity}", *{f"shared{(draw >> shift) % SHARED_TAGS}" for shift in range(0, 4 * (1 + draw % 3), 4)}]

    def tweets(self, ids, filler=""):
        return [tweet(identity, *self.tags(identity), filler=filler) for identity in ids]

    def take_ids(self, count):
        with self.lock:
            first = self.next_id
            self.next_id += count
            return range(first, first + count)

    def ask(self, run, port, method, path, ids=()):
        request = Request(run, port, method, path, ids)
        with self.lock:
            if path == "/flush":
                request.heard_before = sum(one.method == "DELETE" and one.answer is not None for one in self.requests)
                request.taken_before = sum(one.path == "/tweets" and one.answer is not None for one in self.requests)
            self.requests.append(request)
        return request

    def promises(self, answers=None):
        """What was promised by `answers`, (run, port, bytes) in their order; without, by what was heard."""
        if answers is None:
            answered = [(one, one.answer.status, one.answer.body) for one in self.requests if one.answer is not None]
        else:
            waiting = collections.defaultdict(collections.deque)
            for one in self.requests:
                waiting[one.run, one.port].append(one)
            answered = [(waiting[run, port].popleft(), *parse(data)) for run, port, data in answers if waiting[run, port]]
        return Promises(self, answered)


def parse(data):
    """Status and body of an answer as it went out; a body is whole where it is short."""
    head, _, body = data.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), body


class Promises:
    def __init__(self, ledger, answered):
        self.ledger = ledger
        self.ids = {identity for one, status, _ in answered if one.path == "/tweets" and status == 202
                    for identity in one.ids}
        self.deletions = [json.loads(body)["event_id"] for one, status, body in answered
                          if one.method == "DELETE" and status == 200]
        self.flushes = [one for one, status, _ in answered if one.path == "/flush" and status == 200]

    def judge(self, counts, lines):
        """`counts` of the table and `lines` of the archive when all is done; AssertionError where a promise
        is broken."""
        events = {line["event_id"]: line for line in lines}
        there = {int(tag.removeprefix("own")): count for tag, count in counts.items() if tag.startswith("own")}
        twice = {identity: count for identity, count in there.items() if count != 1}
        assert not twice, f"tweets that count other than once: {dict(list(twice.items())[:5])}"
        lost = sorted(self.ids - there.keys())
        assert not lost, f"{len(lost)} of {len(self.ids)} accepted tweets are gone, first {lost[:5]}"
        foreign = [identity for identity in there if identity >= self.ledger.next_id]
        assert not foreign, f"nobody sent {foreign[:5]}"
        missing = [event for event in self.deletions if event not in events]
        assert not missing, f"{len(missing)} of {len(self.deletions)} answered deletions are not archived: {missing[:3]}"
        expected = collections.Counter(tag for identity in there for tag in self.ledger.tags(identity))
        found = collections.Counter(counts)
        for line in events.values():
            found[line["hashtag"]] += line["count"]
        assert +found == +expected, "table and archive together: " + difference(+found, +expected)

    def judge_stored(self, lines):
        """What a flush had promised is in the files before anything was started on them."""
        if self.flushes:
            flushed = max(one.heard_before for one in self.flushes)
            events = {line["event_id"] for line in lines}
            deletions = [one for one in self.ledger.requests if one.method == "DELETE" and one.answer is not None]
            for one in deletions[:flushed]:
                if one.answer.status == 200:
                    event = one.answer.json["event_id"]
                    assert event in events, f"deletion {event} was flushed and is not in the archive"


def archive_lines(data):
    """Every line of the archive below a data directory; each object is whole at every instant."""
    lines = []
    for path in sorted((data / "archive").rglob("*.gz")):
        if path.parent.name == ".tmp":
            continue
        try:
            with gzip.open(path) as content:
                lines += [json.loads(line) for line in content]
        except (OSError, EOFError, ValueError, zlib.error) as error:
            raise AssertionError(f"{path} is no whole object of the archive: {error}") from None
    return lines


class Client(Daemon):
    """A daemon whose requests are in a ledger."""

    def __init__(self, ledger, settings=None, **options):
        super().__init__(settings, **options)
        self.ledger = ledger

    def request(self, method, path, body=None, headers=None, timeout=30, ids=()):
        address = urllib.parse.urlsplit(self.url)
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=timeout)
        if body is not None and not isinstance(body, (bytes, str)):
            body, headers = json.dumps(body), {"Content-Type": "application/json", **(headers or {})}
        try:
            connection.connect()
            asked = self.ledger.ask(self.starts, connection.sock.getsockname()[1], method, path, ids)
            connection.request(method, path, body=body, headers=headers or {})
            response = connection.getresponse()
            asked.answer = Answer(response, response.read())
            return asked.answer
        finally:
            connection.close()

    def post_ids(self, ids, filler=""):
        lines = b"\n".join(json.dumps(one).encode() for one in self.ledger.tweets(ids, filler)) + b"\n"
        return self.request("POST", "/tweets", lines, {"Content-Type": "application/x-ndjson"}, ids=ids)


LEVEL = re.compile(r"level=(\w+)")


def frightening(log):
    """The lines of a log that a person would get up for."""
    lines = []
    for line in log.splitlines():
        level = LEVEL.search(line)
        if level and (level[1] == "error" or level[1] == "warning" and not any(words in line for words in HARMLESS)):
            lines.append(line)
    return lines


def wait_until_still(daemon, timeout=60):
    """Waits until everything that is on the stream is counted, and flushes."""
    daemon.wait_for(lambda: all(shard["lag_records"] == 0 for shard in daemon.status()["shards"]), "no lag", timeout)
    daemon.flush()


def judge(daemon, promises, timeout=60):
    """The daemon runs: what has been promised must hold."""
    wait_until_still(daemon, timeout)
    promises.judge(daemon.counts(), archive_lines(daemon.data))
