// SPDX-License-Identifier: MIT
#include "hashtagd/aws/kinesis_put_records.h"

#include "hashtagd/base/assert.h"

#include "../../support/json_memory.h"
#include "fake_aws.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define STORED "{\"SequenceNumber\":\"1\",\"ShardId\":\"s\"}"

static void the_request_has_base64_and_keys(void **state)
{
    (void)state;
    struct ht_kinesis_put_entry entries[] = {{HT_SLICE("foob"), HT_SLICE("1\"2")},
                                             {{"\0\xff", 2}, HT_SLICE("k")}};
    struct ht_buffer body;
    ht_buffer_init(&body, 1000);
    ht_kinesis_put_records_format(&body, "tweets", entries, 2);
    assert_int_equal(ht_buffer_status(&body), 0);
    assert_string_equal(
        body.data, "{\"StreamName\":\"tweets\",\"Records\":[{\"Data\":\"Zm9vYg==\","
                   "\"PartitionKey\":\"1\\\"2\"},{\"Data\":\"AP8=\",\"PartitionKey\":\"k\"}]}");
    ht_buffer_finish(&body);
}

static void each_record_has_its_result(void **state)
{
    (void)state;
    enum ht_kinesis_put_result results[4];
    char reason[128];
    struct ht_slice answer = HT_SLICE(
        "{\"FailedRecordCount\":0,\"Records\":[" STORED
        ",{\"ErrorCode\":\"ProvisionedThroughputExceededException\",\"ErrorMessage\":\"slow"
        " down\"},{\"ErrorCode\":\"InternalFailure\",\"SequenceNumber\":\"2\"},{}]}");
    assert_int_equal(ht_kinesis_put_records_read(answer, results, 4, reason), 0);
    assert_int_equal(results[0], HT_KINESIS_PUT_STORED);
    assert_int_equal(results[1], HT_KINESIS_PUT_THROTTLED);
    assert_int_equal(results[2], HT_KINESIS_PUT_FAILED);
    assert_int_equal(results[3], HT_KINESIS_PUT_FAILED);
    assert_string_equal(reason, "ProvisionedThroughputExceededException: slow down");
}

static void null_members_are_absent(void **state)
{
    (void)state;
    enum ht_kinesis_put_result result;
    struct ht_slice answer = HT_SLICE("{\"Records\":[{\"SequenceNumber\":\"1\",\"ErrorCode\":null,"
                                      "\"New\":{}}]}");
    assert_int_equal(ht_kinesis_put_records_read(answer, &result, 1, NULL), 0);
    assert_int_equal(result, HT_KINESIS_PUT_STORED);
}

static void an_answer_for_another_number_of_records_is_refused(void **state)
{
    (void)state;
    static const char *const answers[] = {"",
                                          "[]",
                                          "{}",
                                          "{\"Records\":null}",
                                          "{\"Records\":[" STORED "]}",
                                          "<x",
                                          "{\"Records\":[" STORED "," STORED "," STORED "]}"};
    enum ht_kinesis_put_result results[2];
    for (size_t i = 0; i < HT_COUNT_OF(answers); i++) {
        assert_int_equal(ht_kinesis_put_records_read(ht_slice_text(answers[i]), results, 2, NULL),
                         HT_EPARSE);
    }
}

static void an_answer_without_memory_is_not_refused(void **state)
{
    (void)state;
    enum ht_kinesis_put_result result;
    json_memory_take();
    int read =
        ht_kinesis_put_records_read(HT_SLICE("{\"Records\":[" STORED "]}"), &result, 1, NULL);
    json_memory_give_back();
    assert_int_equal(read, HT_ENOMEM);
}

static int status;
static char error_text[HT_ERROR_TEXT_BYTES];

static void on_done(struct ht_kinesis_put_records *op)
{
    status = op->call.status;
    memcpy(error_text, op->call.error.text, sizeof(error_text));
}

static void an_unreadable_answer_leaves_open_what_was_stored(void **state)
{
    (void)state;
    struct ht_aws_client client = {0};
    struct ht_kinesis_put_entry entry = {HT_SLICE("x"), HT_SLICE("k")};
    enum ht_kinesis_put_result result;
    struct ht_kinesis_put_records op = {.stream_name = "tweets",
                                        .entries = &entry,
                                        .count = 1,
                                        .results = &result,
                                        .done = on_done};
    assert_int_equal(ht_kinesis_put_records_start(&client, &op), 0);
    fake_aws_answer(fake_aws_next(&client), HT_SLICE("{\"Records\":[]}"));
    assert_int_equal(status, HT_ECONNECTION);
    assert_non_null(strstr(error_text, "PutRecords on stream tweets"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_request_has_base64_and_keys),
        cmocka_unit_test(each_record_has_its_result),
        cmocka_unit_test(null_members_are_absent),
        cmocka_unit_test(an_answer_for_another_number_of_records_is_refused),
        cmocka_unit_test(an_answer_without_memory_is_not_refused),
        cmocka_unit_test(an_unreadable_answer_leaves_open_what_was_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
