# SPDX-License-Identifier: MIT
"""A scripted fake of AWS: Kinesis, DynamoDB with its Streams, Firehose, S3, STS and IAM on one port.

    with FakeAws(seed=7, faults={"throttle": 0.1}) as aws:
        daemon = Daemon({...}, environ=aws.environment())
        aws.split("tweets")                      # what another program would do
        aws.set_faults(rules=[{"operation": "DynamoDB.UpdateItem", "fault": "lost_answer"}])
        assert aws.items("hashtags") == ...      # the truth, past every limit

It runs as a process of its own, verifies signatures, and fails as the seed says (faults.py has the
kinds). Every command of control.py can be called as a method, `environment()` and `client("dynamodb")`
are AwsPeer's. The account is empty at first.
"""

import base64
import http.client
import json
import pathlib
import subprocess
import sys

from aws_peer import REGION, AwsPeer

SUPPORT = pathlib.Path(__file__).resolve().parent.parent


class FakeAws(AwsPeer):
    def __init__(self, seed=1, faults=None, rules=None, options=None, region=REGION):
        self.seed, self.region = seed, region
        self.words = ["--seed", str(seed), "--region", region]
        for name, value in (("faults", faults), ("rules", rules), ("options", options)):
            if value is not None:
                self.words += [f"--{name}", json.dumps(value)]
        self.process, self.connection = None, None

    def start(self):
        self.process = subprocess.Popen([sys.executable, "-B", "-m", "fake_aws", "--watch", *self.words],
                                        cwd=SUPPORT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"the fake ended with {self.process.wait()} while starting")
        self.port = json.loads(line)["port"]
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        return self

    def stop(self):
        if self.process is not None:
            self.connection.close()
            self.process.terminate()
            self.process.wait()
            self.process.stdin.close()
            self.process.stdout.close()
            self.process = None

    def __enter__(self):
        return self if self.process else self.start()

    def __exit__(self, *_reason):
        self.stop()

    # Control

    def command(self, command, /, **arguments):
        self.connection.request("POST", f"/_fake/{command}", json.dumps(arguments))
        answer = self.connection.getresponse()
        body = answer.read()
        assert answer.status == 200, f"{command}: {body.decode(errors='replace')}"
        return json.loads(body)

    def set_faults(self, probabilities=None, rules=None):
        self.command("faults", probabilities=probabilities, rules=rules)

    def __getattr__(self, name):
        if name.startswith("_") or name in ("process", "connection", "port"):
            raise AttributeError(name)
        return lambda **arguments: self.command(name, **arguments)

    def items(self, table):
        return self.command("items", table=table)

    def records(self, stream):
        """Every record ever put, its data decoded."""
        return [{**record, "data": base64.b64decode(record["data"])}
                for record in self.command("records", stream=stream)]

    def objects(self, bucket):
        return {key: base64.b64decode(body) for key, body in self.command("objects", bucket=bucket).items()}

    def delivered(self, stream):
        return [base64.b64decode(body) for body in self.command("delivered", stream=stream)]
