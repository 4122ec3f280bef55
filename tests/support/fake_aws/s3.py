# SPDX-License-Identifier: MIT
"""S3, path style: buckets, objects, multipart uploads."""

import base64
import hashlib
import re
import time
import urllib.parse
import zlib
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from .errors import AwsError
from .http_server import Reply

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
LEAST_PART = 5 << 20
OPERATIONS = {  # method, whether a key is there, query word that decides
    ("PUT", True, "partNumber"): "UploadPart", ("POST", True, "uploads"): "CreateMultipartUpload",
    ("POST", True, "uploadId"): "CompleteMultipartUpload", ("DELETE", True, "uploadId"): "AbortMultipartUpload",
    ("PUT", False, "publicAccessBlock"): "PutPublicAccessBlock",
    ("GET", False, "publicAccessBlock"): "GetPublicAccessBlock", ("GET", False, "location"): "GetBucketLocation",
    ("GET", False, "list-type"): "ListObjectsV2",
    ("PUT", True, None): "PutObject", ("GET", True, None): "GetObject", ("HEAD", True, None): "HeadObject",
    ("DELETE", True, None): "DeleteObject", ("PUT", False, None): "CreateBucket",
    ("HEAD", False, None): "HeadBucket", ("DELETE", False, None): "DeleteBucket",
}


class Stored:
    def __init__(self, body, etag, modified, headers):
        self.body, self.etag, self.modified, self.headers = body, etag, modified, headers


class Bucket:
    def __init__(self, world, name):
        self.world, self.name = world, name
        self.created = world.now()
        self.objects, self.uploads, self.access_block = {}, {}, None
        self.puts = 0

    def put(self, key, body, etag=None, headers=None):
        self.puts += 1
        etag = etag or '"' + hashlib.md5(body).hexdigest() + '"'
        self.objects[key] = Stored(body, etag, self.world.now(), headers or {})
        return etag


class S3:
    """One method an operation; each gets the request parts and returns a Reply."""

    def __init__(self, world):
        self.world = world
        self.buckets = {}

    def route(self, request):
        """(operation, bucket, key, query) of a request."""
        path = urllib.parse.unquote(request.path)
        bucket, _, key = path.lstrip("/").partition("/")
        query = dict(urllib.parse.parse_qsl(request.query, keep_blank_values=True))
        if not bucket:
            return "ListBuckets", "", "", query
        words = [word for _, _, word in OPERATIONS if word is not None and word in query]
        for word in [*words, None]:
            operation = OPERATIONS.get((request.method, bool(key), word))
            if operation is not None:
                return operation, bucket, key, query
        raise AwsError("MethodNotAllowed", "The specified method is not allowed against this resource.", 405)

    def call(self, operation, request, bucket, key, query):
        handler = getattr(self, operation)
        if operation == "ListBuckets":
            return handler()
        if operation == "CreateBucket":
            return handler(request, bucket)
        found = self.buckets.get(bucket)
        if found is None:
            raise AwsError("NoSuchBucket", "The specified bucket does not exist", 404, BucketName=bucket)
        return handler(request, found, key, query)

    # Buckets

    def ListBuckets(self):
        rows = "".join(f"<Bucket><Name>{name}</Name><CreationDate>{iso(bucket.created)}</CreationDate></Bucket>"
                       for name, bucket in sorted(self.buckets.items()))
        return xml("ListAllMyBucketsResult", f"<Owner><ID>fake</ID></Owner><Buckets>{rows}</Buckets>")

    def CreateBucket(self, request, name):
        if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", name):
            raise AwsError("InvalidBucketName", "The specified bucket is not valid.", 400)
        place = None
        if request.body:
            place = parse_xml(request.body).findtext("{*}LocationConstraint")
        if (place or "us-east-1") != self.world.region:
            raise AwsError("IllegalLocationConstraintException", f"The {place or 'unspecified'} location constraint is "
                           "incompatible for the region specific endpoint this request was sent to.", 400)
        if place == "us-east-1":
            raise AwsError("InvalidLocationConstraint", "The specified location-constraint is not valid", 400)
        if name in self.buckets:
            raise AwsError("BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and "
                           "you already own it.", 409, BucketName=name)
        self.buckets[name] = Bucket(self.world, name)
        return Reply(200, headers=[("Location", f"http://{name}.s3.amazonaws.com/")])

    def HeadBucket(self, _request, _bucket, _key, _query):
        return Reply(200, headers=[("x-amz-bucket-region", self.world.region)])

    def GetBucketLocation(self, _request, _bucket, _key, _query):
        place = "" if self.world.region == "us-east-1" else self.world.region
        return Reply(200, f'<LocationConstraint xmlns="{NAMESPACE}">{place}</LocationConstraint>'.encode(), XML)

    def DeleteBucket(self, _request, bucket, _key, _query):
        if bucket.objects:
            raise AwsError("BucketNotEmpty", "The bucket you tried to delete is not empty", 409)
        del self.buckets[bucket.name]
        return Reply(204)

    def PutPublicAccessBlock(self, request, bucket, _key, _query):
        root = parse_xml(request.body)
        bucket.access_block = {child.tag.rpartition("}")[2]: child.text == "true" for child in root}
        return Reply(200)

    def GetPublicAccessBlock(self, _request, bucket, _key, _query):
        if bucket.access_block is None:
            raise AwsError("NoSuchPublicAccessBlockConfiguration",
                           "The public access block configuration was not found", 404)
        return xml("PublicAccessBlockConfiguration", "".join(
            f"<{name}>{str(value).lower()}</{name}>" for name, value in bucket.access_block.items()))

    # Objects

    def PutObject(self, request, bucket, key, _query):
        body = payload(request)
        check_digests(request, body)
        self.check_free(request, bucket, key)
        etag = bucket.put(key, body, headers=kept_headers(request))
        headers = [("ETag", etag)]
        if "x-amz-checksum-crc32" in request.headers:
            headers.append(("x-amz-checksum-crc32", request.headers["x-amz-checksum-crc32"]))
        return Reply(200, headers=headers)

    def check_free(self, request, bucket, key):
        if request.headers.get("if-none-match") == "*" and key in bucket.objects:
            raise AwsError("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", 412,
                           Condition="If-None-Match")

    def find(self, bucket, key):
        stored = bucket.objects.get(key)
        if stored is None:
            raise AwsError("NoSuchKey", "The specified key does not exist.", 404, Key=key)
        return stored

    def GetObject(self, request, bucket, key, _query):
        stored = self.find(bucket, key)
        headers = self.object_headers(stored)
        if request.headers.get("if-none-match") in (stored.etag, "*"):
            return Reply(304, headers=headers)
        wish = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("range", ""))
        if wish is None or wish.groups() == ("", ""):
            return Reply(200, stored.body, headers)
        size = len(stored.body)
        low = int(wish[1]) if wish[1] else max(0, size - int(wish[2]))
        high = min(size, int(wish[2]) + 1) if wish[1] and wish[2] else size
        if low >= high:
            raise AwsError("InvalidRange", "The requested range is not satisfiable", 416)
        headers.append(("Content-Range", f"bytes {low}-{high - 1}/{size}"))
        return Reply(206, stored.body[low:high], headers)

    def HeadObject(self, _request, bucket, key, _query):
        stored = self.find(bucket, key)
        return Reply(200, stored.body, self.object_headers(stored))

    def object_headers(self, stored):
        modified = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(stored.modified))
        return [("ETag", stored.etag), ("Last-Modified", modified), ("Accept-Ranges", "bytes"),
                *stored.headers.items()]

    def DeleteObject(self, _request, bucket, key, _query):
        bucket.objects.pop(key, None)
        return Reply(204)

    def ListObjectsV2(self, _request, bucket, _key, query):
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        most = min(int(query.get("max-keys", "1000") or 1000), 1000)
        after = query.get("start-after", "")
        if "continuation-token" in query:
            fields = self.world.open_token(query["continuation-token"])
            if fields is None:
                raise AwsError("InvalidArgument", "The continuation token provided is incorrect", 400)
            after = fields[1]
        rows, last, more = [], None, False
        for key in sorted(bucket.objects):
            if not key.startswith(prefix) or key <= after:
                continue
            group = group_of(key, prefix, delimiter)
            if group is not None and (("prefix", group) in rows or group <= after):
                continue
            if len(rows) == most:
                more = True
                break
            rows.append(("prefix", group) if group is not None else ("key", key))
            last = group + "\U0010ffff" if group is not None else key
        return self.listing(bucket, query, rows, last if more else None)

    def listing(self, bucket, query, rows, last):
        encode = urllib.parse.quote_plus if query.get("encoding-type") == "url" else escape
        parts = [f"<Name>{bucket.name}</Name><Prefix>{encode(query.get('prefix', ''))}</Prefix>"
                 f"<KeyCount>{len(rows)}</KeyCount><MaxKeys>{query.get('max-keys', '1000')}</MaxKeys>"
                 f"<IsTruncated>{'true' if last is not None else 'false'}</IsTruncated>"]
        if query.get("encoding-type") == "url":
            parts.append("<EncodingType>url</EncodingType>")
        if "delimiter" in query:
            parts.append(f"<Delimiter>{encode(query['delimiter'])}</Delimiter>")
        if last is not None:
            parts.append(f"<NextContinuationToken>{self.world.seal_token('list', last)}</NextContinuationToken>")
        for kind, name in rows:
            if kind == "prefix":
                parts.append(f"<CommonPrefixes><Prefix>{encode(name)}</Prefix></CommonPrefixes>")
                continue
            stored = bucket.objects[name]
            parts.append(f"<Contents><Key>{encode(name)}</Key><LastModified>{iso(stored.modified)}</LastModified>"
                         f"<ETag>{escape(stored.etag)}</ETag><Size>{len(stored.body)}</Size>"
                         "<StorageClass>STANDARD</StorageClass></Contents>")
        return xml("ListBucketResult", "".join(parts))

    # Multipart uploads

    def CreateMultipartUpload(self, request, bucket, key, _query):
        upload = hashlib.sha256(f"{self.world.seed} {bucket.name} {key} {len(bucket.uploads)}".encode()).hexdigest()
        bucket.uploads[upload] = (key, {}, kept_headers(request))
        return xml("InitiateMultipartUploadResult", f"<Bucket>{bucket.name}</Bucket><Key>{escape(key)}</Key>"
                   f"<UploadId>{upload}</UploadId>")

    def upload(self, bucket, key, query):
        upload = bucket.uploads.get(query.get("uploadId"))
        if upload is None or upload[0] != key:
            raise AwsError("NoSuchUpload", "The specified upload does not exist.", 404)
        return upload

    def UploadPart(self, request, bucket, key, query):
        _, parts, _ = self.upload(bucket, key, query)
        number = int(query["partNumber"])
        if not 1 <= number <= 10_000:
            raise AwsError("InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive", 400)
        body = payload(request)
        check_digests(request, body)
        etag = '"' + hashlib.md5(body).hexdigest() + '"'
        parts[number] = (etag, body)
        return Reply(200, headers=[("ETag", etag)])

    def CompleteMultipartUpload(self, request, bucket, key, query):
        _, parts, headers = self.upload(bucket, key, query)
        named = [(int(part.findtext("{*}PartNumber")), part.findtext("{*}ETag").strip('"'))
                 for part in parse_xml(request.body).findall("{*}Part")]
        numbers = [number for number, _ in named]
        if numbers != sorted(set(numbers)) or not numbers:
            raise AwsError("InvalidPartOrder", "The list of parts was not in ascending order.", 400)
        if any(number not in parts or parts[number][0].strip('"') != etag for number, etag in named):
            raise AwsError("InvalidPart", "One or more of the specified parts could not be found.", 400)
        if any(len(parts[number][1]) < LEAST_PART for number in numbers[:-1]):
            raise AwsError("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size", 400)
        digest = hashlib.md5(b"".join(bytes.fromhex(etag) for _, etag in named)).hexdigest()
        etag = bucket.put(key, b"".join(parts[number][1] for number in numbers), f'"{digest}-{len(numbers)}"', headers)
        del bucket.uploads[query["uploadId"]]
        return xml("CompleteMultipartUploadResult", f"<Bucket>{bucket.name}</Bucket><Key>{escape(key)}</Key>"
                   f"<ETag>{escape(etag)}</ETag>")

    def AbortMultipartUpload(self, _request, bucket, key, query):
        self.upload(bucket, key, query)
        del bucket.uploads[query["uploadId"]]
        return Reply(204)


XML = [("Content-Type", "application/xml")]


def xml(root, inner):
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{NAMESPACE}">{inner}</{root}>'
    return Reply(200, text.encode(), XML)


def parse_xml(body):
    try:
        return ElementTree.fromstring(body)
    except ElementTree.ParseError:
        raise AwsError("MalformedXML", "The XML you provided was not well-formed", 400) from None


def iso(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(seconds))


def group_of(key, prefix, delimiter):
    """The common prefix that a key falls under, or None."""
    end = key.find(delimiter, len(prefix)) if delimiter else -1
    return key[:end + len(delimiter)] if end >= 0 else None


def kept_headers(request):
    """What a GetObject gives back as it was put."""
    names = {"content-type": "Content-Type", "content-encoding": "Content-Encoding"}
    kept = {names[name]: value for name, value in request.headers.items() if name in names}
    kept.update({name: value for name, value in request.headers.items() if name.startswith("x-amz-meta-")})
    kept.setdefault("Content-Type", "binary/octet-stream")
    return kept


def payload(request):
    """The object's bytes, out of the aws-chunked form where a client uses it."""
    if "aws-chunked" not in request.headers.get("content-encoding", ""):
        return request.body
    body, left = b"", request.body
    while left:
        line, _, left = left.partition(b"\r\n")
        size = int(line.split(b";")[0], 16)
        if size == 0:
            break
        body, left = body + left[:size], left[size + 2:]
    return body


def check_digests(request, body):
    md5 = request.headers.get("content-md5")
    if md5 is not None and base64.b64encode(hashlib.md5(body).digest()).decode() != md5:
        raise AwsError("BadDigest", "The Content-MD5 you specified did not match what we received.", 400)
    crc = request.headers.get("x-amz-checksum-crc32")
    if crc is not None and base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode() != crc:
        raise AwsError("BadDigest", "The CRC32 you specified did not match the calculated checksum.", 400)
    sha = request.headers.get("x-amz-checksum-sha256")
    if sha is not None and base64.b64encode(hashlib.sha256(body).digest()).decode() != sha:
        raise AwsError("BadDigest", "The SHA256 you specified did not match the calculated checksum.", 400)
