# SPDX-License-Identifier: MIT
"""A Mastodon server: its instance, server-sent events, and the timelines that fill a gap."""

import asyncio
import json
import urllib.parse

from .feed import Player
from .service import Service

CHANNELS = ("public", "public/local", "public/remote", "hashtag", "hashtag/local")
LARGEST_PAGE = 40
NOISE = (b"nonsense\n\n", b": a comment\n", b"event: update\ndata: {\"id\":\n\n", b"\n\n", b"event: unheard_of\ndata: 7\n\n",
         b"event: filters_changed\ndata: undefined\n\n", b"data\n\n", b"id: 3\nretry: 1\n\n")


class EventOutlet:
    joins = True

    def __init__(self, exchange):
        self.exchange = exchange
        self.gone, self.write, self.taken = exchange.gone, exchange.write, exchange.taken

    def encode(self, message):
        return b"event: %b\ndata: %b\n\n" % (message.event.encode(), message.data)

    async def keep_alive(self):
        await self.write(b":thump\n\n")

    async def noise(self, chance):
        await self.write(chance.choice(NOISE))

    async def end(self, plan, following):
        if plan.end == "reset":
            self.exchange.reset()
            return
        if plan.end == "cut":
            await self.write(following[:len(following) // 2])
        await self.exchange.finish(is_whole=plan.end not in ("cut", "short"))


class Mastodon(Service):
    """`feed.publish` speaks to who listens; who does not finds it in the timeline."""

    name = "mastodon"
    kinds = ("stream", "instance", "timeline")

    def __init__(self, loop, visits):
        super().__init__(loop, visits)
        self.token = "mastodon-token-ZRK4"
        self.url = ""            # of the server, known when it listens
        self.streaming_url = ""  # where it sends listeners; "": itself
        self.remaining = 300
        self.packs = False
        self.known, self.looked_at = {}, 0

    def secrets(self):
        return {"MASTODON_ACCESS_TOKEN": self.token}

    async def handle(self, exchange):
        path = exchange.request.path
        if path == "/api/v2/instance":
            await self.instance(exchange)
        elif path.startswith("/api/v1/timelines/"):
            await self.timeline(exchange)
        elif path == "/api/v1/streaming/health":
            await exchange.answer(200, b"OK", kind="text/plain")
        else:
            await self.stream(exchange)

    def may(self, request, visit):
        if request.headers.get("authorization") != "Bearer " + self.token:
            visit.problem = "another token"
        return not visit.problem

    async def instance(self, exchange):
        visit = self.visit("instance", exchange.request)
        plan = self.scripts["instance"].next()
        if plan.refuses:
            return await self.refuse(exchange, visit, plan)
        where = (self.streaming_url or self.url).replace("http", "ws", 1)
        await self.reply(exchange, visit, 200, {"domain": "tests.example", "version": "4.4.0",
                                                "configuration": {"urls": {"streaming": where}}})

    # The stream

    async def stream(self, exchange):
        visit = self.visit("stream", exchange.request)
        plan = self.scripts["stream"].next()
        if plan.refuses:
            return await self.refuse(exchange, visit, plan)
        if not self.may(exchange.request, visit):
            return await self.reply(exchange, visit, 401, {"error": "The access token is invalid"})
        channel = exchange.request.path.removeprefix("/api/v1/streaming").strip("/")
        if channel not in CHANNELS:
            return await self.reply(exchange, visit, 400, {"error": "Unknown channel requested"})
        if channel.startswith("hashtag") and not exchange.request.first("tag"):
            return await self.reply(exchange, visit, 400, {"error": "Missing tag name parameter"})
        await self.play(exchange, visit, plan)

    async def play(self, exchange, visit, plan):
        visit.status = 200
        packs = self.packs and "gzip" in exchange.request.headers.get("accept-encoding", "")
        await exchange.begin([("Content-Type", "text/event-stream"), ("Cache-Control", "private, no-store")], packs)
        outlet = EventOutlet(exchange)
        position = len(self.feed.messages)
        await outlet.write(b":)\n")
        visit.began = asyncio.get_running_loop().time()
        visit.ended_by = "client"
        self.open_streams.append(exchange)
        try:
            await Player(self.feed, visit, plan, outlet, position).run(self.keep_alive_s)
        finally:
            visit.ended = asyncio.get_running_loop().time()
            self.open_streams.remove(exchange)

    # The timeline

    async def timeline(self, exchange):
        request = exchange.request
        visit = self.visit("timeline", request)
        plan = self.scripts["timeline"].next()
        if plan.refuses:
            return await self.refuse(exchange, visit, plan)
        if not self.may(request, visit):
            return await self.reply(exchange, visit, 401, {"error": "The access token is invalid"})
        self.remaining -= 1
        shown = self.page(request)
        headers = [("X-RateLimit-Limit", 300), ("X-RateLimit-Remaining", self.remaining),
                   ("X-RateLimit-Reset", "2030-01-01T00:00:00.000000Z")]
        if shown:
            base = request.url.split("?")[0]
            headers.append(("Link", f'<{base}?max_id={shown[-1]["id"]}>; rel="next", '
                                    f'<{base}?min_id={shown[0]["id"]}>; rel="prev"'))
        await self.reply(exchange, visit, 200, shown, headers)

    def statuses(self):
        """As they stand now: {id: status}, by id."""
        messages = self.feed.messages
        for message in messages[self.looked_at:]:
            if message.event in ("update", "status.update"):
                try:
                    status = json.loads(message.data)
                    self.known[int(status["id"])] = status
                except (ValueError, KeyError, TypeError):
                    continue
            elif message.event == "delete" and message.data.isdigit():
                self.known.pop(int(message.data), None)
        self.looked_at = len(messages)
        return dict(sorted(self.known.items()))

    def page(self, request):
        """Newest first. `min_id` gives those right behind it, else the newest are given."""
        limit = min(int(request.first("limit", "20")), LARGEST_PAGE)
        known = self.statuses()
        tag = urllib.parse.unquote(request.path.rsplit("/", 1)[1]) if "/timelines/tag/" in request.path else None
        ids = [number for number, status in known.items() if tag is None or has_tag(status, tag)]
        if request.first("max_id"):
            ids = [number for number in ids if number < int(request.first("max_id"))]
        if request.first("since_id"):
            ids = [number for number in ids if number > int(request.first("since_id"))]
        if request.first("min_id"):
            ids = [number for number in ids if number > int(request.first("min_id"))][:limit]
        return [known[number] for number in reversed(ids[-limit:])]


def has_tag(status, tag):
    return any(each.get("name", "").casefold() == tag.casefold() for each in status.get("tags", []))
