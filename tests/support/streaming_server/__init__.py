# SPDX-License-Identifier: MIT
"""The live services on loopback, as their documents describe them: X v1.1, X v2, Mastodon and
Jetstream, over HTTP or HTTPS, on free ports, in a thread of the test.

    with StreamingServer() as server:
        x = server.twitter_v2
        x.rules.set("#cats")
        x.script(Plan(after=3, end="reset"), refusal(503, HTML))   # what its first connections suffer
        x.publish(samples.v2_posts(10))
        ... a program with source.url=server.url and x.secrets() ...
        x.streams()       # each attempt, with times, headers and what was sent to it
        server.visits     # all requests

X's messages wait for a connection and are sent once, whatever breaks; Mastodon's go to who listens
and stay in the timeline; Jetstream's go to who listens and stay behind the cursor. A message counts
as sent when the client's kernel has confirmed it, so each must be counted.
"""

import asyncio
import threading
import time

from . import certificate
from .jetstream import Jetstream
from .mastodon import Mastodon
from .plans import FINE, HTML, Plan, refusal, storm
from .twitter_v1 import TwitterV1
from .twitter_v2 import TwitterV2
from .visits import Visits, visit_of
from .wire import Door

__all__ = ["FINE", "HTML", "Plan", "StreamingServer", "certificate", "refusal", "storm"]


class StreamingServer:
    """`tls` is (certificate, key)."""

    def __init__(self, tls=None):
        self.tls = certificate.context(*tls) if tls else None
        self.visits = Visits()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.twitter_v1 = TwitterV1(self.loop, self.visits)
        self.twitter_v2 = TwitterV2(self.loop, self.visits)
        self.mastodon = Mastodon(self.loop, self.visits)
        self.jetstream = Jetstream(self.loop, self.visits)
        self.door = Door(self.handle, self.tls)
        self.url = ""

    def start(self):
        self.thread.start()
        port = self.call(self.door.open())
        self.call(self.jetstream.open(self.tls))
        self.url = self.mastodon.url = f"{self.door.scheme}://127.0.0.1:{port}"
        return self

    def stop(self):
        if self.thread.is_alive():
            self.call(self.jetstream.close())
            self.call(self.door.close())
            self.call(self.end_tasks())
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join()
            self.loop.close()

    @staticmethod
    async def end_tasks():
        """Nothing is left when the loop stops."""
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_reason):
        self.stop()

    def call(self, coroutine, timeout=30):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout)

    def service(self, name):
        return {each.name: each for each in (self.twitter_v1, self.twitter_v2, self.mastodon,
                                             self.jetstream)}[name]

    def url_of(self, name):
        """For source.url."""
        return self.jetstream.url if name == "jetstream" else self.url

    async def handle(self, exchange):
        path = exchange.request.path
        if path.startswith("/1.1/"):
            await self.twitter_v1.handle(exchange)
        elif path.startswith(("/2/", "/oauth2/")):
            await self.twitter_v2.handle(exchange)
        elif path.startswith("/api/"):
            await self.mastodon.handle(exchange)
        else:
            visit = visit_of("", "unknown", exchange.request)
            visit.status = 404
            self.visits.append(visit)
            await exchange.answer(404, b"")

    @staticmethod
    def wait_for(condition, what, timeout=20):
        """Asks `condition()` until it is true; fails with `what` after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while not (found := condition()):
            assert time.monotonic() < deadline, f"not within {timeout} s: {what}"
            time.sleep(0.01)
        return found
