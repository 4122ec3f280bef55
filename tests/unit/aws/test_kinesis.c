// SPDX-License-Identifier: MIT
/* The operations of Kinesis with small answers. */
#include "hashtagd/aws/kinesis.h"

#include "hashtagd/aws/kinesis_create_stream.h"
#include "hashtagd/aws/kinesis_describe_stream_summary.h"
#include "hashtagd/aws/kinesis_get_shard_iterator.h"
#include "hashtagd/aws/kinesis_list_shards.h"
#include "hashtagd/base/assert.h"

#include "../../support/json_memory.h"
#include "fake_aws.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct ht_aws_client client;
static unsigned done_count;

static int set_up(void **state)
{
    (void)state;
    memset(&client, 0, sizeof(client));
    done_count = 0;
    return 0;
}

static void names_and_sequence_numbers_have_a_form(void **state)
{
    (void)state;
    char name[200];
    memset(name, 'a', sizeof(name));
    name[128] = '\0';
    assert_true(ht_kinesis_name_is_valid("a"));
    assert_true(ht_kinesis_name_is_valid("twitter_big-data.1"));
    assert_true(ht_kinesis_name_is_valid(name));
    name[128] = 'a';
    name[129] = '\0';
    assert_false(ht_kinesis_name_is_valid(name));
    assert_false(ht_kinesis_name_is_valid(""));
    assert_false(ht_kinesis_name_is_valid("a/b"));
    assert_true(ht_kinesis_is_sequence(HT_SLICE("0")));
    assert_false(ht_kinesis_is_sequence(HT_SLICE("")));
    assert_false(ht_kinesis_is_sequence(HT_SLICE("12a")));
    memset(name, '1', sizeof(name));
    assert_true(ht_kinesis_is_sequence(ht_slice_make(name, 129)));
    assert_false(ht_kinesis_is_sequence(ht_slice_make(name, 130)));
}

static void on_created(struct ht_kinesis_create_stream *op)
{
    (void)op;
    done_count++;
}

static void a_stream_is_created_on_demand_or_with_shards(void **state)
{
    (void)state;
    struct ht_kinesis_create_stream op = {.stream_name = "tweets", .done = on_created};
    assert_int_equal(ht_kinesis_create_stream_start(&client, &op), 0);
    assert_true(ht_slice_equal(
        op.call.body,
        HT_SLICE(
            "{\"StreamName\":\"tweets\",\"StreamModeDetails\":{\"StreamMode\":\"ON_DEMAND\"}}")));
    fake_aws_answer(fake_aws_next(&client), HT_SLICE(""));
    assert_int_equal(op.call.status, 0);
    op = (struct ht_kinesis_create_stream){
        .stream_name = "tweets", .shard_count = 4, .done = on_created};
    assert_int_equal(ht_kinesis_create_stream_start(&client, &op), 0);
    assert_true(ht_slice_equal(
        op.call.body, HT_SLICE("{\"StreamName\":\"tweets\",\"ShardCount\":4,"
                               "\"StreamModeDetails\":{\"StreamMode\":\"PROVISIONED\"}}")));
    fake_aws_refuse(fake_aws_next(&client), "ResourceInUseException", HT_SLICE(""));
    assert_int_equal(op.call.status, HT_EEXIST);
    assert_int_equal(done_count, 2);
}

static void on_described(struct ht_kinesis_describe_stream_summary *op)
{
    (void)op;
    done_count++;
}

static void describe(struct ht_kinesis_describe_stream_summary *op, const char *answer)
{
    *op =
        (struct ht_kinesis_describe_stream_summary){.stream_name = "tweets", .done = on_described};
    assert_int_equal(ht_kinesis_describe_stream_summary_start(&client, op), 0);
    fake_aws_answer(fake_aws_next(&client), ht_slice_text(answer));
}

static void a_stream_is_described(void **state)
{
    (void)state;
    struct ht_kinesis_describe_stream_summary op;
    describe(&op,
             "{\"StreamDescriptionSummary\":{\"StreamName\":\"tweets\",\"StreamARN\":\"arn:1\","
             "\"StreamStatus\":\"UPDATING\",\"StreamModeDetails\":{\"StreamMode\":"
             "\"ON_DEMAND\"},\"RetentionPeriodHours\":24,\"OpenShardCount\":4,\"New\":[]}}");
    assert_int_equal(op.call.status, 0);
    assert_string_equal(op.summary.arn, "arn:1");
    assert_string_equal(op.summary.status, "UPDATING");
    assert_true(op.summary.is_usable);
    assert_true(op.summary.is_on_demand);
    assert_int_equal(op.summary.open_shard_count, 4);
    assert_int_equal(op.summary.retention_hours, 24);
    describe(&op, "{\"StreamDescriptionSummary\":{\"StreamStatus\":\"CREATING\"}}");
    assert_int_equal(op.call.status, 0);
    assert_false(op.summary.is_usable);
    assert_false(op.summary.is_on_demand);
    static const char *const broken[] = {"", "{}", "[]", "{\"StreamDescriptionSummary\":7}",
                                         "{\"StreamDescriptionSummary\":{}}"};
    for (size_t i = 0; i < HT_COUNT_OF(broken); i++) {
        describe(&op, broken[i]);
        assert_int_equal(op.call.status, HT_ECONNECTION);
        assert_non_null(strstr(op.call.error.text, "DescribeStreamSummary on stream tweets"));
    }
}

static void on_iterator(struct ht_kinesis_get_shard_iterator *op)
{
    (void)op;
    done_count++;
}

static void each_place_has_its_request(void **state)
{
    (void)state;
    static const struct {
        struct ht_kinesis_place place;
        const char *rest;
    } cases[] = {
        {{.type = HT_KINESIS_TRIM_HORIZON}, "\"TRIM_HORIZON\"}"},
        {{.type = HT_KINESIS_LATEST}, "\"LATEST\"}"},
        {{.type = HT_KINESIS_AT_SEQUENCE_NUMBER, .sequence_number = "12"},
         "\"AT_SEQUENCE_NUMBER\",\"StartingSequenceNumber\":\"12\"}"},
        {{.type = HT_KINESIS_AFTER_SEQUENCE_NUMBER, .sequence_number = "12"},
         "\"AFTER_SEQUENCE_NUMBER\",\"StartingSequenceNumber\":\"12\"}"},
        {{.type = HT_KINESIS_AT_TIMESTAMP, .time_ms = 1700000000007},
         "\"AT_TIMESTAMP\",\"Timestamp\":1700000000.007}"},
        {{.type = HT_KINESIS_AT_TIMESTAMP, .time_ms = -5}, "\"AT_TIMESTAMP\",\"Timestamp\":0.000}"},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        char text[512];
        struct ht_kinesis_get_shard_iterator op = {
            .stream_name = "t", .shard_id = "s", .place = cases[i].place, .done = on_iterator};
        assert_int_equal(ht_kinesis_get_shard_iterator_start(&client, &op), 0);
        snprintf(text, sizeof(text),
                 "{\"StreamName\":\"t\",\"ShardId\":\"s\",\"ShardIteratorType\":%s", cases[i].rest);
        assert_true(ht_slice_equal(op.call.body, ht_slice_text(text)));
        fake_aws_answer(fake_aws_next(&client), HT_SLICE("{\"ShardIterator\":\"AA\\/B\"}"));
        assert_int_equal(op.call.status, 0);
        assert_string_equal(op.iterator, "AA/B");
    }
}

static void an_answer_without_iterator_is_refused(void **state)
{
    (void)state;
    char large[3000];
    snprintf(large, sizeof(large), "{\"ShardIterator\":\"%02500d\"}", 1);
    const char *const answers[] = {
        "", "{}", "[]", "{\"ShardIterator\":null}", "{\"ShardIterator\":\"\"}", large};
    for (size_t i = 0; i < HT_COUNT_OF(answers); i++) {
        struct ht_kinesis_get_shard_iterator op = {
            .stream_name = "t", .shard_id = "s", .done = on_iterator};
        assert_int_equal(ht_kinesis_get_shard_iterator_start(&client, &op), 0);
        fake_aws_answer(fake_aws_next(&client), ht_slice_text(answers[i]));
        assert_int_equal(op.call.status, HT_ECONNECTION);
    }
    assert_int_equal(done_count, HT_COUNT_OF(answers));
}

/* What a list brought. */
static struct ht_kinesis_shard shards[8];
static size_t shard_count;

static void on_listed(struct ht_kinesis_list_shards *op)
{
    done_count++;
    shard_count = op->count;
    for (size_t i = 0; op->call.status == 0 && i < op->count; i++) {
        shards[i] = op->shards[i];
    }
}

static void a_list_goes_through_all_pages(void **state)
{
    (void)state;
    struct ht_kinesis_list_shards op = {.stream_name = "t", .done = on_listed};
    assert_int_equal(ht_kinesis_list_shards_start(&client, &op), 0);
    assert_true(ht_slice_equal(op.call.body, HT_SLICE("{\"StreamName\":\"t\"}")));
    fake_aws_answer(fake_aws_next(&client),
                    HT_SLICE("{\"Shards\":[{\"ShardId\":\"s0\",\"SequenceNumberRange\":{"
                             "\"StartingSequenceNumber\":\"1\",\"EndingSequenceNumber\":\"9\"}},"
                             "{\"ShardId\":\"s1\"}],\"NextToken\":\"n/1\"}"));
    assert_int_equal(done_count, 0);
    /* the token alone: the name beside it would be refused */
    assert_true(ht_slice_equal(op.call.body, HT_SLICE("{\"NextToken\":\"n/1\"}")));
    fake_aws_answer(fake_aws_next(&client),
                    HT_SLICE("{\"Shards\":[{\"ShardId\":\"s2\",\"ParentShardId\":\"s0\","
                             "\"AdjacentParentShardId\":\"s1\",\"New\":{}}],\"NextToken\":null}"));
    assert_int_equal(done_count, 1);
    assert_int_equal(op.call.status, 0);
    assert_int_equal(shard_count, 3);
    assert_true(shards[0].is_closed);
    assert_string_equal(shards[0].ending_sequence, "9");
    assert_false(shards[1].is_closed);
    assert_string_equal(shards[2].parent_id, "s0");
    assert_string_equal(shards[2].adjacent_parent_id, "s1");
}

static void check_lack_of_memory(const struct ht_aws_call *call)
{
    assert_int_equal(call->status, HT_ENOMEM);
    assert_non_null(strstr(call->error.text, "out of memory for the answer. It is asked again."));
    assert_null(strstr(call->error.text, "cannot be used"));
}

static void an_answer_without_memory_is_not_called_broken(void **state)
{
    (void)state;
    struct ht_kinesis_list_shards list = {.stream_name = "tweets", .done = on_listed};
    struct ht_kinesis_get_shard_iterator iterator = {
        .stream_name = "tweets", .shard_id = "s", .done = on_iterator};
    struct ht_kinesis_describe_stream_summary summary = {.stream_name = "tweets",
                                                         .done = on_described};
    assert_int_equal(ht_kinesis_list_shards_start(&client, &list), 0);
    struct ht_aws_call *call = fake_aws_next(&client);
    json_memory_take();
    fake_aws_answer(call, HT_SLICE("{\"Shards\":[]}"));
    json_memory_give_back();
    check_lack_of_memory(&list.call);
    assert_int_equal(ht_kinesis_get_shard_iterator_start(&client, &iterator), 0);
    call = fake_aws_next(&client);
    json_memory_take();
    fake_aws_answer(call, HT_SLICE("{\"ShardIterator\":\"i\"}"));
    json_memory_give_back();
    check_lack_of_memory(&iterator.call);
    assert_int_equal(ht_kinesis_describe_stream_summary_start(&client, &summary), 0);
    call = fake_aws_next(&client);
    json_memory_take();
    fake_aws_answer(call, HT_SLICE("{\"StreamDescriptionSummary\":{\"StreamStatus\":\"ACTIVE\"}}"));
    json_memory_give_back();
    check_lack_of_memory(&summary.call);
}

static void a_list_that_breaks_in_between_fails(void **state)
{
    (void)state;
    static const char *const pages[] = {
        "", "{}", "[]", "{\"Shards\":null}", "{\"Shards\":[{\"Id\":\"s\"}]}", "{\"Shards\":[7]}"};
    for (size_t i = 0; i <= HT_COUNT_OF(pages); i++) {
        struct ht_kinesis_list_shards op = {.stream_name = "t", .done = on_listed};
        assert_int_equal(ht_kinesis_list_shards_start(&client, &op), 0);
        fake_aws_answer(fake_aws_next(&client),
                        HT_SLICE("{\"Shards\":[{\"ShardId\":\"s0\"}],\"NextToken\":\"n\"}"));
        if (i == HT_COUNT_OF(pages)) {
            fake_aws_break(fake_aws_next(&client));
        } else {
            fake_aws_answer(fake_aws_next(&client), ht_slice_text(pages[i]));
        }
        assert_int_equal(done_count, i + 1);
        assert_int_equal(op.call.status, HT_ECONNECTION);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(names_and_sequence_numbers_have_a_form, set_up),
        cmocka_unit_test_setup(a_stream_is_created_on_demand_or_with_shards, set_up),
        cmocka_unit_test_setup(a_stream_is_described, set_up),
        cmocka_unit_test_setup(each_place_has_its_request, set_up),
        cmocka_unit_test_setup(an_answer_without_iterator_is_refused, set_up),
        cmocka_unit_test_setup(a_list_goes_through_all_pages, set_up),
        cmocka_unit_test_setup(an_answer_without_memory_is_not_called_broken, set_up),
        cmocka_unit_test_setup(a_list_that_breaks_in_between_fails, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
