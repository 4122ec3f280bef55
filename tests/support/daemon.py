# SPDX-License-Identifier: MIT
"""A hashtagd process under test: started on a free port, talked to over HTTP, ended cleanly.

    with Daemon({"source.type": "synthetic"}, data=tmp_path / "data") as daemon:
        daemon.post_tweets([tweet("1", "foo")])
        daemon.flush()
        assert daemon.get("/hashtags/foo").json["count"] == 1

Leaving the block sends SIGTERM and asserts exit status 0 and that no sanitizer spoke. `stop()`,
`kill()` and `start()` can be called in between, on the same data directory.
"""

import http.client
import json
import os
import pathlib
import signal
import subprocess
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

SANITIZER_WORDS = ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "runtime error:",
                   "assertion failed", "UndefinedBehaviorSanitizer")


def program():
    """The hashtagd under test: HT_PROGRAM, else the one in build/."""
    return os.environ.get("HT_PROGRAM") or str(ROOT / "build" / "hashtagd")


def clean_environment(extra=None):
    """Ours, less whatever would configure a daemon, plus `extra`."""
    ours = {key: value for key, value in os.environ.items()
            if not key.startswith(("HASHTAGD_", "AWS_", "TWITTER_", "MASTODON_")) and key != "STATE_DIRECTORY"}
    ours.update(extra or {})
    return ours


def hashtagd(*arguments, input=None, environ=None, timeout=60, cwd=None):
    """Runs a hashtagd command to its end: a CompletedProcess with bytes in stdout and stderr."""
    done = subprocess.run([program(), *map(str, arguments)], input=input, capture_output=True,
                          env=clean_environment(environ), timeout=timeout, cwd=cwd,
                          **({} if input is not None else {"stdin": subprocess.DEVNULL}))
    assert_no_sanitizer(done.stderr.decode(errors="replace"))
    return done


def assert_no_sanitizer(log):
    for word in SANITIZER_WORDS:
        assert word not in log, f"the log has '{word}':\n{log[-8000:]}"


class Answer:
    """One HTTP answer, read to its end. `headers` finds names in any case."""

    def __init__(self, response, body):
        self.status = response.status
        self.headers = response.headers
        self.body = body

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def type(self):
        return (self.headers.get("Content-Type") or "").split(";")[0].strip()

    def __repr__(self):
        return f"<{self.status} {self.type} {self.body[:500]!r}>"


class Daemon:
    """`settings` are `--set` options; `data` is the data directory (made where it is missing);
    `name` names the logs, which lie beside it."""

    def __init__(self, settings=None, data=None, arguments=(), environ=None, name=None):
        assert data is not None, "a daemon under test needs a data directory of its own"
        self.data = pathlib.Path(data)
        self.name = name or self.data.name
        self.settings = {"admin.listen": "127.0.0.1:0", "log.format": "logfmt",
                         "data.dir": str(self.data), **(settings or {})}
        self.arguments = list(arguments)
        self.environ = dict(environ or {})
        self.headers = {}
        self.process = None
        self.starts = 0

    # Life

    def start(self, timeout=60):
        """Starts and waits until every stage works."""
        self.spawn()
        self.wait_until_up(timeout)
        return self

    def spawn(self, forget_url=True):
        """Starts and returns at once. The address of an earlier start is taken away first, so that
        nobody asks at the wrong door."""
        assert self.process is None, "it runs already"
        self.data.parent.mkdir(parents=True, exist_ok=True)
        self.starts += 1
        if forget_url:
            (self.data / "admin.url").unlink(missing_ok=True)
        options = [word for key, value in self.settings.items()
                   for word in ("--set", f"{key}={setting_text(value)}")]
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(
                [program(), "serve", *options, *self.arguments], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env=clean_environment(self.environ))
        return self

    def wait_until_up(self, timeout=60):
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                status = self.process.returncode
                self.process = None
                raise AssertionError(f"hashtagd ended with {status} while starting:\n{self.log}")
            try:
                if self.get("/readyz").status == 200:
                    return self
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.02)
        log = self.log
        self.kill()
        raise AssertionError(f"hashtagd was not ready after {timeout} s:\n{log}")

    def stop(self, expect=0, timeout=60):
        """SIGTERM, and the exit status that this must end in."""
        self.process.send_signal(signal.SIGTERM)
        status = self.wait(timeout)
        assert status == expect, f"exit status {status}, not {expect}:\n{self.log[-8000:]}"

    def wait(self, timeout=60):
        """Waits for the end, returns the exit status; a daemon that hangs is killed and told of."""
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"hashtagd was not gone after {timeout} s:\n{self.log[-8000:]}") from None
        self.process = None
        assert_no_sanitizer(self.log)
        return status

    def kill(self):
        """kill -9."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def restart(self):
        self.stop()
        return self.start()

    def __enter__(self):
        return self if self.process else self.start()

    def __exit__(self, kind, _value, _trace):
        if self.process is None:
            return
        if kind is None:
            self.stop()
        else:
            self.kill()
            print(f"log of {self.data}:\n{self.log[-8000:]}")

    # What it says

    @property
    def log_file(self):
        return self.data.parent / f"{self.name}.{self.starts}.log"

    @property
    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    @property
    def url(self):
        """The address that the daemon wrote down; OSError as long as it has not."""
        text = (self.data / "admin.url").read_text().strip()
        if not text:
            raise OSError("admin.url is empty")
        return text.rstrip("/")

    # HTTP

    def request(self, method, path, body=None, headers=None, timeout=30):
        """One request on a connection of its own. `body` may be bytes, str or anything for JSON."""
        address = urllib.parse.urlsplit(self.url)
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=timeout)
        headers = {**self.headers, **(headers or {})}
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        if isinstance(body, str):
            body = body.encode()
        try:
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            return Answer(response, response.read())
        finally:
            connection.close()

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, body=None, **options):
        return self.request("POST", path, body=body, **options)

    def delete(self, path, **options):
        return self.request("DELETE", path, **options)

    # What most tests do

    def post_tweets(self, tweets, timeout=60):
        """Puts tweets (dicts, or whole lines as bytes) as JSON lines."""
        lines = [tweet if isinstance(tweet, bytes) else json.dumps(tweet).encode() for tweet in tweets]
        return self.post("/tweets", b"\n".join(lines) + b"\n", timeout=timeout,
                         headers={"Content-Type": "application/x-ndjson"})

    def flush(self):
        answer = self.post("/flush")
        assert answer.status == 200, answer
        return answer.json

    def counts(self, window="all"):
        """Every hashtag with its count, over all pages."""
        found, after = {}, None
        while True:
            query = {"limit": 1000, "window": window, **({"after": after} if after else {})}
            answer = self.get("/hashtags?" + urllib.parse.urlencode(query))
            assert answer.status == 200, answer
            for row in answer.json["hashtags"]:
                assert row["hashtag"] not in found, f"{row['hashtag']} stands on two pages"
                found[row["hashtag"]] = row["count"]
            after = answer.json["next"]
            if after is None:
                return found

    def status(self):
        answer = self.get("/status")
        assert answer.status == 200, answer
        return answer.json

    def part(self, name):
        """One part of GET /status."""
        return next(part for part in self.status()["parts"] if part["name"] == name)

    def metric(self, name):
        """The sum of a metric's samples in GET /metrics; None where it is missing."""
        values = [float(line.rsplit(" ", 1)[1]) for line in self.get("/metrics").text.splitlines()
                  if line.split("{")[0].split(" ")[0] == name]
        return sum(values) if values else None

    def wait_for(self, condition, what, timeout=30):
        """Asks `condition()` until it is true; fails with `what` after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while True:
            found = condition()
            if found:
                return found
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {timeout} s: {what}\n{self.log[-4000:]}")
            time.sleep(0.05)

    def wait_until_counted(self, expected, timeout=60):
        """Waits until the counts are exactly `expected`."""
        deadline = time.monotonic() + timeout
        while True:
            found = self.counts()
            if found == expected:
                return
            if time.monotonic() > deadline:
                raise AssertionError(difference(found, expected))
            time.sleep(0.1)


def setting_text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value)


def difference(found, expected):
    """The first hashtags whose counts differ, for an assertion's text."""
    tags = [tag for tag in sorted(found.keys() | expected.keys()) if found.get(tag) != expected.get(tag)]
    rows = [f"  {tag!r}: {found.get(tag)} found, {expected.get(tag)} expected" for tag in tags[:20]]
    return f"{len(tags)} hashtags differ:\n" + "\n".join(rows)


def tweet(identity, *hashtags, **members):
    """A small v1.1 tweet with these hashtags."""
    return {"id": int(identity), "id_str": str(identity),
            "created_at": "Wed Oct 10 20:19:24 +0000 2018",
            "text": " ".join("#" + tag for tag in hashtags),
            "user": {"id": 1, "id_str": "1", "screen_name": "somebody"},
            "entities": {"hashtags": [{"text": tag, "indices": [0, 1]} for tag in hashtags]},
            **members}
