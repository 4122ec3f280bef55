# SPDX-License-Identifier: MIT
"""The test's own door, POST /_fake/COMMAND with a JSON object: sets faults, moves the clock, does what
other programs would do, and tells the truth. Each command is a method; its arguments are the members.
"""

import base64
import gzip
import json

from .http_server import Reply
from .world import OPTIONS


class Control:
    def __init__(self, door):
        self.door = door

    def handle(self, request):
        command = getattr(self, request.path.removeprefix("/_fake/"), None)
        if command is None or command == self.handle:
            return Reply(404, b'{"error":"no such command"}')
        try:
            result = command(**json.loads(request.body or b"{}"))
        except (KeyError, TypeError, ValueError, StopIteration) as error:
            return Reply(400, json.dumps({"error": f"{type(error).__name__}: {error}"}).encode())
        return Reply(200, json.dumps(result).encode(), [("Content-Type", "application/json")])

    def table(self, name):
        return self.door.services["DynamoDB"].tables[name]

    def kinesis(self, name):
        return self.door.services["Kinesis"].streams[name]

    # Trouble

    def faults(self, probabilities=None, rules=None):
        self.door.world.faults.set(probabilities, rules)

    def options(self, **options):
        for name in options:
            if name not in OPTIONS:
                raise ValueError(f"no option {name}; there are {', '.join(OPTIONS)}")
        self.door.world.options.update(options)

    def move_clock(self, seconds=0, skew=None):
        """Moves the services' time forward; `skew` puts the front door's clock beside it."""
        world = self.door.world
        world.moved_s += max(0, seconds)
        world.skew_s = world.skew_s if skew is None else skew
        return world.now()

    def deny(self, actions):
        """Takes away permissions, as "dynamodb:UpdateItem"; an empty list gives them back."""
        self.door.world.denied = set(actions)

    def session(self, seconds=900):
        """A temporary key, as environment variables."""
        arn = "arn:aws:iam::123456789012:role/session"
        key_id, key = self.door.identity.temporary(arn, "test", seconds)
        return {"AWS_ACCESS_KEY_ID": key_id, "AWS_SECRET_ACCESS_KEY": key.secret, "AWS_SESSION_TOKEN": key.token}

    def role(self, name):
        """Makes a role that can be assumed at once; its ARN."""
        trust = json.dumps({"Version": "2012-10-17", "Statement": []})
        identity = self.door.identity
        if name not in identity.roles:
            identity.CreateRole({"RoleName": name, "AssumeRolePolicyDocument": trust}, None)
            identity.roles[name].created -= 3600
        return identity.roles[name].arn

    # Other programs' deeds

    def split(self, stream, shard=None):
        found = self.kinesis(stream)
        chosen = found.shards[shard] if shard else max(found.open_shards(), key=lambda one: one.high - one.low)
        found.split(chosen)
        return [child.id for child in chosen.children]

    def merge(self, stream, left=None, right=None):
        found = self.kinesis(stream)
        if left is None:
            shards = sorted(found.open_shards(), key=lambda one: one.low)
            found.merge(shards[0], shards[1])
            return shards[0].children[0].id
        found.merge(found.shards[left], found.shards[right])
        return found.shards[left].children[0].id

    def trim(self, stream, keep_s=0):
        """Drops a Kinesis stream's records older than `keep_s`."""
        self.kinesis(stream).trim(self.door.world.now() - keep_s)

    def delete(self, table, key, by="program"):
        """Deletes an item (its key as strings) as another program, or by="ttl"."""
        return self.table(table).remove(tuple(key if isinstance(key, list) else [key]), by)

    def expire(self, table):
        """Lets TTL delete what is over; how many that were."""
        found = self.table(table)
        keys = found.expired()
        for key in keys:
            found.remove(key, "ttl")
        return len(keys)

    def roll_over(self, table, split=False):
        """Closes the open shards of a table's change stream and opens their children."""
        self.table(table).stream().roll_over(split)

    def trim_changes(self, table, keep_s=0):
        for stream in self.table(table).streams:
            stream.trim(self.door.world.now() - keep_s)

    def deliver(self):
        """Firehose writes now what it has buffered."""
        self.door.services["Firehose"].deliver_all()

    # The truth

    def items(self, table):
        return list(self.table(table).items.values())

    def total(self, table, attribute="htCount"):
        """The sum of a number over all items."""
        return sum(int(item[attribute]["N"]) for item in self.table(table).items.values() if attribute in item)

    def records(self, stream):
        """Everything ever put on a Kinesis stream, in order."""
        return [{"shard": shard, "sequence": str(record.sequence), "key": record.key, "data": record.data}
                for shard, record in self.kinesis(stream).all_records]

    def shards(self, stream):
        return [{"id": shard.id, "parents": shard.parents, "open": shard.closed is None, "low": str(shard.low),
                 "high": str(shard.high)} for shard in self.kinesis(stream).shards.values()]

    def changes(self, table):
        """Every change record that is still there, shard by shard."""
        return [{"shard": shard.id, "parent": shard.parent, "open": shard.closed is None,
                 "records": [record for _, record in shard.records]}
                for stream in self.table(table).streams for shard in stream.shards.values()]

    def deletions(self, table=None):
        """Every item that was ever deleted, in order: table, item as it was, event_id, by, at."""
        return [entry for entry in self.door.world.deletions if table in (None, entry["table"])]

    def objects(self, bucket):
        """key -> content in base64, un-gzipped where it is gzip."""
        found = self.door.s3.buckets[bucket].objects
        return {key: base64.b64encode(plain(stored.body)).decode() for key, stored in found.items()}

    def delivered(self, stream):
        """Every record that a delivery stream accepted, in base64."""
        return [base64.b64encode(data).decode() for data in self.door.services["Firehose"].streams[stream].records]

    def counters(self):
        """Requests by operation, and faults that struck by kind."""
        return {"requests": dict(self.door.world.counters), "faults": dict(self.door.world.faults.struck)}

    def resources(self):
        return {"streams": sorted(self.door.services["Kinesis"].streams),
                "tables": sorted(self.door.services["DynamoDB"].tables),
                "buckets": sorted(self.door.s3.buckets),
                "delivery_streams": sorted(self.door.services["Firehose"].streams),
                "roles": sorted(self.door.identity.roles)}


def plain(body):
    return gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
