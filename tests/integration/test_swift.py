# SPDX-License-Identifier: MIT
"""Our signatures and S3 operations, judged by Swift's S3: a stranger who refuses whatever is not exact."""

import gzip
import os
import pathlib
import re
import subprocess

import pytest

from daemon import assert_no_sanitizer, clean_environment, program
from swift import Swift

BUCKET = "deleted-hashtags"

KEYS = ["plain", "a b", "a+b", "~tilde~", "a//b", "trailing/", "caf\u00e9/\u00fcber", "\u65e5\u672c", "%41", "a%2Fb",
        "q?x=1&y=2", "#hash", "star*", "semi;colon:at@", "quote'\"", "paren(s)", "a=b", "comma,dollar$", "dot.",
        "back\\slash", "x" * 900]


@pytest.fixture(scope="module")
def s3():
    with Swift() as peer:
        probe(peer, "create", BUCKET)
        yield peer


def run_probe(peer, *arguments, content=b"", **environment):
    tool = pathlib.Path(program()).parent / "tests" / "tools" / "s3_probe"
    done = subprocess.run([tool, *arguments], input=content, capture_output=True, timeout=60, check=False,
                          env=clean_environment({**peer.environment(), **environment}))
    assert_no_sanitizer(done.stderr.decode(errors="replace"))
    return done


def probe(peer, *arguments, content=b"", **environment):
    done = run_probe(peer, *arguments, content=content, **environment)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def test_nasty_keys_are_put_and_read_by_both(s3):
    boto = s3.client("s3")
    for number, key in enumerate(KEYS):
        content = f"content {number}".encode()
        probe(s3, "put", BUCKET, f"keys/{key}", content=content)
        there = boto.get_object(Bucket=BUCKET, Key=f"keys/{key}")
        assert there["Body"].read() == content, key
        assert probe(s3, "get", BUCKET, f"keys/{key}") == content, key
    listed = boto.list_objects_v2(Bucket=BUCKET, Prefix="keys/")["Contents"]
    assert sorted(item["Key"] for item in listed) == sorted(f"keys/{key}" for key in KEYS)


def test_lists_page_by_page_with_prefix_and_delimiter(s3):
    boto = s3.client("s3")
    names = [f"list me/{number % 3}/ {number}+\u00e9" for number in range(10)]
    for name in names:
        boto.put_object(Bucket=BUCKET, Key=name, Body=b"12")
    listed = probe(s3, "list", BUCKET, "list me/", "", "3").decode().splitlines()
    assert listed == [f"{name} 2" for name in sorted(names)]
    common = probe(s3, "list", BUCKET, "list me/", "/", "2").decode().splitlines()
    assert common == ["list me/0/ -", "list me/1/ -", "list me/2/ -"]


def test_metadata_is_signed_and_comes_back(s3):
    probe(s3, "put", BUCKET, "meta", "first=a  b", "second=x=y", content=b"123")
    head = dict(line.split(" ", 1) for line in probe(s3, "head", BUCKET, "meta").decode().splitlines())
    assert head["length"] == "3"
    assert head["x-amz-meta-second"] == "x=y"
    metadata = s3.client("s3").head_object(Bucket=BUCKET, Key="meta")["Metadata"]
    assert metadata["second"] == "x=y" and re.fullmatch("a +b", metadata["first"])


def test_empty_and_large_objects(s3):
    for size in (0, 1, 5 * 1024 * 1024):
        content = os.urandom(size)
        probe(s3, "put", BUCKET, "sized", content=content)
        assert probe(s3, "get", BUCKET, "sized") == content


def test_wrong_secret_and_unknown_key_are_refused_clearly(s3):
    wrong = run_probe(s3, "put", BUCKET, "refused", content=b"x", AWS_SECRET_ACCESS_KEY="wrong")
    assert wrong.returncode == 1
    assert b"HT_EPERMISSION" in wrong.stderr and b"SignatureDoesNotMatch" in wrong.stderr
    unknown = run_probe(s3, "put", BUCKET, "refused", content=b"x", AWS_ACCESS_KEY_ID="nobody:tester")
    assert unknown.returncode == 1 and b"HT_EPERMISSION" in unknown.stderr
    absent = run_probe(s3, "head", BUCKET, "refused")
    assert absent.returncode == 1 and b"HT_ENOTFOUND" in absent.stderr


def test_another_region_is_found_by_what_the_peer_says(s3):
    """The scope of the first signature is wrong; the answer names the right region."""
    assert probe(s3, "list", BUCKET, "no such/", "", "3", AWS_REGION="us-west-2") == b""


def test_archive_puts_a_readable_object_though_the_peer_knows_no_condition(s3):
    """Swift answers NotImplemented to If-None-Match on a put."""
    lines = b'{"event_id":"1","hashtag":"a"}\n{"event_id":"2","hashtag":"b"}\n'
    key = probe(s3, "archive", BUCKET, "deleted/", content=lines).decode().strip()
    assert re.fullmatch(r"deleted/\d{4}/\d\d/\d\d/\d\d/\d{8}T\d{6}\.\d{3}Z-[0-9a-f]{16}-\d{6}\.jsonl\.gz", key)
    stored = s3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
    assert gzip.decompress(stored) == lines


def test_archive_says_what_is_wrong(s3):
    no_bucket = run_probe(s3, "archive", "no-such-bucket", "deleted/", content=b"{}\n")
    assert no_bucket.returncode == 1
    assert b"The bucket no-such-bucket is not there" in no_bucket.stderr
    assert b"hashtagd setup" in no_bucket.stderr
    wrong = run_probe(s3, "archive", BUCKET, "deleted/", content=b"{}\n", AWS_SECRET_ACCESS_KEY="wrong")
    assert b"correct the secret access key" in wrong.stderr
