# SPDX-License-Identifier: MIT
"""The command line: help, version, put, top, exit statuses."""

import gzip
import json
import subprocess
import time

import pytest

from daemon import clean_environment, hashtagd, program, tweet


def test_version():
    for words in (("version",), ("--version",)):
        done = hashtagd(*words)
        assert done.returncode == 0 and b"hashtagd 0." in done.stdout, done


def test_help():
    done = hashtagd("--help")
    assert done.returncode == 0
    for command in ("serve", "put", "top", "config", "version"):
        assert command in done.stdout.decode()
        told = hashtagd("help", command)
        assert told.returncode == 0 and command in told.stdout.decode()


@pytest.mark.parametrize("words", [("nothing",), ("serve", "--nothing"), ("top", "-n"), ("top", "-n", "x"), ("top", "-n", "0"),
                                   ("top", "--window", "2m"), ("help", "nothing"), ("serve", "extra"), ("--set",)])
def test_wrong_usage(words):
    done = hashtagd(*words)
    assert done.returncode == 2, done
    assert done.stdout == b"" and done.stderr != b""


def test_put_through_the_running_daemon(daemon, tmp_path):
    lines = tmp_path / "tweets.jsonl"
    lines.write_text("".join(json.dumps(tweet(number, "foo", f"tag{number % 3}")) + "\n" for number in range(1, 101)))
    done = hashtagd("put", lines, "--set", f"data.dir={daemon.data}")
    assert done.returncode == 0 and b"100" in done.stdout + done.stderr, done
    daemon.wait_until_counted({"foo": 100, "tag0": 33, "tag1": 34, "tag2": 33})


def test_put_without_a_daemon(start, tmp_path):
    array = tmp_path / "tweets.json.gz"
    array.write_bytes(gzip.compress(json.dumps([tweet(1, "foo"), tweet(2, "foo")]).encode()))
    done = hashtagd("put", array, "--set", f"data.dir={tmp_path / 'data'}")
    assert done.returncode == 0, done
    start().wait_until_counted({"foo": 2})


def test_put_from_stdin(daemon):
    done = hashtagd("put", "-", "--set", f"data.dir={daemon.data}", input=json.dumps(tweet(1, "foo")).encode())
    assert done.returncode == 0, done
    daemon.wait_until_counted({"foo": 1})


def test_put_tells_what_it_skips(daemon, tmp_path):
    lines = tmp_path / "some.jsonl"
    lines.write_text(json.dumps(tweet(1, "foo")) + "\nnonsense\n" + json.dumps(tweet(2, "foo")) + "\n{\"id\":\n")
    done = hashtagd("put", lines, "--set", f"data.dir={daemon.data}")
    said = (done.stdout + done.stderr).decode()
    assert "some.jsonl:2" in said and "some.jsonl:4" in said, said
    daemon.wait_until_counted({"foo": 2})


def test_put_of_a_missing_file(daemon, tmp_path):
    done = hashtagd("put", tmp_path / "missing", "--set", f"data.dir={daemon.data}")
    assert done.returncode == 1 and b"missing" in done.stderr, done


def test_put_of_a_broken_gzip(daemon, tmp_path):
    path = tmp_path / "cut.gz"
    path.write_bytes(gzip.compress(b"\n".join(json.dumps(tweet(n, "foo")).encode() for n in range(1, 200)))[:-20])
    done = hashtagd("put", path, "--set", f"data.dir={daemon.data}")
    assert done.returncode == 1 and b"cut.gz" in done.stderr, done
    assert daemon.get("/healthz").status == 200


def test_top(daemon):
    daemon.post_tweets([tweet(1, "foo", "bar"), tweet(2, "foo")])
    daemon.wait_until_counted({"foo": 2, "bar": 1})
    done = hashtagd("top", "--url", daemon.url)
    said = done.stdout.decode()
    assert done.returncode == 0 and said.index("foo") < said.index("bar"), done
    done = hashtagd("top", "-n", "1", "--window", "5m", "--url", daemon.url)
    assert done.returncode == 0 and b"foo" in done.stdout and b"bar" not in done.stdout, done


def test_top_finds_the_daemon_by_its_data(daemon):
    assert hashtagd("top", "--set", f"data.dir={daemon.data}").returncode == 0


def test_top_without_a_daemon(tmp_path):
    done = hashtagd("top", "--set", f"data.dir={tmp_path}")
    assert done.returncode == 1 and done.stderr, done
    done = hashtagd("top", "--url", "http://127.0.0.1:9")
    assert done.returncode == 1 and b"127.0.0.1:9" in done.stderr, done


def test_top_does_not_let_a_hashtag_drive_the_terminal(daemon):
    daemon.post_tweets([tweet(1, "foo\x1b[2J\x07bar"), tweet(2, "after")])
    daemon.wait_for(lambda: "after" in daemon.counts(), "the tweet after it")
    done = hashtagd("top", "--url", daemon.url)
    assert done.returncode == 0 and b"\x1b[2J" not in done.stdout and b"\x07" not in done.stdout


def test_the_daemon_of_a_check_ends_with_it(tmp_path):
    """Whatever ends the check: a daemon that nobody knows of would hold the data directory."""
    data = tmp_path / "data"
    check = subprocess.Popen([program(), "check", "--set", f"data.dir={data}"], stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, env=clean_environment())
    deadline = time.monotonic() + 30
    while not (data / "admin.url").exists():
        assert time.monotonic() < deadline and check.poll() is None, "no daemon came up"
        time.sleep(0.01)
    check.kill()
    check.wait()
    while (data / "admin.url").exists():  # a daemon takes it away when it stops
        assert time.monotonic() < deadline, "the daemon outlived its check"
        time.sleep(0.01)
