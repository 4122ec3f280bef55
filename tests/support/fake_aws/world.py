# SPDX-License-Identifier: MIT
"""What all services of the fake share: the clock, the options, who may come in, what was asked."""

import base64
import collections
import hashlib
import hmac
import json
import random
import time

from aws_peer import AwsPeer

ACCOUNT = "123456789012"

OPTIONS = {
    "settle_s": 0.05,             # how long a stream or table stays CREATING or UPDATING
    "invisible_s": 0.0,           # how long a new stream or table is not known yet
    "limits": False,              # Kinesis' limits a shard and second
    "list_shards_page": 1000,     # shards a page of ListShards
    "describe_stream_page": 100,  # shards a page of DescribeStream of a change stream
    "scan_page_bytes": 1 << 20,   # bytes a page of Scan and Query
    "firehose_most_s": 0.5,       # a longer buffering interval is cut to this
    "role_ready_s": 0.0,          # a younger role cannot be assumed yet
    "late_child_s": 0.0,          # a child of a change stream's shard is listed so much later
    "latency_s": 0.0,             # each answer is so late
}


class World:
    def __init__(self, seed=1, region="eu-west-1", options=None):
        self.seed = seed
        self.region = region
        self.options = {**OPTIONS, **(options or {})}
        self.random = random.Random(f"world {seed}")
        self.moved_s = 0.0
        self.skew_s = 0.0
        self.denied = set()
        self.counters = collections.Counter()
        self.keys = {AwsPeer.access_key: Key(AwsPeer.secret_key)}
        self.seal = hashlib.sha256(f"seal {seed}".encode()).digest()
        self.deletions = []
        self.last_request = 0

    # Time. `now` is the services' time in seconds, which a test may move forward; signatures are
    # judged by, and the Date header tells, `front_door_now`, which may be wrong.

    def now(self):
        return time.time() + self.moved_s

    def front_door_now(self):
        return time.time() + self.moved_s + self.skew_s

    def request_id(self):
        self.last_request += 1
        digest = hashlib.sha1(f"{self.seed} {self.last_request}".encode()).hexdigest()
        return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"

    # Tokens that only we can make: iterators, pages.

    def seal_token(self, *fields):
        text = json.dumps(fields, separators=(",", ":")).encode()
        return base64.b64encode(hmac.digest(self.seal, text, "sha256")[:12] + text).decode()

    def open_token(self, token):
        """The fields of a token of ours, or None."""
        try:
            raw = base64.b64decode(token, validate=True)
        except ValueError:
            return None
        if not hmac.compare_digest(hmac.digest(self.seal, raw[12:], "sha256")[:12], raw[:12]):
            return None
        return json.loads(raw[12:])

    def arn(self, service, resource):
        return f"arn:aws:{service}:{self.region}:{ACCOUNT}:{resource}"


class Key:
    """An access key. A temporary one has a token and an end (seconds of `World.now`)."""

    def __init__(self, secret, token=None, expires=None, arn=f"arn:aws:iam::{ACCOUNT}:user/tester"):
        self.secret = secret
        self.token = token
        self.expires = expires
        self.arn = arn
