// SPDX-License-Identifier: MIT
#include "hashtagd/aws/dynamodb_streams_describe_stream.h"

#include "hashtagd/base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct ht_dynamodb_stream_shard shards[HT_DYNAMODB_STREAMS_SHARDS_MAX];

static int parse(struct ht_dynamodb_streams_describe_stream *op, struct ht_slice answer)
{
    *op = (struct ht_dynamodb_streams_describe_stream){.call.service = HT_AWS_DYNAMODB_STREAMS};
    ht_buffer_init(&op->texts, 1 << 20);
    return ht_dynamodb_streams_describe_stream_parse(op, answer, shards);
}

static void the_request_asks_for_a_page_or_for_children(void **state)
{
    (void)state;
    struct ht_dynamodb_streams_describe_stream op = {.stream_arn = HT_SLICE("arn:x")};
    struct ht_buffer body;
    ht_buffer_init(&body, 1024);
    assert_int_equal(ht_dynamodb_streams_describe_stream_format(&op, &body), 0);
    assert_string_equal(body.data, "{\"StreamArn\":\"arn:x\",\"Limit\":100}");
    ht_buffer_clear(&body);
    op.start_shard_id = HT_SLICE("shardId-1");
    op.child_shards_of = HT_SLICE("shardId-2");
    assert_int_equal(ht_dynamodb_streams_describe_stream_format(&op, &body), 0);
    assert_string_equal(body.data,
                        "{\"StreamArn\":\"arn:x\",\"Limit\":100,\"ExclusiveStartShardId\":"
                        "\"shardId-1\",\"ShardFilter\":{\"Type\":\"CHILD_SHARDS\",\"ShardId\":"
                        "\"shardId-2\"}}");
    ht_buffer_finish(&body);
}

static void an_answer_tells_status_view_and_shards(void **state)
{
    (void)state;
    struct ht_dynamodb_streams_describe_stream op;
    assert_int_equal(
        parse(&op, HT_SLICE("{\"StreamDescription\":{\"StreamArn\":\"arn:x\",\"StreamStatus\":"
                            "\"ENABLED\",\"StreamViewType\":\"NEW_AND_OLD_IMAGES\",\"Unknown\":{},"
                            "\"Shards\":[{\"ShardId\":\"shard\\u002d1\",\"SequenceNumberRange\":"
                            "{\"StartingSequenceNumber\":\"100\",\"EndingSequenceNumber\":\"200\"}}"
                            ",{\"ShardId\":\"shard-2\",\"ParentShardId\":\"shard-1\","
                            "\"SequenceNumberRange\":{\"StartingSequenceNumber\":\"201\"}},"
                            "{\"ShardId\":\"shard-3\",\"ParentShardId\":null}],"
                            "\"LastEvaluatedShardId\":\"shard-3\"}}")),
        0);
    assert_true(op.is_enabled);
    assert_int_equal(op.view, HT_DYNAMODB_STREAM_VIEW_NEW_AND_OLD_IMAGES);
    assert_int_equal(op.shard_count, 3);
    assert_true(ht_slice_equal(op.shards[0].shard_id, HT_SLICE("shard-1")));
    assert_int_equal(op.shards[0].parent_shard_id.length, 0);
    assert_true(ht_slice_equal(op.shards[0].starting_sequence_number, HT_SLICE("100")));
    assert_true(ht_slice_equal(op.shards[0].ending_sequence_number, HT_SLICE("200")));
    assert_true(ht_slice_equal(op.shards[1].parent_shard_id, HT_SLICE("shard-1")));
    assert_int_equal(op.shards[1].ending_sequence_number.length, 0);
    assert_int_equal(op.shards[2].parent_shard_id.length, 0);
    assert_true(ht_slice_equal(op.last_shard_id, HT_SLICE("shard-3")));
    ht_buffer_finish(&op.texts);
}

static void status_and_view_have_names(void **state)
{
    (void)state;
    static const struct {
        const char *status, *view;
        bool is_enabled;
        enum ht_dynamodb_stream_view means;
    } cases[] = {
        {"ENABLING", "KEYS_ONLY", true, HT_DYNAMODB_STREAM_VIEW_KEYS_ONLY},
        {"ENABLED", "NEW_IMAGE", true, HT_DYNAMODB_STREAM_VIEW_NEW_IMAGE},
        {"DISABLING", "OLD_IMAGE", false, HT_DYNAMODB_STREAM_VIEW_OLD_IMAGE},
        {"DISABLED", "NEW_AND_OLD_IMAGES", false, HT_DYNAMODB_STREAM_VIEW_NEW_AND_OLD_IMAGES},
        {"", "else", false, HT_DYNAMODB_STREAM_VIEW_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ht_dynamodb_streams_describe_stream op;
        char answer[256];
        (void)snprintf(
            answer, sizeof(answer),
            "{\"StreamDescription\":{\"StreamStatus\":\"%s\",\"StreamViewType\":\"%s\"}}",
            cases[i].status, cases[i].view);
        assert_int_equal(parse(&op, ht_slice_text(answer)), 0);
        assert_int_equal(op.is_enabled, cases[i].is_enabled);
        assert_int_equal(op.view, cases[i].means);
        assert_int_equal(op.shard_count, 0);
        assert_int_equal(op.last_shard_id.length, 0);
        ht_buffer_finish(&op.texts);
    }
}

static void wrong_answers_are_refused(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "",
        "{}",
        "[]",
        "<html>",
        "{\"StreamDescription\":[]}",
        "{\"StreamDescription\":{\"Shards\":[{\"ShardId\":\"a\"",
        "{\"StreamDescription\":{\"Shards\":[{}]}}",
        "{\"StreamDescription\":{\"Shards\":[1]}}",
        "{\"StreamDescription\":{\"Shards\":[{\"ShardId\":\"\"}]}}",
    };
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        struct ht_dynamodb_streams_describe_stream op;
        assert_int_equal(parse(&op, ht_slice_text(answers[i])), HT_EPARSE);
        assert_non_null(strstr(op.call.error.text, "makes no sense"));
        ht_buffer_finish(&op.texts);
    }
    struct ht_buffer long_list;
    struct ht_dynamodb_streams_describe_stream op;
    ht_buffer_init(&long_list, 1 << 20);
    (void)ht_buffer_append_text(&long_list,
                                "{\"StreamDescription\":{\"Shards\":[{\"ShardId\":\"a\"}");
    for (int i = 0; i < HT_DYNAMODB_STREAMS_SHARDS_MAX; i++) {
        (void)ht_buffer_append_text(&long_list, ",{\"ShardId\":\"b\"}");
    }
    (void)ht_buffer_append_text(&long_list, "]}}");
    assert_int_equal(parse(&op, ht_buffer_slice(&long_list)), HT_EPARSE);
    ht_buffer_finish(&op.texts);
    ht_buffer_finish(&long_list);
}

static void changed_bytes_do_no_harm(void **state)
{
    (void)state;
    struct ht_random random;
    ht_random_init(&random, 3);
    for (size_t round = 0; round < 5000; round++) {
        struct ht_dynamodb_streams_describe_stream op;
        char answer[] = "{\"StreamDescription\":{\"StreamStatus\":\"ENABLED\",\"Shards\":["
                        "{\"ShardId\":\"a\\u0041\",\"SequenceNumberRange\":{}}]}}";
        answer[ht_random_below(&random, sizeof(answer) - 1)] =
            (char)(32 + ht_random_below(&random, 95));
        int status = parse(&op, ht_slice_text(answer));
        assert_true(status == 0 || status == HT_EPARSE);
        ht_buffer_finish(&op.texts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_request_asks_for_a_page_or_for_children),
        cmocka_unit_test(an_answer_tells_status_view_and_shards),
        cmocka_unit_test(status_and_view_have_names),
        cmocka_unit_test(wrong_answers_are_refused),
        cmocka_unit_test(changed_bytes_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
