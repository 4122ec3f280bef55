# SPDX-License-Identifier: MIT
"""The archives over the wire, against the fake of AWS: partial failures, lost answers, errors with a cure."""

import base64
import collections
import gzip
import json
import pathlib
import subprocess

import pytest

from daemon import assert_no_sanitizer, clean_environment, program
from fake_aws import FakeAws

NAME = "deleted-hashtags"
LINES = [json.dumps({"event_id": str(number), "hashtag": "x" * (number % 50)}) for number in range(600)]


def archive(aws, *arguments, lines=None, code=0):
    """Puts lines through an archive with the probe; its output, or its error where `code` is 1."""
    tool = pathlib.Path(program()).parent / "tests" / "tools" / "s3_probe"
    text = "".join(line + "\n" for line in (LINES if lines is None else lines))
    done = subprocess.run([tool, *arguments], input=text.encode(), capture_output=True, timeout=120, check=False,
                          env=clean_environment(aws.environment()))
    error = done.stderr.decode(errors="replace")
    assert_no_sanitizer(error)
    assert done.returncode == code, error
    return error if code else done.stdout.decode().strip()


@pytest.fixture
def aws():
    with FakeAws(seed=5, options={"role_ready_s": 0}) as fake:
        fake.client("s3").create_bucket(Bucket=NAME,
                                        CreateBucketConfiguration={"LocationConstraint": fake.region})
        yield fake


@pytest.fixture
def stream(aws):
    role = aws.client("iam").create_role(RoleName="firehose", AssumeRolePolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                                                 "Principal": {"Service": "firehose.amazonaws.com"}}]}))
    firehose = aws.client("firehose")
    firehose.create_delivery_stream(DeliveryStreamName=NAME, ExtendedS3DestinationConfiguration={
        "RoleARN": role["Role"]["Arn"], "BucketARN": f"arn:aws:s3:::{NAME}"})
    for _ in range(100):
        answer = firehose.describe_delivery_stream(DeliveryStreamName=NAME)
        if answer["DeliveryStreamDescription"]["DeliveryStreamStatus"] == "ACTIVE":
            break
        aws.command("move_clock", seconds=10)
    return aws


def delivered(aws):
    """The lines that the delivery stream accepted; each record must end in a newline."""
    records = [base64.b64decode(record).decode() for record in aws.command("delivered", stream=NAME)]
    assert all(record.endswith("\n") for record in records)
    return "".join(records).splitlines()


def test_firehose_gets_each_line_in_order(stream):
    archive(stream, "firehose", NAME)
    assert delivered(stream) == LINES


@pytest.mark.parametrize("kind", ["record_throttle", "record_failure"])
def test_records_that_fail_are_sent_again_and_no_others(stream, kind):
    stream.set_faults({kind: 0.3})
    archive(stream, "firehose", NAME)
    assert collections.Counter(delivered(stream)) == collections.Counter(LINES)


def test_lost_answer_of_firehose_loses_no_line(stream):
    stream.set_faults(rules=[{"operation": "Firehose.PutRecordBatch", "fault": "lost_answer"}])
    archive(stream, "firehose", NAME)
    assert set(delivered(stream)) == set(LINES)


def test_lost_answer_of_s3_leaves_one_object(aws):
    aws.set_faults(rules=[{"operation": "S3.PutObject", "fault": "lost_answer"}])
    key = archive(aws, "archive", NAME, "deleted/")
    boto = aws.client("s3")
    assert [item["Key"] for item in boto.list_objects_v2(Bucket=NAME)["Contents"]] == [key]
    stored = boto.get_object(Bucket=NAME, Key=key)["Body"].read()
    assert gzip.decompress(stored).decode().splitlines() == LINES


def test_errors_name_resource_and_cure(aws):
    error = archive(aws, "firehose", "no-such-stream", lines=["{}"], code=1)
    assert "The delivery stream no-such-stream is not there" in error and "hashtagd setup" in error
    error = archive(aws, "archive", "no-such-bucket", "deleted/", lines=["{}"], code=1)
    assert "The bucket no-such-bucket is not there" in error and "hashtagd setup" in error
