# SPDX-License-Identifier: MIT
"""What all services share: their feed, their scripts, and refusing as a script says."""

import asyncio

from .feed import Feed
from .plans import Script
from .visits import visit_of


class Service:
    """`scripts["stream"].set(Plan(...), ...)` says what the next connections suffer; the other
    kinds are those of visits.py. `packs` allows gzip, `keep_alive_s` is between keep-alives."""

    name = ""
    kinds = ("stream",)

    def __init__(self, loop, visits):
        self.loop, self.visits = loop, visits
        self.feed = Feed(loop)
        self.scripts = {kind: Script() for kind in self.kinds}
        self.packs = True
        self.keep_alive_s = 0.5
        self.open_streams = []

    def script(self, *plans, then=None, kind="stream"):
        self.scripts[kind].set(*plans, then=then)

    def publish(self, messages):
        self.feed.publish(messages)

    def visit(self, kind, request):
        visit = visit_of(self.name, kind, request)
        self.visits.append(visit)
        return visit

    def streams(self):
        return self.visits.streams(self.name)

    def connected(self):
        return self.visits.connected(self.name)

    def is_streaming(self):
        return any(visit.is_streaming for visit in self.streams())

    def sent(self):
        """Positions of the messages that streams have sent, repeats included."""
        return [number for visit in self.streams() for number in visit.sent]

    async def refuse(self, exchange, visit, plan):
        """What the plan says in place of an answer."""
        if plan.is_silent:
            exchange.watcher = asyncio.create_task(exchange.watch())
            await exchange.gone.wait()
        elif plan.is_reset:
            exchange.reset()
        else:
            await self.reply(exchange, visit, plan.status, plan.body, plan.headers, plan.kind)
        visit.ended = self.loop.time()

    async def reply(self, exchange, visit, status, body=b"", headers=(), kind="application/json"):
        visit.status = status
        visit.ended = self.loop.time()
        await exchange.answer(status, body, headers, kind)
