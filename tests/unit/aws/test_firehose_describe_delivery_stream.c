// SPDX-License-Identifier: MIT
#include "hashtagd/aws/firehose_describe_delivery_stream.h"

#include "../../support/json_memory.h"
#include "scripted_calls.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

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

/* A name that is cut off would be another one. */
static void test_a_text_that_has_no_room_is_none(void **state)
{
    (void)state;
    struct ht_firehose_describe_delivery_stream op = {.name = "bin", .done = on_described};
    char arn[3001], answer[4000];
    memset(arn, 'a', sizeof(arn) - 1);
    arn[sizeof(arn) - 1] = '\0';
    (void)snprintf(answer, sizeof(answer),
                   "{\"DeliveryStreamDescription\":{\"DeliveryStreamARN\":\"%s\","
                   "\"DeliveryStreamStatus\":\"ACTIVE\",\"DeliveryStreamType\":\"DirectPut\"}}",
                   arn);
    ht_firehose_describe_delivery_stream_start(scripted_client(), &op);
    scripted_answer(answer);
    assert_int_equal(op.status, 0);
    assert_string_equal(op.arn, "");
    assert_string_equal(op.type, "DirectPut");
}

static void test_an_answer_without_memory_is_not_called_nonsense(void **state)
{
    (void)state;
    struct ht_firehose_describe_delivery_stream op = {.name = "bin", .done = on_described};
    ht_firehose_describe_delivery_stream_start(scripted_client(), &op);
    json_memory_take();
    scripted_answer("{\"DeliveryStreamDescription\":{\"DeliveryStreamStatus\":\"ACTIVE\"}}");
    json_memory_give_back();
    assert_int_equal(op.status, HT_ENOMEM);
    assert_non_null(strstr(op.call.error.text, "out of memory"));
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, scripted_setup, scripted_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_describe_delivery_stream),
        CASE(test_a_text_that_has_no_room_is_none),
        CASE(test_an_answer_without_memory_is_not_called_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
