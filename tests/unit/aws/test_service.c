// SPDX-License-Identifier: MIT
#include "hashtagd/aws/service.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void every_service_is_spoken_to_as_its_model_says(void **state)
{
    (void)state;
    static const struct {
        enum ht_aws_service service;
        const char *name, *signing_name, *target_prefix, *content_type;
        int is_json;
    } cases[] = {
        {HT_AWS_KINESIS, "Kinesis", "kinesis", "Kinesis_20131202.", "application/x-amz-json-1.1",
         1},
        {HT_AWS_DYNAMODB, "DynamoDB", "dynamodb", "DynamoDB_20120810.",
         "application/x-amz-json-1.0", 1},
        {HT_AWS_DYNAMODB_STREAMS, "DynamoDB Streams", "dynamodb", "DynamoDBStreams_20120810.",
         "application/x-amz-json-1.0", 1},
        {HT_AWS_FIREHOSE, "Firehose", "firehose", "Firehose_20150804.",
         "application/x-amz-json-1.1", 1},
        {HT_AWS_S3, "S3", "s3", "", "", 0},
        {HT_AWS_STS, "STS", "sts", "", "application/x-www-form-urlencoded; charset=utf-8", 0},
        {HT_AWS_IAM, "IAM", "iam", "", "application/x-www-form-urlencoded; charset=utf-8", 0},
    };
    assert_int_equal(sizeof(cases) / sizeof(cases[0]), HT_AWS_SERVICE_COUNT);
    for (size_t i = 0; i < HT_AWS_SERVICE_COUNT; i++) {
        assert_string_equal(ht_aws_service_name(cases[i].service), cases[i].name);
        assert_string_equal(ht_aws_service_signing_name(cases[i].service), cases[i].signing_name);
        assert_string_equal(ht_aws_service_target_prefix(cases[i].service), cases[i].target_prefix);
        assert_string_equal(ht_aws_service_content_type(cases[i].service), cases[i].content_type);
        assert_int_equal(ht_aws_service_is_json(cases[i].service), cases[i].is_json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_service_is_spoken_to_as_its_model_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
