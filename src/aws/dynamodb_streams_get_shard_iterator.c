// SPDX-License-Identifier: MIT

/* start: format -> call -> on_answer: parse -> done */

#include "hashtagd/aws/dynamodb_streams_get_shard_iterator.h"

#include "answer.h"

#include "hashtagd/json/writer.h"

enum {
    MOST_BODY_BYTES = 16 * 1024,
    MOST_ANSWER_BYTES = 64 * 1024,
};

static void on_answer(struct ht_aws_call *call);

static const char *name_of(enum ht_dynamodb_stream_start type)
{
    static const char *const names[] = {
        [HT_DYNAMODB_STREAM_TRIM_HORIZON] = "TRIM_HORIZON",
        [HT_DYNAMODB_STREAM_LATEST] = "LATEST",
        [HT_DYNAMODB_STREAM_AT_SEQUENCE_NUMBER] = "AT_SEQUENCE_NUMBER",
        [HT_DYNAMODB_STREAM_AFTER_SEQUENCE_NUMBER] = "AFTER_SEQUENCE_NUMBER",
    };
    return names[type];
}

int ht_dynamodb_streams_get_shard_iterator_format(
    const struct ht_dynamodb_streams_get_shard_iterator *op, struct ht_buffer *body)
{
    struct ht_json_writer writer;
    ht_json_writer_init(&writer, body);
    ht_json_write_object_begin(&writer);
    ht_json_write_key(&writer, "StreamArn");
    ht_json_write_slice(&writer, op->stream_arn);
    ht_json_write_key(&writer, "ShardId");
    ht_json_write_slice(&writer, op->shard_id);
    ht_json_write_key(&writer, "ShardIteratorType");
    ht_json_write_text(&writer, name_of(op->type));
    if (op->type == HT_DYNAMODB_STREAM_AT_SEQUENCE_NUMBER ||
        op->type == HT_DYNAMODB_STREAM_AFTER_SEQUENCE_NUMBER) {
        ht_json_write_key(&writer, "SequenceNumber");
        ht_json_write_slice(&writer, op->sequence_number);
    }
    ht_json_write_object_end(&writer);
    return ht_json_writer_status(&writer);
}

void ht_dynamodb_streams_get_shard_iterator_start(struct ht_aws_client *client,
                                                  struct ht_dynamodb_streams_get_shard_iterator *op)
{
    ht_buffer_init(&op->body, MOST_BODY_BYTES);
    ht_buffer_init(&op->texts, MOST_ANSWER_BYTES);
    op->iterator = (struct ht_slice){"", 0};
    op->status = ht_dynamodb_streams_get_shard_iterator_format(op, &op->body);
    op->call = (struct ht_aws_call){
        .service = HT_AWS_DYNAMODB_STREAMS,
        .operation = "GetShardIterator",
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
    struct ht_dynamodb_streams_get_shard_iterator *op = call->user;
    struct ht_buffer body = op->body, texts = {0};
    if (op->status == 0) {
        op->status = call->status;
    }
    if (op->status == 0) {
        op->status =
            ht_dynamodb_streams_get_shard_iterator_parse(op, ht_buffer_slice(&call->answer));
    }
    texts = op->texts; /* the operation is its owner's again from `done` on */
    op->done(op);
    ht_buffer_finish(&body);
    ht_buffer_finish(&texts);
}

void ht_dynamodb_streams_get_shard_iterator_cancel(
    struct ht_dynamodb_streams_get_shard_iterator *op)
{
    ht_aws_call_cancel(&op->call);
}

int ht_dynamodb_streams_get_shard_iterator_parse(struct ht_dynamodb_streams_get_shard_iterator *op,
                                                 struct ht_slice answer)
{
    static const char *const names[] = {"ShardIterator"};
    struct ht_json_reader reader;
    struct ht_json_keys keys;
    struct ht_json_value found;
    ht_json_keys_init(&keys, names, 1);
    ht_json_reader_init(&reader, MOST_ANSWER_BYTES);
    int status = ht_aws_answer_scan(&op->call, &reader, answer);
    if (status == 0) {
        ht_json_reader_find(&reader, ht_json_reader_root(&reader), &keys, &found);
        op->iterator = ht_aws_answer_text(&reader, found, &op->texts);
        if (op->iterator.length == 0 || op->iterator.length > HT_DYNAMODB_STREAM_ITERATOR_BYTES) {
            status = ht_aws_answer_refuse(&op->call, "no ShardIterator, or one that is too long");
        }
    }
    ht_json_reader_finish(&reader);
    return status;
}
