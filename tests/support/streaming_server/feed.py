# SPDX-License-Identifier: MIT
"""What a service has to say, in order, and how it is said on one connection."""

import asyncio
import dataclasses
import random
import time

from .plans import pieces

BATCH_COUNT = 200
BATCH_BYTES = 64 * 1024


@dataclasses.dataclass(slots=True)
class Message:
    """`data` is the JSON as it goes on the wire; `id`, `time_us`, `collection` and `did` where the
    service has them; `event` is Mastodon's."""

    data: bytes
    event: str = "update"
    id: str = ""
    time_us: int = 0
    collection: str = ""
    did: str = ""


class Feed:
    """The messages of one service, published from any thread."""

    def __init__(self, loop):
        self.loop = loop
        self.messages = []
        self.next_unsent = 0  # the first that no connection has sent
        self.rate = None      # messages a second on one connection; None: as fast as it goes
        self.news = asyncio.Event()

    def publish(self, messages):
        self.messages.extend(message if isinstance(message, Message) else Message(message)
                             for message in messages)
        self.loop.call_soon_threadsafe(self.wake)

    def wake(self):
        self.news.set()
        self.news = asyncio.Event()

    def pump(self, messages, rate):
        """Publishes over time; a Future that is done with the last."""
        return asyncio.run_coroutine_threadsafe(self.pump_slowly(list(messages), rate), self.loop)

    async def pump_slowly(self, messages, rate):
        started, done = time.monotonic(), 0
        while done < len(messages):
            due = min(len(messages), int((time.monotonic() - started) * rate) + 1)
            if due > done:
                self.publish(messages[done:due])
                done = due
            await asyncio.sleep(0.005)

    async def wait_beyond(self, position, timeout):
        """Until there is a message at `position`, at most `timeout` seconds."""
        news = self.news
        if len(self.messages) <= position:
            try:
                await asyncio.wait_for(news.wait(), timeout)
            except asyncio.TimeoutError:
                pass


class Player:
    """Plays a feed on one connection as its plan says.

    The outlet turns a message into bytes (`encode`, None: not for this client), and has `write`,
    `keep_alive`, `noise`, `taken`, `end(plan, next_bytes)` and the Event `gone`.
    """

    def __init__(self, feed, visit, plan, outlet, position):
        self.feed, self.visit, self.plan, self.outlet = feed, visit, plan, outlet
        self.position = max(0, position - plan.repeats)
        self.chance = random.Random(plan.seed)
        self.sent = 0
        self.started = time.monotonic()

    async def run(self, keep_alive_s, is_queue=False):
        """Returns when the stream has ended, from either side. `is_queue`: what is sent here is not
        sent on later connections."""
        while not self.outlet.gone.is_set():
            if self.plan.after is not None and self.sent >= self.plan.after:
                return await self.end()
            count = self.allowed()
            if count == 0:
                await self.rest(keep_alive_s)
                continue
            await self.send(self.feed.messages[self.position:self.position + count])
            if is_queue:
                self.feed.next_unsent = max(self.feed.next_unsent, self.position)

    def allowed(self):
        """How many messages may be sent now."""
        count = min(BATCH_COUNT, len(self.feed.messages) - self.position)
        if self.plan.after is not None:
            count = min(count, self.plan.after - self.sent)
        if self.feed.rate is not None:
            count = min(count, int((time.monotonic() - self.started) * self.feed.rate) + 1 - self.sent)
        return max(count, 0)

    async def rest(self, keep_alive_s):
        """Until there is more to send; a keep-alive where that takes long."""
        if self.position < len(self.feed.messages):
            await asyncio.sleep(0.002)
            return
        waiting = asyncio.ensure_future(self.feed.wait_beyond(self.position, keep_alive_s))
        gone = asyncio.ensure_future(self.outlet.gone.wait())
        try:
            await asyncio.wait((waiting, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            waiting.cancel()
        if self.position >= len(self.feed.messages) and not self.outlet.gone.is_set():
            await self.outlet.keep_alive()

    async def send(self, messages):
        block = []
        for message in messages:
            data = self.outlet.encode(message)
            if data is not None and self.plan.cuts == "whole" and self.outlet.joins:
                block.append(data)
                if sum(map(len, block)) > BATCH_BYTES:
                    await self.outlet.write(b"".join(block))
                    block = []
            elif data is not None:
                await self.send_cut(data)
            self.note()
            if self.plan.noise and self.chance.random() < self.plan.noise:
                await self.outlet.write(b"".join(block))
                block = []
                await self.outlet.noise(self.chance)
        if block:
            await self.outlet.write(b"".join(block))

    async def send_cut(self, data):
        parts = pieces(self.plan, data, self.sent, self.chance)
        if not self.outlet.joins:
            await self.outlet.write_parts(parts)
            return
        for part in parts:
            await self.outlet.write(part)
            if self.plan.pause:
                await asyncio.sleep(self.plan.pause)

    def note(self):
        self.visit.sent.append(self.position)
        self.position += 1
        self.sent += 1

    async def end(self):
        following = self.feed.messages[self.position:self.position + 1]
        data = self.outlet.encode(following[0]) if following else None
        if self.plan.end == "stall":
            await self.outlet.gone.wait()
            return
        await self.outlet.taken()
        self.visit.ended_by = "server"
        await self.outlet.end(self.plan, data or b"")
