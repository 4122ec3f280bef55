// SPDX-License-Identifier: MIT
#include "hashtagd/aws/dynamodb_delete_item.h"
#include "hashtagd/aws/dynamodb_get_item.h"
#include "hashtagd/aws/dynamodb_put_item.h"
#include "hashtagd/aws/dynamodb_scan.h"
#include "hashtagd/aws/dynamodb_update_item.h"
#include "hashtagd/base/assert.h"

#include "fake_aws.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct ht_dynamodb_target target = {
    .table_name = "hashtags", .key_name = "hashtag", .key = {"a\"b", 3}, .resource = "table x"};

static void assert_text(const struct ht_buffer *body, const char *expected)
{
    char *text = ht_slice_to_text(ht_buffer_slice(body));
    assert_string_equal(text, expected);
    free(text);
}

static void update_body_has_all_expressions(void **state)
{
    (void)state;
    const struct ht_slice set[] = {HT_SLICE("x"), HT_SLICE("y")};
    const struct ht_dynamodb_name names[] = {{"#c", HT_SLICE("htCount")}};
    const struct ht_dynamodb_value values[] = {
        {.alias = ":n", .type = HT_ATTRIBUTE_N, .number = 7},
        {.alias = ":s", .type = HT_ATTRIBUTE_S, .text = HT_SLICE("t")},
        {.alias = ":p", .type = HT_ATTRIBUTE_SS, .texts = set, .text_count = 2},
    };
    struct ht_dynamodb_update_item op = {.target = target, .returned = "UPDATED_NEW"};
    op.expressions = (struct ht_dynamodb_expressions){
        "ADD #c :n", "#c < :n", names, HT_COUNT_OF(names), values, HT_COUNT_OF(values)};
    struct ht_buffer body;
    ht_buffer_init(&body, 4096);
    assert_int_equal(ht_dynamodb_update_item_format(&op, &body), 0);
    assert_text(&body, "{\"TableName\":\"hashtags\",\"Key\":{\"hashtag\":{\"S\":\"a\\\"b\"}},"
                       "\"UpdateExpression\":\"ADD #c :n\",\"ConditionExpression\":\"#c < :n\","
                       "\"ExpressionAttributeNames\":{\"#c\":\"htCount\"},"
                       "\"ExpressionAttributeValues\":{\":n\":{\"N\":\"7\"},\":s\":{\"S\":\"t\"},"
                       "\":p\":{\"SS\":[\"x\",\"y\"]}},\"ReturnValues\":\"UPDATED_NEW\","
                       "\"ReturnValuesOnConditionCheckFailure\":\"ALL_OLD\"}");
    ht_buffer_finish(&body);
}

static void small_bodies_leave_out_what_is_not_asked(void **state)
{
    (void)state;
    struct ht_buffer body;
    ht_buffer_init(&body, 4096);
    struct ht_dynamodb_get_item get = {.target = target};
    assert_int_equal(ht_dynamodb_get_item_format(&get, &body), 0);
    assert_text(&body, "{\"TableName\":\"hashtags\",\"Key\":{\"hashtag\":{\"S\":\"a\\\"b\"}},"
                       "\"ConsistentRead\":true}");
    ht_buffer_clear(&body);
    struct ht_dynamodb_delete_item delete = {.target = target, .returned = "ALL_OLD"};
    assert_int_equal(ht_dynamodb_delete_item_format(&delete, &body), 0);
    assert_text(&body, "{\"TableName\":\"hashtags\",\"Key\":{\"hashtag\":{\"S\":\"a\\\"b\"}},"
                       "\"ReturnValues\":\"ALL_OLD\"}");
    ht_buffer_clear(&body);
    const struct ht_dynamodb_value counter = {.alias = "n", .type = HT_ATTRIBUTE_N, .number = 0};
    struct ht_dynamodb_put_item put = {
        .target = target, .attributes = &counter, .attribute_count = 1};
    assert_int_equal(ht_dynamodb_put_item_format(&put, &body), 0);
    assert_text(&body, "{\"TableName\":\"hashtags\",\"Item\":{\"hashtag\":{\"S\":\"a\\\"b\"},"
                       "\"n\":{\"N\":\"0\"}}}");
    ht_buffer_clear(&body);
    struct ht_dynamodb_scan scan = {.table_name = "t",
                                    .segment = 1,
                                    .segment_count = 4,
                                    .limit = 9,
                                    .start_key = HT_SLICE("{\"k\":1}")};
    assert_int_equal(ht_dynamodb_scan_format(&scan, &body), 0);
    assert_text(&body, "{\"TableName\":\"t\",\"ConsistentRead\":true,\"Segment\":1,"
                       "\"TotalSegments\":4,\"Limit\":9,\"ExclusiveStartKey\":{\"k\":1}}");
    ht_buffer_finish(&body);
}

struct seen {
    unsigned count;
    int status;
    bool has_item;
    bool condition_failed;
    uint64_t number;
};

static void on_updated(struct ht_dynamodb_update_item *op)
{
    static const char *const names[] = {"htCount"};
    struct seen *seen = op->user;
    struct ht_json_keys keys;
    struct ht_json_value found;
    seen->count++;
    seen->status = op->status;
    seen->condition_failed = ht_dynamodb_condition_failed(&op->call);
    seen->has_item = op->answer.item.kind == '{';
    ht_json_keys_init(&keys, names, 1);
    ht_json_reader_find(&op->answer.reader, op->answer.item, &keys, &found);
    if (ht_attribute_u64(&op->answer.reader, found, &seen->number) != 0) {
        seen->number = 0;
    }
}

static void update_reads_answers_of_every_kind(void **state)
{
    (void)state;
    struct ht_aws_client client = {0};
    struct seen seen = {0};
    struct ht_dynamodb_update_item op = {.target = target, .done = on_updated, .user = &seen};
    ht_dynamodb_update_item_start(&client, &op);
    fake_aws_answer(fake_aws_next(&client),
                    HT_SLICE("{\"Attributes\":{\"htCount\":{\"N\":\"12\"}}}"));
    assert_int_equal(seen.status, 0);
    assert_int_equal(seen.number, 12);
    ht_dynamodb_update_item_start(&client, &op);
    fake_aws_refuse(fake_aws_next(&client), "ConditionalCheckFailedException",
                    HT_SLICE("{\"htCount\":{\"N\":\"1E+2\"}}"));
    assert_true(seen.condition_failed);
    assert_int_equal(seen.number, 100);
    ht_dynamodb_update_item_start(&client, &op);
    fake_aws_refuse(fake_aws_next(&client), "ConditionalCheckFailedException", HT_SLICE(""));
    assert_true(seen.condition_failed);
    assert_false(seen.has_item);
    ht_dynamodb_update_item_start(&client, &op);
    fake_aws_answer(fake_aws_next(&client), HT_SLICE("{\"Attributes\":{\"htC"));
    assert_int_equal(seen.status, HT_EPARSE);
    assert_false(seen.has_item);
    assert_int_equal(op.call.error.code, HT_EPARSE);
    ht_dynamodb_update_item_start(&client, &op);
    fake_aws_answer(fake_aws_next(&client), HT_SLICE("[1,2]"));
    assert_int_equal(seen.status, HT_EPARSE);
    ht_dynamodb_update_item_start(&client, &op);
    fake_aws_break(fake_aws_next(&client));
    assert_int_equal(seen.status, HT_ECONNECTION);
    assert_false(seen.condition_failed);
    assert_int_equal(seen.count, 6);
    ht_dynamodb_update_item_finish(&op);
}

static void scan_tells_whether_more_follows(void **state)
{
    (void)state;
    struct ht_dynamodb_scan op = {0};
    assert_int_equal(
        ht_dynamodb_scan_parse(
            &op, HT_SLICE("{\"Items\":[],\"LastEvaluatedKey\":{\"k\":{\"S\":\"a\"}}}")),
        0);
    assert_int_equal(op.items.kind, '[');
    assert_true(ht_slice_equal(op.last_key, HT_SLICE("{\"k\":{\"S\":\"a\"}}")));
    assert_int_equal(ht_dynamodb_scan_parse(&op, HT_SLICE("{\"Items\":[{}],\"Count\":1}")), 0);
    assert_int_equal(op.last_key.length, 0);
    assert_int_equal(ht_dynamodb_scan_parse(&op, HT_SLICE("{\"Count\":1}")), HT_EPARSE);
    assert_int_equal(ht_dynamodb_scan_parse(&op, HT_SLICE("<html>")), HT_EPARSE);
    ht_dynamodb_scan_finish(&op);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(update_body_has_all_expressions),
        cmocka_unit_test(small_bodies_leave_out_what_is_not_asked),
        cmocka_unit_test(update_reads_answers_of_every_kind),
        cmocka_unit_test(scan_tells_whether_more_follows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
