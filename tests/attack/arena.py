# SPDX-License-Identifier: MIT
"""A daemon, attackers, and between them an honest client who must be served all the time.

    def test_idle_connections(daemon):
        with Arena(daemon, memory_mib=40) as arena:
            arena.attack(many(500, idle, arena.address, arena.tally, "idle"))
        arena.tell()

Leaving the block fails where a right answer was missing, memory or descriptors went over their limit,
or the daemon did not come back to rest.
"""

import asyncio
import collections
import http.client
import json
import os
import pathlib
import threading
import time
import urllib.parse

import attackers

MIB = 1 << 20
LEAST_ASKED = 6
SECONDS = float(os.environ.get("HT_ATTACK_SECONDS", "1.5"))  # a scenario


class Honest:
    """Asks for the list again and again: now on one connection, now on a new one. Each answer must be
    the right one. A kept connection may be closed between two requests: then it is opened again,
    once, as every client does."""

    def __init__(self, daemon, headers=None):
        address = urllib.parse.urlsplit(daemon.url)
        self.host, self.port, self.headers = address.hostname, address.port, headers or {}
        self.expected = said(self.ask(None)[1])
        self.waits, self.wrong, self.reopened = [], [], 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def ask(self, connection, path="/hashtags/honest"):
        """(the connection, the body)."""
        connection = connection or http.client.HTTPConnection(self.host, self.port, timeout=30)
        connection.request("GET", path, headers=self.headers)
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, (answer.status, body[:300])
        return connection, body

    def run(self):
        kept = None
        number = 0
        while not self.over.wait(0.01):
            number += 1
            began = time.monotonic()
            try:
                if number % 2:
                    kept, body = self.on_kept(kept)
                else:
                    fresh, body = self.ask(None)
                    fresh.close()
                if said(body) != self.expected:
                    self.wrong.append(body[:300])
            except (OSError, http.client.HTTPException, AssertionError) as failure:
                self.wrong.append(repr(failure))
                kept = None
            self.waits.append(time.monotonic() - began)
        if kept is not None:
            kept.close()

    def on_kept(self, kept):
        try:
            return self.ask(kept)
        except (ConnectionError, http.client.RemoteDisconnected):
            if kept is None:
                raise
            self.reopened += 1
            return self.ask(None)

    def quantile(self, part):
        waits = sorted(self.waits)
        return waits[min(len(waits) - 1, int(len(waits) * part))] if waits else 0


class Watch:
    """The most memory and descriptors that a process has."""

    def __init__(self, pid):
        self.pid, self.resident, self.descriptors = pid, 0, 0
        self.over = threading.Event()
        self.look()
        self.first = self.resident
        self.thread = threading.Thread(target=self.run, daemon=True)

    def look(self):
        fields = pathlib.Path(f"/proc/{self.pid}/statm").read_text().split()
        self.resident = max(self.resident, int(fields[1]) * os.sysconf("SC_PAGE_SIZE"))
        self.descriptors = max(self.descriptors, len(os.listdir(f"/proc/{self.pid}/fd")))

    def run(self):
        while not self.over.wait(0.05):
            self.look()


class Arena:
    """`memory_mib` is what the attack may add to the resident memory (three times as much under the
    address sanitizer, which keeps what was freed), `descriptors` the most open at once, `worst_s` the longest that
    the honest client may wait."""

    def __init__(self, daemon, memory_mib=64, descriptors=1700, headers=None, seconds=SECONDS, worst_s=30):
        self.daemon, self.memory, self.descriptors, self.seconds = daemon, memory_mib * MIB, descriptors, seconds
        self.worst_s, self.served_amid = worst_s, 0
        address = urllib.parse.urlsplit(daemon.url)
        self.address = (address.hostname, address.port)
        self.tally = attackers.Tally()
        self.honest, self.watch = Honest(daemon, headers), Watch(daemon.process.pid)
        self.outcome = collections.OrderedDict()

    def __enter__(self):
        self.honest.thread.start()
        self.watch.thread.start()
        return self

    def attack(self, *crowd, seconds=None):
        """Runs the coroutines for so long."""
        before = len(self.honest.waits)
        asyncio.run(attackers.run_for(seconds or self.seconds, crowd))
        self.served_amid += len(self.honest.waits) - before

    def __exit__(self, kind, _value, _trace):
        deadline = time.monotonic() + 30
        while kind is None and len(self.honest.waits) < LEAST_ASKED and time.monotonic() < deadline:
            time.sleep(0.05)  # the machine is busy: he hardly came to ask
        self.honest.over.set()
        self.honest.thread.join()
        self.watch.over.set()
        self.watch.thread.join()
        if kind is None:
            self.judge()

    def judge(self):
        honest, watch = self.honest, self.watch
        grown = watch.resident - watch.first
        self.outcome.update(asked=len(honest.waits), p50_ms=round(honest.quantile(0.5) * 1e3, 1),
                            p99_ms=round(honest.quantile(0.99) * 1e3, 1), worst_ms=round(honest.quantile(1) * 1e3, 1),
                            reopened=honest.reopened, grown_mib=round(grown / MIB, 1), descriptors=watch.descriptors,
                            **{name.replace(" ", "_"): count for name, count in sorted(self.tally.items())})
        print(" ".join(f"{name}={value}" for name, value in self.outcome.items()))
        assert self.daemon.process.poll() is None, f"the daemon ended:\n{self.daemon.log[-6000:]}"
        assert not honest.wrong, f"{len(honest.wrong)} of {len(honest.waits)} honest requests went wrong: {honest.wrong[:3]}"
        assert len(honest.waits) >= LEAST_ASKED, "the honest client hardly came to ask"
        assert honest.quantile(1) <= self.worst_s, f"the honest client waited {honest.quantile(1):.1f} s"
        assert watch.descriptors <= self.descriptors, f"{watch.descriptors} descriptors were open"
        allowed = self.memory * (3 if "asan" in sanitizers() else 1)
        assert grown <= allowed, f"the attack took {grown / MIB:.0f} MiB of memory, {allowed / MIB:.0f} are allowed"
        self.daemon.wait_for(lambda: self.daemon.metric("hashtagd_http_open_connections") <= 5, "the connections' end", 60)
        assert self.daemon.metric("hashtagd_http_held_body_bytes") == 0


def said(body):
    answer = json.loads(body)
    return answer["hashtag"], answer["count"]


def sanitizers():
    program = os.environ.get("HT_PROGRAM") or ""
    return "asan" if "address" in program or "dev" in program else ""
