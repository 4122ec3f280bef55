# SPDX-License-Identifier: MIT
"""DynamoDB Streams: a table's change records in shards that roll over and split.

A shard covers a range of key hashes. Records go to the open shard of their key; rolling over closes
it and opens one child, splitting opens two. What is older than a day is trimmed.
"""

import bisect
import hashlib
import time

from .errors import AwsError, not_found, optional, want, whole_number
from .values import item_size

KEEP_S = 24 * 3600
ITERATOR_S = 15 * 60
PAGE_BYTES = 1 << 20
MOST_RECORDS = 1000
HASHES = 1 << 128
TYPES = ("TRIM_HORIZON", "LATEST", "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER")


class Shard:
    def __init__(self, shard_id, parent, low, high, start, now):
        self.id, self.parent, self.low, self.high = shard_id, parent, low, high
        self.start, self.end = start, None
        self.born, self.closed = now, None
        self.sequences, self.records, self.trimmed = [], [], 0


class ChangeStream:
    def __init__(self, world, table, view):
        self.world, self.table, self.view = world, table, view
        now = world.now()
        self.label = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03d}"
        self.arn = f"{table.arn}/stream/{self.label}"
        self.created = now
        self.enabled = True
        self.last_ms, self.count = 0, 0
        self.shards = {}
        self.open(None, 0, HASHES - 1)

    # Writing

    def sequence(self):
        self.count += 1
        self.last_ms = max(self.last_ms, int(self.world.now() * 1000))
        return f"{self.last_ms:013d}{self.count:015d}"

    def open(self, parent, low, high):
        start = self.sequence()
        name = hashlib.sha1(f"{self.arn} {start}".encode()).hexdigest()[:8]
        shard = Shard(f"shardId-{self.last_ms:020d}-{name}", parent, low, high, start, self.world.now())
        self.shards[shard.id] = shard
        return shard

    def close(self, shard):
        shard.end = shard.sequences[-1] if shard.sequences else self.sequence()
        shard.closed = self.world.now()

    def open_shards(self):
        return [shard for shard in self.shards.values() if shard.closed is None]

    def roll_over(self, split=False):
        """Every open shard gets a child, or two where it splits."""
        for shard in self.open_shards():
            self.close(shard)
            middle = (shard.low + shard.high) // 2
            if split and middle > shard.low:
                self.open(shard.id, shard.low, middle)
                self.open(shard.id, middle + 1, shard.high)
            else:
                self.open(shard.id, shard.low, shard.high)

    def disable(self):
        self.enabled = False
        for shard in self.open_shards():
            self.close(shard)

    def append(self, key_hash, keys, before, after, identity=None):
        """Notes a change; the eventID, or None where nothing is listening."""
        if not self.enabled:
            return None
        number = self.sequence()
        shard = next(shard for shard in self.open_shards() if shard.low <= key_hash <= shard.high)
        images = {"Keys": keys}
        if after is not None and self.view in ("NEW_IMAGE", "NEW_AND_OLD_IMAGES"):
            images["NewImage"] = after
        if before is not None and self.view in ("OLD_IMAGE", "NEW_AND_OLD_IMAGES"):
            images["OldImage"] = before
        record = {
            "eventID": hashlib.md5(f"{self.arn} {number}".encode()).hexdigest(),
            "eventName": "INSERT" if before is None else "REMOVE" if after is None else "MODIFY",
            "eventVersion": "1.1", "eventSource": "aws:dynamodb", "awsRegion": self.world.region,
            "dynamodb": {"ApproximateCreationDateTime": float(int(self.world.now())), **images,
                         "SequenceNumber": number,
                         "SizeBytes": sum(item_size(image) for image in images.values()),
                         "StreamViewType": self.view}}
        if identity is not None:
            record["userIdentity"] = identity
        shard.sequences.append(number)
        shard.records.append((self.world.now(), record))
        return record["eventID"]

    # Reading

    def trim(self, before=None):
        """Drops what is older than a day (or than `before`), and closed shards that have nothing left."""
        before = self.world.now() - KEEP_S if before is None else before
        for shard in list(self.shards.values()):
            old = bisect.bisect_left(shard.records, before, key=lambda entry: entry[0])
            if old:
                shard.trimmed = int(shard.sequences[old - 1])
                del shard.records[:old], shard.sequences[:old]
            if shard.closed is not None and shard.closed < before and not shard.records:
                del self.shards[shard.id]

    def listed(self):
        """The shards that a listing shows; a young child may still be missing."""
        late = self.world.options["late_child_s"]
        now = self.world.now()
        return [shard for shard in self.shards.values() if shard.parent is None or now - shard.born >= late]


class StreamsService:
    """The operations; streams are found through the tables."""

    def __init__(self, world, tables):
        self.world, self.tables = world, tables

    def stream(self, arn):
        for table in self.tables.values():
            for stream in table.streams:
                if stream.arn == arn:
                    return stream
        raise not_found(f"Requested resource not found: Stream: {arn} not found")

    def ListStreams(self, body):
        name = optional(body, "TableName", str)
        limit = whole_number(body, "Limit", 1, 100, 100)
        found = [stream for table in self.tables.values() for stream in table.streams
                 if name in (None, table.name)]
        start = optional(body, "ExclusiveStartStreamArn", str)
        names = [stream.arn for stream in found]
        found = found[names.index(start) + 1 if start in names else 0:]
        answer = {"Streams": [{"StreamArn": stream.arn, "TableName": stream.table.name,
                               "StreamLabel": stream.label} for stream in found[:limit]]}
        if len(found) > limit:
            answer["LastEvaluatedStreamArn"] = found[limit - 1].arn
        return answer

    def DescribeStream(self, body):
        stream = self.stream(want(body, "StreamArn", str))
        stream.trim()
        limit = min(whole_number(body, "Limit", 1, 100, 100), self.world.options["describe_stream_page"])
        shards = stream.listed()
        chosen = optional(body, "ShardFilter", dict)
        if chosen is not None:
            if chosen.get("Type") != "CHILD_SHARDS" or not chosen.get("ShardId"):
                raise AwsError("ValidationException", "ShardFilter needs Type CHILD_SHARDS and a ShardId")
            shards = [shard for shard in shards if shard.parent == chosen["ShardId"]]
        start = optional(body, "ExclusiveStartShardId", str)
        if start is not None:
            ids = [shard.id for shard in shards]
            if start not in ids:
                raise not_found(f"Requested resource not found: Shard does not exist: {start}")
            shards = shards[ids.index(start) + 1:]
        answer = {"StreamArn": stream.arn, "StreamLabel": stream.label,
                  "StreamStatus": "ENABLED" if stream.enabled else "DISABLED",
                  "StreamViewType": stream.view, "CreationRequestDateTime": stream.created,
                  "TableName": stream.table.name, "KeySchema": stream.table.key_schema(),
                  "Shards": [self.described(shard) for shard in shards[:limit]]}
        if len(shards) > limit:
            answer["LastEvaluatedShardId"] = shards[limit - 1].id
        return {"StreamDescription": answer}

    def described(self, shard):
        numbers = {"StartingSequenceNumber": shard.start}
        if shard.closed is not None:
            numbers["EndingSequenceNumber"] = shard.end
        answer = {"ShardId": shard.id, "SequenceNumberRange": numbers}
        if shard.parent is not None:
            answer["ParentShardId"] = shard.parent
        return answer

    def shard(self, stream, shard_id):
        stream.trim()
        shard = stream.shards.get(shard_id)
        if shard is None:
            raise not_found(f"Requested resource not found: Shard does not exist: {shard_id}")
        return shard

    def GetShardIterator(self, body):
        stream = self.stream(want(body, "StreamArn", str))
        shard = self.shard(stream, want(body, "ShardId", str))
        kind = want(body, "ShardIteratorType", str)
        number = optional(body, "SequenceNumber", str)
        if kind not in TYPES:
            raise AwsError("ValidationException", f"Invalid ShardIteratorType: {kind}")
        if (number is not None) != kind.endswith("SEQUENCE_NUMBER"):
            raise AwsError("ValidationException", "SequenceNumber goes with AT_SEQUENCE_NUMBER and "
                           "AFTER_SEQUENCE_NUMBER, and with these only")
        if number is not None and not number.isdigit():
            raise AwsError("ValidationException", f"Invalid SequenceNumber: {number}")
        if kind == "TRIM_HORIZON":
            after = 0
        elif kind == "LATEST":
            after = int(shard.sequences[-1]) if shard.sequences else int(shard.start)
        else:
            after = int(number) - (kind == "AT_SEQUENCE_NUMBER")
            self.check_trimmed(shard, after)
        return {"ShardIterator": self.iterator(stream, shard, after, trim_horizon=kind == "TRIM_HORIZON")}

    def iterator(self, stream, shard, after, trim_horizon=False):
        return self.world.seal_token("changes", stream.arn, shard.id, str(after), int(trim_horizon),
                                     round(self.world.now(), 3))

    def check_trimmed(self, shard, after):
        if after < shard.trimmed:
            raise AwsError("TrimmedDataAccessException", "The data you are trying to access has been trimmed.")

    def GetRecords(self, body):
        fields = self.world.open_token(want(body, "ShardIterator", str))
        limit = whole_number(body, "Limit", 1, MOST_RECORDS, MOST_RECORDS)
        if fields is None or fields[0] != "changes":
            raise AwsError("ValidationException", "Invalid ShardIterator")
        _, arn, shard_id, after, trim_horizon, made = fields
        if self.world.now() - made > ITERATOR_S:
            raise AwsError("ExpiredIteratorException", "Iterator expired. The iterator was created at time "
                           f"{made:.0f} while right now it is {self.world.now():.0f}")
        stream = self.stream(arn)
        shard = self.shard(stream, shard_id)
        after = int(after)
        if not trim_horizon:
            self.check_trimmed(shard, after)
        return self.page(stream, shard, after, limit)

    def page(self, stream, shard, after, limit):
        at = bisect.bisect_right(shard.sequences, after, key=int)
        limit = self.world.faults.page_limit("DynamoDBStreams.GetRecords", limit)
        records, size = [], 0
        for _, record in shard.records[at:at + limit]:
            size += record["dynamodb"]["SizeBytes"] + 200
            if records and size > PAGE_BYTES:
                break
            records.append(record)
        answer = {"Records": records}
        last = int(records[-1]["dynamodb"]["SequenceNumber"]) if records else after
        if shard.closed is None or at + len(records) < len(shard.records):
            at_start = not records and after == 0
            answer["NextShardIterator"] = self.iterator(stream, shard, last, trim_horizon=at_start)
        return answer
