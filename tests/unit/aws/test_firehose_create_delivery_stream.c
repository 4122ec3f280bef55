// SPDX-License-Identifier: MIT
#include "hashtagd/aws/firehose_create_delivery_stream.h"

#include "../../support/json_memory.h"
#include "scripted_calls.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
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
    ht_firehose_create_delivery_stream_start(scripted_client(), &op);
    json_memory_take();
    scripted_answer("{\"DeliveryStreamARN\":\"arn:x\"}");
    json_memory_give_back();
    assert_int_equal(op.status, HT_ENOMEM);
    assert_non_null(strstr(op.call.error.text, "out of memory"));
    assert_int_equal(done, 9);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, scripted_setup, scripted_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_create_delivery_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
