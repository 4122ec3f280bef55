# SPDX-License-Identifier: MIT
"""Firehose: records joined into objects in S3, by size and time."""

import base64
import binascii
import gzip
import hashlib
import re
import time
import uuid

from .errors import AwsError, in_use, invalid_argument, not_found, one_of, optional, want, whole_number

MOST_RECORD_BYTES = 1_024_000
MOST_BATCH_BYTES = 4 << 20
COMPRESSION = ("UNCOMPRESSED", "GZIP", "ZIP", "Snappy", "HADOOP_SNAPPY")
JAVA_DATES = {"yyyy": "%Y", "YYYY": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}


class DeliveryStream:
    def __init__(self, world, name, destination):
        self.world, self.name, self.destination = world, name, destination
        self.arn = world.arn("firehose", f"deliverystream/{name}")
        self.created = world.now()
        self.ready = self.created + world.options["settle_s"]
        self.version = 1
        self.buffer, self.size, self.oldest = [], 0, None
        self.records = []    # every record ever accepted: the truth

    def status(self):
        return "CREATING" if self.world.now() < self.ready else "ACTIVE"

    def hints(self):
        hints = self.destination.get("BufferingHints", {})
        return hints.get("SizeInMBs", 5) << 20, hints.get("IntervalInSeconds", 300)

    def add(self, data):
        if not self.buffer:
            self.oldest = self.world.now()
        self.buffer.append(data)
        self.size += len(data)
        self.records.append(data)

    def due(self, now):
        most, interval = self.hints()
        interval = min(interval, self.world.options["firehose_most_s"])
        return bool(self.buffer) and (self.size >= most or now - self.oldest >= interval)

    def deliver(self, s3):
        """Writes what is buffered; it stays where the bucket refuses."""
        bucket = s3.buckets.get(self.destination["BucketARN"].rpartition(":")[2])
        if bucket is None or not self.buffer:
            return False
        body = b"".join(self.buffer)
        if self.destination.get("CompressionFormat") == "GZIP":
            body = gzip.compress(body)
        bucket.put(self.key(), body)
        self.buffer, self.size, self.oldest = [], 0, None
        return True

    def key(self):
        at = time.gmtime(self.oldest)
        name = uuid.UUID(int=self.world.random.getrandbits(128), version=4)
        ending = ".gz" if self.destination.get("CompressionFormat") == "GZIP" else ""
        ending = self.destination.get("FileExtension") or ending
        return f"{self.prefix(at)}{self.name}-{self.version}-{time.strftime('%Y-%m-%d-%H-%M-%S', at)}-{name}{ending}"

    def prefix(self, at):
        text = self.destination.get("Prefix") or ""

        def expanded(match):
            space, value = match.groups()
            if space == "timestamp":
                return java_date(value, at)
            return "".join(self.world.random.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(11))
        result = re.sub(r"!\{(timestamp|firehose):([^}]*)\}", expanded, text)
        return result if "!{timestamp:" in text else result + time.strftime("%Y/%m/%d/%H/", at)


def java_date(pattern, at):
    parts = re.findall(r"'([^']*)'|([A-Za-z]+)|([^A-Za-z']+)", pattern)
    return "".join(quoted or (time.strftime(JAVA_DATES[letters], at) if letters in JAVA_DATES else letters) or other
                   for quoted, letters, other in parts)


class Firehose:
    def __init__(self, world, s3, iam):
        self.world, self.s3, self.iam = world, s3, iam
        self.streams = {}

    def find(self, body):
        name = want(body, "DeliveryStreamName", str)
        stream = self.streams.get(name)
        if stream is None:
            raise not_found(f"Firehose {name} under account 123456789012 not found.")
        return stream

    def CreateDeliveryStream(self, body):
        name = want(body, "DeliveryStreamName", str)
        if not re.fullmatch("[a-zA-Z0-9_.-]{1,64}", name):
            raise AwsError("ValidationException", "DeliveryStreamName does not match [a-zA-Z0-9_.-]+")
        one_of(body, "DeliveryStreamType", ("DirectPut",), "DirectPut")
        destination = want(body, "ExtendedS3DestinationConfiguration", dict, invalid_argument)
        for member in ("RoleARN", "BucketARN"):
            want(destination, member, str)
        one_of(destination, "CompressionFormat", COMPRESSION)
        hints = optional(destination, "BufferingHints", dict, {})
        size = whole_number(hints, "SizeInMBs", 1, 128)
        interval = whole_number(hints, "IntervalInSeconds", 0, 900)
        if (size is None) != (interval is None):
            raise invalid_argument("Both SizeInMBs and IntervalInSeconds must be specified in BufferingHints")
        prefix = destination.get("Prefix") or ""
        errors = destination.get("ErrorOutputPrefix") or ""
        if "!{" in prefix and "!{firehose:error-output-type}" not in errors:
            raise invalid_argument("ErrorOutputPrefix with !{firehose:error-output-type} is required when Prefix "
                                   "contains expressions")
        if name in self.streams:
            raise in_use(f"Firehose {name} under accountId 123456789012 already exists")
        self.check_role(destination["RoleARN"])
        stream = self.streams[name] = DeliveryStream(self.world, name, destination)
        return {"DeliveryStreamARN": stream.arn}

    def check_role(self, arn):
        role = self.iam.role_of(arn)
        if role is None or self.world.now() - role.created < self.world.options["role_ready_s"]:
            raise invalid_argument(f"Firehose is unable to assume role {arn}. Please check the role provided.")

    def DeleteDeliveryStream(self, body):
        del self.streams[self.find(body).name]
        return {}

    def ListDeliveryStreams(self, body):
        limit = whole_number(body, "Limit", 1, 10_000, 10)
        start = optional(body, "ExclusiveStartDeliveryStreamName", str, "")
        names = sorted(name for name in self.streams if name > start)
        return {"DeliveryStreamNames": names[:limit], "HasMoreDeliveryStreams": len(names) > limit}

    def DescribeDeliveryStream(self, body):
        stream = self.find(body)
        size, interval = stream.hints()
        destination = {"CompressionFormat": "UNCOMPRESSED", "EncryptionConfiguration": {
            "NoEncryptionConfig": "NoEncryption"}, "S3BackupMode": "Disabled", **stream.destination,
            "BufferingHints": {"SizeInMBs": size >> 20, "IntervalInSeconds": interval}}
        return {"DeliveryStreamDescription": {
            "DeliveryStreamName": stream.name, "DeliveryStreamARN": stream.arn,
            "DeliveryStreamStatus": stream.status(), "DeliveryStreamType": "DirectPut",
            "VersionId": str(stream.version), "CreateTimestamp": stream.created, "HasMoreDestinations": False,
            "Destinations": [{"DestinationId": "destinationId-000000000001",
                              "ExtendedS3DestinationDescription": destination}]}}

    def usable(self, body):
        stream = self.find(body)
        if stream.status() != "ACTIVE":
            raise not_found(f"Firehose {stream.name} under account 123456789012 is not ACTIVE.")
        return stream

    def decoded(self, entry):
        text = want(entry, "Data", str)
        try:
            data = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise AwsError("SerializationException", "Data is no base64") from None
        if len(data) > MOST_RECORD_BYTES:
            raise AwsError("ValidationException", "1 validation error detected: Value at 'data' failed to satisfy "
                           "constraint: Member must have length less than or equal to 1024000")
        return data

    def record_id(self):
        return hashlib.sha512(str(self.world.random.random()).encode()).hexdigest()

    def PutRecord(self, body):
        stream = self.usable(body)
        stream.add(self.decoded(want(body, "Record", dict)))
        return {"RecordId": self.record_id(), "Encrypted": False}

    def PutRecordBatch(self, body):
        stream = self.usable(body)
        entries = want(body, "Records", list)
        if not 1 <= len(entries) <= 500:
            raise AwsError("ValidationException", "1 validation error detected: Value at 'records' failed to satisfy "
                           "constraint: Member must have length less than or equal to 500")
        decoded = [self.decoded(entry) for entry in entries]
        if sum(map(len, decoded)) > MOST_BATCH_BYTES:
            raise invalid_argument("Records size exceeds 4 MB limit")
        answers, failed = [], 0
        for data in decoded:
            trouble = self.world.faults.record_trouble("Firehose.PutRecordBatch")
            if trouble is None:
                stream.add(data)
                answers.append({"RecordId": self.record_id()})
            else:
                failed += 1
                answers.append({"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."}
                               if trouble == "throttle" else
                               {"ErrorCode": "InternalFailure", "ErrorMessage": "Internal service failure."})
        return {"FailedPutCount": failed, "Encrypted": False, "RequestResponses": answers}

    # Delivery

    def deliver_due(self):
        now = self.world.now()
        for stream in self.streams.values():
            if stream.due(now):
                stream.deliver(self.s3)

    def deliver_all(self):
        for stream in self.streams.values():
            stream.deliver(self.s3)
