# SPDX-License-Identifier: MIT
"""The disk is full, at the start or under each writer, and has room again: an honest 503 with the stage and
the cure, nothing lost, and it goes on by itself."""

import http.client
import os
import random
import shutil
import subprocess
import time
import unittest

import pytest

import synthetic
from accounts import Client, Ledger, archive_lines, judge
from conftest import SEED, crashes
from daemon import Daemon

SMALL = {"stream.retention_bytes": 2 << 20, "archive.buffer_s": 1, "counting.repeat_window": 1000}
CURES = ("room", "space")


class Disk:
    """A small file system; needs root."""

    def __init__(self, place, size="16m"):
        self.place = place
        place.mkdir()
        self.ballast = place / "ballast"
        mounted = shutil.which("mount") and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], capture_output=True).returncode == 0
        if not mounted:
            raise unittest.SkipTest("a small file system can only be mounted as root")

    def fill(self, leave=0):
        """Leaves so many bytes free."""
        free = os.statvfs(self.place)
        with open(self.ballast, "ab", buffering=0) as ballast:
            left = max(0, free.f_bavail * free.f_bsize - leave)
            for size in (1 << 16, 1 << 12, 1):
                try:
                    while left > 0:
                        left -= ballast.write(bytes(min(size, left)))
                except OSError:
                    pass

    def empty(self):
        self.ballast.unlink(missing_ok=True)

    def close(self):
        subprocess.run(["umount", "--lazy", str(self.place)], check=True)


@pytest.fixture
def disk(tmp_path):
    found = Disk(tmp_path / "disk")
    yield found
    found.close()


@pytest.fixture
def client(disk):
    """A client of a daemon on the small disk; it is ended with the test."""
    made = Client(Ledger(SEED), SMALL, data=disk.place / "data", name="../client")
    yield made
    made.kill()
    if made.log_file.exists():
        print(made.log[-4000:])


def unready(daemon):
    """The detail of /readyz where it is 503."""
    answer = daemon.get("/readyz")
    return answer.json["detail"] if answer.status == 503 else ""


def wait_for_cure(daemon):
    detail = daemon.wait_for(lambda: unready(daemon), "readyz 503")
    assert any(word in detail.lower() for word in CURES), detail


def wait_until_ready(daemon):
    daemon.wait_for(lambda: daemon.get("/readyz").status == 200, f"readyz 200 after there is room: {unready(daemon)}", 60)


def test_the_stream_on_a_full_disk(disk, client):
    client.start()
    draw = random.Random(f"stream {SEED}")
    for round_ in range(3):
        assert client.post_ids(client.ledger.take_ids(50)).status == 202
        disk.fill()
        answers = [client.post_ids(client.ledger.take_ids(20), draw.randbytes(500).hex()) for _ in range(30)]
        refused = [answer for answer in answers if answer.status != 202]
        assert refused and all(answer.status == 503 and answer.headers["Retry-After"] for answer in refused), refused
        wait_for_cure(client)
        if round_ == 1:
            client.kill()
            client.spawn()  # the start on a full disk is told of below; here only that it harms nothing
            time.sleep(0.3)
            client.kill()
        disk.empty()
        if round_ == 1:
            client.start()
        wait_until_ready(client)
        judge(client, client.ledger.promises())


def test_the_table_on_a_full_disk(disk, client):
    """Counts wait for room, and their windows and positions with them."""
    client.start()
    client.post_ids(client.ledger.take_ids(2000))
    disk.fill()
    wait_for_cure(client)
    with pytest.raises((AssertionError, TimeoutError)):
        client.request("POST", "/flush", timeout=1.5)
        assert False
    client.kill()
    disk.empty()
    client.start()
    judge(client, client.ledger.promises())


def test_a_full_disk_while_the_log_is_copied_into_the_database(disk, client):
    """The database's log grows, and is copied: on a full disk the copy waits, and what is read is right."""
    client.start()
    for round_ in range(2):
        client.post_ids(client.ledger.take_ids(500))
        client.flush()
        disk.fill(leave=20_000)
        client.post_ids(client.ledger.take_ids(200))
        time.sleep(1.2)
        disk.empty()
        client.flush()
        judge(client, client.ledger.promises())


def test_the_archive_on_a_full_disk(disk, client):
    """A deletion that was answered waits for room in the archive."""
    client.start()
    client.post_ids(client.ledger.take_ids(300))
    client.flush()
    tags = [f"shared{number}" for number in range(10)]
    for tag in tags[:5]:
        assert client.delete(f"/hashtags/{tag}").status == 200
    disk.fill()
    for tag in tags[5:]:
        try:
            client.request("DELETE", f"/hashtags/{tag}", timeout=0.5)
        except (OSError, http.client.HTTPException):
            pass
    wait_for_cure(client)
    disk.empty()
    wait_until_ready(client)
    judge(client, client.ledger.promises())
    assert len(archive_lines(client.data)) >= 5


def test_dead_letters_on_a_full_disk(disk, tmp_path, start):
    """No position passes a record that has no place among the dead letters yet."""
    lines = [synthetic.told_by_generator("messages", 3, 200), b"no tweet at all\n", synthetic.told_by_generator("messages", 4, 200)]
    (tmp_path / "file.jsonl").write_bytes(b"".join(lines))
    truth = synthetic.truth_of(3, 200)
    daemon = Daemon({**SMALL, "source.type": "replay", "source.rate": 100, "source.files": [str(tmp_path / "file.jsonl")]},
                    data=disk.place / "data", name="../daemon")
    daemon.start()
    daemon.wait_for(lambda: daemon.counts(), "the first counts")
    disk.fill()
    wait_for_cure(daemon)
    time.sleep(2.5)
    assert not any(path.stat().st_size for path in (daemon.data / "dead-letters").glob("*"))
    disk.empty()
    wait_until_ready(daemon)
    daemon.wait_for(lambda: daemon.metric("hashtagd_dead_letters_total") == 1, "the letter")
    daemon.wait_for(lambda: daemon.metric("hashtagd_dead_letters_total") == 1 and
                    truth.keys() <= daemon.counts().keys(), "what follows")
    daemon.stop()


def test_the_address_is_written_when_it_can_be(disk, client):
    """Clients find the daemon as soon as admin.url has a place."""
    (client.data / "admin.url.new").mkdir(parents=True)
    client.spawn()
    client.wait_for(lambda: "clients cannot find this daemon" in client.log, "it says so")
    assert not (client.data / "admin.url").exists()
    (client.data / "admin.url.new").rmdir()
    client.wait_until_up(10)


@pytest.mark.parametrize("what", ["new", "stopped", "killed"])
def test_a_start_on_a_full_disk(disk, client, what):
    """It says what is missing and ends, harms nothing, and starts when there is room."""
    if what != "new":
        client.start()
        client.post_ids(client.ledger.take_ids(100))
        client.stop() if what == "stopped" else client.kill()
    disk.fill()
    client.spawn()
    try:
        status = client.process.wait(1.5)
        client.process = None
        assert status == 1 and any(word in client.log.lower() for word in ("no space left", "is full")), client.log
        assert "Free some space" in client.log
    except subprocess.TimeoutExpired:  # it runs, with what it has
        wait_for_cure(client)
        client.kill()
    disk.empty()
    client.start()
    judge(client, client.ledger.promises())


def test_room_that_comes_and_goes(disk, client):
    """Any number of bytes free, under every kind of request, with a kill now and then."""
    draw = random.Random(f"room {SEED}")
    client.start()
    for _ in range(crashes(12)):
        if draw.random() < 0.7:
            disk.fill(leave=draw.choice((0, 100, 5000, 40_000, 200_000)))
        else:
            disk.empty()
        for _ in range(draw.randrange(8)):
            try:
                client.post_ids(client.ledger.take_ids(draw.choice((1, 20))), draw.randbytes(draw.choice((5, 800))).hex())
                if draw.random() < 0.3:
                    client.request("DELETE", f"/hashtags/shared{draw.randrange(10)}", timeout=0.3)
                if draw.random() < 0.2:
                    client.request("POST", "/flush", timeout=0.3)
            except (OSError, http.client.HTTPException):
                pass
        assert client.process.poll() is None, client.log
        if draw.random() < 0.2:
            client.kill()
            disk.empty()
            client.start()
    disk.empty()
    wait_until_ready(client)
    judge(client, client.ledger.promises())
