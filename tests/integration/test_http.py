# SPDX-License-Identifier: MIT
"""Every route of docs/http.md from outside: what it answers, and what it refuses."""

import json
import socket
import urllib.parse

import pytest

from daemon import tweet

GET_ROUTES = ["/", "/hashtags", "/hashtags/foo", "/archive", "/status", "/healthz", "/readyz", "/metrics",
              "/openapi.json"]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One daemon for all tests here, with a few counts that none of them changes."""
    from daemon import Daemon

    with Daemon(data=tmp_path_factory.mktemp("http") / "data") as daemon:
        answer = daemon.post_tweets([tweet(1, "foo", "bar"), tweet(2, "foo"), tweet(3, "Foo", "été", "foobar")])
        assert answer.status == 202, answer
        daemon.wait_until_counted({"foo": 3, "bar": 1, "été": 1, "foobar": 1})
        yield daemon


def problem(answer, status):
    """Asserts an RFC 9457 answer and returns it."""
    assert answer.status == status, answer
    assert answer.type == "application/problem+json", answer
    assert answer.headers.get_all("Cache-Control") == ["no-store"]
    body = answer.json
    assert body["status"] == status and body["title"] and body["type"] and body["detail"], body
    return body


def raw(daemon, request, timeout=20):
    """Sends bytes as they are and returns all that comes until the server closes."""
    address = urllib.parse.urlsplit(daemon.url)
    with socket.create_connection((address.hostname, address.port), timeout=timeout) as connection:
        connection.sendall(request)
        received = b""
        while True:
            try:
                some = connection.recv(65536)
            except ConnectionResetError:
                break
            if not some:
                break
            received += some
        return received


def raw_status(received):
    assert received.startswith(b"HTTP/1.1 "), received[:200]
    return int(received.split(b" ", 2)[1])


def test_hashtags_are_sorted_most_first(server):
    body = server.get("/hashtags").json
    assert [(row["rank"], row["hashtag"], row["count"]) for row in body["hashtags"]] == [
        (1, "foo", 3), (2, "bar", 1), (3, "foobar", 1), (4, "été", 1)]
    assert (body["window"], body["total"], body["distinct"], body["next"]) == ("all", 6, 4, None)
    assert body["hashtags"][0]["first_seen"] <= body["hashtags"][0]["last_seen"]


@pytest.mark.parametrize("window", ["all", "5m", "1h", "24h"])
def test_hashtags_of_each_window(server, window):
    body = server.get(f"/hashtags?window={window}").json
    assert body["window"] == window
    assert body["hashtags"][0]["hashtag"] == "foo"


def test_pages_join_without_gap_or_repeat(server):
    names, after = [], ""
    for _ in range(10):
        body = server.get(f"/hashtags?limit=1{after}").json
        names += [row["hashtag"] for row in body["hashtags"]]
        if body["next"] is None:
            break
        after = "&after=" + urllib.parse.quote(body["next"])
    assert names == ["foo", "bar", "foobar", "été"]


@pytest.mark.parametrize("prefix,expected", [
    ("foo", ["foo", "foobar"]), ("FOO", ["foo", "foobar"]), ("%23foo", ["foo", "foobar"]), ("fooba", ["foobar"]),
    ("%C3%89", ["été"]), ("nothing", []),
])
def test_prefix(server, prefix, expected):
    body = server.get(f"/hashtags?prefix={prefix}").json
    assert [row["hashtag"] for row in body["hashtags"]] == expected
    assert [row["rank"] for row in body["hashtags"]] == list(range(1, len(expected) + 1))
    assert body["total"] == 6 and body["distinct"] == 4


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=-1", "limit=x", "limit=", "window=2m",
                                   "after=%00%ff", "after=nonsense!", "prefix=%ff%fe"])
def test_wrong_query_of_hashtags(server, query):
    problem(server.get(f"/hashtags?{query}"), 400)


@pytest.mark.parametrize("path", ["foo", "Foo", "%23foo", "FOO", "%EF%BC%A6%EF%BC%AF%EF%BC%AF"])
def test_one_hashtag_however_spelled(server, path):
    body = server.get(f"/hashtags/{path}").json
    assert body["hashtag"] == "foo" and body["count"] == 3
    assert body["windows"] == {"all": 3, "24h": 3, "1h": 3, "5m": 3}
    assert body["ranks"]["all"] == 1 and body["expires_at"] is None
    assert len(body["series"]["counts"]) == 60 and sum(body["series"]["counts"]) == 3
    assert len(body["series_24h"]["counts"]) == 48 and sum(body["series_24h"]["counts"]) == 3
    assert body["series"]["step"] == 60 and body["series_24h"]["step"] == 1800


@pytest.mark.parametrize("path", ["/hashtags/nothing", "/nothing", "/hashtags/foo/bar", "//", "/hashtags/", "/..%2f..%2fetc"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_what_is_not_there(server, method, path):
    answer = server.request(method, path)
    assert answer.status in (404, 405) if method == "DELETE" else answer.status == 404, answer
    problem(answer, answer.status)


@pytest.mark.parametrize("path", GET_ROUTES)
def test_head_is_get_without_a_body(server, path):
    get, head = server.get(path), server.request("HEAD", path)
    assert get.status == head.status == 200, (get, head)
    assert head.body == b""
    assert head.headers["Content-Type"] == get.headers["Content-Type"]
    assert head.headers["Content-Length"] is not None


@pytest.mark.parametrize("method,path,allowed", [
    ("PUT", "/hashtags", "GET"), ("POST", "/hashtags/foo", "DELETE"), ("GET", "/tweets", "POST"), ("GET", "/flush", "POST"),
    ("DELETE", "/status", "GET"), ("PATCH", "/", "GET"), ("DELETE", "/metrics", "GET"), ("POST", "/events", "GET"),
])
def test_method_not_allowed(server, method, path, allowed):
    answer = server.request(method, path)
    problem(answer, 405)
    names = [name.strip() for name in answer.headers["Allow"].split(",")]
    assert allowed in names and method not in names
    assert ("HEAD" in names) == ("GET" in names)


def test_status_has_every_part(server):
    body = server.get("/status").json
    assert [part["name"] for part in body["parts"]] == [
        "source", "ingest", "stream", "count", "table", "changes", "archive"]
    states = {"off", "starting", "working", "idle", "paused", "waiting", "failed", "stopped"}
    for part in body["parts"]:
        assert part["state"] in states and part["unit"], part
        assert {"type", "text", "since", "rate", "total", "errors", "last_error", "details"} <= part.keys()
    assert body["ready"] is True and body["problems"] == [] and body["stopping"] is False
    assert body["hashtags"] == {"distinct": 4, "total": 6}
    assert body["shards"][0]["lag_records"] == 0
    assert 0 < body["memory"]["used_bytes"] + body["memory"]["resident_bytes"]
    assert set(body["build"]) >= {"compiler", "libuv", "sqlite", "llhttp"}


def test_status_tells_bodies_that_are_still_coming(server):
    address = urllib.parse.urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.sendall(b"POST /tweets HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                           b"Content-Length: 2000\r\n\r\n" + 1000 * b" ")
        server.wait_for(lambda: server.status()["memory"]["held_body_bytes"] == 1000, "the half body")
    server.wait_for(lambda: server.status()["memory"]["held_body_bytes"] == 0, "its end")


def test_health_and_readiness(server):
    assert server.get("/healthz").json == {"status": "ok"}
    assert server.get("/readyz").json == {"status": "ready"}


def test_openapi_tells_the_routes(server):
    answer = server.get("/openapi.json")
    body = answer.json
    assert body["openapi"].startswith("3.1")
    assert {"/hashtags", "/hashtags/{tag}", "/tweets", "/flush", "/archive", "/events", "/status", "/healthz",
            "/readyz", "/metrics"} <= set(body["paths"])
    assert set(body["paths"]["/hashtags/{tag}"]) >= {"get", "delete"}


def test_dashboard_is_inside(server):
    answer = server.get("/")
    assert answer.type == "text/html" and "<html" in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src" in policy and "unsafe-inline" not in policy and "unsafe-eval" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("headers", [
    {"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"},
    {"Host": "evil.example:80", "Origin": "http://evil.example"},
])
@pytest.mark.parametrize("method,path", [("GET", "/hashtags"), ("DELETE", "/hashtags/foo"), ("POST", "/flush")])
def test_another_origin_gets_nothing_done(server, headers, method, path):
    problem(server.request(method, path, headers=headers), 403)
    assert server.get("/hashtags/foo").status == 200


def test_own_origin_is_served(server):
    address = urllib.parse.urlsplit(server.url)
    for host in (f"localhost:{address.port}", f"127.0.0.1:{address.port}"):
        answer = server.get("/hashtags", headers={"Host": host, "Origin": f"http://{host}"})
        assert answer.status == 200, answer


# Bodies


def test_tweets_of_another_type(server):
    problem(server.post("/tweets", b"<tweet/>", headers={"Content-Type": "text/xml"}), 415)


def test_no_tweet_at_all(server):
    for body, kind in ((b"nonsense", "application/json"), (b"", "application/json"), (b"x\ny\n", "application/x-ndjson")):
        problem(server.post("/tweets", body, headers={"Content-Type": kind}), 400)


def test_tweets_without_a_length(server):
    request = b"POST /tweets HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
    assert raw_status(raw(server, request)) == 411


def test_a_body_that_is_announced_too_large(server):
    request = (b"POST /tweets HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
               b"Content-Length: 99999999999\r\n\r\n")
    assert raw_status(raw(server, request)) == 413


def test_a_chunked_body_that_never_ends(server):
    head = b"POST /tweets HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
    address = urllib.parse.urlsplit(server.url)
    chunk = b"%x\r\n" % (1 << 20) + b"\n" * (1 << 20) + b"\r\n"
    answered = b""
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.sendall(head)
        try:
            for _ in range(2000):
                connection.sendall(chunk)
        except (BrokenPipeError, ConnectionResetError):
            pass
        else:
            raise AssertionError("2 GB were taken")
        try:
            answered = connection.recv(65536)
        except ConnectionResetError:
            pass  # the answer may be lost where the client still sends; what counts is the end
    assert answered == b"" or raw_status(answered) == 413
    assert server.get("/healthz").status == 200


def test_chunked_body(server):
    body = json.dumps(tweet(1, "foo", "bar")).encode()  # put before: counted once
    chunks = b"".join(b"%x;why=not\r\n%s\r\n" % (1, body[i:i + 1]) for i in range(len(body))) + b"0\r\n\r\n"
    request = (b"POST /tweets HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n"
               b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
    received = raw(server, request)
    assert raw_status(received) == 202, received
    assert server.get("/hashtags/foo").json["count"] == 3


# Requests that are wrong as such


@pytest.mark.parametrize("request_,status", [
    (b"GET / HTTP/1.1\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400),
    (b"nonsense\r\n\r\n", 400),
    (b"GET / HTTP/2.0\r\nHost: localhost\r\n\r\n", (400, 505)),
    (b"GET /\r\n\r\n", 400),
    (b"GET / HTTP/1.1\nHost: localhost\n\n", 400),
    (b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A:\rX-B: c\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: localhost\r\n folded\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: localhost\r\n: empty\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n", 400),
    (b"GET /\x80 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    (b"POST /flush HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
    (b"POST /flush HTTP/1.1\r\nHost: localhost\r\nContent-Length: +1\r\n\r\na", 400),
    (b"POST /flush HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (b"POST /flush HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", (400, 501)),
    (b"POST /flush HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (b"POST /tweets HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", 400),
    (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
    (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 200_000 + b"\r\n\r\n", 431),
    (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: a\r\n" * 20_000 + b"\r\n", 431),
], ids=lambda value: value[:60].decode("latin-1").replace("\r\n", " ") if isinstance(value, bytes) else None)
def test_malformed_request(server, request_, status):
    received = raw(server, request_)
    allowed = status if isinstance(status, tuple) else (status,)
    assert raw_status(received) in allowed, received[:300]
    assert b"application/problem+json" in received
    assert server.get("/healthz").status == 200


def test_requests_in_a_row_without_waiting(server):
    one = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    last = b"GET /hashtags/foo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    received = raw(server, one * 5 + last)
    assert received.count(b"HTTP/1.1 200 ") == 6, received
    assert received.rstrip().endswith(b"}") and b'"foo"' in received.rsplit(b"\r\n\r\n", 1)[1]


def test_a_request_byte_by_byte(server):
    address = urllib.parse.urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n":
            connection.sendall(bytes([byte]))
        assert raw_status(connection.recv(65536)) == 200


def test_a_connection_serves_many_requests(server):
    import http.client

    address = urllib.parse.urlsplit(server.url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=20)
    sockets = set()
    for _ in range(20):
        connection.request("GET", "/healthz")
        sockets.add(connection.sock.fileno())
        assert connection.getresponse().read()
    assert len(sockets) == 1
    connection.close()


def test_many_connections_come_and_go(server):
    address = urllib.parse.urlsplit(server.url)
    idle = [socket.create_connection((address.hostname, address.port), timeout=20) for _ in range(200)]
    assert server.get("/healthz").status == 200
    for connection in idle:
        connection.close()
    assert server.get("/healthz").status == 200


def test_a_client_that_hangs_up_early(server):
    address = urllib.parse.urlsplit(server.url)
    for request in (b"GET /hashtags HTTP/1.1\r\nHost: localhost\r\n\r\n", b"POST /tweets HTTP/1.1\r\nHost: localhost\r\n"
                    b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{", b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n"):
        for _ in range(10):
            connection = socket.create_connection((address.hostname, address.port), timeout=20)
            connection.sendall(request)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # reset, no goodbye
            connection.close()
    assert server.get("/healthz").status == 200
