# SPDX-License-Identifier: MIT
"""No more file descriptors, from the start or suddenly: nothing spins, nothing is lost, the state says what is
missing, and it goes on by itself when there are some again."""

import http.client
import json
import os
import resource
import socket
import time
import urllib.parse

import pytest

import aws_truth
import live
from accounts import Client, Ledger, judge
from aws_truth import SETTINGS
from conftest import SEED
from fake_aws import FakeAws

SMALL = {"stream.retention_bytes": 1 << 20, "archive.buffer_s": 1, "counting.repeat_window": 1000}
PATIENCE_S = 0.7


def open_descriptors(daemon):
    return sorted(int(name) for name in os.listdir(f"/proc/{daemon.process.pid}/fd"))


def take_descriptors(daemon, most):
    """From now on it gets none above this number."""
    hard = resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (most, hard))


def give_descriptors(daemon):
    hard = resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (hard, hard))


def knock(daemon, times=3):
    """Connections that nobody may answer."""
    address = urllib.parse.urlsplit(daemon.url)
    return [socket.create_connection((address.hostname, address.port), timeout=5) for _ in range(times)]


@pytest.fixture
def client(tmp_path):
    made = Client(Ledger(SEED), SMALL, data=tmp_path / "data")
    yield made
    made.kill()
    if made.log_file.exists():
        print(made.log[-4000:])


@pytest.mark.parametrize("left", [0, -1, -1000], ids=["none left", "one too many", "nearly all gone"])
def test_descriptors_taken_away(client, left):
    """New connections wait or are closed; who is connected gets answers; nothing spins."""
    client.start()
    client.post_ids(client.ledger.take_ids(200))
    address = urllib.parse.urlsplit(client.url)
    kept = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
    for _ in range(2):
        kept.request("GET", "/healthz")
        assert kept.getresponse().read()
        take_descriptors(client, max(3, open_descriptors(client)[-1] + 1 + left))
        knocking = knock(client)
        time.sleep(PATIENCE_S)
        kept.request("GET", "/healthz")
        assert kept.getresponse().read(), "the loop turns"
        assert client.log.count("connections wait") + client.log.count("cannot accept") <= 3, "it spins"
        give_descriptors(client)
        for connection in knocking:
            connection.close()
        client.wait_for(lambda: answers(client), "it answers again", 10)
        client.post_ids(client.ledger.take_ids(50), "x" * 1000)
    kept.close()
    judge(client, client.ledger.promises())
    client.stop()


def answers(client):
    try:
        return client.get("/readyz").status == 200
    except (OSError, http.client.HTTPException):
        return False


def test_stages_without_descriptors(client):
    """Through a connection that is kept: what needs a file fails with the reason, and goes on."""
    client.start()
    address = urllib.parse.urlsplit(client.url)
    kept = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
    kept.request("GET", "/readyz")
    kept.getresponse().read()
    ledger = client.ledger
    taken = []

    def ask(method, path, body=None):
        kept.request(method, path, body=body, headers={"Content-Type": "application/x-ndjson"} if body else {})
        answer = kept.getresponse()
        return answer.status, answer.read()

    take_descriptors(client, open_descriptors(client)[-1] + 1)
    for _ in range(60):  # more than a segment
        ids = ledger.take_ids(10)
        status, _body = ask("POST", "/tweets", b"\n".join(json.dumps(one).encode()
                                                         for one in ledger.tweets(ids, os.urandom(1000).hex())))
        assert status in (202, 503), status
        taken += ids if status == 202 else []
    status, body = ask("GET", "/readyz")
    assert status == 503 and b"open files" in body, body
    give_descriptors(client)
    client.wait_for(lambda: ask("GET", "/readyz")[0] == 200, "readyz 200")
    promises = ledger.promises()
    promises.ids.update(taken)
    judge(client, promises)
    kept.close()
    client.stop()


@pytest.mark.parametrize("most", [20, 25, 30])
def test_a_start_with_few_descriptors(client, most):
    """It runs, or ends and says why; with enough of them all is well."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    client.start()
    client.post_ids(client.ledger.take_ids(20))
    client.kill()
    client.data.joinpath("admin.url").unlink()
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        client.spawn()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    deadline = time.monotonic() + 0.6
    while client.process.poll() is None and time.monotonic() < deadline and not client.data.joinpath("admin.url").exists():
        time.sleep(0.02)
    if client.process.poll() is not None:
        status, client.process = client.process.returncode, None
        assert status in (1, 2, 127), f"{status}: {client.log}"
        assert status == 127 or "open files" in client.log.lower(), client.log  # 127: not even its libraries
    else:
        client.kill()
    client.start()
    judge(client, client.ledger.promises())


def test_amazon_without_descriptors(start):
    with FakeAws(seed=7) as aws:
        aws_truth.create_account(aws)
        daemon = start(SETTINGS, environ=aws.environment())
        tweets = aws_truth.made_tweets(200)
        aws_truth.put(aws, tweets[:100])
        aws_truth.wait_for_counts(aws, aws_truth.count_of(tweets[:100]))
        take_descriptors(daemon, 3)
        aws_truth.put(aws, tweets[100:])
        time.sleep(PATIENCE_S)
        give_descriptors(daemon)
        aws_truth.wait_for_counts(aws, aws_truth.count_of(tweets))
        daemon.stop()


@pytest.mark.parametrize("name", ["twitter-v1", "jetstream"])
def test_a_source_without_descriptors(start, streaming, name):
    service = streaming.service(name)
    daemon = live.run(start, streaming, name)
    take_descriptors(daemon, 3)
    posts = live.unedited(name, 100)
    service.publish(posts)
    time.sleep(PATIENCE_S)
    give_descriptors(daemon)
    live.wait_until_counted(daemon, live.truth_of(name, posts))
