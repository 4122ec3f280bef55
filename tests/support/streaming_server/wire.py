# SPDX-License-Identifier: MIT
"""HTTP/1.1 for one streaming server: requests with short bodies in, answers out whole or as an
endless chunked body that can be cut anywhere, packed, held back or broken. Knows no service."""

import asyncio
import fcntl
import json
import socket
import struct
import termios
import time
import urllib.parse
import zlib

LONGEST_HEAD = 256 * 1024
LONGEST_BODY = 8 * 1024 * 1024
UNSENT_BYTES = 256 * 1024

REASONS = {200: "OK", 201: "Created", 301: "Moved Permanently", 400: "Bad Request", 401: "Unauthorized",
           403: "Forbidden", 404: "Not Found", 406: "Not Acceptable", 410: "Gone",
           413: "Content Too Large", 416: "Range Not Satisfiable", 420: "Enhance Your Calm",
           422: "Unprocessable Content", 429: "Too Many Requests", 500: "Internal Server Error",
           502: "Bad Gateway", 503: "Service Unavailable"}


class Request:
    """One request. `headers` has lower-case names, `query` lists of decoded values."""

    def __init__(self, method, target, headers, scheme):
        self.method, self.target, self.headers, self.scheme = method, target, headers, scheme
        self.path, _, self.query_text = target.partition("?")
        self.query = urllib.parse.parse_qs(self.query_text, keep_blank_values=True)
        self.body = b""
        self.at = time.monotonic()

    @property
    def url(self):
        """As the client meant it."""
        return f"{self.scheme}://{self.headers.get('host', '')}{self.target}"

    @property
    def form(self):
        return urllib.parse.parse_qs(self.body.decode("latin-1"), keep_blank_values=True)

    def first(self, name, default=None):
        return self.query.get(name, [default])[0]


async def read_request(reader, scheme):
    """The next request of a connection; None at its end or where it is no HTTP."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, OSError):
        return None
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3:
        return None
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    request = Request(words[0], words[1], headers, scheme)
    length = int(headers.get("content-length", "0"))
    if length > LONGEST_BODY:
        return None
    request.body = await reader.readexactly(length)
    return request


def linger_zero(transport):
    """The next close sends RST."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                                  struct.pack("ii", 1, 0))


def unsent_bytes(transport):
    """What the peer's kernel has not confirmed yet."""
    if transport.is_closing():
        return 0
    try:
        number = transport.get_extra_info("socket").fileno()
        answer = fcntl.ioctl(number, termios.TIOCOUTQ, b"\0\0\0\0")
    except (OSError, ValueError, AttributeError):
        return 0
    return struct.unpack("i", answer)[0] + transport.get_write_buffer_size()


async def until_taken(transport):
    """Waits until the peer's kernel has everything that was written."""
    while unsent_bytes(transport) > 0:
        await asyncio.sleep(0.001)


class Exchange:
    """A request and the ways of answering it."""

    def __init__(self, reader, writer, request):
        self.reader, self.writer, self.request = reader, writer, request
        self.gone = asyncio.Event()  # the client closed the connection
        self.is_over = False         # no further request on this connection
        self.packer = None
        self.watcher = None

    async def answer(self, status, body=b"", headers=(), kind="application/json"):
        """The whole answer. `body` may be bytes, str, or anything for JSON."""
        if not isinstance(body, (bytes, str)):
            body = json.dumps(body, ensure_ascii=False)
        body = body.encode() if isinstance(body, str) else body
        self.writer.write(self.head(status, [("Content-Length", len(body)), ("Content-Type", kind),
                                             *headers]) + body)
        await self.writer.drain()

    async def begin(self, headers=(), packs=False, status=200):
        """The head of an endless answer; `packs` sends it as gzip, flushed after each write."""
        if packs:
            self.packer = zlib.compressobj(wbits=31)
            headers = [*headers, ("Content-Encoding", "gzip")]
        self.writer.write(self.head(status, [("Transfer-Encoding", "chunked"), *headers]))
        await self.writer.drain()
        self.watcher = asyncio.create_task(self.watch())

    def head(self, status, headers):
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}",
                 *(f"{name}: {value}" for name, value in headers)]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    async def write(self, data):
        """One chunk of the endless answer."""
        if self.packer is not None:
            data = self.packer.compress(data) + self.packer.flush(zlib.Z_SYNC_FLUSH)
        if data:
            self.writer.write(b"%x\r\n%b\r\n" % (len(data), data))
            await self.writer.drain()

    async def write_raw(self, data):
        """Bytes past all framing."""
        self.writer.write(data)
        await self.writer.drain()

    async def taken(self):
        await until_taken(self.writer.transport)

    async def finish(self, is_whole=True):
        """Ends the endless answer and the connection; not `is_whole`: without the last chunk."""
        if is_whole:
            rest = self.packer.flush() if self.packer is not None else b""
            if rest:
                self.writer.write(b"%x\r\n%b\r\n" % (len(rest), rest))
            self.writer.write(b"0\r\n\r\n")
        await self.writer.drain()
        self.is_over = True

    def reset(self):
        linger_zero(self.writer.transport)
        self.writer.transport.abort()
        self.is_over = True

    async def watch(self):
        """A client that streams says nothing more: whatever can be read is its end."""
        try:
            while await self.reader.read(4096):
                pass
        except (ConnectionError, OSError):
            pass
        self.gone.set()


class Door:
    """Listens on one free port of 127.0.0.1; `handler(exchange)` answers each request."""

    def __init__(self, handler, tls=None):
        self.handler, self.tls = handler, tls
        self.scheme = "https" if tls else "http"
        self.server = None
        self.tasks = set()

    async def open(self):
        self.server = await asyncio.start_server(self.converse, "127.0.0.1", 0, ssl=self.tls,
                                                 limit=LONGEST_HEAD)
        return self.server.sockets[0].getsockname()[1]

    async def close(self):
        self.server.close()
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def converse(self, reader, writer):
        task = asyncio.current_task()
        self.tasks.add(task)
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        writer.transport.set_write_buffer_limits(high=UNSENT_BYTES)
        try:
            while (request := await read_request(reader, self.scheme)) is not None:
                exchange = Exchange(reader, writer, request)
                try:
                    await self.handler(exchange)
                finally:
                    if exchange.watcher is not None:
                        exchange.watcher.cancel()
                if exchange.is_over or exchange.gone.is_set():
                    break
        except (ConnectionError, asyncio.IncompleteReadError, OSError):
            pass
        finally:
            self.tasks.discard(task)
            writer.close()
