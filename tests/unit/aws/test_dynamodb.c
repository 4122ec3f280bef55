// SPDX-License-Identifier: MIT
#include "hashtagd/aws/dynamodb_create_table.h"
#include "hashtagd/aws/dynamodb_describe_table.h"
#include "hashtagd/aws/dynamodb_describe_time_to_live.h"
#include "hashtagd/aws/dynamodb_update_table.h"
#include "hashtagd/aws/dynamodb_update_time_to_live.h"

#include "fake_aws.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void assert_text(struct ht_buffer *body, const char *expected)
{
    char *text = ht_slice_to_text(ht_buffer_slice(body));
    assert_string_equal(text, expected);
    free(text);
    ht_buffer_clear(body);
}

static void bodies_say_what_is_wanted(void **state)
{
    (void)state;
    struct ht_buffer body;
    ht_buffer_init(&body, 4096);
    struct ht_dynamodb_create_table create = {
        .table_name = "t", .key_name = "k", .stream_view = "NEW_AND_OLD_IMAGES"};
    assert_int_equal(ht_dynamodb_create_table_format(&create, &body), 0);
    assert_text(
        &body,
        "{\"TableName\":\"t\",\"KeySchema\":[{\"AttributeName\":\"k\",\"KeyType\":\"HASH\"}],"
        "\"AttributeDefinitions\":[{\"AttributeName\":\"k\",\"AttributeType\":\"S\"}],"
        "\"BillingMode\":\"PAY_PER_REQUEST\",\"StreamSpecification\":{\"StreamEnabled\":true,"
        "\"StreamViewType\":\"NEW_AND_OLD_IMAGES\"}}");
    create = (struct ht_dynamodb_create_table){
        .table_name = "t", .key_name = "k", .read_units = 100, .write_units = 50};
    assert_int_equal(ht_dynamodb_create_table_format(&create, &body), 0);
    assert_text(
        &body,
        "{\"TableName\":\"t\",\"KeySchema\":[{\"AttributeName\":\"k\",\"KeyType\":\"HASH\"}],"
        "\"AttributeDefinitions\":[{\"AttributeName\":\"k\",\"AttributeType\":\"S\"}],"
        "\"BillingMode\":\"PROVISIONED\",\"ProvisionedThroughput\":{"
        "\"ReadCapacityUnits\":100,\"WriteCapacityUnits\":50}}");
    struct ht_dynamodb_update_table update = {.table_name = "t"};
    assert_int_equal(ht_dynamodb_update_table_format(&update, &body), 0);
    assert_text(&body, "{\"TableName\":\"t\",\"StreamSpecification\":{\"StreamEnabled\":false}}");
    update.stream_view = "OLD_IMAGE";
    assert_int_equal(ht_dynamodb_update_table_format(&update, &body), 0);
    assert_text(&body, "{\"TableName\":\"t\",\"StreamSpecification\":{\"StreamEnabled\":true,"
                       "\"StreamViewType\":\"OLD_IMAGE\"}}");
    struct ht_dynamodb_update_time_to_live ttl = {
        .table_name = "t", .attribute_name = "expiresAt", .is_enabled = true};
    assert_int_equal(ht_dynamodb_update_time_to_live_format(&ttl, &body), 0);
    assert_text(&body, "{\"TableName\":\"t\",\"TimeToLiveSpecification\":{\"Enabled\":true,"
                       "\"AttributeName\":\"expiresAt\"}}");
    ht_buffer_finish(&body);
}

static void description_tells_key_stream_and_capacity(void **state)
{
    (void)state;
    struct ht_dynamodb_table_description table;
    assert_int_equal(
        ht_dynamodb_table_description_parse(
            &table,
            HT_SLICE(
                "{\"Table\":{\"TableStatus\":\"ACTIVE\",\"TableArn\":\"arn:t\",\"ItemCount\":12,"
                "\"KeySchema\":[{\"KeyType\":\"HASH\",\"AttributeName\":\"hashtag\"}],"
                "\"AttributeDefinitions\":[{\"AttributeName\":\"x\",\"AttributeType\":\"N\"},"
                "{\"AttributeName\":\"hashtag\",\"AttributeType\":\"S\"}],"
                "\"ProvisionedThroughput\":{\"ReadCapacityUnits\":100,"
                "\"WriteCapacityUnits\":99},\"LatestStreamArn\":\"arn:s\","
                "\"StreamSpecification\":{\"StreamEnabled\":true,"
                "\"StreamViewType\":\"KEYS_ONLY\"}}}")),
        0);
    assert_string_equal(table.status, "ACTIVE");
    assert_string_equal(table.key_name, "hashtag");
    assert_string_equal(table.key_type, "S");
    assert_string_equal(table.stream_view, "KEYS_ONLY");
    assert_string_equal(table.stream_arn, "arn:s");
    assert_string_equal(table.arn, "arn:t");
    assert_true(table.has_stream);
    assert_false(table.has_sort_key);
    assert_false(table.is_on_demand);
    assert_int_equal(table.read_units, 100);
    assert_int_equal(table.write_units, 99);
    assert_int_equal(table.item_count, 12);
    assert_int_equal(
        ht_dynamodb_table_description_parse(
            &table,
            HT_SLICE("{\"TableDescription\":{\"TableStatus\":\"CREATING\",\"KeySchema\":["
                     "{\"AttributeName\":\"a\",\"KeyType\":\"HASH\"},"
                     "{\"AttributeName\":\"b\",\"KeyType\":\"RANGE\"}],\"BillingModeSummary\":{"
                     "\"BillingMode\":\"PAY_PER_REQUEST\"}}}")),
        0);
    assert_true(table.has_sort_key);
    assert_true(table.is_on_demand);
    assert_false(table.has_stream);
    assert_int_equal(ht_dynamodb_table_description_parse(&table, HT_SLICE("{}")), HT_EPARSE);
    assert_int_equal(ht_dynamodb_table_description_parse(&table, HT_SLICE("{\"Table\":")),
                     HT_EPARSE);
}

static void time_to_live_is_read_in_every_state(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool is_enabled, is_changing;
    } cases[] = {{"ENABLING", true, true},
                 {"ENABLED", true, false},
                 {"DISABLING", false, true},
                 {"DISABLED", false, false}};
    struct ht_dynamodb_describe_time_to_live op = {0};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ht_buffer text;
        ht_buffer_init(&text, 4096);
        assert_int_equal(ht_buffer_append_format(&text,
                                                 "{\"TimeToLiveDescription\":{\"TimeToLiveStatus\":"
                                                 "\"%s\",\"AttributeName\":\"e\"}}",
                                                 cases[i].name),
                         0);
        assert_int_equal(ht_dynamodb_describe_time_to_live_parse(&op, ht_buffer_slice(&text)), 0);
        assert_int_equal(op.is_enabled, cases[i].is_enabled);
        assert_int_equal(op.is_changing, cases[i].is_changing);
        assert_string_equal(op.attribute_name, "e");
        ht_buffer_finish(&text);
    }
    assert_int_equal(ht_dynamodb_describe_time_to_live_parse(&op, HT_SLICE("{}")), HT_EPARSE);
}

static void on_described(struct ht_dynamodb_describe_table *op)
{
    *(int *)op->user = op->status;
}

static void a_missing_table_and_a_broken_answer_are_told(void **state)
{
    (void)state;
    struct ht_aws_client client = {0};
    int status = 1;
    struct ht_dynamodb_describe_table op = {
        .table_name = "t", .done = on_described, .user = &status};
    ht_dynamodb_describe_table_start(&client, &op);
    fake_aws_refuse(fake_aws_next(&client), "ResourceNotFoundException", HT_SLICE(""));
    assert_int_equal(status, HT_ENOTFOUND);
    op = (struct ht_dynamodb_describe_table){
        .table_name = "t", .done = on_described, .user = &status};
    ht_dynamodb_describe_table_start(&client, &op);
    fake_aws_answer(fake_aws_next(&client), HT_SLICE("<html>"));
    assert_int_equal(status, HT_EPARSE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_say_what_is_wanted),
        cmocka_unit_test(description_tells_key_stream_and_capacity),
        cmocka_unit_test(time_to_live_is_read_in_every_state),
        cmocka_unit_test(a_missing_table_and_a_broken_answer_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
