// SPDX-License-Identifier: MIT
#include "hashtagd/aws/firehose_create_delivery_stream.h"
#include "hashtagd/aws/firehose_describe_delivery_stream.h"
#include "hashtagd/aws/iam_create_role.h"
#include "hashtagd/aws/iam_get_role.h"
#include "hashtagd/aws/iam_put_role_policy.h"

#include "scripted_calls.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void on_created(struct ht_firehose_create_delivery_stream *op)
{
    *(unsigned *)op->user += 1;
}

static void test_create_delivery_stream(void **state)
{
    (void)state;
    unsigned done = 0;
    struct ht_firehose_create_delivery_stream op = {
        .name = "bin",
        .role_arn = "arn:aws:iam::1:role/r",
        .bucket_arn = "arn:aws:s3:::b",
        .prefix = "deleted/",
        .buffer_s = 60,
        .buffer_mib = 5,
        .compresses = true,
        .done = on_created,
        .user = &done,
    };
    ht_firehose_create_delivery_stream_start(scripted_client(), &op);
    assert_string_equal(
        scripted_pending()->body.data,
        "{\"DeliveryStreamName\":\"bin\",\"DeliveryStreamType\":\"DirectPut\","
        "\"ExtendedS3DestinationConfiguration\":{\"RoleARN\":\"arn:aws:iam::1:role/r\","
        "\"BucketARN\":\"arn:aws:s3:::b\",\"Prefix\":\"deleted/\",\"BufferingHints\":"
        "{\"SizeInMBs\":5,\"IntervalInSeconds\":60},\"CompressionFormat\":\"GZIP\"}}");
    scripted_answer("{\"DeliveryStreamARN\":\"arn:x\"}");
    assert_int_equal(op.status, 0);
    assert_string_equal(op.arn, "arn:x");
    const char *const bad[] = {"", "{}", "[]", "{\"DeliveryStreamARN\":1}", "<a/>"};
    for (size_t i = 0; i < HT_COUNT_OF(bad); i++) {
        ht_firehose_create_delivery_stream_start(scripted_client(), &op);
        scripted_answer(bad[i]);
        assert_int_equal(op.status, HT_EPARSE);
    }
    ht_firehose_create_delivery_stream_start(scripted_client(), &op);
    scripted_fail(HT_EEXIST, HT_AWS_FAULT_FINAL, 400, "ResourceInUseException");
    assert_int_equal(op.status, HT_EEXIST);
    assert_false(op.is_role_unknown);
    ht_firehose_create_delivery_stream_start(scripted_client(), &op);
    scripted_fail_message(HT_EINVAL, "InvalidArgumentException",
                          "Firehose is unable to assume role arn:x. Please check it.");
    assert_true(op.is_role_unknown);
    assert_int_equal(done, 8);
}

static void on_described(struct ht_firehose_describe_delivery_stream *op)
{
    (void)op;
}

static void test_describe_delivery_stream(void **state)
{
    (void)state;
    struct ht_firehose_describe_delivery_stream op = {.name = "bin", .done = on_described};
    ht_firehose_describe_delivery_stream_start(scripted_client(), &op);
    assert_string_equal(scripted_pending()->body.data, "{\"DeliveryStreamName\":\"bin\"}");
    scripted_answer(
        "{\"DeliveryStreamDescription\":{\"DeliveryStreamName\":\"bin\",\"DeliveryStreamARN\":"
        "\"arn:x\",\"DeliveryStreamStatus\":\"ACTIVE\",\"DeliveryStreamType\":\"DirectPut\","
        "\"VersionId\":\"1\",\"CreateTimestamp\":1.4E9,\"Destinations\":[{\"DestinationId\":\"d\","
        "\"ExtendedS3DestinationDescription\":{\"RoleARN\":\"arn:r\",\"BucketARN\":\"arn:b\","
        "\"Prefix\":\"deleted/\"}}],\"HasMoreDestinations\":false}}");
    assert_int_equal(op.status, 0);
    assert_int_equal(op.state, HT_FIREHOSE_STREAM_ACTIVE);
    assert_string_equal(op.type, "DirectPut");
    assert_string_equal(op.arn, "arn:x");
    assert_string_equal(op.role_arn, "arn:r");
    assert_string_equal(op.bucket_arn, "arn:b");
    assert_string_equal(op.prefix, "deleted/");
    assert_string_equal(op.failure, "");
    const struct {
        const char *answer;
        int status;
        enum ht_firehose_stream_state state;
    } cases[] = {
        {"{\"DeliveryStreamDescription\":{\"DeliveryStreamStatus\":\"CREATING\"}}", 0,
         HT_FIREHOSE_STREAM_CREATING},
        {"{\"DeliveryStreamDescription\":{\"DeliveryStreamStatus\":\"CREATING_FAILED\","
         "\"FailureDescription\":{\"Type\":\"X\",\"Details\":\"No key.\"}}}",
         0, HT_FIREHOSE_STREAM_CREATING_FAILED},
        {"{\"DeliveryStreamDescription\":{\"DeliveryStreamStatus\":\"DELETING\"}}", 0,
         HT_FIREHOSE_STREAM_DELETING},
        {"{\"DeliveryStreamDescription\":{\"DeliveryStreamStatus\":\"NEW\"}}", 0,
         HT_FIREHOSE_STREAM_OTHER},
        {"{}", HT_EPARSE, HT_FIREHOSE_STREAM_OTHER},
        {"", HT_EPARSE, HT_FIREHOSE_STREAM_OTHER},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        ht_firehose_describe_delivery_stream_start(scripted_client(), &op);
        scripted_answer(cases[i].answer);
        assert_int_equal(op.status, cases[i].status);
        assert_int_equal(op.state, cases[i].state);
        assert_string_equal(op.arn, "");
        assert_string_equal(op.failure, i == 1 ? "No key." : "");
    }
}

static void on_role(struct ht_iam_get_role *op)
{
    (void)op;
}

static void test_get_role(void **state)
{
    (void)state;
    struct ht_iam_get_role op = {.role_name = "hashtagd-firehose", .done = on_role};
    ht_iam_get_role_start(scripted_client(), &op);
    assert_string_equal(scripted_pending()->body.data,
                        "Action=GetRole&Version=2010-05-08&RoleName=hashtagd-firehose");
    scripted_answer("<GetRoleResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">"
                    "<GetRoleResult><Role><Path>/</Path><Arn>arn:aws:iam::1:role/r&amp;d</Arn>"
                    "</Role></GetRoleResult></GetRoleResponse>");
    assert_int_equal(op.status, 0);
    assert_string_equal(op.arn, "arn:aws:iam::1:role/r&d");
    const char *const bad[] = {"", "{}", "<GetRoleResponse/>",
                               "<GetRoleResponse><GetRoleResult><Role><Arn>arn:"};
    for (size_t i = 0; i < HT_COUNT_OF(bad); i++) {
        ht_iam_get_role_start(scripted_client(), &op);
        scripted_answer(bad[i]);
        assert_int_equal(op.status, HT_EPARSE);
        assert_string_equal(op.arn, "");
    }
    ht_iam_get_role_start(scripted_client(), &op);
    scripted_fail(HT_ENOTFOUND, HT_AWS_FAULT_FINAL, 404, "NoSuchEntity");
    assert_int_equal(op.status, HT_ENOTFOUND);
}

static void on_role_created(struct ht_iam_create_role *op)
{
    (void)op;
}

static void test_create_role(void **state)
{
    (void)state;
    struct ht_iam_create_role op = {.role_name = "r",
                                    .trust_policy = "{\"a\":\"b c\"}",
                                    .description = "For + tests",
                                    .done = on_role_created};
    ht_iam_create_role_start(scripted_client(), &op);
    assert_string_equal(scripted_pending()->body.data,
                        "Action=CreateRole&Version=2010-05-08&RoleName=r&AssumeRolePolicyDocument="
                        "%7B%22a%22%3A%22b%20c%22%7D&Description=For%20%2B%20tests");
    scripted_answer("<CreateRoleResponse><CreateRoleResult><Role><Arn>arn:r</Arn></Role>"
                    "</CreateRoleResult></CreateRoleResponse>");
    assert_int_equal(op.status, 0);
    assert_string_equal(op.arn, "arn:r");
}

static void on_policy_put(struct ht_iam_put_role_policy *op)
{
    (void)op;
}

static void test_put_role_policy(void **state)
{
    (void)state;
    struct ht_iam_put_role_policy op = {
        .role_name = "r", .policy_name = "p", .policy = "{}", .done = on_policy_put};
    ht_iam_put_role_policy_start(scripted_client(), &op);
    assert_string_equal(scripted_pending()->body.data,
                        "Action=PutRolePolicy&Version=2010-05-08&RoleName=r&PolicyName=p"
                        "&PolicyDocument=%7B%7D");
    scripted_answer("<PutRolePolicyResponse/>");
    assert_int_equal(op.status, 0);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, scripted_setup, scripted_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_create_delivery_stream),
        CASE(test_describe_delivery_stream),
        CASE(test_get_role),
        CASE(test_create_role),
        CASE(test_put_role_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
