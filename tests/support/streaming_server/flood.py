# SPDX-License-Identifier: MIT
"""A flood for one daemon: the sender of flood_sender.py in a process of its own.

    with Flood("twitter-v2", count=500000, rate=100000) as flood:
        ... a daemon with flood.settings() and flood.environ ...
        flood.wait()      # {"sent", "seconds", "late_seconds", "connections"}
        flood.counts      # what it must have counted
"""

import json
import pathlib
import subprocess
import sys

SUPPORT = pathlib.Path(__file__).resolve().parent.parent


class Flood:
    def __init__(self, service, count, rate=100000, size=600):
        self.service = service
        self.process = subprocess.Popen(
            [sys.executable, "-B", "-m", "streaming_server.flood_sender", service, *map(str, (count, rate, size))],
            cwd=SUPPORT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        told = json.loads(self.process.stdout.readline())
        self.port, self.messages, self.bytes, self.counts = (
            told["port"], told["messages"], told["bytes"], told["counts"])
        self.environ = {"TWITTER_BEARER_TOKEN": "flood"} if service == "twitter-v2" else {}

    def settings(self):
        scheme = "http" if self.service == "twitter-v2" else "ws"
        found = {"source.type": self.service, "source.url": f"{scheme}://127.0.0.1:{self.port}"}
        if self.service == "twitter-v2":
            found["source.endpoint"] = "sample"
        return found

    def wait(self):
        """What was sent, when all is."""
        return json.loads(self.process.stdout.readline())

    def stop(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_reason):
        self.stop()
