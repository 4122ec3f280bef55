# SPDX-License-Identifier: MIT
"""Configuration: where values come from, and what wrong ones get."""

import json

import pytest

from daemon import hashtagd


def config_line(output, key):
    """The line of `hashtagd config` that speaks of `key`."""
    lines = [line for line in output.decode().splitlines() if key in line]
    assert len(lines) == 1, (key, output.decode())
    return lines[0]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "hashtagd.json"
    path.write_text(json.dumps({"source": {"rate": 300, "seed": 7}, "data": {"dir": str(tmp_path / "data")}}))
    return path


def test_defaults():
    done = hashtagd("config", "--defaults")
    assert done.returncode == 0, done
    assert "200" in config_line(done.stdout, "source.rate")
    assert "none" in config_line(done.stdout, "source.type")
    assert "127.0.0.1:8080" in config_line(done.stdout, "admin.listen")
    for key in ("source.type", "stream.retention_bytes", "table.flush_interval_s", "counting.repeat_window",
                "archive.buffer_s", "data.dir", "admin.token_file", "memory.budget_bytes", "log.format"):
        config_line(done.stdout, key)


def test_the_later_wins(file):
    environ = {"HASHTAGD_SOURCE_RATE": "400"}
    done = hashtagd("config", "--config", file)
    assert "300" in config_line(done.stdout, "source.rate") and "hashtagd.json" in config_line(done.stdout, "source.rate")
    done = hashtagd("config", "--config", file, environ=environ)
    assert "400" in config_line(done.stdout, "source.rate") and "HASHTAGD_SOURCE_RATE" in config_line(done.stdout, "source.rate")
    assert "7" in config_line(done.stdout, "source.seed")
    done = hashtagd("config", "--config", file, "--set", "source.rate=500", environ=environ)
    assert "500" in config_line(done.stdout, "source.rate") and "--set" in config_line(done.stdout, "source.rate")


def test_the_file_of_the_environment(file, tmp_path):
    done = hashtagd("config", environ={"HASHTAGD_CONFIG": str(file)})
    assert "300" in config_line(done.stdout, "source.rate")
    other = tmp_path / "other.json"
    other.write_text('{"source": {"rate": 301}}')
    done = hashtagd("config", "--config", other, environ={"HASHTAGD_CONFIG": str(file)})
    assert "301" in config_line(done.stdout, "source.rate")


@pytest.mark.parametrize("environ,expected", [
    ({"STATE_DIRECTORY": "/var/lib/some"}, "/var/lib/some"),
    ({"XDG_STATE_HOME": "/tmp/state"}, "/tmp/state/hashtagd"),
    ({"XDG_STATE_HOME": "", "HOME": "/tmp/me"}, "/tmp/me/.local/state/hashtagd"),
])
def test_where_the_data_go(environ, expected):
    assert expected in config_line(hashtagd("config", environ=environ).stdout, "data.dir")


def test_all_mistakes_at_once(tmp_path):
    path = tmp_path / "wrong.json"
    path.write_text('{\n  "source": {\n    "rat": 1,\n    "seed": "one",\n    "type": "syntetic"\n  },\n'
                    '  "memory": {"budget_bytes": -1}\n}\n')
    done = hashtagd("serve", "--config", path, "--set", "table.ttl_s=soon", "--set", "nothing.at_all=1",
                    "--set", f"data.dir={tmp_path}/data", environ={"HASHTAGD_LOG_LEVEL": "loud"})
    assert done.returncode == 2, done
    said = done.stderr.decode()
    for word in ("source.rat", "source.rate", "source.seed", "syntetic", "synthetic", "memory.budget_bytes", "table.ttl_s",
                 "soon", "nothing.at_all", "HASHTAGD_LOG_LEVEL", "loud", "debug"):
        assert word in said, f"'{word}' is not in:\n{said}"
    assert "wrong.json:3:" in said and "wrong.json:4:" in said and "wrong.json:5:" in said and "wrong.json:7:" in said, said
    assert not (tmp_path / "data").exists(), "something was started"


@pytest.mark.parametrize("setting,word", [
    ("source.rate=-1", "source.rate"), ("source.rate=1e3x", "source.rate"), ("source.rate=99999999999999999999", "source.rate"),
    ("counting.once_per_tweet=maybe", "true"), ("counting.fold=lower", "case"), ("admin.listen=nowhere", "admin.listen"),
    ("admin.listen=127.0.0.1:99999", "admin.listen"), ("stream.start=yesterday", "stream.start"), ("source", "="),
    ("=1", "="), ("archive.prefix=" + "x" * 5000, "archive.prefix"), ("data.dir=", "data.dir"),
])
def test_wrong_value(setting, word, tmp_path):
    done = hashtagd("serve", "--set", f"data.dir={tmp_path}/data", "--set", setting)
    assert done.returncode == 2, done
    assert word in done.stderr.decode()
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("text", [
    "", "{", "[]", "null", '{"source": 1}', '{"source": {"rate": 1}} x', '{"source": {"rate": 1, "rate": 2}}',
    '{"source": {"rate": NaN}}', "\0", '{"source": {"files": "a"}}', '{"source": {"files": [1]}}', '{"a": ' * 5000,
    b"\xff\xfe{}",
], ids=repr)
def test_a_file_that_is_wrong_as_such(tmp_path, text):
    path = tmp_path / "wrong.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    done = hashtagd("serve", "--config", path, "--set", f"data.dir={tmp_path}/data")
    assert done.returncode == 2, done
    assert "wrong.json" in done.stderr.decode()
    assert not (tmp_path / "data").exists()


def test_a_file_that_cannot_be_read(tmp_path):
    for path in (tmp_path / "missing.json", tmp_path):
        done = hashtagd("serve", "--config", path)
        assert done.returncode == 2 and str(path) in done.stderr.decode(), done


def test_mistyped_environment_is_no_secret_way(tmp_path):
    done = hashtagd("serve", "--set", f"data.dir={tmp_path}/data", environ={"HASHTAGD_SOURCE_RAET": "1"})
    assert done.returncode == 2, done
    assert "HASHTAGD_SOURCE_RAET" in done.stderr.decode() and "source.rate" in done.stderr.decode()


def test_secrets_are_not_shown():
    secrets = {"TWITTER_BEARER_TOKEN": "bearer-0123456789", "TWITTER_CONSUMER_SECRET": "consumer-0123456789",
               "AWS_SECRET_ACCESS_KEY": "aws-0123456789"}
    for arguments in (("config",), ("config", "--set", "log.level=debug")):
        done = hashtagd(*arguments, environ=secrets)
        assert done.returncode == 0
        for secret in secrets.values():
            assert secret.encode() not in done.stdout + done.stderr
    assert b"***" in done.stdout


def test_lists_and_objects(tmp_path):
    path = tmp_path / "lists.json"
    path.write_text('{"source": {"files": ["a.json", "b.json"], "loop": true}}')
    done = hashtagd("config", "--config", path)
    assert done.returncode == 0, done
    assert "a.json" in config_line(done.stdout, "source.files") and "b.json" in config_line(done.stdout, "source.files")
    done = hashtagd("config", "--set", 'source.files=["c.json"]')
    assert "c.json" in config_line(done.stdout, "source.files")
