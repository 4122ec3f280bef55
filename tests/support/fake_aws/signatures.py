# SPDX-License-Identifier: MIT
"""Signature version 4, seen from the service: who signed this, rightly, and lately enough?"""

import calendar
import functools
import hashlib
import hmac
import re
import time
import urllib.parse

from .errors import AwsError

WINDOW_S = {"s3": 15 * 60}
USUAL_WINDOW_S = 5 * 60
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]{64})")
UNRESERVED = "-._~"

# Codes by the family of the answer: JSON services, STS and IAM, S3.
CODES = {
    "json": {"missing": ("MissingAuthenticationTokenException", 400), "unknown": ("UnrecognizedClientException", 400),
             "wrong": ("InvalidSignatureException", 400), "skew": ("InvalidSignatureException", 400),
             "expired": ("ExpiredTokenException", 400), "scope": ("InvalidSignatureException", 400),
             "incomplete": ("IncompleteSignatureException", 400)},
    "query": {"missing": ("MissingAuthenticationToken", 403), "unknown": ("InvalidClientTokenId", 403),
              "wrong": ("SignatureDoesNotMatch", 403), "skew": ("SignatureDoesNotMatch", 403),
              "expired": ("ExpiredToken", 403), "scope": ("SignatureDoesNotMatch", 403),
              "incomplete": ("IncompleteSignature", 400)},
    "s3": {"missing": ("AccessDenied", 403), "unknown": ("InvalidAccessKeyId", 403),
           "wrong": ("SignatureDoesNotMatch", 403), "skew": ("RequestTimeTooSkewed", 403),
           "expired": ("ExpiredToken", 400), "scope": ("AuthorizationHeaderMalformed", 400),
           "incomplete": ("AccessDenied", 403)},
}


def refuse(family, what, message, **members):
    code, status = CODES[family][what]
    return AwsError(code, message, status, **members)


def verify(world, request, service, family):
    """The Key that signed the request; AwsError where it is not acceptable."""
    match = AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
    if match is None:
        if "authorization" not in request.headers:
            raise refuse(family, "missing", "Missing Authentication Token")
        raise refuse(family, "incomplete", "Authorization header is not as Signature Version 4 wants it")
    credential, signed_names, signature = match.groups()
    key_id, day, region, scope_service, end = split_credential(family, credential)
    key = world.keys.get(key_id)
    if key is None:
        raise refuse(family, "unknown", "The security token included in the request is invalid.")
    check_token(world, request, family, key)
    # IAM lives in us-east-1; clients with an address of their own sign for their own region.
    regions = ("us-east-1", world.region) if service == "iam" else (world.region,)
    if region not in regions or (scope_service, end) != (service, "aws4_request"):
        raise refuse(family, "scope", f"Credential should be scoped to a valid region and service: "
                     f"'{regions[0]}/{service}', not '{region}/{scope_service}'.", Region=regions[0])
    stamp = check_date(world, request, service, family)
    if not stamp.startswith(day):
        raise refuse(family, "wrong", "Date in Credential scope does not match YYYYMMDD from ISO-8601 version "
                     f"of date from HTTP: '{day}' != '{stamp[:8]}'.")
    names = signed_names.split(";")
    check_signed(request, family, names)
    check_payload(request, family, service)
    scope = f"{day}/{region}/{scope_service}/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{canonical_hash(request, service, names)}"
    expected = hmac.new(signing_key(key.secret, day, region, scope_service), to_sign.encode(), "sha256")
    if not hmac.compare_digest(expected.hexdigest(), signature):
        raise refuse(family, "wrong", "The request signature we calculated does not match the signature you "
                     "provided. Check your AWS Secret Access Key and signing method.")
    return key


def split_credential(family, credential):
    parts = credential.split("/")
    if len(parts) < 5:
        raise refuse(family, "incomplete", "Credential must have 5 parts")
    return "/".join(parts[:-4]), *parts[-4:]


def check_token(world, request, family, key):
    if request.headers.get("x-amz-security-token") != key.token:
        raise refuse(family, "unknown", "The security token included in the request is invalid.")
    if key.expires is not None and world.now() >= key.expires:
        raise refuse(family, "expired", "The security token included in the request is expired")


def check_date(world, request, service, family):
    stamp = request.headers.get("x-amz-date", "")
    if not re.fullmatch(r"\d{8}T\d{6}Z", stamp):
        raise refuse(family, "incomplete", "X-Amz-Date is missing or malformed")
    signed_at = seconds_of(stamp)
    now = world.front_door_now()
    window = WINDOW_S.get(service, USUAL_WINDOW_S)
    if abs(now - signed_at) <= window:
        return stamp
    here, minutes = stamp_of(now), window // 60
    if family == "s3":
        raise refuse(family, "skew", "The difference between the request time and the current time is too large.",
                     RequestTime=stamp, ServerTime=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
                     MaxAllowedSkewMilliseconds=str(window * 1000))
    if signed_at < now:
        raise refuse(family, "skew", f"Signature expired: {stamp} is now earlier than {stamp_of(now - window)} "
                     f"({here} - {minutes} min.)")
    raise refuse(family, "skew", f"Signature not yet current: {stamp} is still later than {stamp_of(now + window)} "
                 f"({here} + {minutes} min.)")


@functools.lru_cache(64)
def seconds_of(stamp):
    try:
        return calendar.timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        return 0


def stamp_of(seconds):
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(seconds))


def check_signed(request, family, names):
    must = {"host", *(name for name in request.headers if name.startswith("x-amz-"))}
    unsigned = sorted(must.difference(names))
    if unsigned:
        raise refuse(family, "wrong", f"There were headers present in the request which were not signed: {unsigned}")
    absent = [name for name in names if name not in request.headers]
    if absent or names != sorted(names):
        raise refuse(family, "wrong", f"SignedHeaders names headers that are not there, or is not sorted: {absent}")


def check_payload(request, family, service):
    told = request.headers.get("x-amz-content-sha256")
    if service != "s3":
        return
    if told is None:
        raise AwsError("InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
    if re.fullmatch("[0-9a-f]{64}", told) and told != hashlib.sha256(request.body).hexdigest():
        raise AwsError("XAmzContentSHA256Mismatch",
                       "The provided 'x-amz-content-sha256' header does not match what was computed.")


def canonical_hash(request, service, names):
    headers = request.headers
    told = headers.get("x-amz-content-sha256") if service == "s3" else None
    lines = [request.method, canonical_path(request.path, service), canonical_query(request.query)]
    lines += [f"{name}:{' '.join(headers[name].split())}" for name in names]
    lines += ["", ";".join(names), told or hashlib.sha256(request.body).hexdigest()]
    return hashlib.sha256("\n".join(lines).encode("latin-1")).hexdigest()


def canonical_path(path, service):
    if path in ("", "/"):
        return "/"
    return path if service == "s3" else urllib.parse.quote(path, safe="/" + UNRESERVED)


def canonical_query(query):
    if not query:
        return ""
    pairs = []
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        pairs.append(tuple(urllib.parse.quote(urllib.parse.unquote_to_bytes(part), safe=UNRESERVED)
                           for part in (name, value)))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


@functools.lru_cache(64)
def signing_key(secret, day, region, service):
    key = ("AWS4" + secret).encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
