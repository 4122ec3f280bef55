# SPDX-License-Identifier: MIT
"""answers to a WebSocket's upgrade, and its URL: one verdict however read, no line of a stranger sent"""

from corpus import literals

MAX_BYTES = 1500
RUNS = 4000

AGREED = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
          b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")


def seeds():
    yield AGREED + b"\x81\x02hi"
    yield b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" + AGREED
    yield AGREED.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Protocol: x\r\n\r\n")
    yield b"HTTP/1.1 429 Too Many\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3;x=y\r\nyou\r\n0\r\n\r\n"
    yield b"HTTP/1.0 503 Busy\r\nContent-Length: 4\r\n\r\nbusy!"
    yield from literals("tests/unit/net/test_websocket_upgrade.c")
