# SPDX-License-Identifier: MIT
"""The fake's judgement of signatures, held to known good ones: each is accepted, and none of them
with anything changed."""

import json

import pytest

from fake_aws import signatures
from fake_aws.errors import AwsError
from fake_aws.http_server import Request
from fake_aws.world import Key, World

NOT_SERVED = {"get-path-normalize"}  # no service of the fake has such paths
FAMILIES = {"s3": "s3", "sts": "query"}


@pytest.fixture(scope="module")
def vectors(shared):
    path = shared / "sigv4-vectors.json"
    return [vector for vector in json.loads(path.read_text())["vectors"] if vector["name"] not in NOT_SERVED]


def request_of(vector):
    wish, headers = vector["request"], {}
    signed = [*wish["headers_before_signing"], *vector["expected"]["headers_added"]]
    for name, value in [*signed, ("Authorization", vector["expected"]["authorization"])]:
        name = name.lower()
        headers[name] = f"{headers[name]},{value}" if name in headers and name != "authorization" else value
    query = wish.get("query")
    request = Request(wish["method"], wish["path"] + (f"?{query}" if query else ""), headers)
    request.body = bytes.fromhex(wish["body_hex"]) if wish.get("body_hex") else (wish.get("body") or "").encode()
    return request


def judged(vector, request, late_s=0):
    """True, or the code of the refusal."""
    world = World(region=vector["region"])
    key = vector["credentials"]
    world.keys = {key["access_key"]: Key(key["secret_key"], key["session_token"] or None)}
    world.front_door_now = lambda: signatures.seconds_of(vector["date"]) + late_s
    try:
        signatures.verify(world, request, vector["service"], FAMILIES.get(vector["service"], "json"))
        return True
    except AwsError as error:
        return error.code


def test_known_good_signatures_are_accepted(vectors):
    refused = {vector["name"]: judged(vector, request_of(vector)) for vector in vectors}
    assert {name: verdict for name, verdict in refused.items() if verdict is not True} == {}
    assert len(refused) > 30


def test_nothing_may_be_changed(vectors):
    def check(what, change, unless=lambda vector: False):
        for vector in vectors:
            request = request_of(vector)
            change(request)
            if not unless(vector):
                assert judged(vector, request) is not True, f"{vector['name']} with another {what}"
    check("body", lambda request: setattr(request, "body", request.body + b" "),
          lambda vector: not vector["options"]["sign_payload"])
    check("method", lambda request: setattr(request, "method", "PATCH"))
    check("path", lambda request: setattr(request, "path", request.path + "x"))
    check("query", lambda request: setattr(request, "query", request.query + "&x=1"))
    check("host", lambda request: request.headers.update(host="other"))
    check("header", lambda request: request.headers.update({"x-amz-meta-more": "1"}))
    check("signature", lambda request: request.headers.update(
        authorization=request.headers["authorization"][:-64] + "0" * 64))


@pytest.mark.parametrize("late_s,fine", [(0, True), (299, True), (-299, True), (301, False), (-301, False)])
def test_the_date_may_be_five_minutes_off(vectors, late_s, fine):
    vector = next(vector for vector in vectors if vector["service"] == "kinesis")
    assert judged(vector, request_of(vector), late_s) in ([True] if fine else ["InvalidSignatureException"])
    vector = next(vector for vector in vectors if vector["service"] == "s3")
    assert judged(vector, request_of(vector), late_s) is True, "S3 allows fifteen"
