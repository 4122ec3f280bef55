# SPDX-License-Identifier: MIT
"""A small HTTP/1.1 server on asyncio: keep-alive, bodies by Content-Length or in chunks, and every
way of failing that a test wants. It knows nothing of AWS."""

import asyncio
import socket
import struct

LONGEST_HEAD = 64 * 1024
LONGEST_BODY = 32 * 1024 * 1024

REASONS = {100: "Continue", 200: "OK", 202: "Accepted", 204: "No Content", 206: "Partial Content",
           301: "Moved Permanently", 304: "Not Modified", 400: "Bad Request", 403: "Forbidden",
           404: "Not Found", 405: "Method Not Allowed", 409: "Conflict", 412: "Precondition Failed",
           413: "Content Too Large", 416: "Range Not Satisfiable", 500: "Internal Server Error",
           501: "Not Implemented", 503: "Service Unavailable"}


class Request:
    """One request: `headers` has lower-case names, repeated ones joined by a comma in their order."""

    __slots__ = ("method", "target", "path", "query", "headers", "body")

    def __init__(self, method, target, headers):
        self.method = method
        self.target = target
        self.path, _, self.query = target.partition("?")
        self.headers = headers
        self.body = b""


class Reply:
    """What to answer, and how.

    `how` is "send", or a failure: "close" (nothing is sent), "reset" (RST), "hang" (nothing ever),
    "cut" (the head and half of the body). `delay` is in seconds.
    """

    __slots__ = ("status", "headers", "body", "delay", "how")

    def __init__(self, status, body=b"", headers=()):
        self.status = status
        self.headers = list(headers)
        self.body = body
        self.delay = 0.0
        self.how = "send"

    def encoded(self, without_body=False):
        lines = [f"HTTP/1.1 {self.status} {REASONS.get(self.status, 'Status')}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.status not in (204, 304) and not any(name == "Content-Length" for name, _ in self.headers):
            lines.append(f"Content-Length: {len(self.body)}")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        return head if without_body else head + self.body


class Connection(asyncio.Protocol):
    def __init__(self, handler):
        self.handler = handler
        self.transport = None
        self.buffer = bytearray()
        self.request = None
        self.missing = 0
        self.chunked = False
        self.busy = False

    def connection_made(self, transport):
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, _reason):
        self.transport = None

    def data_received(self, data):
        self.buffer += data
        self.advance()

    def advance(self):
        """Answers every request that is whole, one after the other."""
        while self.transport is not None and not self.busy:
            if self.request is None and not self.read_head():
                return
            if not self.read_body():
                return
            request, self.request = self.request, None
            self.answer(request)

    def read_head(self):
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self.buffer) > LONGEST_HEAD:
                self.refuse(400)
            return False
        head = self.buffer[:end].decode("latin-1")
        del self.buffer[:end + 4]
        first, *lines = head.split("\r\n")
        words = first.split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            self.refuse(400)
            return False
        headers = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or name != name.strip():
                self.refuse(400)
                return False
            name, value = name.lower(), value.strip()
            headers[name] = headers[name] + "," + value if name in headers else value
        self.request = Request(words[0], words[1], headers)
        return self.expect_body(headers)

    def expect_body(self, headers):
        self.chunked = headers.get("transfer-encoding", "").lower() == "chunked"
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > LONGEST_BODY:
            self.refuse(413)
            return False
        self.missing = int(length)
        if headers.get("expect", "").lower() == "100-continue":
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    def read_body(self):
        if self.chunked:
            return self.read_chunks()
        if len(self.buffer) < self.missing:
            return False
        self.request.body = bytes(self.buffer[:self.missing])
        del self.buffer[:self.missing]
        return True

    def read_chunks(self):
        body, at = bytearray(), 0
        while True:
            end = self.buffer.find(b"\r\n", at)
            if end < 0:
                return False
            size = int(bytes(self.buffer[at:end]).split(b";")[0], 16)
            if len(self.buffer) < end + 2 + size + 2:
                return False
            body += self.buffer[end + 2:end + 2 + size]
            at = end + 2 + size + 2
            if size == 0:
                break
        del self.buffer[:at]
        self.request.body = bytes(body)
        return True

    def answer(self, request):
        reply = self.handler(request)
        if reply.delay > 0:
            self.busy = True
            asyncio.get_running_loop().call_later(reply.delay, self.answer_late, request, reply)
        else:
            self.send(request, reply)

    def answer_late(self, request, reply):
        self.busy = False
        if self.transport is not None:
            self.send(request, reply)
            self.advance()

    def send(self, request, reply):
        if reply.how == "send":
            self.transport.write(reply.encoded(without_body=request.method == "HEAD"))
            if request.headers.get("connection", "").lower() == "close":
                self.transport.close()
        elif reply.how == "cut":
            whole = reply.encoded()
            self.transport.write(whole[:len(whole) - (len(reply.body) + 1) // 2])
            self.transport.close()
        elif reply.how == "close":
            self.transport.close()
        elif reply.how == "reset":
            self.reset()
        else:
            self.busy = True  # a hanging answer: the client's time limit ends it

    def reset(self):
        self.transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def refuse(self, status):
        self.transport.write(Reply(status, headers=[("Connection", "close")]).encoded())
        self.transport.close()


async def listen(handler, host, port):
    """Serves until cancelled; returns the asyncio server, whose socket tells the port."""
    return await asyncio.get_running_loop().create_server(lambda: Connection(handler), host, port)
