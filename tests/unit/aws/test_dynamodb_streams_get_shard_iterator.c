// SPDX-License-Identifier: MIT
#include "hashtagd/aws/dynamodb_streams_get_shard_iterator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void the_request_names_the_place(void **state)
{
    (void)state;
    static const struct {
        enum ht_dynamodb_stream_start type;
        const char *body;
    } cases[] = {
        {HT_DYNAMODB_STREAM_TRIM_HORIZON,
         "{\"StreamArn\":\"arn:x\",\"ShardId\":\"s\",\"ShardIteratorType\":\"TRIM_HORIZON\"}"},
        {HT_DYNAMODB_STREAM_LATEST,
         "{\"StreamArn\":\"arn:x\",\"ShardId\":\"s\",\"ShardIteratorType\":\"LATEST\"}"},
        {HT_DYNAMODB_STREAM_AT_SEQUENCE_NUMBER,
         "{\"StreamArn\":\"arn:x\",\"ShardId\":\"s\",\"ShardIteratorType\":\"AT_SEQUENCE_NUMBER\","
         "\"SequenceNumber\":\"12\"}"},
        {HT_DYNAMODB_STREAM_AFTER_SEQUENCE_NUMBER,
         "{\"StreamArn\":\"arn:x\",\"ShardId\":\"s\",\"ShardIteratorType\":"
         "\"AFTER_SEQUENCE_NUMBER\",\"SequenceNumber\":\"12\"}"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ht_dynamodb_streams_get_shard_iterator op = {.stream_arn = HT_SLICE("arn:x"),
                                                            .shard_id = HT_SLICE("s"),
                                                            .type = cases[i].type,
                                                            .sequence_number = HT_SLICE("12")};
        struct ht_buffer body;
        ht_buffer_init(&body, 1024);
        assert_int_equal(ht_dynamodb_streams_get_shard_iterator_format(&op, &body), 0);
        assert_string_equal(body.data, cases[i].body);
        ht_buffer_finish(&body);
    }
}

static void the_iterator_is_read_or_the_answer_refused(void **state)
{
    (void)state;
    static char too_long[HT_DYNAMODB_STREAM_ITERATOR_BYTES + 64];
    (void)snprintf(too_long, sizeof(too_long), "{\"ShardIterator\":\"%0*d\"}",
                   HT_DYNAMODB_STREAM_ITERATOR_BYTES + 1, 0);
    const struct {
        const char *answer, *iterator;
        int status;
    } cases[] = {
        {"{\"ShardIterator\":\"arn:x\\/stream|1|AA==\"}", "arn:x/stream|1|AA==", 0},
        {"{\"ShardIterator\":\"\"}", NULL, HT_EPARSE},
        {"{\"ShardIterator\":null}", NULL, HT_EPARSE},
        {"{}", NULL, HT_EPARSE},
        {"", NULL, HT_EPARSE},
        {"{\"ShardIterator\":\"a", NULL, HT_EPARSE},
        {too_long, NULL, HT_EPARSE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ht_dynamodb_streams_get_shard_iterator op = {.call.service =
                                                                HT_AWS_DYNAMODB_STREAMS};
        ht_buffer_init(&op.texts, 1 << 16);
        assert_int_equal(
            ht_dynamodb_streams_get_shard_iterator_parse(&op, ht_slice_text(cases[i].answer)),
            cases[i].status);
        if (cases[i].status == 0) {
            assert_true(ht_slice_equal(op.iterator, ht_slice_text(cases[i].iterator)));
        }
        ht_buffer_finish(&op.texts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_request_names_the_place),
        cmocka_unit_test(the_iterator_is_read_or_the_answer_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
