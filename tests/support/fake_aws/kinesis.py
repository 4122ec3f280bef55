# SPDX-License-Identifier: MIT
"""Kinesis Data Streams: shards that split and merge, records, iterators, limits a shard."""

import base64
import binascii
import bisect
import hashlib
import re

from .errors import AwsError, in_use, invalid_argument, not_found, one_of, optional, want, whole_number

HASHES = 1 << 128
ITERATOR_S = 300
TOKEN_S = 300
MOST_RECORDS = 10_000
MOST_ANSWER_BYTES = 10 << 20
MOST_REQUEST_BYTES = 10 << 20
READ_CALLS_PER_S, READ_BYTES_PER_S = 5, 2 << 20
WRITE_RECORDS_PER_S, WRITE_BYTES_PER_S = 1000, 1 << 20
TYPES = ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER", "TRIM_HORIZON", "LATEST", "AT_TIMESTAMP")
FILTERS = ("AFTER_SHARD_ID", "AT_TRIM_HORIZON", "FROM_TRIM_HORIZON", "AT_LATEST", "AT_TIMESTAMP", "FROM_TIMESTAMP")


class Bucket:
    """Lets so much a second pass; what went too far is a debt that time pays."""

    def __init__(self, per_s):
        self.per_s, self.left, self.at = per_s, float(per_s), None

    def take(self, amount, now):
        """Whether there was room. A first amount beyond the size is let through and owed."""
        if self.at is not None and now > self.at:
            self.left = min(self.per_s, self.left + (now - self.at) * self.per_s)
        self.at = now if self.at is None else max(now, self.at)
        if self.left <= 0 or (amount > self.left and amount <= self.per_s):
            return False
        self.left -= amount
        return True

    def owe(self, amount):
        self.left -= amount

    def open(self, now):
        return self.take(0, now)


class Record:
    __slots__ = ("sequence", "arrived", "data", "key", "size")

    def __init__(self, sequence, arrived, data, key, size):
        self.sequence, self.arrived, self.data, self.key, self.size = sequence, arrived, data, key, size


class Shard:
    def __init__(self, number, low, high, start, parents=()):
        self.number, self.low, self.high, self.start = number, low, high, start
        self.id = f"shardId-{number:012d}"
        self.parents = list(parents)
        self.children = []
        self.end, self.closed = None, None
        self.records, self.sequences = [], []
        self.read_calls, self.read_bytes = Bucket(READ_CALLS_PER_S), Bucket(READ_BYTES_PER_S)
        self.write_records, self.write_bytes = Bucket(WRITE_RECORDS_PER_S), Bucket(WRITE_BYTES_PER_S)

    def hash_range(self):
        return {"StartingHashKey": str(self.low), "EndingHashKey": str(self.high)}


class Stream:
    def __init__(self, world, name, shard_count, mode):
        self.world, self.name, self.mode = world, name, mode
        self.arn = world.arn("kinesis", f"stream/{name}")
        self.created = world.now()
        self.busy_until = self.created + world.options["settle_s"]
        self.creating = True
        self.retention_h = 24
        self.record_kib = 1024
        self.last_ms, self.count = 0, 0
        self.all_records = []    # (shard id, Record) of everything ever put: the truth
        self.shards, self.gone = {}, 0
        for number in range(shard_count):
            self.open(HASHES * number // shard_count, HASHES * (number + 1) // shard_count - 1)

    def status(self):
        if self.world.now() < self.busy_until:
            return "CREATING" if self.creating else "UPDATING"
        self.creating = False
        return "ACTIVE"

    def sequence(self, number):
        """56 digits that rise over the whole stream."""
        self.count += 1
        self.last_ms = max(self.last_ms, int(self.world.now() * 1000))
        return int(f"495{self.last_ms:015d}{self.count:028d}{number:010d}")

    def open(self, low, high, parents=()):
        number = len(self.shards) + self.gone
        shard = Shard(number, low, high, self.sequence(number), [parent.id for parent in parents])
        self.shards[shard.id] = shard
        for parent in parents:
            parent.children.append(shard)
        return shard

    def close(self, shard):
        shard.end, shard.closed = self.sequence(shard.number), self.world.now()

    def open_shards(self):
        return [shard for shard in self.shards.values() if shard.closed is None]

    def shard_of(self, partition_key, explicit):
        spot = int(explicit) if explicit is not None else \
            int.from_bytes(hashlib.md5(partition_key.encode("utf-8", "surrogatepass")).digest(), "big")
        return next(shard for shard in self.shards.values() if shard.closed is None and shard.low <= spot <= shard.high)

    def put(self, shard, data, key):
        record = Record(self.sequence(shard.number), self.world.now(), data, key,
                        len(data) * 3 // 4 + len(key.encode("utf-8", "surrogatepass")))
        shard.records.append(record)
        shard.sequences.append(record.sequence)
        self.all_records.append((shard.id, record))
        return record

    # Resharding

    def split(self, shard, middle=None):
        middle = (shard.low + shard.high + 1) // 2 if middle is None else middle
        if not shard.low < middle <= shard.high:
            raise invalid_argument(f"NewStartingHashKey {middle} used in SplitShard() on shard {shard.id} in stream "
                                   f"{self.name} is not both greater than one plus the shard's StartingHashKey and "
                                   "less than the shard's EndingHashKey minus one.")
        self.close(shard)
        self.open(shard.low, middle - 1, [shard])
        self.open(middle, shard.high, [shard])
        self.busy_until = self.world.now() + self.world.options["settle_s"]

    def merge(self, left, right):
        if left.high + 1 != right.low and right.high + 1 != left.low:
            raise invalid_argument(f"Shards {left.id} and {right.id} in stream {self.name} are not an adjacent pair "
                                   "of shards eligible for merging")
        self.close(left)
        self.close(right)
        self.open(min(left.low, right.low), max(left.high, right.high), [left, right])
        self.busy_until = self.world.now() + self.world.options["settle_s"]

    def reshard_at_random(self, kind, random):
        """One split or merge of whatever shards are open; for faults."""
        shards = sorted(self.open_shards(), key=lambda shard: shard.low)
        if kind == "split" and len(shards) < 8:
            self.split(random.choice(shards))
        elif kind == "merge" and len(shards) > 1:
            at = random.randrange(len(shards) - 1)
            self.merge(shards[at], shards[at + 1])

    # Trimming

    def trim(self, before=None):
        """Drops what is older than the retention (or `before`), and closed shards with nothing left."""
        before = self.world.now() - self.retention_h * 3600 if before is None else before
        for shard in list(self.shards.values()):
            old = bisect.bisect_left(shard.records, before, key=lambda record: record.arrived)
            if old:
                del shard.records[:old], shard.sequences[:old]
            if shard.closed is not None and shard.closed < before:
                del self.shards[shard.id]
                self.gone += 1


class Kinesis:
    """One method an operation, by AWS's name."""

    def __init__(self, world):
        self.world = world
        self.streams = {}

    def find(self, body, usable=False):
        name, arn = optional(body, "StreamName", str), optional(body, "StreamARN", str)
        if name is None and arn is None:
            raise invalid_argument("Either StreamName or StreamARN must be provided")
        if arn is not None:
            if name is not None and not arn.endswith(f"/{name}"):
                raise invalid_argument("StreamName and StreamARN do not match")
            name = arn.rpartition("/")[2]
        stream = self.streams.get(name)
        known = stream is not None and self.world.now() >= stream.created + self.world.options["invisible_s"]
        if not known or (usable and stream.status() == "CREATING"):
            raise not_found(f"Stream {name} under account 123456789012 not found.")
        stream.trim()
        return stream

    def shard(self, stream, name):
        shard = stream.shards.get(name)
        if shard is None:
            raise not_found(f"Could not find shard {name} in stream {stream.name} under account 123456789012.")
        return shard

    # Streams

    def CreateStream(self, body):
        name = want(body, "StreamName", str)
        if not re.fullmatch("[a-zA-Z0-9_.-]{1,128}", name):
            raise AwsError("ValidationException", "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
        mode = one_of(optional(body, "StreamModeDetails", dict, {}), "StreamMode", ("PROVISIONED", "ON_DEMAND"),
                      "PROVISIONED")
        count = whole_number(body, "ShardCount", 1, 100_000)
        if mode == "ON_DEMAND" and count is not None:
            raise AwsError("ValidationException", "Requests to create streams with ON_DEMAND mode must not include "
                           "ShardCount")
        if mode == "PROVISIONED" and count is None:
            raise AwsError("ValidationException", "ShardCount must be provided for PROVISIONED streams")
        if name in self.streams:
            raise in_use(f"Stream {name} under account 123456789012 already exists.")
        stream = self.streams[name] = Stream(self.world, name, count or 4, mode)
        stream.record_kib = whole_number(body, "MaxRecordSizeInKiB", 1024, 10240, 1024)
        return None

    def DeleteStream(self, body):
        del self.streams[self.find(body).name]
        return None

    def ListStreams(self, body):
        limit = whole_number(body, "Limit", 1, 10_000, 100)
        start = optional(body, "ExclusiveStartStreamName", str, "")
        names = sorted(name for name in self.streams if name > start)
        return {"StreamNames": names[:limit], "HasMoreStreams": len(names) > limit}

    def DescribeStreamSummary(self, body):
        stream = self.find(body)
        return {"StreamDescriptionSummary": {
            **self.described(stream), "OpenShardCount": len(stream.open_shards()), "ConsumerCount": 0,
            "MaxRecordSizeInKiB": stream.record_kib}}

    def described(self, stream):
        return {"StreamName": stream.name, "StreamARN": stream.arn, "StreamStatus": stream.status(),
                "StreamModeDetails": {"StreamMode": stream.mode}, "RetentionPeriodHours": stream.retention_h,
                "StreamCreationTimestamp": float(int(stream.created)),
                "EnhancedMonitoring": [{"ShardLevelMetrics": []}], "EncryptionType": "NONE"}

    def DescribeStream(self, body):
        stream = self.find(body)
        limit = whole_number(body, "Limit", 1, 10_000, 100)
        shards = list(stream.shards.values())
        start = optional(body, "ExclusiveStartShardId", str)
        shards = [shard for shard in shards if start is None or shard.id > start]
        return {"StreamDescription": {**self.described(stream), "HasMoreShards": len(shards) > limit,
                                      "Shards": [self.listed(shard) for shard in shards[:limit]]}}

    def IncreaseStreamRetentionPeriod(self, body):
        stream = self.find(body)
        hours = whole_number(body, "RetentionPeriodHours", 24, 8760)
        if hours < stream.retention_h:
            raise invalid_argument("Requested retention period for stream must not be less than the current one")
        stream.retention_h = hours
        return None

    def DecreaseStreamRetentionPeriod(self, body):
        self.find(body).retention_h = whole_number(body, "RetentionPeriodHours", 24, 8760)
        return None

    # Shards

    def ListShards(self, body):
        token = optional(body, "NextToken", str)
        most = min(whole_number(body, "MaxResults", 1, 10_000, 1000), self.world.options["list_shards_page"])
        if token is not None:
            return self.listed_on(body, token, most)
        stream = self.find(body)
        if stream.status() == "CREATING":
            raise in_use(f"Stream {stream.name} under account 123456789012 is not ACTIVE, instead in state CREATING")
        start = optional(body, "ExclusiveStartShardId", str)
        chosen = optional(body, "ShardFilter", dict)
        shards = self.filtered(stream, chosen)
        if start is not None:
            shards = [shard for shard in shards if shard.id > start]
        return self.shard_page(stream, chosen, shards, most)

    def listed_on(self, body, token, most):
        for name in ("StreamName", "StreamCreationTimestamp", "ExclusiveStartShardId"):
            if body.get(name) is not None:
                raise invalid_argument(f"NextToken and {name} cannot be provided together.")
        fields = self.world.open_token(token)
        if fields is None or fields[0] != "shards":
            raise invalid_argument("NextToken is invalid")
        _, name, chosen, last, made = fields
        if self.world.now() - made > TOKEN_S:
            raise AwsError("ExpiredNextTokenException", "NextToken is expired")
        stream = self.find({"StreamName": name})
        shards = [shard for shard in self.filtered(stream, chosen) if shard.id > last]
        return self.shard_page(stream, chosen, shards, most)

    def shard_page(self, stream, chosen, shards, most):
        answer = {"Shards": [self.listed(shard) for shard in shards[:most]]}
        if len(shards) > most:
            answer["NextToken"] = self.world.seal_token("shards", stream.name, chosen, shards[most - 1].id,
                                                        self.world.now())
        return answer

    def filtered(self, stream, chosen):
        shards = list(stream.shards.values())
        if chosen is None:
            return shards
        kind = one_of(chosen, "Type", FILTERS)
        if kind == "AFTER_SHARD_ID":
            after = want(chosen, "ShardId", str, invalid_argument)
            return [shard for shard in shards if shard.id > after]
        if kind == "AT_LATEST":
            return [shard for shard in shards if shard.closed is None]
        if kind == "FROM_TRIM_HORIZON":
            return shards
        at = stream.world.now() - stream.retention_h * 3600
        if kind.endswith("TIMESTAMP"):
            at = float(want(chosen, "Timestamp", (int, float), invalid_argument))
        opened = {shard.id: self.opened_at(stream, shard) for shard in shards}
        if kind == "FROM_TIMESTAMP":
            return [shard for shard in shards if shard.closed is None or shard.closed >= at]
        at = max(at, min(opened.values()))
        return [shard for shard in shards
                if opened[shard.id] <= at and (shard.closed is None or shard.closed > at)]

    def opened_at(self, stream, shard):
        parents = [stream.shards[parent].closed for parent in shard.parents if parent in stream.shards]
        return max(parents, default=stream.created)

    def listed(self, shard):
        numbers = {"StartingSequenceNumber": str(shard.start)}
        if shard.closed is not None:
            numbers["EndingSequenceNumber"] = str(shard.end)
        answer = {"ShardId": shard.id, "HashKeyRange": shard.hash_range(), "SequenceNumberRange": numbers}
        for name, parent in zip(("ParentShardId", "AdjacentParentShardId"), shard.parents):
            answer[name] = parent
        return answer

    def active(self, body):
        stream = self.find(body)
        if stream.status() != "ACTIVE":
            raise in_use(f"Stream {stream.name} under account 123456789012 not ACTIVE, instead in state "
                         f"{stream.status()}")
        return stream

    def open_shard(self, stream, name):
        shard = self.shard(stream, name)
        if shard.closed is not None:
            raise invalid_argument(f"Shard {name} in stream {stream.name} under account 123456789012 has already been "
                                   "merged or split, and thus is not eligible for merging or splitting.")
        return shard

    def SplitShard(self, body):
        stream = self.active(body)
        shard = self.open_shard(stream, want(body, "ShardToSplit", str))
        stream.split(shard, int(want(body, "NewStartingHashKey", str)))
        return None

    def MergeShards(self, body):
        stream = self.active(body)
        left, right = (self.open_shard(stream, want(body, name, str))
                       for name in ("ShardToMerge", "AdjacentShardToMerge"))
        stream.merge(left, right)
        return None

    # Writing

    def check_record(self, stream, entry):
        """(shard, data as it came, key); errors are of the whole call."""
        data = want(entry, "Data", str)
        key = want(entry, "PartitionKey", str)
        if not 1 <= len(key) <= 256:
            raise AwsError("ValidationException", "1 validation error detected: Value at 'partitionKey' failed to "
                           "satisfy constraint: Member must have length less than or equal to 256")
        explicit = optional(entry, "ExplicitHashKey", str)
        if explicit is not None and (not re.fullmatch("0|[1-9][0-9]{0,38}", explicit) or int(explicit) >= HASHES):
            raise invalid_argument(f"Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. "
                                   f"Specified value was {explicit}")
        try:
            size = len(base64.b64decode(data, validate=True))
        except (binascii.Error, ValueError):
            raise AwsError("SerializationException", "Data is no base64") from None
        size += len(key.encode("utf-8", "surrogatepass"))
        if size > stream.record_kib * 1024:
            raise AwsError("ValidationException", "1 validation error detected: Value at 'data' failed to satisfy "
                           f"constraint: Member must have length less than or equal to {stream.record_kib * 1024}")
        return stream.shard_of(key, explicit), data, key, size

    def has_room(self, shard, size):
        if not self.world.options["limits"]:
            return True
        now = self.world.now()
        if not shard.write_bytes.open(now) or not shard.write_records.take(1, now):
            return False
        return shard.write_bytes.take(size, now)

    def PutRecord(self, body):
        stream = self.find(body, usable=True)
        shard, data, key, size = self.check_record(stream, body)
        if not self.has_room(shard, size):
            raise self.throttled(stream, shard)
        record = stream.put(shard, data, key)
        return {"ShardId": shard.id, "SequenceNumber": str(record.sequence), "EncryptionType": "NONE"}

    def throttled(self, stream, shard):
        return AwsError("ProvisionedThroughputExceededException",
                        f"Rate exceeded for shard {shard.id} in stream {stream.name} under account 123456789012.")

    def PutRecords(self, body):
        stream = self.find(body, usable=True)
        entries = want(body, "Records", list)
        if not 1 <= len(entries) <= 500:
            raise AwsError("ValidationException", "1 validation error detected: Value at 'records' failed to satisfy "
                           "constraint: Member must have length less than or equal to 500")
        checked = [self.check_record(stream, entry) for entry in entries]
        if sum(size for *_, size in checked) > MOST_REQUEST_BYTES:
            raise invalid_argument("Records size exceeds 10 MB limit")
        self.world.faults.reshard(stream)
        results, failed = [], 0
        for entry, (_, data, key, size) in zip(entries, checked):
            shard = stream.shard_of(key, optional(entry, "ExplicitHashKey", str))
            trouble = self.world.faults.record_trouble("Kinesis.PutRecords")
            if trouble is None and not self.has_room(shard, size):
                trouble = "throttle"
            if trouble is None:
                record = stream.put(shard, data, key)
                results.append({"SequenceNumber": str(record.sequence), "ShardId": shard.id})
            else:
                failed += 1
                results.append(self.failed_record(stream, shard, trouble))
        return {"FailedRecordCount": failed, "Records": results, "EncryptionType": "NONE"}

    def failed_record(self, stream, shard, trouble):
        if trouble == "throttle":
            error = self.throttled(stream, shard)
            return {"ErrorCode": error.code, "ErrorMessage": error.message}
        return {"ErrorCode": "InternalFailure", "ErrorMessage": "Internal service failure."}

    # Reading

    def GetShardIterator(self, body):
        stream = self.find(body, usable=True)
        shard = self.shard(stream, want(body, "ShardId", str))
        kind = want(body, "ShardIteratorType", str)
        if kind not in TYPES:
            raise AwsError("ValidationException", f"1 validation error detected: Value '{kind}' at 'shardIteratorType' "
                           f"failed to satisfy constraint: Member must satisfy enum value set: [{', '.join(TYPES)}]")
        return {"ShardIterator": self.iterator(stream, shard, self.position(stream, shard, kind, body))}

    def position(self, stream, shard, kind, body):
        """The number after which to read."""
        if kind == "TRIM_HORIZON":
            return 0
        if kind == "LATEST":
            return shard.end if shard.closed is not None else shard.sequences[-1] if shard.sequences else shard.start
        if kind == "AT_TIMESTAMP":
            at = optional(body, "Timestamp", (int, float))
            if at is None:
                raise invalid_argument("Must specify timestamp parameter for iterator type AT_TIMESTAMP.")
            if at > self.world.now() + 1:
                raise invalid_argument("The timestampInMillis parameter cannot be greater than the "
                                       "currentTimestampInMillis.")
            return next((record.sequence - 1 for record in shard.records if record.arrived >= at),
                        shard.sequences[-1] if shard.sequences else shard.start)
        text = optional(body, "StartingSequenceNumber", str)
        if text is None:
            raise invalid_argument("Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and "
                                   "StartingSequenceNumber or (2) TRIM_HORIZON or LATEST and no "
                                   "StartingSequenceNumber.")
        if not re.fullmatch("0|[1-9][0-9]{0,128}", text):
            raise AwsError("ValidationException", "1 validation error detected: Value at 'startingSequenceNumber' "
                           "failed to satisfy constraint: Member must satisfy regular expression pattern: "
                           "0|([1-9]\\d{0,128})")
        number = int(text)
        if number < shard.start or (shard.closed is not None and number > shard.end):
            raise invalid_argument(f"StartingSequenceNumber {text} used in GetShardIterator on shard {shard.id} in "
                                   f"stream {stream.name} under account 123456789012 is invalid because it did not "
                                   "come from this stream.")
        return number - (kind == "AT_SEQUENCE_NUMBER")

    def iterator(self, stream, shard, after):
        return self.world.seal_token("records", stream.name, shard.id, str(after), round(self.world.now(), 3))

    def GetRecords(self, body):
        fields = self.world.open_token(want(body, "ShardIterator", str))
        limit = optional(body, "Limit", int, MOST_RECORDS)
        if not 1 <= limit <= MOST_RECORDS:
            raise AwsError("ValidationException" if limit < 1 else "InvalidArgumentException",
                           f"GetRecords Limit {limit} is invalid: it must be between 1 and {MOST_RECORDS}")
        if fields is None or fields[0] != "records":
            raise invalid_argument("Invalid ShardIterator.")
        _, name, shard_id, after, made = fields
        now = self.world.now()
        if now - made > ITERATOR_S:
            raise AwsError("ExpiredIteratorException", f"Iterator expired. The iterator was created at time {made} "
                           f"while right now it is {now} which is further in the future than the tolerated delay of "
                           "300000 milliseconds.")
        stream = self.find({"StreamName": name}, usable=True)
        shard = self.shard(stream, shard_id)
        limited = self.world.options["limits"]
        if limited and not (shard.read_bytes.open(now) and shard.read_calls.take(1, now)):
            raise self.throttled(stream, shard)
        self.world.faults.reshard(stream)
        return self.page(stream, shard, int(after), limit)

    def page(self, stream, shard, after, limit):
        limit = self.world.faults.page_limit("Kinesis.GetRecords", limit)
        at = bisect.bisect_right(shard.sequences, after)
        page, size = [], 0
        for record in shard.records[at:at + limit]:
            size += record.size
            if page and size > MOST_ANSWER_BYTES:
                size -= record.size
                break
            page.append(record)
        shard.read_bytes.owe(size if self.world.options["limits"] else 0)
        at += len(page)
        behind = 0
        if at < len(shard.records):
            behind = max(1, int((self.world.now() - shard.records[at].arrived) * 1000))
        answer = {"Records": [self.read(record) for record in page], "MillisBehindLatest": behind}
        if shard.closed is None or at < len(shard.records):
            answer["NextShardIterator"] = self.iterator(stream, shard, page[-1].sequence if page else after)
        else:
            answer["ChildShards"] = [{"ShardId": child.id, "ParentShards": child.parents,
                                      "HashKeyRange": child.hash_range()} for child in shard.children]
        return answer

    def read(self, record):
        return {"SequenceNumber": str(record.sequence), "ApproximateArrivalTimestamp": round(record.arrived, 3),
                "Data": record.data, "PartitionKey": record.key}
