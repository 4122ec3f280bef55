# SPDX-License-Identifier: MIT
"""a connection of the HTTP server: same requests and answers however cut, nothing ambiguous is taken"""

from corpus import framed, literals

MAX_BYTES = 4000
RUNS = 2500

ENDS = [bytes([reading]) + cuts for reading in (0, 1, 2) for cuts in (b"\1", b"\x05", b"\x21")]
HOST = b"Host: a\r\n"

# Field lines, and whole framings, that servers and proxies have read in different ways.
SMUGGLED = [
    b"X-Abc:\rTransfer-Encoding: chunked", b"X:\rY: b", b"X: a\rb", b"X: a\nY: b", b" X: a", b"X: a\r\n b", b"X\t: a",
    b"Host : x", b"Host: b", b": a", b"X", b"X: \0", b"X: \xc3\xa9", b"Content-Length : 1", b"Content-Length: 1, 1",
    b"Content-Length: +1", b"Content-Length:", b"Content-Length: 18446744073709551616", b"Content-Length: 1\r\n 2",
    b"Content-Length: 1\r\nContent-Length: 1", b"Content-Length: 3\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nContent-Length: 3", b"Transfer-Encoding: chunked, chunked",
    b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding: \x0bchunked", b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", b"Transfer-Encoding : chunked", b"Transfer_Encoding: chunked",
]
BODIES = [b"3\r\nabc\r\n0\r\n\r\n", b"3 \r\nabc\r\n0\r\n\r\n", b"3\nabc\n0\n\n", b"0x3\r\nabc\r\n0\r\n\r\n", b"3\r\nabcd\r\n0\r\n\r\n",
          b"3;a=\"\n\"\r\nabc\r\n0\r\n\r\n", b"3\r\nabc\r\n0\r\nContent-Length: 9\r\n\r\n", b"3\r\nabc\r\n0\r\n a: b\r\n\r\n",
          b"10000000000000003\r\nabc\r\n0\r\n\r\n", b"-3\r\nabc\r\n0\r\n\r\n", b"3\r\nabc0\r\n\r\n", b"\r\n3\r\nabc\r\n0\r\n\r\n"]
NEXT = b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n"


def seeds():
    texts = [text for text in literals("tests/unit/net/test_http_parser.c") if len(text) > 3]
    texts += [b"GET /x HTTP/1.1\r\n" + HOST + line + b"\r\n\r\n" for line in texts if len(line) < 100]
    texts += [
        b"GET /a?b=c HTTP/1.1\r\n" + HOST + b"\r\nPOST /e HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\n\r\nabc"
        b"GET /l HTTP/1.1\r\n" + HOST + b"\r\nDELETE /x HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n",
        b"POST /e HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n3;x=\"y\"\r\nabc\r\n0a\r\n0123456789\r\n"
        b"0\r\nT: u\r\n\r\nGET /b HTTP/1.1\r\n" + HOST + b"\r\n" + (b"GET /x HTTP/1.1\r\n" + HOST + b"\r\n") * 12,
        b"POST /r HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
        b"POST /x HTTP/1.1\r\n" + HOST + b"Content-Length: 20\r\n\r\nGET /no HTTP/1.1\r\n\r\nGET /s HTTP/1.1\r\n" + HOST
        + b"\r\n", b"HEAD /s HTTP/1.1\r\n" + HOST + b"\r\n", b"POST /r HTTP/1.1\r\n" + HOST + b"\r\n",
        b"POST /e HTTP/1.1\r\n" + HOST + b"Content-Length: 301\r\n\r\n" + b"x" * 301,
        b"POST /e HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n12d\r\n" + b"x" * 301 + b"\r\n0\r\n\r\n",
        b"GET http://h:1/l HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /l HTTP/1.0\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\n" + HOST + b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\nGET /l HTTP/1.1\r\n\r\n",
        (b"GET /b HTTP/1.1\r\n" + HOST + b"\r\n") * 3 + (b"GET /l HTTP/1.1\r\n" + HOST + b"\r\n") * 3,
        b"GET /x HTTP/1.1\r\n" + HOST + b"A: " + b"a" * 1480 + b"\r\n\r\n",
        b"GET /" + b"x" * 300 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        (b"GET /x HTTP/1.1\r\n" + HOST + b"\r\n") * 80,
    ]
    texts += [b"POST /e HTTP/1.1\r\n" + HOST + line + b"\r\n\r\nabc" + NEXT for line in SMUGGLED]
    texts += [b"POST /e HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + body + NEXT for body in BODIES]
    texts += [b"GET /x\n" + HOST + b"\r\n", b"GET /x HTTP/2.0\r\n" + HOST + b"\r\n", b"GET /x\r\n\r\n", b"\r\n\r\n" + NEXT,
              b"GET  /x HTTP/1.1\r\n" + HOST + b"\r\n", b"GET /x HTTP/1.1 \r\n" + HOST + b"\r\n", b"GET\t/x HTTP/1.1\r\n" + HOST + b"\r\n"]
    yield from framed(texts, ENDS)
