# SPDX-License-Identifier: MIT
"""The WebSocket client against others: a table of what a server may and may not send, and the
`websockets` library as the server, over plain connections and TLS."""

import asyncio
import http
import pathlib

import pytest
from websockets.asyncio.server import serve

import websocket_cases
from daemon import assert_no_sanitizer, program
from streaming_server import certificate


@pytest.fixture(scope="module")
def probe():
    """probe(mode, url, ...) runs the client and gives a list of words for each URL."""
    tool = pathlib.Path(program()).parent / "tests" / "tools" / "websocket_probe"

    async def run(*words):
        process = await asyncio.create_subprocess_exec(tool, *words, stdout=asyncio.subprocess.PIPE,
                                                       stderr=asyncio.subprocess.PIPE)
        output, errors = await asyncio.wait_for(process.communicate(), 60)
        assert_no_sanitizer(errors.decode())
        assert process.returncode == 0, errors.decode()
        return [line.split(" ", 6) for line in output.decode().splitlines()]

    return run


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    """A certificate for 127.0.0.1, signed by itself, and its key."""
    return certificate.make(tmp_path_factory.mktemp("tls"))


def play(handler, probe, *words, path="/", tls=None, **options):
    """Runs the client with `words` against a server with `handler`; the words of its one line."""

    async def run():
        context = certificate.context(*tls) if tls else None
        async with serve(handler, "127.0.0.1", 0, ssl=context, max_size=None, **options) as server:
            port = server.sockets[0].getsockname()[1]
            lines = await probe(*words, f"{'wss' if context else 'ws'}://127.0.0.1:{port}{path}")
            assert len(lines) == 1
            return lines[0]

    return asyncio.run(run())


def test_every_case_of_the_table(probe):
    cases = websocket_cases.all_cases()

    async def run():
        server = await websocket_cases.serve(cases)
        port = server.sockets[0].getsockname()[1]
        try:
            return await probe("echo", *(f"ws://127.0.0.1:{port}/{at}" for at in range(len(cases))))
        finally:
            server.close()

    lines = asyncio.run(run())
    assert len(cases) > 250 and len({case.number for case in cases}) == len(cases)
    assert [f"{case.number}: {case.verdict}" for case in cases if case.verdict != "OK"] == []
    for case, line in zip(cases, lines):
        failed = case.closes in (websocket_cases.PROTOCOL, websocket_cases.BAD_PAYLOAD) and not case.number.startswith("7.7")
        assert line[0] == ("HT_EPARSE" if failed else "HT_OK"), (case.number, line)


@pytest.mark.parametrize("secure", [False, True])
def test_echo(probe, tls, secure):
    """Texts, octets, fragments, pings and large messages there and back."""
    sizes = (0, 1, 125, 126, 65535, 65536, 3_000_000)
    messages = ["", "#hash \u20ac \U0001f600"] + ["x" * size for size in sizes] + [bytes(size) for size in sizes]

    async def handler(peer):
        for message in messages:
            await peer.send(message)
            assert await peer.recv() == message
        await peer.send(["frag", "", "ments"])
        assert await peer.recv() == "fragments"
        await asyncio.wait_for(await peer.ping(b"are you there?"), 10)
        await peer.close(1001, "enough")

    words = ("--ca", str(tls[0])) if secure else ()
    line = play(handler, probe, "echo", *words, tls=tls if secure else None)
    assert line[:4] == ["HT_OK", "101", "1001", str(len(messages) + 1)]


def test_no_compression_is_agreed_to(probe):
    """The server would like to compress."""

    async def handler(peer):
        assert "Sec-WebSocket-Extensions" not in peer.response.headers
        await peer.send("plain")

    assert play(handler, probe, "count", compression="deflate")[:4] == ["HT_OK", "101", "1000", "1"]


def test_untrusted_certificate(probe, tls):
    async def handler(_peer):
        raise AssertionError("nobody gets here")

    line = play(handler, probe, "count", tls=tls)
    assert line[:2] == ["HT_EPERMISSION", "0"] and "certificate" in line[6]


def test_subprotocol_and_headers(probe):
    async def handler(peer):
        assert peer.subprotocol == "xrpc.v1.json"
        assert peer.request.path == "/subscribe?a=1&b=2"
        assert peer.request.headers["Authorization"] == "Bearer t"
        assert peer.request.headers["User-Agent"].startswith("hashtagd/")

    line = play(handler, probe, "count", "--subprotocol", "xrpc.v1.json", "--header", "Authorization: Bearer t",
                path="/subscribe?a=1&b=2", subprotocols=["xrpc.v1.json"])
    assert line[:3] == ["HT_OK", "101", "1000"]


def test_refusal(probe):
    async def refuse(connection, _request):
        return connection.respond(http.HTTPStatus.UNAUTHORIZED, "who are you?\n")

    line = play(None, probe, "count", "--header", "Authorization: Bearer sesame", path="/?access_token=sesame",
                process_request=refuse)
    assert line[:3] == ["HT_EUNSUPPORTED", "401", "0"]
    assert "401" in line[6] and "sesame" not in line[6]


@pytest.mark.parametrize("secure", [False, True])
def test_flood(probe, tls, secure):
    """As fast as the library can send."""

    async def handler(peer):
        for _ in range(20_000):
            await peer.send("x" * 500)

    words = ("--ca", str(tls[0])) if secure else ()
    line = play(handler, probe, "count", *words, tls=tls if secure else None, compression=None)
    assert line[:5] == ["HT_OK", "101", "1000", "20000", "10000000"]


@pytest.mark.parametrize("secure", [False, True])
def test_pauses(probe, tls, secure):
    """What TLS has already decrypted is given after a pause, though the socket stays silent."""

    async def handler(peer):
        for number in range(30):
            await peer.send("y" * 1000 * number)
        await peer.wait_closed()

    async def closing(peer):
        task = asyncio.create_task(handler(peer))
        await asyncio.sleep(0.3)
        await peer.close()
        await task

    words = ("--ca", str(tls[0])) if secure else ()
    line = play(closing, probe, "hold", *words, tls=tls if secure else None, compression=None)
    assert line[:5] == ["HT_OK", "101", "1000", "30", str(1000 * sum(range(30)))]
