# SPDX-License-Identifier: MIT
"""The permissions of docs/aws.md: moto verifies signatures and policies, and the program is given exactly
the actions that the page names, one command after the other. (moto knows no resources outside S3, so
every resource is "*".)"""

import json
import pathlib
import re
import urllib.request

import pytest
from daemon import ROOT, Daemon, hashtagd
from moto_peer import Moto

PAGE = pathlib.Path(ROOT) / "docs" / "aws.md"

SETTINGS = {"stream.type": "kinesis", "stream.shards": 1, "table.type": "dynamodb"}


def policies():
    """The statements of the page: to serve, to check, to set up."""
    blocks = re.findall(r"```json\n(\{\n {2}\"Version\".*?)```", PAGE.read_text(), re.DOTALL)
    found = [json.loads(block)["Statement"] for block in blocks]
    assert len(found) == 3, "docs/aws.md has three policies"
    for statement in (statement for policy in found for statement in policy):
        statement["Resource"] = "*"
    return found


SERVE, CHECK, SETUP = policies()

# Amazon asks for s3:ListBucket where moto asks for an action that it does not have.
MOTO_ALONE = [{"Effect": "Allow", "Action": ["s3:HeadBucket"], "Resource": "*"}]


def without(statements, action):
    """The policy less one action."""
    return [{**statement, "Action": [name for name in statement["Action"] if name != action]}
            for statement in statements]


def allow(aws, statements):
    """From now on the user has just these permissions."""
    verify(aws, "inf")
    aws.client("iam").put_user_policy(UserName="tester", PolicyName="tests", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [one for one in statements if one["Action"]]}))
    verify(aws, "0")


def verify(aws, after):
    request = urllib.request.Request(f"{aws.url}/moto-api/reset-auth", after.encode(),
                                     {"Content-Type": "text/plain"})
    urllib.request.urlopen(request, timeout=20).read()


def failures(done):
    """The steps that failed. moto refuses every signature of a listing with a '/' in its prefix, boto3's
    too: that one is not counted."""
    return [line for line in done.stdout.decode().splitlines() if line.startswith("FAIL")
            and "S3 ListObjectsV2 on the bucket of the archive: SignatureDoesNotMatch" not in line]


def flags(settings):
    return [word for key, value in settings.items()
            for word in ("--set", f"{key}={value if isinstance(value, str) else json.dumps(value)}")]


@pytest.mark.parametrize("archive", ["firehose", "s3"])
def test_each_command_works_with_just_the_permissions_of_the_page(tmp_path, archive):
    settings = {**SETTINGS, "archive.type": archive, "data.dir": str(tmp_path / "data"),
                "archive.name": "my-archive"}
    with Moto(policy=SETUP + MOTO_ALONE) as aws:
        done = hashtagd("setup", *flags(settings), environ=aws.environment())
        assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
        allow(aws, SERVE + CHECK + MOTO_ALONE)
        done = hashtagd("check", *flags(settings), environ=aws.environment(), timeout=240)
        assert failures(done) == [], done.stdout.decode() + done.stderr.decode()
        allow(aws, SERVE)
        with Daemon(settings, data=tmp_path / "data", environ=aws.environment()) as daemon:
            assert daemon.post_tweets([{"id": "7", "text": "#a", "entities": {"hashtags": [{"text": "a"}]}}]).status == 202
            daemon.wait_until_counted({"a": 1})


@pytest.mark.parametrize("action", ["kinesis:CreateStream", "dynamodb:CreateTable", "iam:CreateRole",
                                    "firehose:CreateDeliveryStream", "s3:CreateBucket"])
def test_setup_names_the_permission_that_is_missing(tmp_path, action):
    settings = {**SETTINGS, "archive.type": "firehose", "data.dir": str(tmp_path / "data")}
    with Moto(policy=without(SETUP, action) + MOTO_ALONE) as aws:
        done = hashtagd("setup", *flags(settings), environ=aws.environment())
    text = done.stdout.decode()
    assert done.returncode == 1, text
    assert any("cure: allow" in line and action in line for line in text.splitlines()), text
