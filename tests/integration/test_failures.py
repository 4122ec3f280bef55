# SPDX-License-Identifier: MIT
"""What the machine does to a daemon: ports, second daemons, damaged files."""

import os
import signal
import socket
import sqlite3

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
