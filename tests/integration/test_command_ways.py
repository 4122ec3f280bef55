# SPDX-License-Identifier: MIT
"""What commands do on a terminal, without Amazon, and where something is in their way."""

import errno
import json
import os
import pty
import signal
import socket
import subprocess

import pytest

import aws_truth
from aws_truth import SETTINGS, TABLE
from daemon import assert_no_sanitizer, clean_environment, hashtagd, program, tweet
from fake_aws import FakeAws


class Terminal:
    """A command on a terminal of its own; `wait_for` reads until a text is there."""

    def __init__(self, *words):
        self.master, slave = pty.openpty()
        self.shown = b""
        self.process = subprocess.Popen([program(), *map(str, words)], stdin=slave, stdout=slave, stderr=slave,
                                        env=clean_environment(), start_new_session=True)
        os.close(slave)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.master)

    def read(self):
        """Whether there was anything: a terminal that everybody has left is at its end."""
        try:
            piece = os.read(self.master, 65536)
        except OSError as gone:
            assert gone.errno == errno.EIO
            return False
        self.shown += piece
        return bool(piece)

    def wait_for(self, text):
        while text not in self.shown:
            assert self.read(), f"{text} never came: {self.shown}"

    def end(self):
        while self.read():
            pass
        assert_no_sanitizer(self.shown.decode(errors="replace"))
        return self.process.wait(timeout=30)


def test_top_watches_on_a_terminal_and_gives_it_back(daemon):
    daemon.post_tweets([tweet(1, "before")])
    daemon.wait_until_counted({"before": 1})
    with Terminal("top", "--watch", "--url", daemon.url) as top:
        top.wait_for(b"before")
        daemon.post_tweets([tweet(2, "afterwards")])
        top.wait_for(b"afterwards")
        top.process.send_signal(signal.SIGINT)
        assert top.end() == 0, top.shown
    assert top.shown.startswith(b"\x1b[?1049h\x1b[?25l") and top.shown.rstrip().endswith(b"\x1b[?25h\x1b[?1049l")


def test_top_tells_of_a_daemon_that_went_away(start):
    daemon = start()
    with Terminal("top", "--watch", "--url", daemon.url) as top:
        top.wait_for(b"\x1b[J")
        daemon.stop()
        top.wait_for(b"No daemon answers")
        top.process.send_signal(signal.SIGTERM)
        assert top.end() == 0, top.shown


def test_put_shows_its_progress_on_a_terminal(daemon, tmp_path):
    lines = tmp_path / "tweets.jsonl"
    lines.write_text("".join(json.dumps(tweet(number, "foo")) + "\n" for number in range(1, 3001)))
    with Terminal("put", lines, "--set", f"data.dir={daemon.data}") as put:
        assert put.end() == 0, put.shown
    assert b"3000" in put.shown
    daemon.wait_until_counted({"foo": 3000})


@pytest.mark.parametrize("archive", ["directory", "none"])
def test_check_of_what_is_embedded(tmp_path, archive):
    done = hashtagd("check", "--set", f"data.dir={tmp_path / 'data'}", "--set", f"archive.type={archive}",
                    "--set", "admin.listen=127.0.0.1:0", "--set", "archive.buffer_s=1")
    said = done.stdout.decode()
    assert done.returncode == 0 and "FAIL" not in said, said
    assert ("archive.type is none" in said) == (archive == "none"), said


def test_check_asks_the_daemon_that_runs(daemon):
    done = hashtagd("check", "--set", f"data.dir={daemon.data}", "--set", "archive.buffer_s=1")
    assert done.returncode == 0 and b"FAIL" not in done.stdout, done
    assert daemon.get("/healthz").status == 200


def test_check_shows_why_a_daemon_does_not_start(tmp_path):
    (tmp_path / "hashtagd.db").write_bytes(b"no database" * 1000)
    done = hashtagd("check", "--set", f"data.dir={tmp_path}")
    said = done.stdout.decode()
    assert done.returncode == 1 and "ended while starting" in said and "hashtagd.db" in said, said


def test_setup_without_amazon_has_nothing_to_do(tmp_path):
    done = hashtagd("setup", "--set", f"data.dir={tmp_path}")
    assert done.returncode == 0 and b"Nothing to set up" in done.stdout, done


@pytest.mark.parametrize("words", [("put", "-"), ("top",)])
def test_nothing_tells_where_the_data_is(words):
    done = subprocess.run([program(), *words], input=b"", capture_output=True, timeout=30,
                          env={key: value for key, value in clean_environment().items()
                               if key not in ("HOME", "XDG_STATE_HOME")})
    assert done.returncode != 0 and b"STATE_DIRECTORY" in done.stderr and b"data.dir=" in done.stderr, done


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "127.0.0.1:1", "http://" + 3000 * "a"])
def test_an_address_that_is_none(url):
    done = hashtagd("top", "--url", url)
    assert done.returncode in (1, 2) and b"--url" in done.stderr, done


def test_what_answers_is_no_hashtagd():
    with socket.create_server(("127.0.0.1", 0)) as server:
        top = subprocess.Popen([program(), "top", "--url", f"http://127.0.0.1:{server.getsockname()[1]}/"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment())
        client, _ = server.accept()
        client.recv(65536)
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        _, said = top.communicate(timeout=30)
        client.close()
    assert top.returncode == 1 and b"no hashtagd" in said, said


def setup(aws, tmp_path, expect=0):
    words = aws_truth.options({"data.dir": str(tmp_path), **SETTINGS, "archive.type": "none", "table.ttl_s": 86400})
    done = hashtagd("setup", *words, environ=aws.environment(), timeout=120)
    assert done.returncode == expect, done
    return done.stdout.decode()


def expiry(aws):
    told = aws.client("dynamodb").describe_time_to_live(TableName=TABLE)["TimeToLiveDescription"]
    return told["TimeToLiveStatus"], told.get("AttributeName")


def test_setup_switches_the_expiry_on_once(tmp_path):
    with FakeAws() as aws:
        assert "FAILED" not in setup(aws, tmp_path)
        assert expiry(aws)[1] == "expiresAt"
        assert setup(aws, tmp_path).splitlines()[-1].startswith("0 made")


def test_setup_refuses_the_expiry_of_another_attribute(tmp_path):
    with FakeAws() as aws:
        dynamodb = aws.client("dynamodb")
        dynamodb.create_table(TableName=TABLE, BillingMode="PAY_PER_REQUEST",
                              AttributeDefinitions=[{"AttributeName": "hashtag", "AttributeType": "S"}],
                              KeySchema=[{"AttributeName": "hashtag", "KeyType": "HASH"}])
        dynamodb.get_waiter("table_exists").wait(TableName=TABLE, WaiterConfig={"Delay": 1})
        dynamodb.update_time_to_live(
            TableName=TABLE, TimeToLiveSpecification={"Enabled": True, "AttributeName": "diesAt"})
        assert "diesAt" in setup(aws, tmp_path, expect=1)
        assert expiry(aws)[1] == "diesAt"


def test_a_command_shows_the_token_that_its_configuration_names(start, tmp_path):
    token = tmp_path / "token"
    token.write_text("a-secret-of-some-length-0123456789\n")
    token.chmod(0o600)
    daemon = start({"admin.token_file": str(token)})
    told = hashtagd("top", "--set", f"data.dir={daemon.data}", "--set", f"admin.token_file={token}")
    assert told.returncode == 0, told
    refused = hashtagd("top", "--set", f"data.dir={daemon.data}")
    assert refused.returncode == 1 and b"oken" in refused.stderr, refused
    checked = hashtagd("check", "--set", f"data.dir={daemon.data}", "--set", f"admin.token_file={token}",
                       "--set", "archive.buffer_s=1")
    assert checked.returncode == 0 and b"a-secret" not in checked.stdout + checked.stderr, checked


def test_a_hangup_changes_nothing(daemon):
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_for(lambda: "SIGHUP changes nothing" in daemon.log, "a word about it")
    assert daemon.get("/healthz").status == 200


def test_help_alone_shows_all():
    done = hashtagd("help")
    assert done.returncode == 0 and b"serve" in done.stdout and b"top" in done.stdout, done


def test_a_variable_that_is_no_key_is_refused():
    done = hashtagd("config", environ={"HASHTAGD_NOTHING_AT_ALL": "1"})
    assert done.returncode == 2 and b"HASHTAGD_NOTHING_AT_ALL" in done.stderr, done
