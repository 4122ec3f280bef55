# SPDX-License-Identifier: MIT
"""What every request passes: routing, signature, permission, faults, and the form of the answer."""

import email.utils
import json
import urllib.parse
import zlib
from xml.sax.saxutils import escape

from . import signatures
from .change_streams import StreamsService
from .control import Control
from .dynamodb import DynamoDB
from .errors import AwsError
from .faults import Faults
from .firehose import Firehose
from .http_server import Reply
from .identity import Identity
from .kinesis import Kinesis
from .s3 import S3

STS_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
IAM_NAMESPACE = "https://iam.amazonaws.com/doc/2010-05-08/"
TARGETS = {  # prefix of X-Amz-Target: name, service in the signature, version of the JSON protocol
    "Kinesis_20131202": ("Kinesis", "kinesis", "1.1"),
    "DynamoDB_20120810": ("DynamoDB", "dynamodb", "1.0"),
    "DynamoDBStreams_20120810": ("DynamoDBStreams", "dynamodb", "1.0"),
    "Firehose_20150804": ("Firehose", "firehose", "1.1"),
}
THROTTLES = {  # what a throttled call gets
    "Kinesis": ("ProvisionedThroughputExceededException", 400),
    "DynamoDB": ("ProvisionedThroughputExceededException", 400),
    "DynamoDBStreams": ("LimitExceededException", 400), "Firehose": ("ServiceUnavailableException", 503),
    "S3": ("SlowDown", 503), "STS": ("Throttling", 400), "IAM": ("Throttling", 400),
}
DATA_CALLS = {"UpdateItem", "PutItem", "DeleteItem", "GetItem", "BatchGetItem", "BatchWriteItem", "Query", "Scan",
              "PutRecord", "PutRecords", "PutRecordBatch", "GetRecords", "GetShardIterator"}
SERVER_ERRORS = {"Kinesis": "InternalFailureException", "DynamoDB": "InternalServerError",
                 "DynamoDBStreams": "InternalServerError", "Firehose": "InternalFailure", "S3": "InternalError",
                 "STS": "InternalFailure", "IAM": "ServiceFailure"}
EXPIRED = {"S3": "ExpiredToken", "STS": "ExpiredToken", "IAM": "ExpiredToken"}
UNSIGNED = {"AssumeRoleWithWebIdentity"}
ACTIONS = {  # permissions that are not called as their operation
    "HeadBucket": "ListBucket", "ListObjectsV2": "ListBucket", "HeadObject": "GetObject",
    "ListBuckets": "ListAllMyBuckets", "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock", "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject", "CompleteMultipartUpload": "PutObject",
}
HTML_503 = (b"<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n<body>\r\n<center><h1>503 "
            b"Service Temporarily Unavailable</h1></center>\r\n</body>\r\n</html>\r\n")


class Call:
    """One request on its way: which operation of which service, and who asks."""

    __slots__ = ("request", "service", "scope", "family", "operation", "name", "run", "version", "key", "request_id")

    def __init__(self, request, service, scope, family, operation):
        self.request, self.service, self.scope, self.family = request, service, scope, family
        self.operation, self.name = operation, f"{service}.{operation}"
        self.run = self.version = self.key = self.request_id = None


class FrontDoor:
    def __init__(self, world, faults=None, rules=None):
        self.world = world
        world.faults = Faults(world, faults, rules)
        self.s3 = S3(world)
        self.identity = Identity(world)
        dynamodb = DynamoDB(world)
        self.services = {"Kinesis": Kinesis(world), "DynamoDB": dynamodb,
                         "DynamoDBStreams": StreamsService(world, dynamodb.tables),
                         "Firehose": Firehose(world, self.s3, self.identity)}
        self.control = Control(self)
        self.date_second, self.date_text = None, ""

    def handle(self, request):
        """The server's handler: a Request in, a Reply out."""
        if request.path.startswith("/_fake/"):
            return self.control.handle(request)
        call = None
        try:
            call = self.route(request)
            return self.run(call)
        except AwsError as error:
            if call is None:
                call = Call(request, "S3", "s3", "s3", "Unknown")
            return self.error_reply(call, error)

    # Routing

    def route(self, request):
        target = request.headers.get("x-amz-target")
        if target is not None:
            return self.route_json(request, target)
        kind = request.headers.get("content-type", "")
        if request.method == "POST" and request.path == "/" and kind.startswith("application/x-www-form-urlencoded"):
            return self.route_query(request)
        operation, bucket, key, query = self.s3.route(request)
        call = Call(request, "S3", "s3", "s3", operation)
        call.run = lambda: self.s3.call(operation, request, bucket, key, query)
        return call

    def route_json(self, request, target):
        prefix, _, operation = target.partition(".")
        service, scope, version = TARGETS.get(prefix, (None, None, "1.0"))
        call = Call(request, service or "DynamoDB", scope, "json", operation)
        call.version = version
        handler = getattr(self.services.get(service), operation, None) if operation[:1].isupper() else None
        if handler is None:
            call.run = lambda: unknown_operation(target)
            return call
        if request.headers.get("content-type") != f"application/x-amz-json-{version}":
            call.run = lambda: unknown_operation(request.headers.get("content-type"))
        else:
            call.run = lambda: handler(parse_json(request.body))
        return call

    def route_query(self, request):
        try:
            form = dict(urllib.parse.parse_qsl(request.body.decode(), keep_blank_values=True, strict_parsing=True))
        except (ValueError, UnicodeDecodeError):
            raise AwsError("MalformedQueryString", "The query string is malformed", 400) from None
        service = {"2011-06-15": "STS", "2010-05-08": "IAM"}.get(form.get("Version"), "STS")
        operation = form.get("Action", "")
        call = Call(request, service, service.lower(), "query", operation)
        handler = getattr(self.identity, operation, None) if operation[:1].isupper() else None
        if handler is None:
            raise AwsError("InvalidAction", f"Could not find operation {operation}", 400)
        call.run = lambda: handler(form, call.key)
        return call

    # The way of a call

    def run(self, call):
        self.world.counters[call.name] += 1
        call.request_id = self.world.request_id()
        faults = self.world.faults
        self.move_clock(call)
        for kind in faults.before:
            if faults.strikes(kind, call.name):
                return self.broken_before(call, kind)
        try:
            reply = self.answered(call)
        except AwsError as error:
            reply = self.error_reply(call, error)
        for kind in faults.after:
            if faults.strikes(kind, call.name):
                self.break_after(call, reply, kind)
        reply.delay += self.world.options["latency_s"]
        return reply

    def answered(self, call):
        if call.operation not in UNSIGNED:
            call.key = signatures.verify(self.world, call.request, call.scope, call.family)
            self.check_permission(call)
        result = call.run()
        if call.family == "json":
            self.bystanders(call)
            return self.json_reply(call, 200, {} if result is None else result, empty=result is None)
        if call.family == "query":
            return self.query_reply(call, result)
        result.headers += self.usual_headers(call)
        return result

    def check_permission(self, call):
        name = f"{call.scope}:{ACTIONS.get(call.operation, call.operation)}"
        if name in self.world.denied:
            code = "AccessDeniedException" if call.family == "json" else "AccessDenied"
            raise AwsError(code, f"User: {call.key.arn} is not authorized to perform: {name} because no identity-based "
                           f"policy allows the {name} action", 400 if call.family == "json" else 403)

    def move_clock(self, call):
        if self.world.faults.strikes("clock_jump", call.name):
            self.world.skew_s = self.world.faults.random("clock_jump").choice([-1800, -600, 0, 0, 600, 1800])

    def bystanders(self, call):
        """Faults that are somebody else's deeds at a table or its stream."""
        if call.service != "DynamoDB" or call.operation not in ("UpdateItem", "PutItem", "DeleteItem"):
            return
        faults = self.world.faults
        table = self.services["DynamoDB"].tables.get(json.loads(call.request.body).get("TableName")) \
            if faults.kinds or faults.rules else None
        if table is None or table.stream() is None:
            return
        for kind in ("roll_over", "stream_split"):
            if faults.strikes(kind, call.name):
                table.stream().roll_over(split=kind == "stream_split" and len(table.stream().open_shards()) < 4)
        for kind in ("ttl_delete", "foreign_delete"):
            if table.items and faults.strikes(kind, call.name):
                key = faults.random(kind).choice(sorted(table.items))
                table.remove(key, "ttl" if kind == "ttl_delete" else "program")

    # Faults

    def broken_before(self, call, kind):
        service = call.service
        if kind == "throttle":
            code, status = THROTTLES[service]
            if call.family == "json" and call.operation not in DATA_CALLS:
                code, status = "LimitExceededException", 400
            return self.error_reply(call, AwsError(code, "Rate exceeded", status))
        if kind == "server_error":
            return self.error_reply(call, AwsError(SERVER_ERRORS[service], "Internal failure", 500))
        if kind == "html_503":
            return self.html(call)
        if kind == "expired_token":
            code = EXPIRED.get(service, "ExpiredTokenException")
            return self.error_reply(call, AwsError(code, "The security token included in the request is expired",
                                                   403 if service in ("STS", "IAM") else 400))
        if kind == "iterator_expiry":
            return self.error_reply(call, AwsError("ExpiredIteratorException", "Iterator expired."))
        reply = Reply(500)
        reply.how = "reset"
        return reply

    def break_after(self, call, reply, kind):
        if kind == "latency":
            reply.delay += 0.05 * self.world.faults.draw("latency", self.world.faults.struck["latency"])
        elif kind == "truncated_json":
            reply.body = reply.body[:len(reply.body) * 2 // 3]
        elif kind == "wrong_crc":
            reply.headers = [(name, "1" if name == "x-amz-crc32" else value) for name, value in reply.headers]
        elif kind == "error_after":
            broken = self.html(call)
            reply.status, reply.headers, reply.body = broken.status, broken.headers, broken.body
        else:
            reply.how = {"lost_answer": "close", "lost_reset": "reset", "hang": "hang", "cut_body": "cut"}[kind]

    def html(self, _call):
        return Reply(503, HTML_503, [("Content-Type", "text/html"), ("Server", "awselb/2.0"), ("Date", self.date())])

    # Answers

    def date(self):
        now = int(self.world.front_door_now())
        if now != self.date_second:
            self.date_second, self.date_text = now, email.utils.formatdate(now, usegmt=True)
        return self.date_text

    def usual_headers(self, call):
        request_id = call.request_id or self.world.request_id()
        if call.service == "S3":
            return [("x-amz-request-id", request_id[:16].upper()), ("x-amz-id-2", "fake"), ("Date", self.date())]
        headers = [("x-amzn-RequestId", request_id), ("Date", self.date())]
        if call.service == "Kinesis":
            headers.append(("x-amz-id-2", "fake"))
        return headers

    def json_reply(self, call, status, value, empty=False):
        body = b"" if empty else json.dumps(value, separators=(",", ":")).encode()
        headers = self.usual_headers(call)
        headers.append(("Content-Type", f"application/x-amz-json-{call.version}"))
        if call.scope == "dynamodb":
            headers.append(("x-amz-crc32", str(zlib.crc32(body))))
        return Reply(status, body, headers)

    def query_reply(self, call, inner):
        name = call.operation
        space = STS_NAMESPACE if call.service == "STS" else IAM_NAMESPACE
        result = f"<{name}Result>{inner}</{name}Result>" if inner is not None else ""
        text = (f'<{name}Response xmlns="{space}">{result}<ResponseMetadata><RequestId>{call.request_id}</RequestId>'
                f"</ResponseMetadata></{name}Response>")
        return Reply(200, text.encode(), [*self.usual_headers(call), ("Content-Type", "text/xml")])

    def error_reply(self, call, error):
        if call.request_id is None:
            call.request_id = self.world.request_id()
        if call.family == "json":
            prefix = error_prefix(error.code) if call.scope == "dynamodb" else ""
            name = "Message" if error.code in ("AccessDeniedException", "SerializationException") else "message"
            return self.json_reply(call, error.status, {"__type": prefix + error.code, name: error.message,
                                                        **error.members})
        extra = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in error.members.items())
        inside = f"<Code>{error.code}</Code><Message>{escape(error.message)}</Message>{extra}"
        if call.service == "S3":
            request_id = call.request_id[:16].upper()
            text = (f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inside}<RequestId>{request_id}</RequestId>'
                    "<HostId>fake</HostId></Error>")
        else:
            space = STS_NAMESPACE if call.service == "STS" else IAM_NAMESPACE
            kind = "Sender" if error.status < 500 else "Receiver"
            text = (f'<ErrorResponse xmlns="{space}"><Error><Type>{kind}</Type>{inside}</Error>'
                    f"<RequestId>{call.request_id}</RequestId></ErrorResponse>")
        return Reply(error.status, text.encode(), [*self.usual_headers(call), ("Content-Type", "text/xml")])


def error_prefix(code):
    """What DynamoDB puts before an error's name: it depends on who found the error."""
    if code == "ValidationException":
        return "com.amazon.coral.validate#"
    front = ("AccessDeniedException", "UnrecognizedClientException", "InvalidSignatureException",
             "ExpiredTokenException", "SerializationException", "UnknownOperationException",
             "MissingAuthenticationTokenException", "IncompleteSignatureException")
    return "com.amazon.coral.service#" if code in front else "com.amazonaws.dynamodb.v20120810#"


def unknown_operation(what):
    raise AwsError("UnknownOperationException", f"unknown operation or content type: {what}", 400)


def parse_json(body):
    try:
        value = json.loads(body)
    except (ValueError, UnicodeDecodeError):
        raise AwsError("SerializationException", "The request body is not valid JSON") from None
    if not isinstance(value, dict):
        raise AwsError("SerializationException", "The request body is no JSON object")
    return value
