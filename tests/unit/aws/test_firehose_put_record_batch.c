// SPDX-License-Identifier: MIT
#include "hashtagd/aws/firehose_put_record_batch.h"

#include "scripted_calls.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum {
    MOST = 8,
};

struct putting {
    struct ht_firehose_put_record_batch op;
    struct ht_slice records[MOST];
    enum ht_firehose_outcome outcomes[MOST];
    unsigned done;
};

static void on_done(struct ht_firehose_put_record_batch *op)
{
    struct putting *putting = op->user;
    putting->done++;
}

static void fill(struct putting *putting, size_t count)
{
    *putting = (struct putting){.op = {.stream_name = HT_SLICE("deleted-hashtags"),
                                       .count = count,
                                       .resource = "delivery stream deleted-hashtags",
                                       .done = on_done}};
    for (size_t i = 0; i < count; i++) {
        putting->records[i] = HT_SLICE("line\n");
    }
    putting->op.records = putting->records;
    putting->op.outcomes = putting->outcomes;
    putting->op.user = putting;
}

static void test_body_has_each_record_in_base64_of_its_own(void **state)
{
    (void)state;
    struct putting putting;
    struct ht_buffer body;
    fill(&putting, 2);
    putting.records[1] = HT_SLICE("\x01\x02\xff");
    ht_buffer_init(&body, 4096);
    assert_int_equal(ht_firehose_put_record_batch_format(&putting.op, &body), 0);
    assert_string_equal(body.data, "{\"DeliveryStreamName\":\"deleted-hashtags\",\"Records\":["
                                   "{\"Data\":\"bGluZQo=\"},{\"Data\":\"AQL/\"}]}");
    size_t counted = ht_firehose_batch_frame_bytes(putting.op.stream_name) +
                     ht_firehose_record_frame_bytes(5) + ht_firehose_record_frame_bytes(3);
    assert_int_equal(counted, body.length);
    ht_buffer_finish(&body);
}

enum {
    A = HT_FIREHOSE_ACCEPTED,
    T = HT_FIREHOSE_THROTTLED,
    B = HT_FIREHOSE_BROKEN,
    R = HT_FIREHOSE_REFUSED
};

static const struct answer_case {
    const char *answer;
    int status;
    size_t failed;
    int outcomes[3];
    const char *code;
} cases[] = {
    {"{\"FailedPutCount\":0,\"Encrypted\":false,\"RequestResponses\":[{\"RecordId\":\"1\"},"
     "{\"RecordId\":\"2\"},{\"RecordId\":\"3\"}]}",
     0,
     0,
     {A, A, A},
     ""},
    {"{\"FailedPutCount\":1,\"RequestResponses\":[{\"ErrorCode\":"
     "\"ServiceUnavailableException\","
     "\"ErrorMessage\":\"Slow down.\"},{\"RecordId\":\"2\"},{\"RecordId\":\"3\"}]}",
     0,
     1,
     {T, A, A},
     "ServiceUnavailableException"},
    {"{\"FailedPutCount\":1,\"RequestResponses\":[{\"RecordId\":\"1\"},{\"ErrorCode\":"
     "\"InternalFailure\"},{\"RecordId\":\"3\",\"ErrorCode\":null}]}",
     0,
     1,
     {A, B, A},
     "InternalFailure"},
    {"{\"FailedPutCount\":1,\"RequestResponses\":[{\"RecordId\":\"1\"},{\"RecordId\":\"2\"},"
     "{\"ErrorCode\":\"InvalidArgumentException\"}]}",
     0,
     1,
     {A, A, R},
     "InvalidArgumentException"},
    {"{\"FailedPutCount\":3,\"RequestResponses\":[{},{\"RecordId\":null},"
     "{\"RecordId\":\"3\",\"ErrorCode\":\"ThrottlingException\"}]}",
     0,
     3,
     {B, B, T},
     ""},
    {"{\"FailedPutCount\":0,\"RequestResponses\":[{\"RecordId\":\"1\"},{\"RecordId\":\"2\"}]}",
     HT_EPARSE,
     0,
     {A, A, A},
     ""},
    {"{\"FailedPutCount\":0,\"RequestResponses\":[{\"RecordId\":\"1\"},{\"RecordId\":\"2\"},"
     "{\"RecordId\":\"3\"},{\"RecordId\":\"4\"}]}",
     HT_EPARSE,
     0,
     {A, A, A},
     ""},
    {"{\"FailedPutCount\":2,\"RequestResponses\":[{\"RecordId\":\"1\"},{\"RecordId\":\"2\"},"
     "{\"RecordId\":\"3\"}]}",
     HT_EPARSE,
     0,
     {A, A, A},
     ""},
    {"{\"FailedPutCount\":0,\"RequestResponses\":{}}", HT_EPARSE, 0, {A, A, A}, ""},
    {"{\"RequestResponses\":[]}", HT_EPARSE, 0, {A, A, A}, ""},
    {"{\"FailedPutCount\":0,\"RequestRespon", HT_EPARSE, 0, {A, A, A}, ""},
    {"<html>502</html>", HT_EPARSE, 0, {A, A, A}, ""},
    {"", HT_EPARSE, 0, {A, A, A}, ""},
    {"[]", HT_EPARSE, 0, {A, A, A}, ""},
};

static void test_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct putting putting;
        fill(&putting, 3);
        ht_firehose_put_record_batch_start(scripted_client(), &putting.op);
        assert_int_equal(putting.done, 0);
        assert_string_equal(scripted_pending()->operation, "PutRecordBatch");
        scripted_answer(cases[i].answer);
        assert_int_equal(putting.done, 1);
        if (putting.op.status != cases[i].status) {
            fail_msg("%s gives %d", cases[i].answer, putting.op.status);
        }
        if (cases[i].status != 0) {
            assert_non_null(strstr(putting.op.call.error.text, "delivery stream deleted-hashtags"));
            continue;
        }
        assert_int_equal(putting.op.failed_count, cases[i].failed);
        assert_string_equal(putting.op.code, cases[i].code);
        for (size_t k = 0; k < 3; k++) {
            assert_int_equal(putting.outcomes[k], cases[i].outcomes[k]);
        }
    }
}

static void test_failed_call_tells_its_status(void **state)
{
    (void)state;
    struct putting putting;
    fill(&putting, 1);
    ht_firehose_put_record_batch_start(scripted_client(), &putting.op);
    scripted_fail(HT_ENOTFOUND, HT_AWS_FAULT_FINAL, 400, "ResourceNotFoundException");
    assert_int_equal(putting.op.status, HT_ENOTFOUND);
    assert_int_equal(putting.done, 1);
}

static void test_cancel(void **state)
{
    (void)state;
    struct putting putting;
    fill(&putting, 1);
    ht_firehose_put_record_batch_start(scripted_client(), &putting.op);
    ht_firehose_put_record_batch_cancel(&putting.op);
    assert_int_equal(putting.done, 0);
    scripted_answer_canceled();
    assert_int_equal(putting.op.status, HT_ECANCELED);
}

static void test_limit_is_counted_as_sent(void **state)
{
    (void)state;
    struct ht_firehose_put_record_batch op = {.stream_name = HT_SLICE("a")};
    struct ht_buffer body;
    size_t room = HT_FIREHOSE_BATCH_BYTES - ht_firehose_batch_frame_bytes(op.stream_name);
    size_t length = (room - ht_firehose_record_frame_bytes(0)) / 4 * 3;
    char *data = calloc(1, length);
    assert_non_null(data);
    struct ht_slice record = ht_slice_make(data, length);
    op.records = &record;
    op.count = 1;
    ht_buffer_init(&body, HT_FIREHOSE_BATCH_BYTES);
    assert_int_equal(ht_firehose_put_record_batch_format(&op, &body), 0);
    assert_in_range(body.length, HT_FIREHOSE_BATCH_BYTES - 5, HT_FIREHOSE_BATCH_BYTES);
    ht_buffer_finish(&body);
    free(data);
}

/* As without memory for the body: else the service would refuse the records, which are not to blame. */
static void test_what_has_no_body_is_not_sent(void **state)
{
    (void)state;
    struct putting putting;
    size_t length = HT_FIREHOSE_BATCH_BYTES + 1000000;
    char *name = malloc(length);
    assert_non_null(name);
    memset(name, 'x', length);
    fill(&putting, 1);
    putting.op.stream_name = ht_slice_make(name, length);
    ht_firehose_put_record_batch_start(scripted_client(), &putting.op);
    assert_int_equal(scripted_pending()->call->refusal, HT_ETOOBIG);
    scripted_fail(HT_ETOOBIG, HT_AWS_FAULT_NONE, 0, "");
    assert_int_equal(putting.done, 1);
    assert_int_equal(putting.op.status, HT_ETOOBIG);
    free(name);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, scripted_setup, scripted_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_body_has_each_record_in_base64_of_its_own),
        CASE(test_answers),
        CASE(test_failed_call_tells_its_status),
        CASE(test_cancel),
        CASE(test_what_has_no_body_is_not_sent),
        cmocka_unit_test(test_limit_is_counted_as_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
