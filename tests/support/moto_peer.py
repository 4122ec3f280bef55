# SPDX-License-Identifier: MIT
"""moto's server, a second opinion on AWS: the whole flow in one process.

    with Moto() as aws:
        aws.client("kinesis").create_stream(...)

With `policy` (a list of statements) signatures are verified and an IAM user has just these permissions.
What it is not honest about: no throttling, a closed shard never ends, TTL deletes nothing, Firehose
writes at once.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

from aws_peer import AwsPeer

EVERYTHING = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]


class Moto(AwsPeer):
    def __init__(self, policy=None):
        self.policy = policy
        self.process, self.log = None, None

    def start(self):
        self.log = tempfile.NamedTemporaryFile(prefix="moto-", suffix=".log")
        self.process = subprocess.Popen([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"],
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.port = self.wait_for_port()
        if self.policy is not None:
            self.restrict()
        return self

    def wait_for_port(self, timeout=60):
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            text = pathlib.Path(self.log.name).read_text()
            match = re.search(r"Running on http://127\.0\.0\.1:(\d+)", text)
            if match:
                return int(match[1])
            if self.process.poll() is not None:
                raise AssertionError(f"moto ended with {self.process.returncode}:\n{text}")
            time.sleep(0.02)
        self.stop()
        raise AssertionError("moto did not start")

    def restrict(self):
        """A user with the policy gets the key; from now on every signature is verified."""
        iam = self.client("iam")
        iam.create_user(UserName="tester")
        iam.put_user_policy(UserName="tester", PolicyName="tests", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": self.policy}))
        key = iam.create_access_key(UserName="tester")["AccessKey"]
        self.access_key, self.secret_key = key["AccessKeyId"], key["SecretAccessKey"]
        request = urllib.request.Request(f"{self.url}/moto-api/reset-auth", b"0", {"Content-Type": "text/plain"})
        urllib.request.urlopen(request, timeout=20).read()

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process = None
            self.log.close()

    def __enter__(self):
        return self if self.process else self.start()

    def __exit__(self, *_reason):
        self.stop()
