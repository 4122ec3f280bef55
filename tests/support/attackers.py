# SPDX-License-Identifier: MIT
"""Clients that mean no good, as coroutines for one address. Each runs until it is cancelled and puts up
with every answer; what it did is counted in its `Tally`.

    async with asyncio.TaskGroup() as group: ...       or
    await run_for(seconds, [slow_heads(address, tally, 50), pipeliners(address, tally, 4)])

`address` is (host, port).
"""

import asyncio
import collections
import contextlib
import random
import socket
import struct

HEAD = b"GET /hashtags HTTP/1.1\r\nHost: localhost\r\n"
ERRORS = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)
Tally = collections.Counter


async def run_for(seconds, attackers):
    """Runs all of them so long. What breaks in one of them (beside the network) is raised."""
    tasks = [asyncio.ensure_future(attacker) for attacker in attackers]
    try:
        done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
    finally:
        await end_all(tasks)


async def end_all(tasks):
    """Cancels until all are gone: wait_for() of Python 3.11 loses a cancellation now and then."""
    pending = tasks
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=0.2)


@contextlib.asynccontextmanager
async def connection(address, receive_bytes=None):
    """A connected socket that does not block; reset where `receive_bytes` says that nobody reads."""
    end = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    end.setblocking(False)
    if receive_bytes is not None:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    try:
        await asyncio.get_running_loop().sock_connect(end, address)
        yield end
    finally:
        end.close()


async def send(end, data):
    await asyncio.get_running_loop().sock_sendall(end, data)


async def receive(end, most=65536):
    """b"" at the end of the stream."""
    return await asyncio.get_running_loop().sock_recv(end, most)


def reset_on_close(end):
    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def many(count, client, address, tally, name, pause_s=0.05):
    """`count` clients side by side, each again and again."""

    async def again():
        while True:
            try:
                await client(address, tally)
                tally[name] += 1
            except ERRORS:
                tally[f"{name} failed"] += 1
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.5))

    await asyncio.gather(*(again() for _ in range(count)))


# Slow ones


async def slow_head(address, tally, every_s=0.5):
    """A head byte by byte, for as long as the server listens."""
    async with connection(address) as end:
        for byte in HEAD + b"X-Long: " + b"a" * 100000:
            await send(end, bytes([byte]))
            tally["slow bytes"] += 1
            with contextlib.suppress(TimeoutError):
                if not await asyncio.wait_for(receive(end), every_s):
                    return


async def slow_body(address, tally, every_s=0.5):
    """A large body that hardly comes."""
    async with connection(address) as end:
        await send(end, b"POST /tweets HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
                        b"Content-Length: 30000000\r\n\r\n")
        while True:
            await send(end, b"\n")
            tally["slow bytes"] += 1
            with contextlib.suppress(TimeoutError):
                if not await asyncio.wait_for(receive(end), every_s):
                    return


async def endless_chunks(address, tally):
    """A chunked body without an end, a kilobyte at a time."""
    async with connection(address) as end:
        await send(end, b"POST /tweets HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
                        b"Transfer-Encoding: chunked\r\n\r\n")
        while True:
            await send(end, b"400\r\n" + b"\n" * 1024 + b"\r\n")
            tally["chunks"] += 1
            await asyncio.sleep(0.05)


async def deaf_listener(address, tally, stay_s=30):
    """Asks for the events and never reads one."""
    async with connection(address, receive_bytes=2048) as end:
        await send(end, b"GET /events?limit=100 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        tally["deaf listeners"] += 1
        await asyncio.sleep(stay_s)
        reset_on_close(end)


async def slow_reader(address, tally, stay_s=30):
    """Asks for large answers and reads a few bytes now and then."""
    async with connection(address, receive_bytes=2048) as end:
        await send(end, b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 50)
        for _ in range(int(stay_s * 5)):
            if not await receive(end, 64):
                return
            await asyncio.sleep(0.2)
        reset_on_close(end)


# Many ones


async def idle(address, tally, stay_s=30):
    """Connects and says nothing."""
    async with connection(address) as end:
        tally["idle connections"] += 1
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(receive(end), stay_s)


async def half_closed(address, tally):
    """Asks, says that nothing more comes, and does not read."""
    async with connection(address) as end:
        await send(end, HEAD + b"\r\n")
        end.shutdown(socket.SHUT_WR)
        await asyncio.sleep(1)


async def reset_at_once(address, tally):
    """Connects, perhaps asks, and resets."""
    async with connection(address) as end:
        reset_on_close(end)
        if random.random() < 0.5:
            await send(end, HEAD + b"\r\n")


async def pipeliner(address, tally, count=2000):
    """Thousands of requests in one go, no answer read."""
    async with connection(address, receive_bytes=4096) as end:
        reset_on_close(end)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(send(end, (HEAD + b"\r\n") * count), 3)
        tally["pipelined"] += count
        await asyncio.sleep(1)


async def reading_pipeliner(address, tally, count=2000):
    """Costly requests without a pause, and every answer is read at once: its share of the work has no end."""
    async with connection(address) as end:

        async def read():
            while got := await receive(end, 1 << 20):
                tally["answered KiB"] += len(got) >> 10

        reader = asyncio.ensure_future(read())
        try:
            while not reader.done():
                await send(end, b"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n" * count)
                tally["pipelined and read"] += count
        finally:
            reader.cancel()


async def churner(address, tally):
    """A whole request on a connection of its own, answered or not."""
    async with connection(address) as end:
        await send(end, HEAD + b"Connection: close\r\n\r\n")
        while await receive(end):
            pass


# Senseless ones

NONSENSE = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),  # a TLS hello
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET /\r\n",
    b"\x00" * 4096,
    b"GET / HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example\r\n\r\n",
    b"GET /hashtags HTTP/1.1\r\nHost: localhost\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(5000)) + b"\r\n",
    b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"POST /tweets HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"GET /hashtags/%0a%1b%5b31mevil HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /hashtags/%ff%fe HTTP/1.1\r\nHost: localhost\r\n\r\n",
)


async def nonsense(address, tally):
    async with connection(address) as end:
        await send(end, random.choice(NONSENSE))
        end.shutdown(socket.SHUT_WR)
        with contextlib.suppress(TimeoutError):
            while await asyncio.wait_for(receive(end), 5):
                pass
