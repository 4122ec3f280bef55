# SPDX-License-Identifier: MIT
"""Offers one client as many messages a second as it is told to, as X v2 or Jetstream.

    python3 -m streaming_server.flood_sender SERVICE MESSAGES RATE BYTES

Prints its port, then what it sent, as JSON lines; it ends when its input ends. A block of 10,000
messages is made once; each time it is sent, all its ids and times are put in with one replacement,
so that the sender is not what is measured.
"""

import base64
import hashlib
import json
import random
import select
import socket
import sys
import threading
import time

BLOCK_COUNT = 10000
SLICE_BYTES = 64 * 1024
STAMP = b"@" * 11  # a block's number, in ids and times: tenths of a second since 1970
MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def tags_of(chance):
    """By Zipf's law, for four posts in ten."""
    if chance.random() > 0.4:
        return []
    return [f"tag{min(int(chance.paretovariate(1.0)), 2000)}" for _ in range(chance.choice([1, 1, 2, 3]))]


def v2_message(number, tags, text):
    identity = "1@@@@@@@@@@@%07d" % number
    return ('{"data":{"id":"%s","text":"%s","edit_history_tweet_ids":["%s"],"created_at":"2026-01-01T00:00:00.000Z",'
            '"lang":"en","entities":{"hashtags":[%s]}},"matching_rules":[{"id":"1166916266197536768","tag":""}]}' % (
                identity, text, identity, ",".join('{"start":0,"end":9,"tag":"%s"}' % tag for tag in tags)))


def jetstream_message(number, tags, text):
    facets = ",".join('{"index":{"byteStart":0,"byteEnd":9},"features":[{"$type":"app.bsky.richtext.facet#tag","tag":"%s"}]}' % tag
                      for tag in dict.fromkeys(tags))
    return ('{"did":"did:plc:%024d","time_us":@@@@@@@@@@@%05d,"kind":"commit","commit":{"rev":"3l","operation":"create",'
            '"collection":"app.bsky.feed.post","rkey":"@@@@@@@@@@@%07d","record":{"$type":"app.bsky.feed.post",'
            '"createdAt":"2026-01-01T00:00:00.000Z","langs":["en"],"text":"%s","facets":[%s]},"cid":"bafyrei"}}' % (
                number % 5000, number * 10, number, text, facets))


def framed(text):
    """A whole text message of a server."""
    data = text.encode()
    if len(data) < 126:
        return b"\x81" + bytes([len(data)]) + data
    return b"\x81\x7e" + len(data).to_bytes(2, "big") + data


def make_block(service, size):
    """(the bytes of a block, {hashtag: times} in it)."""
    chance = random.Random(7)
    counts, parts = {}, []
    make = v2_message if service == "twitter-v2" else jetstream_message
    for number in range(BLOCK_COUNT):
        tags = tags_of(chance)
        for tag in tags if service == "twitter-v2" else dict.fromkeys(tags):
            counts[tag] = counts.get(tag, 0) + 1
        bare = make(number, tags, "")
        text = make(number, tags, "x" * max(0, int(chance.gauss(size, size / 8)) - len(bare)))
        parts.append(text.encode() + b"\r\n" if service == "twitter-v2" else framed(text))
    return b"".join(parts), counts


class Sender:
    def __init__(self, service, count, rate, size):
        self.service, self.rate = service, rate
        self.blocks = max(1, count // BLOCK_COUNT)
        self.block, self.counts = make_block(service, size)
        self.slices = -(-len(self.block) // SLICE_BYTES)
        self.number = 0  # of the next block
        self.connections = 0
        self.late_seconds = 0.0
        self.first = time.time_ns() // 100_000_000

    def serve(self):
        listener = socket.create_server(("127.0.0.1", 0))
        say({"port": listener.getsockname()[1], "messages": self.blocks * BLOCK_COUNT,
             "bytes": len(self.block) // BLOCK_COUNT,
             "counts": {tag: times * self.blocks for tag, times in self.counts.items()}})
        while True:
            client, _ = listener.accept()
            threading.Thread(target=self.converse, args=(client,), daemon=True).start()

    def converse(self, client):
        try:
            head = b""
            while b"\r\n\r\n" not in head:
                more = client.recv(65536)
                if not more:
                    return
                head += more
            if head.split(b" ")[1].split(b"?")[0] in (b"/2/tweets/sample/stream", b"/subscribe"):
                self.connections += 1
                client.sendall(self.agreement(head))
                self.flood(client)
            else:
                client.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        except OSError:
            pass
        finally:
            client.close()

    def agreement(self, head):
        if self.service == "twitter-v2":
            return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        lines = dict(line.split(b": ", 1) for line in head.split(b"\r\n") if b": " in line)
        key = {name.lower(): value for name, value in lines.items()}[b"sec-websocket-key"]
        accept = base64.b64encode(hashlib.sha1(key + MAGIC).digest())
        return (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")

    def flood(self, client):
        """The blocks that are left, a slice at a time, none before it is due."""
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        began = time.monotonic()
        first = self.number
        while self.number < self.blocks:
            block = memoryview(self.block.replace(STAMP, b"%011d" % (self.first + self.number)))
            self.number += 1
            for index in range(self.slices):
                done = (self.number - 1 - first + index / self.slices) * BLOCK_COUNT
                self.pace(began + done / self.rate)
                self.send(client, block[index * SLICE_BYTES:(index + 1) * SLICE_BYTES])
        say({"sent": self.number * BLOCK_COUNT, "seconds": time.monotonic() - began,
             "late_seconds": self.late_seconds, "connections": self.connections})
        self.idle(client)

    def pace(self, due):
        wait = due - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        self.late_seconds = max(self.late_seconds, -wait)

    def send(self, client, piece):
        if self.service == "twitter-v2":
            client.sendall(b"%x\r\n" % len(piece))
            client.sendall(piece)
            client.sendall(b"\r\n")
        else:
            client.sendall(piece)

    def idle(self, client):
        """Keep-alives until the client goes."""
        while True:
            readable, _, _ = select.select([client], [], [], 1)
            if readable:
                data = client.recv(4096)
                if data[:1] == b"\x88":
                    client.sendall(b"\x88\x02\x03\xe8")
                if not data or data[:1] == b"\x88":
                    return
            elif self.service == "twitter-v2":
                client.sendall(b"2\r\n\r\n\r\n")


def say(value):
    print(json.dumps(value), flush=True)


def main():
    service, count, rate, size = sys.argv[1], *map(int, sys.argv[2:5])
    threading.Thread(target=Sender(service, count, rate, size).serve, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
