# SPDX-License-Identifier: MIT
"""HTTPS under attack: what is no TLS, handshakes that stall, records that are none, and crowds of them."""

import asyncio
import contextlib
import http.client
import os
import socket
import ssl
import subprocess
import urllib.parse

import pytest

import attackers
from attackers import many
from arena import SECONDS
from daemon import Daemon

HELLO_HEAD = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"


@pytest.fixture(scope="module")
def secured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"], cwd=folder, check=True, capture_output=True)
    daemon = Daemon({"admin.tls_cert": str(folder / "cert.pem"), "admin.tls_key": str(folder / "key.pem")}, data=folder / "data")
    daemon.spawn()
    daemon.wait_for(lambda: (daemon.data / "admin.url").exists() and daemon.url, "the address")
    daemon.context = ssl.create_default_context(cafile=str(folder / "cert.pem"))
    get(daemon, "/healthz")
    yield daemon
    daemon.stop()


def address_of(daemon):
    address = urllib.parse.urlsplit(daemon.url)
    return address.hostname, address.port


def get(daemon, path):
    host, port = address_of(daemon)
    connection = http.client.HTTPSConnection(host, port, context=daemon.context, timeout=30)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.status == 200, (answer.status, body)
    return body


def all_of(daemon, data):
    """What the server says to these bytes until it ends the connection."""
    received = b""
    with socket.create_connection(address_of(daemon), timeout=20) as end:
        with contextlib.suppress(OSError):  # it may be gone before all is said
            end.sendall(data)
            end.shutdown(socket.SHUT_WR)
            while more := end.recv(65536):
                received += more
    return received


@pytest.mark.parametrize("data", [
    b"GET /hashtags HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x00" * 10_000, b"\xff" * 10_000, HELLO_HEAD + b"\xff" * 5000, b"\x16\x03\x01\xff\xff" + b"a" * 70_000,
    b"\x15\x03\x03\x00\x02\x02\x28", b"\x17\x03\x03\x40\x00" + b"a" * 16384, b"\x14\x03\x03\x00\x01\x01" * 5000, b"\x16\x03\x01\x00\x00" * 5000,
    b"\x80\x2e\x01\x03\x01" + b"\0" * 41, os.urandom(50_000)], ids=["plain", "zeros", "ones", "bad hello", "long record", "alert", "data at once",
                                                                   "changes of cipher", "empty records", "SSL 2", "noise"])
def test_what_is_no_tls_is_ended(secured, data):
    answer = all_of(secured, data)
    assert b"HTTP/1.1" not in answer and len(answer) < 1000, answer[:200]
    assert b"ok" in get(secured, "/healthz")


def test_other_protocols_are_refused(secured):
    for offered in (["h2"], ["spdy/3", "h2"]):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(offered)
        with socket.create_connection(address_of(secured), timeout=20) as end, pytest.raises((ssl.SSLError, ConnectionError)):
            with context.wrap_socket(end) as secure:
                secure.recv(1)


def test_old_versions_are_refused(secured):
    for version in ("-tls1", "-tls1_1"):
        done = subprocess.run(["openssl", "s_client", version, "-cipher", "DEFAULT@SECLEVEL=0", "-connect", "%s:%d" % address_of(secured)],
                              input=b"", capture_output=True, timeout=30)
        assert done.returncode != 0, done


def test_nothing_is_negotiated_again(secured):
    done = subprocess.run(["openssl", "s_client", "-tls1_2", "-connect", "%s:%d" % address_of(secured)], input=b"R\nR\n", capture_output=True, timeout=30)
    assert b"RENEGOTIATING" in done.stdout + done.stderr and b"no renegotiation" in (done.stdout + done.stderr).lower(), done


async def stalled_hello(address, tally):
    """The beginning of a handshake, and then nothing."""
    async with attackers.connection(address) as end:
        await attackers.send(end, HELLO_HEAD)
        tally["stalled"] += 1
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(attackers.receive(end), 30)


async def garbled(address, tally):
    async with attackers.connection(address) as end:
        await attackers.send(end, os.urandom(20_000))
        tally["garbled"] += 1
        with contextlib.suppress(TimeoutError):
            while await asyncio.wait_for(attackers.receive(end), 5):
                pass


async def handshakes(address, tally):
    """Whole handshakes, the most costly thing a stranger can ask for, and no request."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection(*address, ssl=context)
    tally["handshakes"] += 1
    writer.transport.abort()


@pytest.mark.parametrize("client,count", [(stalled_hello, 1100), (garbled, 30), (handshakes, 4)], ids=["stalled", "garbled", "handshakes"])
def test_crowds(secured, client, count):
    tally = attackers.Tally()
    address = address_of(secured)

    async def run():
        crowd = asyncio.ensure_future(attackers.run_for(max(SECONDS, 3), [many(count, client, address, tally, "crowd", 0.01)]))
        served = 0
        while not crowd.done():
            body = await asyncio.get_running_loop().run_in_executor(None, get, secured, "/healthz")
            served += b"ok" in body
            await asyncio.sleep(0.02)
        await crowd
        return served

    assert asyncio.run(run()) > 0
    assert tally, "nobody came"
