# SPDX-License-Identifier: MIT
"""What both of X's streams have in common: lines ended by CR LF, and how they end."""

import asyncio

from .feed import Player

NOISE = (b"garbage that is no JSON\r\n", b'{"id":1,"cut":\r\n', b"\r\n\r\n", b"\xff\xfe\xfd\r\n",
         b"<html>\r\n", b"null\r\n", b"[]\r\n", b"7\r\n")


class LineOutlet:
    """One answer as a stream of lines."""

    joins = True  # several messages may be written at once

    def __init__(self, exchange, is_delimited=False, change=None, told=b""):
        self.exchange, self.is_delimited, self.change, self.told = exchange, is_delimited, change, told
        self.gone = exchange.gone
        self.write = exchange.write
        self.taken = exchange.taken

    def encode(self, message):
        data = message.data if self.change is None else self.change(message.data)
        return None if data is None else self.framed(data + b"\r\n")

    def framed(self, line):
        return b"%d\r\n%b" % (len(line), line) if self.is_delimited else line

    async def keep_alive(self):
        await self.write(b"\r\n")

    async def noise(self, chance):
        """Lines that are no messages. With lengths they are framed, as else all would be lost."""
        line = chance.choice(NOISE)
        await self.write(self.framed(line) if self.is_delimited and line.strip() else line)

    async def end(self, plan, following):
        if plan.end == "reset":
            self.exchange.reset()
            return
        if plan.end == "cut":
            await self.write(following[:len(following) // 2])
        elif plan.end == "told":
            await self.write(self.framed((plan.words or self.told) + b"\r\n"))
        await self.exchange.finish(is_whole=plan.end not in ("cut", "short"))


async def play(service, exchange, visit, plan, outlet, headers=()):
    """Agrees to stream, and streams."""
    visit.status = 200
    packs = "gzip" in exchange.request.headers.get("accept-encoding", "") and service.packs
    await exchange.begin([("Content-Type", "application/json"), *headers], packs)
    await outlet.keep_alive()
    visit.began = asyncio.get_running_loop().time()
    visit.ended_by = "client"
    service.open_streams.append(exchange)
    try:
        player = Player(service.feed, visit, plan, outlet, service.feed.next_unsent)
        await player.run(service.keep_alive_s, is_queue=True)
    finally:
        visit.ended = asyncio.get_running_loop().time()
        if exchange in service.open_streams:
            service.open_streams.remove(exchange)
