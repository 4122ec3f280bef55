// SPDX-License-Identifier: MIT
#include "hashtagd/aws/dynamodb_streams_list_streams.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void the_request_names_the_table(void **state)
{
    (void)state;
    struct ht_dynamodb_streams_list_streams op = {.table_name = "hashtags"};
    struct ht_buffer body;
    ht_buffer_init(&body, 1024);
    assert_int_equal(ht_dynamodb_streams_list_streams_format(&op, &body), 0);
    assert_string_equal(body.data, "{\"TableName\":\"hashtags\",\"Limit\":100}");
    ht_buffer_finish(&body);
}

static void streams_are_told_or_the_answer_refused(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        int status;
        size_t count;
    } cases[] = {
        {"{\"Streams\":[{\"StreamArn\":\"arn:a\\u002fb\",\"TableName\":\"x\"},{\"StreamArn\":"
         "\"arn:c\"}]}",
         0, 2},
        {"{\"Streams\":[{\"TableName\":\"x\"},{},1,null]}", 0, 0},
        {"{\"Streams\":{}}", 0, 0},
        {"{}", 0, 0},
        {"[]", HT_EPARSE, 0},
        {"{\"Streams\":[", HT_EPARSE, 0},
        {"", HT_EPARSE, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ht_dynamodb_streams_list_streams op = {.call.service = HT_AWS_DYNAMODB_STREAMS};
        struct ht_slice arns[HT_DYNAMODB_STREAMS_MAX];
        ht_buffer_init(&op.texts, 1 << 16);
        assert_int_equal(
            ht_dynamodb_streams_list_streams_parse(&op, ht_slice_text(cases[i].answer), arns),
            cases[i].status);
        assert_int_equal(op.stream_count, cases[i].count);
        if (cases[i].count == 2) {
            assert_true(ht_slice_equal(op.stream_arns[0], HT_SLICE("arn:a/b")));
            assert_true(ht_slice_equal(op.stream_arns[1], HT_SLICE("arn:c")));
        }
        ht_buffer_finish(&op.texts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_request_names_the_table),
        cmocka_unit_test(streams_are_told_or_the_answer_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
