// SPDX-License-Identifier: MIT
#include "../../../src/aws/answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void an_answer_that_makes_no_sense_is_told_in_one_sentence(void **state)
{
    (void)state;
    struct ht_json_reader reader;
    struct ht_aws_call call = {.service = HT_AWS_DYNAMODB_STREAMS,
                               .operation = "GetRecords",
                               .resource = "table hashtags",
                               .failure.request_id = "REQ-1"};
    ht_json_reader_init(&reader, 64);
    assert_int_equal(ht_aws_answer_scan(&call, &reader, HT_SLICE("<html>")), HT_EPARSE);
    assert_string_equal(call.error.text,
                        "DynamoDB Streams GetRecords on table hashtags: the answer makes no sense "
                        "(not valid JSON) (request REQ-1). It is asked again.");
    call.resource = NULL;
    call.failure.request_id[0] = '\0';
    assert_int_equal(ht_aws_answer_scan(&call, &reader, HT_SLICE("[]")), HT_EPARSE);
    assert_string_equal(call.error.text, "DynamoDB Streams GetRecords: the answer makes no sense "
                                         "(no object). It is asked again.");
    assert_int_equal(ht_aws_answer_scan(&call, &reader, HT_SLICE("{}")), 0);
    ht_json_reader_finish(&reader);
}

static void texts_that_are_none_are_empty(void **state)
{
    (void)state;
    static const char *const names[] = {"aa", "bb", "cc"};
    struct ht_json_reader reader;
    struct ht_json_keys keys;
    struct ht_json_value found[3];
    struct ht_buffer texts;
    struct ht_aws_call call = {.service = HT_AWS_DYNAMODB_STREAMS};
    ht_json_reader_init(&reader, 64);
    ht_buffer_init(&texts, 64);
    ht_json_keys_init(&keys, names, 3);
    assert_int_equal(ht_aws_answer_scan(&call, &reader, HT_SLICE("{\"aa\":\"\\u0041\",\"bb\":1}")),
                     0);
    ht_json_reader_find(&reader, ht_json_reader_root(&reader), &keys, found);
    assert_true(ht_slice_equal(ht_aws_answer_text(&reader, found[0], &texts), HT_SLICE("A")));
    assert_int_equal(ht_aws_answer_text(&reader, found[1], &texts).length, 0);
    assert_int_equal(ht_aws_answer_text(&reader, found[2], &texts).length, 0);
    ht_buffer_finish(&texts);
    ht_json_reader_finish(&reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_that_makes_no_sense_is_told_in_one_sentence),
        cmocka_unit_test(texts_that_are_none_are_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
