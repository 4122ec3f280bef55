# SPDX-License-Identifier: MIT
"""A Jetstream at a steady rate whose connections break, for one client that resumes by its cursor.

    python3 soak_sender.py RATE SECONDS SEED MEAN_SECONDS_BETWEEN_FAULTS

Prints {"port", "messages", "counts"} first and {"connections", "faults"} when its input ends. Each
tenth of a second has a block of messages whose times lie in it. A connection is reset, closed, cut
within a frame, held still or refused at moments that the seed draws; the next one begins where its
cursor says, so nothing is lost and some of it comes twice. After the last block nothing breaks.
"""

import base64
import collections
import hashlib
import json
import pathlib
import random
import socket
import struct
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

from streaming_server.flood_sender import MAGIC, STAMP, framed, jetstream_message, say, tags_of  # noqa: E402

BLOCKS_A_SECOND = 10
BLOCK_US = 1_000_000 // BLOCKS_A_SECOND
BYTES = 500
KINDS = ("reset", "close", "cut", "still", "refuse")
STILL_S = 4
REFUSAL = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def make_block(count, seed):
    """(the bytes of a block, {hashtag: times} in it)."""
    chance = random.Random(seed)
    counts, parts = collections.Counter(), []
    for number in range(count):
        tags = dict.fromkeys(tags_of(chance))
        counts.update(list(tags))
        bare = jetstream_message(number, tags, "")
        parts.append(framed(jetstream_message(number, tags, "x" * max(0, BYTES - len(bare)))))
    return b"".join(parts), counts


class Sender:
    def __init__(self, rate, seconds, seed, between_s):
        self.block, counts = make_block(max(1, round(rate / BLOCKS_A_SECOND)), seed)
        self.blocks = round(seconds * BLOCKS_A_SECOND)
        self.messages = self.blocks * max(1, round(rate / BLOCKS_A_SECOND))
        self.counts = {tag: times * self.blocks for tag, times in counts.items()}
        self.chance, self.between_s = random.Random(seed + 1), between_s
        self.first = time.time_ns() // (1000 * BLOCK_US)
        self.began = None
        self.connections, self.faults = 0, collections.Counter()
        self.refusals = 0

    def serve(self):
        listener = socket.create_server(("127.0.0.1", 0))
        say({"port": listener.getsockname()[1], "messages": self.messages, "counts": self.counts})
        while True:
            client, _ = listener.accept()
            with client:
                try:
                    self.converse(client)
                except OSError:
                    pass  # the client went away; it comes again

    def converse(self, client):
        client.settimeout(60)
        head = b""
        while b"\r\n\r\n" not in head:
            more = client.recv(65536)
            if not more:
                return
            head += more
        self.connections += 1
        if self.refusals > 0:
            self.refusals -= 1
            client.sendall(REFUSAL)
            return
        client.sendall(agreement(head))
        self.began = self.began or time.monotonic()
        self.send_from(client, self.block_at(cursor_of(head)))

    def block_at(self, cursor):
        return max(0, cursor // BLOCK_US - self.first) if cursor else 0

    def send_from(self, client, number):
        fault_at = time.monotonic() + self.chance.expovariate(1 / self.between_s)
        while number < self.blocks:
            block = self.block.replace(STAMP, b"%011d" % (self.first + number))
            time.sleep(max(0, self.began + number / BLOCKS_A_SECOND - time.monotonic()))
            if time.monotonic() > fault_at:
                if not self.break_it(client, block):
                    return
                fault_at = time.monotonic() + self.chance.expovariate(1 / self.between_s)
            client.sendall(block)
            number += 1
        idle(client)

    def break_it(self, client, block):
        """Whether the connection lives on."""
        kind = self.chance.choice(KINDS)
        self.faults[kind] += 1
        if kind == "still":
            time.sleep(STILL_S)
            return True
        if kind in ("cut", "reset"):
            client.sendall(block[:self.chance.randrange(len(block))])
        if kind == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if kind == "refuse":
            self.refusals = self.chance.randint(1, 2)
        if kind == "close":
            client.sendall(b"\x88\x02\x03\xe8")
        return False


def agreement(head):
    lines = dict(line.split(b": ", 1) for line in head.split(b"\r\n") if b": " in line)
    key = {name.lower(): value for name, value in lines.items()}[b"sec-websocket-key"]
    accept = base64.b64encode(hashlib.sha1(key + MAGIC).digest())
    return (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")


def cursor_of(head):
    target = head.split(b" ")[1].decode()
    return int(urllib.parse.parse_qs(urllib.parse.urlsplit(target).query).get("cursor", ["0"])[0])


def idle(client):
    """Pings until the client goes; what it says is its pongs and its close."""
    client.settimeout(2)
    while True:
        try:
            if not (data := client.recv(4096)) or data[0] & 15 == 8:
                return
        except TimeoutError:
            client.sendall(b"\x89\x00")


def main():
    rate, seconds, seed, between_s = (float(word) for word in sys.argv[1:5])
    sender = Sender(rate, seconds, int(seed), between_s)
    threading.Thread(target=sender.serve, daemon=True).start()
    sys.stdin.read()
    say({"connections": sender.connections, "faults": sender.faults})


if __name__ == "__main__":
    main()
