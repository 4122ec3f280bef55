# SPDX-License-Identifier: MIT
"""Requests that two readers could take apart in two ways. Each is refused, or read in the one way that the
standard leaves; what a body holds is never a request; after a refusal the connection ends."""

import socket
import time
import urllib.parse

import pytest

from daemon import tweet

HIDDEN = b"DELETE /hashtags/honest HTTP/1.1\r\nHost: localhost\r\n\r\n"
LAST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
REFUSED = "refused"  # one answer of 400 or above, and the end


@pytest.fixture(autouse=True)
def with_the_honest_hashtag(target):
    """Put back where the test before lost it, so that each failure stands for itself."""
    if target.get("/hashtags/honest").status == 404:
        target.post_tweets([tweet(time.time_ns(), "honest"), tweet(time.time_ns() + 1, "honest")])
        target.wait_until_counted({"honest": 2})


def answers(daemon, request, timeout=20):
    """The statuses of all answers until the server ends the connection; each answer is whole."""
    address = urllib.parse.urlsplit(daemon.url)
    received = b""
    with socket.create_connection((address.hostname, address.port), timeout=timeout) as end:
        try:
            end.sendall(request)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before all was sent
        while True:
            try:
                more = end.recv(65536)
            except ConnectionResetError:
                break
            if not more:
                break
            received += more
    statuses = []
    while received:
        head, mark, rest = received.partition(b"\r\n\r\n")
        assert mark and head.startswith(b"HTTP/1.1 "), received[:300]
        statuses.append(int(head.split(b" ")[1]))
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        length = int(fields.get(b"content-length", b"0"))
        assert len(rest) >= length, "an answer is cut short"
        if statuses[-1] >= 400 and fields[b"connection"] == b"close":
            assert len(rest) == length, f"something follows a refusal: {rest[length:][:300]}"
        received = rest[length:]
    return statuses


def check(daemon, request, expected):
    found = answers(daemon, request)
    if expected == REFUSED:
        assert len(found) == 1 and found[0] >= 400, found
    else:
        assert found == expected
    assert daemon.get("/hashtags/honest").json["count"] == 2, "what was hidden was done"


def head(line, *fields):
    return b"\r\n".join([line, b"Host: localhost", *fields]) + b"\r\n\r\n"


# Where a body ends

CODINGS = [b"Transfer-Encoding: chunked", b"Transfer-Encoding: xchunked", b"Transfer-Encoding : chunked", b"Transfer-Encoding\t: chunked",
           b" Transfer-Encoding: chunked", b"X: x\nTransfer-Encoding: chunked", b"X: x\rTransfer-Encoding: chunked",
           b"Transfer-Encoding\n: chunked", b"Transfer-Encoding: chunked\x0b", b"Transfer-Encoding: \x0bchunked",
           b"Transfer-Encoding: \x00chunked", b"Transfer-Encoding: chunked\x00", b"Transfer-Encoding: identity",
           b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding: identity, chunked", b"Transfer-Encoding: gzip, chunked",
           b"Transfer-Encoding: chunked, chunked", b"Transfer-Encoding: \"chunked\"", b"Transfer-Encoding: chunked;q=1",
           b"Transfer-Encoding: chunked, ", b"Transfer-Encoding: ,chunked", b"Transfer-Encoding: chu\r\n nked",
           b"Transfer-Encoding:\r\n chunked", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
           b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
           b"Transfer-Encoding: chunk", b"Transfer-Encoding: chunke\xc4\x91", b"Transfer-Encoding:", b"Transfer-Encoding: cow\r\n\tchunked",
           b"X-Padding: a\r\n\r\tTransfer-Encoding: chunked"]


def ids(values):
    return [repr(value)[2:-1][:60] for value in values]


@pytest.mark.parametrize("coding", CODINGS, ids=ids(CODINGS))
@pytest.mark.parametrize("order", ["length first", "coding first"])
def test_a_length_and_a_coding(target, coding, order):
    body = b"0\r\n\r\n" + HIDDEN
    fields = [b"Content-Length: %d" % len(body), coding]
    check(target, head(b"POST /flush HTTP/1.1", *(fields if order == "length first" else fields[::-1])) + body + LAST, REFUSED)


@pytest.mark.parametrize("coding", CODINGS[1:], ids=ids(CODINGS[1:]))
def test_a_coding_that_is_not_just_chunked(target, coding):
    check(target, head(b"POST /flush HTTP/1.1", coding) + b"0\r\n\r\n" + HIDDEN + LAST, REFUSED)


@pytest.mark.parametrize("coding", [b"Transfer-Encoding: chunked", b"transfer-encoding:CHUNKED", b"TRANSFER-ENCODING: \t chunked"],
                         ids=["usual", "capitals", "white space"])
def test_chunked_however_it_is_spelled(target, coding):
    check(target, head(b"POST /flush HTTP/1.1", coding) + b"3\r\nabc\r\n0\r\n\r\n" + LAST, [200, 200])


def test_a_field_that_only_looks_like_a_coding(target):
    """Its name has an underscore: it means nothing, and the length counts."""
    body = b"0\r\n\r\n" + HIDDEN
    check(target, head(b"POST /flush HTTP/1.1", b"Transfer_Encoding: chunked", b"Content-Length: %d" % len(body)) + body + LAST, [200, 200])


LENGTHS = [b"5, 5", b"5,5", b"5, 6", b"+5", b"-5", b"0x5", b"5 5", b"5.0", b"5e0", b"", b" ", b"18446744073709551616", b"99999999999999999999999",
           b"5;", b"5\x00", b"\x005", b"5\x0b", b"\xef\xbc\x95", b"five", b"5\r\nContent-Length: 5", b"5\r\nContent-Length: 6",
           b"5\r\nCONTENT-LENGTH: 0", b"5\r\n 6", b"5\n", b"5\r", b"-0", b"'5'"]


@pytest.mark.parametrize("length", LENGTHS, ids=ids(LENGTHS))
def test_a_length_that_is_none(target, length):
    check(target, head(b"POST /flush HTTP/1.1", b"Content-Length: " + length) + b"hello" + HIDDEN + LAST, REFUSED)


@pytest.mark.parametrize("name", [b"Content-Length ", b"Content-Length\t", b" Content-Length", b"Content-Length\x00", b"Content\xc2\xa0Length"])
def test_a_name_that_is_not_quite_a_length(target, name):
    check(target, head(b"POST /flush HTTP/1.1", name + b": 5") + b"hello" + HIDDEN + LAST, REFUSED)


CHUNKS = [b"0x3\r\nabc\r\n0\r\n\r\n", b"3 \r\nabc\r\n0\r\n\r\n", b" 3\r\nabc\r\n0\r\n\r\n", b"+3\r\nabc\r\n0\r\n\r\n", b"-3\r\nabc\r\n0\r\n\r\n",
          b"3\nabc\r\n0\r\n\r\n", b"3\r\nabc\n0\r\n\r\n", b"3\r\nabc\r\n0\n\r\n", b"3\r\nabc\r\n0\r\n\n", b"3\rabc\r\n0\r\n\r\n",
          b"3;a\nb\r\nabc\r\n0\r\n\r\n", b"3;a\rb\r\nabc\r\n0\r\n\r\n", b"3;a\x00\r\nabc\r\n0\r\n\r\n", b"3;\r\r\nabc\r\n0\r\n\r\n",
          b"FFFFFFFFFFFFFFFF3\r\nabc\r\n0\r\n\r\n", b"10000000000000003\r\nabc\r\n0\r\n\r\n", b"3\r\nabcX\r\n0\r\n\r\n", b"3\r\nabc0\r\n\r\n",
          b"3\r\nabcd\r\n0\r\n\r\n", b"4\r\nabc\r\n0\r\n\r\n", b"G\r\nabc\r\n0\r\n\r\n", b"\r\n0\r\n\r\n", b"3,3\r\nabc\r\n0\r\n\r\n",
          b"3\x0b\r\nabc\r\n0\r\n\r\n", b"0\r\nX y: z\r\n\r\n", b"0\r\n: z\r\n\r\n", b"0\r\nX\x00: z\r\n\r\n", b"0\r\nX: y\n\r\n",
          b"0\r\nX : y\r\n\r\n", b"0\r\nTransfer-Encoding: chunked\r\n\r\n", b"0\r\nX: y\r\n z\r\n\r\n",
          b"00000000000000000000000000000000000000000000003\r\nab" + b"\r\n0\r\n\r\n"]


@pytest.mark.parametrize("chunks", CHUNKS, ids=ids(CHUNKS))
def test_chunks_that_are_none(target, chunks):
    found = answers(target, head(b"POST /flush HTTP/1.1", b"Transfer-Encoding: chunked") + chunks + HIDDEN + LAST)
    assert found == [400], found
    assert target.get("/hashtags/honest").json["count"] == 2


@pytest.mark.parametrize("trailer", [b"Content-Length: 50", b"Host: evil.example", b"Authorization: Bearer x"])
def test_a_trailer_changes_nothing(target, trailer):
    check(target, head(b"POST /flush HTTP/1.1", b"Transfer-Encoding: chunked") + b"3;e=\"x\"\r\nabc\r\n0\r\n" + trailer + b"\r\n\r\n" + LAST, [200, 200])


ENDLESS = {"extensions": b"3;" + b"x" * 200_000, "zeros": b"0" * 200_000, "trailers": b"0\r\n" + b"X: y\r\n" * 40_000,
           "one trailer": b"0\r\nX: " + b"y" * 200_000, "tiny chunks with extensions": b"1;" + b"e" * 60 + b"\r\nx\r\n"}


@pytest.mark.parametrize("name", ENDLESS)
def test_framing_without_an_end(target, name):
    body = ENDLESS[name] * (5000 if name.startswith("tiny") else 1)
    check(target, head(b"POST /tweets HTTP/1.1", b"Content-Type: application/json", b"Transfer-Encoding: chunked") + body, REFUSED)


# Bodies that nobody asked for


@pytest.mark.parametrize("line,status", [(b"GET /healthz", 200), (b"DELETE /hashtags/nothing", 404), (b"PUT /status", 405),
                                         (b"GET /nothing", 404), (b"POST /flush", 200), (b"GET /metrics?x=1", 400), (b"OPTIONS /hashtags", 405)])
def test_a_body_is_no_request(target, line, status):
    check(target, head(line + b" HTTP/1.1", b"Content-Length: %d" % len(HIDDEN)) + HIDDEN + LAST, [status, 200])


@pytest.mark.parametrize("line,status", [(b"GET /healthz", 200), (b"DELETE /hashtags/nothing", 404), (b"PUT /status", 405)])
def test_chunks_that_nobody_reads_end_the_connection(target, line, status):
    body = b"%x\r\n" % len(HIDDEN) + HIDDEN + b"\r\n0\r\n\r\n"
    check(target, head(line + b" HTTP/1.1", b"Transfer-Encoding: chunked") + body + LAST, [status])


def test_a_body_that_is_too_large_to_skip_ends_the_connection(target):
    check(target, head(b"GET /healthz HTTP/1.1", b"Content-Length: 10000000") + HIDDEN * 5000, [200])


@pytest.mark.parametrize("fields", [[b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", b"Sec-WebSocket-Version: 13"],
                                    [b"Upgrade: h2c", b"Connection: Upgrade, HTTP2-Settings", b"HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA"],
                                    [b"Upgrade: TLS/1.0", b"Connection: Upgrade"]], ids=["websocket", "h2c", "TLS"])
def test_an_upgrade_is_passed_over(target, fields):
    check(target, head(b"GET /events?limit=0 HTTP/1.1", *fields) + LAST, [400, 200])
    check(target, head(b"GET /healthz HTTP/1.1", *fields, b"Content-Length: %d" % len(HIDDEN)) + HIDDEN + LAST, [200, 200])
    check(target, head(b"POST /flush HTTP/1.1", *fields, b"Transfer-Encoding: chunked") + b"3\r\nabc\r\n0\r\n\r\n" + LAST, [200, 200])


def test_nothing_is_read_behind_the_last_request(target):
    check(target, LAST + HIDDEN * 3, [200])
    check(target, head(b"GET /healthz HTTP/1.1", b"Connection: keep-alive, CLOSE") + HIDDEN, [200])
    check(target, b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n" + HIDDEN, [200])


# Heads

HEADS = [b"GET / HTTP/1.1\nHost: localhost\r\n\r\n", b"GET / HTTP/1.1\r\nHost: localhost\n\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\n\n",
         b"GET / HTTP/1.1\rHost: localhost\r\n\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\n\rX: y\r\n\r\n", b"GET / HTTP/1.1\r\nHost: localhost\rX: y\r\n\r\n",
         b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\r\r\n\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n",
         b"GET / HTTP/1.1\r\nHost: localhost\r\n\tX: a\r\n\r\n", b"GET / HTTP/1.1\r\n Host: localhost\r\nHost: localhost\r\n\r\n",
         b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n", b"GET / HTTP/1.1\r\nHost\t: localhost\r\n\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\n: x\r\n\r\n",
         b"GET / HTTP/1.1\r\nHost: localhost\r\nX\x00: y\r\n\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: \x00\r\n\r\n",
         b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\x08b\r\n\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: \x7f\r\n\r\n",
         b"GET / HTTP/1.1\r\nHost: localhost\r\nX: \xff\r\n\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\nX y: z\r\n\r\n",
         b"GET / HTTP/1.1\r\nHost: localhost\r\nno colon\r\n\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\n(X): y\r\n\r\n",
         b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\nhost: evil.example\r\n\r\n",
         b"GET / HTTP/1.1\r\nHost: localhost, evil.example\r\n\r\n", b"GET / HTTP/1.1\r\nHost: localhost/x\r\n\r\n",
         b"GET / HTTP/1.1\r\nHost: me@localhost\r\n\r\n", b"GET / HTTP/1.1\r\nHost: localhost evil.example\r\n\r\n", b"GET / HTTP/1.1\r\nHost: localhost\\x\r\n\r\n",
         b"GET /\r\n\r\n", b"GET / \r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/2.0\r\nHost: localhost\r\n\r\n", b"GET / HTTP/1.2\r\nHost: localhost\r\n\r\n",
         b"GET / HTTP/0.9\r\nHost: localhost\r\n\r\n", b"GET / HTTP/1.10\r\nHost: localhost\r\n\r\n", b"GET / HTTP/01.1\r\nHost: localhost\r\n\r\n",
         b"GET / HTTP/1.1 \r\nHost: localhost\r\n\r\n", b"GET / http/1.1\r\nHost: localhost\r\n\r\n", b"GET / HTTP/1,1\r\nHost: localhost\r\n\r\n",
         b"GET / HTTPS/1.1\r\nHost: localhost\r\n\r\n", b"GET / RTSP/1.0\r\nHost: localhost\r\n\r\n", b"GET / ICE/1.0\r\nHost: localhost\r\n\r\n",
         b"SOURCE / ICE/1.0\r\nHost: localhost\r\n\r\n", b"get / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"Get / HTTP/1.1\r\nHost: localhost\r\n\r\n",
         b" GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\tGET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x00GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
         b"GET\t/ HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET /\tHTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET  / HTTP/1.1\r\nHost: localhost\r\n\r\n",
         b"GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET /\xc3\xa9 HTTP/1.1\r\nHost: localhost\r\n\r\n",
         b"GET healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET * HTTP/1.1\r\nHost: localhost\r\n\r\n",
         b"GET /#fragment HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET http:///healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
         b"GET ftp://localhost/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
         b"GET http://me@localhost/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET //localhost HTTP/1.0\r\n\r\n",
         b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"NONSENSE / HTTP/1.1\r\nHost: localhost\r\n\r\n",
         b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\r\n\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\nExpect: 200-ok\r\n\r\n",
         b"POST /tweets HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\r\n", b"\r\n" * 20_000,
         b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", b"A" * 100_000, b"GET / HTTP/1.1\r\n" + b"a" * 100_000,
         b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 101 + b"\r\n",
         b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"\r\n".join(b"X%d: %s" % (n, b"y" * 1000) for n in range(20)) + b"\r\n\r\n"]


@pytest.mark.parametrize("request_", HEADS, ids=ids(HEADS))
def test_a_head_that_is_refused(target, request_):
    check(target, request_ + HIDDEN, REFUSED)


@pytest.mark.parametrize("request_", [
    b"GET http://localhost/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET HTTP://LOCALHOST/healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    b"\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET /healthz HTTP/1.1\r\nHost:localhost\r\nX:\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost:\t localhost \t\r\n\r\n", b"GET /healthz HTTP/1.1\r\nhOST: LOCALHOST\r\nExpect: 100-continue\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 99 + b"\r\n",
], ids=["absolute", "the target's host counts", "empty line before", "no space", "white space", "capitals", "100 fields"])
def test_what_is_odd_but_clear_is_served(target, request_):
    check(target, request_ + LAST, [200, 200])
