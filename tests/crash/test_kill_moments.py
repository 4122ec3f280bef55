# SPDX-License-Identifier: MIT
"""kill -9 at moments that matter: while it starts, drains, flushes and deletes, and under a live source."""

import http.client
import random
import signal
import threading
import time

import pytest

import live
from accounts import Client, Ledger, judge
from conftest import SEED, crashes
from test_power_cut import Load

SMALL = {"stream.retention_bytes": 1 << 20, "archive.buffer_s": 1, "counting.repeat_window": 1000}


@pytest.fixture
def client(tmp_path):
    made = Client(Ledger(SEED), SMALL, data=tmp_path / "data")
    yield made
    made.kill()
    if made.log_file.exists():
        print(made.log[-4000:])


def while_it_starts(_client, draw):
    time.sleep(draw.uniform(0, 0.08))


def while_it_drains(client, draw):
    client.wait_until_up()
    with Load(client, draw):
        time.sleep(draw.uniform(0.05, 0.2))
        client.process.send_signal(signal.SIGTERM)
        time.sleep(draw.uniform(0, 0.05))
        client.kill()


def while_asked(client, draw, method, path):
    client.wait_until_up()
    client.post_ids(client.ledger.take_ids(draw.randrange(1, 300)))

    def ask():
        try:
            client.request(method, path)
        except (OSError, http.client.HTTPException):
            pass

    thread = threading.Thread(target=ask)
    thread.start()
    time.sleep(draw.uniform(0, 0.02))
    client.kill()
    thread.join()


def while_it_flushes(client, draw):
    while_asked(client, draw, "POST", "/flush")


def while_it_deletes(client, draw):
    while_asked(client, draw, "DELETE", f"/hashtags/shared{draw.randrange(10)}")


@pytest.mark.parametrize("moment", [while_it_starts, while_it_drains, while_it_flushes, while_it_deletes],
                         ids=lambda moment: moment.__name__)
def test_kill(client, moment):
    draw = random.Random(f"{moment.__name__} {SEED}")
    client.start()
    client.post_ids(client.ledger.take_ids(500))
    client.kill()
    for _ in range(crashes(10)):
        client.spawn()
        moment(client, draw)
        client.kill()
    client.start()
    judge(client, client.ledger.promises())
    client.stop()


@pytest.mark.parametrize("name", ["jetstream", "mastodon"])
def test_kill_under_a_live_source(start, streaming, name):
    """What the service sent after the last durable cursor comes again, and counts once."""
    draw = random.Random(f"{name} {SEED}")
    service = streaming.service(name)
    kills = crashes(6)
    count = 150 * kills if name == "jetstream" else 900  # of a longer gap Mastodon tells no more than 2000
    posts = live.posts(name, count, SEED, step_us=20000) if name == "jetstream" else live.unedited(name, count, SEED)
    daemon = live.run(start, streaming, name)
    pumping = service.feed.pump(posts, 300)
    for _ in range(kills):
        time.sleep(draw.uniform(0, 0.5))
        daemon.kill()
        daemon.spawn()
        if draw.random() < 0.7:
            live.until_streaming(streaming, name, daemon)
    pumping.result(60)
    live.until_streaming(streaming, name, daemon)
    daemon.wait_until_up()
    live.wait_until_counted(daemon, live.truth_of(name, posts))
