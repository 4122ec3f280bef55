# SPDX-License-Identifier: MIT
"""Bluesky's Jetstream, spoken by the library `websockets`: filters, cursor, pings, zstd, bad ends."""

import asyncio
import http
import urllib.parse

import websockets.asyncio.server
import websockets.exceptions
import zstandard

from .feed import Player
from .service import Service
from .visits import Visit
from .wire import linger_zero, until_taken

DICTIONARY_ID = 1612007021
LONGEST_COLLECTIONS = 100
NOISE = ("no JSON at all", "{}", "[]", '{"did":"did:plc:x","time_us":7,"kind":"unheard_of"}', "",
         '{"did":"did:plc:x","kind":"commit","commit":{"operation":"create"}}')


class SocketOutlet:
    joins = False  # one event a message

    def __init__(self, socket, wanted, packer=None):
        self.socket, self.wanted, self.packer = socket, wanted, packer
        self.gone = asyncio.Event()
        self.watcher = asyncio.create_task(self.watch())

    async def watch(self):
        try:
            async for _message in self.socket:
                pass
        except websockets.exceptions.WebSocketException:
            pass
        self.gone.set()

    def encode(self, message):
        return message.data if self.wanted(message) else None

    async def write(self, data):
        await self.write_parts([data])

    async def write_parts(self, parts):
        """One message; several parts are its fragments, cut anywhere, inside of characters too."""
        is_text = self.packer is None
        if not is_text:
            packed, bounds = self.packer.compress(b"".join(parts)), [0]
            for part in parts[:-1]:
                bounds.append(min(len(packed), bounds[-1] + len(part)))
            parts = [packed[a:b] for a, b in zip(bounds, [*bounds[1:], len(packed)])]
        try:
            await self.socket.send(parts[0] if len(parts) == 1 else parts, text=is_text)
        except websockets.exceptions.ConnectionClosed:
            self.gone.set()

    async def keep_alive(self):
        """The library pings by itself."""

    async def noise(self, chance):
        try:
            await self.socket.send(chance.choice(NOISE))
        except websockets.exceptions.ConnectionClosed:
            self.gone.set()

    async def taken(self):
        await until_taken(self.socket.transport)

    async def end(self, plan, following):
        if plan.end == "reset":
            linger_zero(self.socket.transport)
            self.socket.transport.abort()
        elif plan.end in ("cut", "short"):
            if plan.end == "cut" and following:
                frame = b"\x81\x7e" + len(following).to_bytes(2, "big") + following
                self.socket.transport.write(frame[:len(frame) // 2])
            self.socket.transport.close()
        else:
            code = 1012 if plan.end == "told" else 1000
            await self.socket.close(code, (plan.words or b"").decode())
        self.gone.set()


class Jetstream(Service):
    """`dictionary` (bytes) allows compress=true."""

    name = "jetstream"

    def __init__(self, loop, visits):
        super().__init__(loop, visits)
        self.dictionary = None
        self.lookback_us = 36 * 3600 * 1000000
        self.ping_s = 30
        self.server = None
        self.url = ""

    async def open(self, tls=None):
        self.server = await websockets.asyncio.server.serve(
            self.converse, "127.0.0.1", 0, process_request=self.judge, compression=None, ssl=tls,
            ping_interval=self.ping_s, ping_timeout=20, close_timeout=2, max_size=1 << 20)
        port = next(iter(self.server.sockets)).getsockname()[1]
        self.url = f"{'wss' if tls else 'ws'}://127.0.0.1:{port}"

    async def close(self):
        self.server.close(close_connections=True)
        await self.server.wait_closed()

    async def judge(self, connection, request):
        """Before the upgrade: None agrees."""
        path, _, query = request.path.partition("?")
        query = urllib.parse.parse_qs(query, keep_blank_values=True)
        headers = {name.lower(): value for name, value in request.headers.raw_items()}
        visit = Visit(self.name, "stream", "GET", path, query, headers)
        self.visits.append(visit)
        connection.visit, connection.plan = visit, self.scripts["stream"].next()
        plan = connection.plan
        if plan.is_silent:
            await connection.wait_closed()
        if plan.is_reset:
            visit.ended = self.loop.time()
            linger_zero(connection.transport)
            connection.transport.abort()
        if plan.is_silent or plan.is_reset:
            visit.ended = self.loop.time()
            return None
        if plan.status != 200:
            return self.refused(connection, plan.status, plan.body, plan.headers, plan.kind)
        fault = self.fault_of(path, query, headers)
        if fault:
            visit.problem = fault
            return self.refused(connection, 400 if path == "/subscribe" else 404, fault.encode())
        visit.status = 101
        return None

    def refused(self, connection, status, body, headers=(), kind="text/plain"):
        connection.visit.status, connection.visit.ended = status, self.loop.time()
        response = connection.respond(http.HTTPStatus.BAD_REQUEST, body.decode())
        response.status_code, response.reason_phrase = status, "Refused"
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = kind
        for name, value in headers:
            response.headers[name] = str(value)
        return response

    def fault_of(self, path, query, headers):
        if path != "/subscribe":
            return "404 page not found"
        if "permessage-deflate" in headers.get("sec-websocket-extensions", "") and "compress" in query:
            return "permessage-deflate and zstd cannot be used together"
        if len(query.get("wantedCollections", [])) > LONGEST_COLLECTIONS:
            return "too many wanted collections"
        cursor = query.get("cursor", ["0"])[0]
        if not cursor.lstrip("-").isdigit():
            return f"invalid cursor: {cursor}"
        return ""

    async def converse(self, connection):
        visit, plan = connection.visit, connection.plan
        packs = visit.query.get("compress") == ["true"] or visit.headers.get("socket-encoding") == "zstd"
        packer = self.packer() if packs and self.dictionary else None
        outlet = SocketOutlet(connection, self.wanted(visit.query), packer)
        visit.began = self.loop.time()
        visit.ended_by = "client"
        self.open_streams.append(connection)
        try:
            player = Player(self.feed, visit, plan, outlet, self.position(visit.query))
            await player.run(self.keep_alive_s)
        finally:
            visit.ended = self.loop.time()
            self.open_streams.remove(connection)
            outlet.watcher.cancel()

    def packer(self):
        return zstandard.ZstdCompressor(dict_data=zstandard.ZstdCompressionDict(self.dictionary))

    def wanted(self, query):
        """Whether a message is for this client; account and identity events are for all."""
        collections, dids = query.get("wantedCollections", []), query.get("wantedDids", [])

        def is_wanted(message):
            if not message.collection:
                return True
            if dids and message.did not in dids:
                return False
            return not collections or any(matches(each, message.collection) for each in collections)

        return is_wanted

    def position(self, query):
        """The first message at or behind the cursor; the end of the feed without one."""
        cursor = int(query.get("cursor", ["0"])[0])
        messages = self.feed.messages
        if cursor <= 0 or not messages or cursor > messages[-1].time_us:
            return len(messages)
        oldest = messages[-1].time_us - self.lookback_us
        return next(number for number, message in enumerate(messages)
                    if message.time_us >= max(cursor, oldest))


def matches(wanted, collection):
    return collection.startswith(wanted[:-1]) if wanted.endswith(".*") else collection == wanted
