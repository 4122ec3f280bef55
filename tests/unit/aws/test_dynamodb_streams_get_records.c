// SPDX-License-Identifier: MIT
#include "hashtagd/aws/dynamodb_streams_get_records.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static int parse(struct ht_dynamodb_streams_get_records *op, struct ht_slice answer)
{
    *op = (struct ht_dynamodb_streams_get_records){.call.service = HT_AWS_DYNAMODB_STREAMS};
    ht_buffer_init(&op->texts, 1 << 16);
    return ht_dynamodb_streams_get_records_parse(op, answer);
}

static void finish(struct ht_dynamodb_streams_get_records *op)
{
    ht_buffer_finish(&op->texts);
    free(op->records);
}

static void the_request_has_iterator_and_limit(void **state)
{
    (void)state;
    struct ht_dynamodb_streams_get_records op = {.iterator = HT_SLICE("a|1"), .limit = 1000};
    struct ht_buffer body;
    ht_buffer_init(&body, 1024);
    assert_int_equal(ht_dynamodb_streams_get_records_format(&op, &body), 0);
    assert_string_equal(body.data, "{\"ShardIterator\":\"a|1\",\"Limit\":1000}");
    ht_buffer_finish(&body);
}

static void records_are_slices_of_the_answer(void **state)
{
    (void)state;
    struct ht_dynamodb_streams_get_records op;
    assert_int_equal(parse(&op, HT_SLICE("{\"NextShardIterator\":\"b|2\",\"Records\":"
                                         "[{\"eventID\":\"1\"}, {\"bad\":\"\\ud800\"} ,3]}")),
                     0);
    assert_int_equal(op.record_count, 3);
    assert_true(ht_slice_equal(op.records[0], HT_SLICE("{\"eventID\":\"1\"}")));
    assert_true(ht_slice_equal(op.records[1], HT_SLICE("{\"bad\":\"\\ud800\"}")));
    assert_true(ht_slice_equal(op.next_iterator, HT_SLICE("b|2")));
    finish(&op);
}

static void a_shard_that_is_read_to_its_end_has_no_next_iterator(void **state)
{
    (void)state;
    static const struct {
        const char *answer, *next;
    } cases[] = {
        {"{\"Records\":[]}", ""},
        {"{\"Records\":[],\"NextShardIterator\":null}", ""},
        {"{\"Records\":[],\"NextShardIterator\":\"a\\/b|1\"}", "a/b|1"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ht_dynamodb_streams_get_records op;
        assert_int_equal(parse(&op, ht_slice_text(cases[i].answer)), 0);
        assert_int_equal(op.record_count, 0);
        assert_true(ht_slice_equal(op.next_iterator, ht_slice_text(cases[i].next)));
        finish(&op);
    }
}

static void wrong_answers_are_refused(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "",
        "<html>",
        "[]",
        "{}",
        "{\"Records\":null}",
        "{\"Records\":{}}",
        "{\"Records\":[{}",
        "{\"Records\":[{} {}]}",
        "{\"Records\":[],\"NextShardIterator\":\"\"}",
        "{\"Records\":[],\"NextShardIterator\":\"\\ud800\"}",
    };
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        struct ht_dynamodb_streams_get_records op;
        if (parse(&op, ht_slice_text(answers[i])) != HT_EPARSE) {
            fail_msg("%s", answers[i]);
        }
        assert_null(op.records);
        finish(&op);
    }
}

static void more_records_than_asked_for_are_refused(void **state)
{
    (void)state;
    for (int extra = 0; extra <= 1; extra++) {
        struct ht_dynamodb_streams_get_records op;
        struct ht_buffer answer;
        ht_buffer_init(&answer, 1 << 20);
        (void)ht_buffer_append_text(&answer, "{\"Records\":[{}");
        for (int i = 1; i < HT_DYNAMODB_STREAMS_RECORDS_MAX + extra; i++) {
            (void)ht_buffer_append_text(&answer, ",{}");
        }
        (void)ht_buffer_append_text(&answer, "]}");
        assert_int_equal(parse(&op, ht_buffer_slice(&answer)), extra == 0 ? 0 : HT_EPARSE);
        assert_int_equal(op.record_count, extra == 0 ? HT_DYNAMODB_STREAMS_RECORDS_MAX : 0);
        finish(&op);
        ht_buffer_finish(&answer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_request_has_iterator_and_limit),
        cmocka_unit_test(records_are_slices_of_the_answer),
        cmocka_unit_test(a_shard_that_is_read_to_its_end_has_no_next_iterator),
        cmocka_unit_test(wrong_answers_are_refused),
        cmocka_unit_test(more_records_than_asked_for_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
