# SPDX-License-Identifier: MIT
"""What the machine does to a daemon: ports, disks, second daemons, damaged files."""

import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import unittest

import pytest

from daemon import tweet


def refuse(daemon, *words, status=(1,), forget_url=True):
    """Starts a daemon that must not come up: it says `words` and ends with `status`."""
    daemon.spawn(forget_url)
    found = daemon.wait()
    assert found in status, f"{found}\n{daemon.log}"
    for word in words:
        assert str(word) in daemon.log, f"'{word}' is not in:\n{daemon.log}"


def test_a_port_in_use(start):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        refuse(start({"admin.listen": address}, up=False), address)


def test_a_second_daemon_on_the_same_data(start, daemon):
    url = daemon.url
    refuse(start(data=daemon.data, up=False, name="second"), daemon.data, forget_url=False)
    assert daemon.url == url and daemon.get("/healthz").status == 200
    daemon.post_tweets([tweet(1, "foo")])
    daemon.wait_until_counted({"foo": 1})


def test_the_data_are_free_after_kill(daemon):
    daemon.kill()
    daemon.start()


@pytest.mark.parametrize("damage", ["garbage", "cut", "empty header"])
def test_a_corrupt_database(daemon, damage):
    daemon.post_tweets([tweet(number, f"tag{number}") for number in range(1, 500)])
    daemon.wait_for(lambda: len(daemon.counts()) == 499, "the counts")
    daemon.stop()
    database = daemon.data / "hashtagd.db"
    content = bytearray(database.read_bytes())
    assert len(content) > 8192
    if damage == "garbage":
        content[0:len(content)] = os.urandom(len(content))
    elif damage == "cut":
        content = content[:len(content) // 2]
    else:
        content[:100] = b"\0" * 100
    database.write_bytes(content)
    refuse(daemon, "hashtagd.db")
    assert database.read_bytes() == content, "the evidence was changed"


def test_a_database_of_a_newer_version(daemon):
    daemon.stop()
    connection = sqlite3.connect(daemon.data / "hashtagd.db")
    connection.execute("PRAGMA user_version = 100000")
    connection.commit()
    connection.close()
    refuse(daemon, "hashtagd.db")


def test_data_that_cannot_be_made(start, tmp_path):
    (tmp_path / "file").write_text("")
    refuse(start({"data.dir": str(tmp_path / "file" / "data")}, data="plain", up=False), tmp_path / "file", status=(1, 2))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(daemon, number):
    daemon.post_tweets([tweet(n, "foo") for n in range(1, 2000)])
    daemon.process.send_signal(number)
    assert daemon.wait() == 0
    daemon.start()
    daemon.wait_until_counted({"foo": 1999})


def test_a_broken_pipe_does_not_end_it(daemon):
    daemon.process.send_signal(signal.SIGPIPE)
    assert daemon.get("/healthz").status == 200


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 16 MB; needs root."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(place)], capture_output=True).returncode == 0
    if not mounted:
        raise unittest.SkipTest("a small file system can only be mounted as root")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(place: pathlib.Path):
    """Leaves no byte free."""
    with open(place / "ballast", "wb", buffering=0) as ballast:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while True:
                    ballast.write(b"\0" * size)
            except OSError:
                pass


def test_a_full_disk_loses_nothing(start, small_disk):
    daemon = start({"stream.retention_bytes": 4 << 20}, data=small_disk / "data")
    assert daemon.post_tweets([tweet(n, "before") for n in range(1, 101)]).status == 202
    daemon.wait_until_counted({"before": 100})
    fill(small_disk)

    accepted, refused = 0, 0
    for round_ in range(40):  # some may still fit into what is reserved
        first = 1000 + 100 * round_
        answer = daemon.post_tweets([tweet(n, "during", text="x" * 500) for n in range(first, first + 100)])
        assert answer.status in (202, 503, 507), answer
        if answer.status == 202:
            accepted += answer.json["accepted"]
        else:
            refused += 1
            assert answer.type == "application/problem+json" and answer.headers["Retry-After"]
            break
    assert refused, "nothing was refused although the disk is full"

    ready = daemon.wait_for(lambda: (answer := daemon.get("/readyz")).status == 503 and answer, "readyz 503")
    assert "disk" in ready.json["detail"].lower() or "space" in ready.json["detail"].lower(), ready
    assert daemon.get("/healthz").status == 200

    (small_disk / "ballast").unlink()
    daemon.wait_for(lambda: daemon.get("/readyz").status == 200, "readyz 200 after there is room", timeout=60)
    assert daemon.post_tweets([tweet(n, "after") for n in range(90_001, 90_101)]).status == 202

    def counted():
        counts = daemon.counts()
        return counts.get("after") == 100 and counts.get("before") == 100 and counts.get("during", 0) >= accepted

    daemon.wait_for(counted, f"after: 100, before: 100, during: {accepted} or (the refused one) more")
    before = daemon.counts()
    daemon.restart()
    daemon.wait_until_counted(before)


def test_a_stop_waits_for_a_disk_that_gets_room_again(start, small_disk):
    daemon = start({"table.flush_interval_s": 60, "stream.retention_bytes": 4 << 20}, data=small_disk / "data")
    daemon.post_tweets([tweet(n, f"tag{n}") for n in range(1, 3001)])
    daemon.wait_until_counted({f"tag{n}": 1 for n in range(1, 3001)})
    fill(small_disk)
    daemon.process.send_signal(signal.SIGTERM)
    daemon.wait_for(lambda: daemon.log.count("counts not written, trying again") > 2, "some tries")
    (small_disk / "ballast").unlink()
    assert daemon.wait() == 0
