// SPDX-License-Identifier: MIT
#pragma once

/**
 * The services of Amazon that this program talks to, and how each is spoken to. Source: the
 * service models of botocore 1.43 (protocol, target prefix, signing name).
 */

#include <stdbool.h>

/* name, signing name, host label, X-Amz-Target prefix, content type */
#define HT_AWS_SERVICE_MAP(X)                                                                      \
    X(KINESIS, "kinesis", "kinesis", "Kinesis_20131202.", "application/x-amz-json-1.1")            \
    X(DYNAMODB, "dynamodb", "dynamodb", "DynamoDB_20120810.", "application/x-amz-json-1.0")        \
    X(DYNAMODB_STREAMS, "dynamodb", "streams.dynamodb", "DynamoDBStreams_20120810.",               \
      "application/x-amz-json-1.0")                                                                \
    X(FIREHOSE, "firehose", "firehose", "Firehose_20150804.", "application/x-amz-json-1.1")        \
    X(S3, "s3", "s3", "", "")                                                                      \
    X(STS, "sts", "sts", "", "application/x-www-form-urlencoded; charset=utf-8")                   \
    X(IAM, "iam", "iam", "", "application/x-www-form-urlencoded; charset=utf-8")

enum ht_aws_service {
#define X(name, signing, host, target, type) HT_AWS_##name,
    HT_AWS_SERVICE_MAP(X)
#undef X
        HT_AWS_SERVICE_COUNT,
};

/** The service as people write it: "Kinesis", "DynamoDB Streams". Static. */
const char *ht_aws_service_name(enum ht_aws_service service);

/** The service in a signature's scope: "dynamodb" for DynamoDB Streams too. Static. */
const char *ht_aws_service_signing_name(enum ht_aws_service service);

/** What stands before the operation in X-Amz-Target; empty for S3, STS and IAM. Static. */
const char *ht_aws_service_target_prefix(enum ht_aws_service service);

/** The Content-Type of a request; empty for S3. Static. */
const char *ht_aws_service_content_type(enum ht_aws_service service);

/** Whether requests and answers are JSON (else XML answers). */
bool ht_aws_service_is_json(enum ht_aws_service service);
