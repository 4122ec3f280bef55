// SPDX-License-Identifier: MIT

/* start: format -> call -> on_answer: parse -> done */

#include "hashtagd/aws/dynamodb_streams_describe_stream.h"

#include "answer.h"

#include "hashtagd/json/writer.h"

enum {
    MOST_BODY_BYTES = 16 * 1024,
    MOST_ANSWER_BYTES = 1024 * 1024,
};

static void on_answer(struct ht_aws_call *call);
static int read_description(struct ht_dynamodb_streams_describe_stream *op,
                            const struct ht_json_reader *reader,
                            struct ht_dynamodb_stream_shard *shards);
static int read_shards(struct ht_dynamodb_streams_describe_stream *op,
                       const struct ht_json_reader *reader, struct ht_json_value list,
                       struct ht_dynamodb_stream_shard *shards);

int ht_dynamodb_streams_describe_stream_format(const struct ht_dynamodb_streams_describe_stream *op,
                                               struct ht_buffer *body)
{
    struct ht_json_writer writer;
    ht_json_writer_init(&writer, body);
    ht_json_write_object_begin(&writer);
    ht_json_write_key(&writer, "StreamArn");
    ht_json_write_slice(&writer, op->stream_arn);
    ht_json_write_key(&writer, "Limit");
    ht_json_write_u64(&writer, HT_DYNAMODB_STREAMS_SHARDS_MAX);
    if (op->start_shard_id.length > 0) {
        ht_json_write_key(&writer, "ExclusiveStartShardId");
        ht_json_write_slice(&writer, op->start_shard_id);
    }
    if (op->child_shards_of.length > 0) {
        ht_json_write_key(&writer, "ShardFilter");
        ht_json_write_object_begin(&writer);
        ht_json_write_key(&writer, "Type");
        ht_json_write_text(&writer, "CHILD_SHARDS");
        ht_json_write_key(&writer, "ShardId");
        ht_json_write_slice(&writer, op->child_shards_of);
        ht_json_write_object_end(&writer);
    }
    ht_json_write_object_end(&writer);
    return ht_json_writer_status(&writer);
}

void ht_dynamodb_streams_describe_stream_start(struct ht_aws_client *client,
                                               struct ht_dynamodb_streams_describe_stream *op)
{
    ht_buffer_init(&op->body, MOST_BODY_BYTES);
    ht_buffer_init(&op->texts, MOST_ANSWER_BYTES);
    op->shards = NULL;
    op->shard_count = 0;
    op->last_shard_id = (struct ht_slice){"", 0};
    op->status = ht_dynamodb_streams_describe_stream_format(op, &op->body);
    op->call = (struct ht_aws_call){
        .service = HT_AWS_DYNAMODB_STREAMS,
        .operation = "DescribeStream",
        .resource = op->resource,
        .body = ht_buffer_slice(&op->body),
        .refusal = op->status,
        .max_answer_bytes = MOST_ANSWER_BYTES,
        .done = on_answer,
        .user = op,
    };
    ht_aws_call_start(client, &op->call);
}

static void on_answer(struct ht_aws_call *call)
{
    struct ht_dynamodb_streams_describe_stream *op = call->user;
    struct ht_dynamodb_stream_shard shards[HT_DYNAMODB_STREAMS_SHARDS_MAX];
    struct ht_buffer body = op->body, texts = {0};
    if (op->status == 0) {
        op->status = call->status;
    }
    if (op->status == 0) {
        op->status =
            ht_dynamodb_streams_describe_stream_parse(op, ht_buffer_slice(&call->answer), shards);
    }
    texts = op->texts; /* the operation is its owner's again from `done` on */
    op->done(op);
    ht_buffer_finish(&body);
    ht_buffer_finish(&texts);
}

void ht_dynamodb_streams_describe_stream_cancel(struct ht_dynamodb_streams_describe_stream *op)
{
    ht_aws_call_cancel(&op->call);
}

int ht_dynamodb_streams_describe_stream_parse(struct ht_dynamodb_streams_describe_stream *op,
                                              struct ht_slice answer,
                                              struct ht_dynamodb_stream_shard *shards)
{
    struct ht_json_reader reader;
    ht_json_reader_init(&reader, MOST_ANSWER_BYTES);
    int status = ht_buffer_reserve(&op->texts, answer.length); /* so that no text moves */
    if (status == 0) {
        status = ht_aws_answer_scan(&op->call, &reader, answer);
    }
    if (status == 0) {
        status = read_description(op, &reader, shards);
    }
    ht_json_reader_finish(&reader);
    return status;
}

static enum ht_dynamodb_stream_view view_of(struct ht_slice name)
{
    static const char *const names[] = {
        [HT_DYNAMODB_STREAM_VIEW_KEYS_ONLY] = "KEYS_ONLY",
        [HT_DYNAMODB_STREAM_VIEW_NEW_IMAGE] = "NEW_IMAGE",
        [HT_DYNAMODB_STREAM_VIEW_OLD_IMAGE] = "OLD_IMAGE",
        [HT_DYNAMODB_STREAM_VIEW_NEW_AND_OLD_IMAGES] = "NEW_AND_OLD_IMAGES",
    };
    for (size_t i = 1; i < sizeof(names) / sizeof(names[0]); i++) {
        if (ht_slice_equal(name, ht_slice_text(names[i]))) {
            return (enum ht_dynamodb_stream_view)i;
        }
    }
    return HT_DYNAMODB_STREAM_VIEW_UNKNOWN;
}

static int read_description(struct ht_dynamodb_streams_describe_stream *op,
                            const struct ht_json_reader *reader,
                            struct ht_dynamodb_stream_shard *shards)
{
    static const char *const root_names[] = {"StreamDescription"};
    static const char *const names[] = {"StreamStatus", "StreamViewType", "Shards",
                                        "LastEvaluatedShardId"};
    struct ht_json_keys root_keys, keys;
    struct ht_json_value description, found[4];
    ht_json_keys_init(&root_keys, root_names, 1);
    ht_json_keys_init(&keys, names, 4);
    ht_json_reader_find(reader, ht_json_reader_root(reader), &root_keys, &description);
    if (description.kind != '{') {
        return ht_aws_answer_refuse(&op->call, "no StreamDescription");
    }
    ht_json_reader_find(reader, description, &keys, found);
    struct ht_slice status = ht_aws_answer_text(reader, found[0], &op->texts);
    op->is_enabled =
        ht_slice_equal(status, HT_SLICE("ENABLED")) || ht_slice_equal(status, HT_SLICE("ENABLING"));
    op->view = view_of(ht_aws_answer_text(reader, found[1], &op->texts));
    op->last_shard_id = ht_aws_answer_text(reader, found[3], &op->texts);
    return read_shards(op, reader, found[2], shards);
}

static int read_shards(struct ht_dynamodb_streams_describe_stream *op,
                       const struct ht_json_reader *reader, struct ht_json_value list,
                       struct ht_dynamodb_stream_shard *shards)
{
    static const char *const names[] = {"ShardId", "ParentShardId", "SequenceNumberRange"};
    static const char *const range_names[] = {"StartingSequenceNumber", "EndingSequenceNumber"};
    struct ht_json_keys keys, range_keys;
    struct ht_json_value found[3], range[2];
    ht_json_keys_init(&keys, names, 3);
    ht_json_keys_init(&range_keys, range_names, 2);
    struct ht_json_walk walk = ht_json_walk(reader, list);
    op->shards = shards;
    op->shard_count = 0;
    while (ht_json_walk_next(&walk)) {
        if (op->shard_count == HT_DYNAMODB_STREAMS_SHARDS_MAX) {
            return ht_aws_answer_refuse(&op->call, "more shards than were asked for");
        }
        struct ht_dynamodb_stream_shard *shard = &shards[op->shard_count];
        ht_json_reader_find(reader, walk.value, &keys, found);
        ht_json_reader_find(reader, found[2], &range_keys, range);
        shard->shard_id = ht_aws_answer_text(reader, found[0], &op->texts);
        shard->parent_shard_id = ht_aws_answer_text(reader, found[1], &op->texts);
        shard->starting_sequence_number = ht_aws_answer_text(reader, range[0], &op->texts);
        shard->ending_sequence_number = ht_aws_answer_text(reader, range[1], &op->texts);
        if (shard->shard_id.length == 0) {
            return ht_aws_answer_refuse(&op->call, "a shard without ShardId");
        }
        op->shard_count++;
    }
    return 0;
}
