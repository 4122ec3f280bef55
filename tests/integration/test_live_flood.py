# SPDX-License-Identifier: MIT
"""As many messages as the source can take at once, and more: none is lost, memory stays within bounds."""

import os
import threading

import pytest

import live
from streaming_server.flood import Flood

BUDGET_BYTES = 16 << 20
BESIDE_BYTES = 96 << 20  # what a program under sanitizers takes beside its budget


@pytest.mark.parametrize("service", ["twitter-v2", "jetstream"])
def test_a_flood(start, service):
    with Flood(service, count=100000, rate=100000) as flood:
        daemon = start({**flood.settings(), "memory.budget_bytes": BUDGET_BYTES}, environ=live.with_little_quarantine(flood.environ),
                       up=False)
        daemon.spawn()
        memory = Memory(daemon.process.pid)
        try:
            sent = flood.wait()
            daemon.wait_until_counted(flood.counts)
        finally:
            most = memory.stop()
        assert sent["connections"] == 1 and sent["sent"] == flood.messages
        assert most - memory.before < BUDGET_BYTES + BESIDE_BYTES
        assert daemon.get("/readyz").status == 200


class Memory:
    """The most resident bytes of a process, looked at again and again."""

    def __init__(self, pid):
        self.path = f"/proc/{pid}/statm"
        self.before = self.most = self.resident()
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.look)
        self.thread.start()

    def resident(self):
        with open(self.path) as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def look(self):
        while not self.is_over.wait(0.05):
            self.most = max(self.most, self.resident())

    def stop(self):
        self.is_over.set()
        self.thread.join()
        return self.most
