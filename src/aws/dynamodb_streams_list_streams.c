// SPDX-License-Identifier: MIT

/* start: format -> call -> on_answer: parse -> done */

#include "hashtagd/aws/dynamodb_streams_list_streams.h"

#include "answer.h"

#include "hashtagd/json/writer.h"

enum {
    MOST_BODY_BYTES = 16 * 1024,
    MOST_ANSWER_BYTES = 256 * 1024,
};

static void on_answer(struct ht_aws_call *call);
static void read_streams(struct ht_dynamodb_streams_list_streams *op,
                         const struct ht_json_reader *reader, struct ht_json_value list,
                         struct ht_slice *stream_arns);

int ht_dynamodb_streams_list_streams_format(const struct ht_dynamodb_streams_list_streams *op,
                                            struct ht_buffer *body)
{
    struct ht_json_writer writer;
    ht_json_writer_init(&writer, body);
    ht_json_write_object_begin(&writer);
    ht_json_write_key(&writer, "TableName");
    ht_json_write_text(&writer, op->table_name);
    ht_json_write_key(&writer, "Limit");
    ht_json_write_u64(&writer, HT_DYNAMODB_STREAMS_MAX);
    ht_json_write_object_end(&writer);
    return ht_json_writer_status(&writer);
}

void ht_dynamodb_streams_list_streams_start(struct ht_aws_client *client,
                                            struct ht_dynamodb_streams_list_streams *op)
{
    ht_buffer_init(&op->body, MOST_BODY_BYTES);
    ht_buffer_init(&op->texts, MOST_ANSWER_BYTES);
    op->stream_arns = NULL;
    op->stream_count = 0;
    op->status = ht_dynamodb_streams_list_streams_format(op, &op->body);
    op->call = (struct ht_aws_call){
        .service = HT_AWS_DYNAMODB_STREAMS,
        .operation = "ListStreams",
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
    struct ht_dynamodb_streams_list_streams *op = call->user;
    struct ht_slice stream_arns[HT_DYNAMODB_STREAMS_MAX];
    struct ht_buffer body = op->body, texts = {0};
    if (op->status == 0) {
        op->status = call->status;
    }
    if (op->status == 0) {
        op->status =
            ht_dynamodb_streams_list_streams_parse(op, ht_buffer_slice(&call->answer), stream_arns);
    }
    texts = op->texts; /* the operation is its owner's again from `done` on */
    op->done(op);
    ht_buffer_finish(&body);
    ht_buffer_finish(&texts);
}

void ht_dynamodb_streams_list_streams_cancel(struct ht_dynamodb_streams_list_streams *op)
{
    ht_aws_call_cancel(&op->call);
}

int ht_dynamodb_streams_list_streams_parse(struct ht_dynamodb_streams_list_streams *op,
                                           struct ht_slice answer, struct ht_slice *stream_arns)
{
    static const char *const names[] = {"Streams"};
    struct ht_json_reader reader;
    struct ht_json_keys keys;
    struct ht_json_value found;
    ht_json_keys_init(&keys, names, 1);
    ht_json_reader_init(&reader, MOST_ANSWER_BYTES);
    int status = ht_buffer_reserve(&op->texts, answer.length); /* so that no text moves */
    if (status == 0) {
        status = ht_aws_answer_scan(&op->call, &reader, answer);
    }
    if (status == 0) {
        ht_json_reader_find(&reader, ht_json_reader_root(&reader), &keys, &found);
        read_streams(op, &reader, found, stream_arns);
    }
    ht_json_reader_finish(&reader);
    return status;
}

static void read_streams(struct ht_dynamodb_streams_list_streams *op,
                         const struct ht_json_reader *reader, struct ht_json_value list,
                         struct ht_slice *stream_arns)
{
    static const char *const names[] = {"StreamArn"};
    struct ht_json_keys keys;
    struct ht_json_value found;
    ht_json_keys_init(&keys, names, 1);
    struct ht_json_walk walk = ht_json_walk(reader, list);
    op->stream_arns = stream_arns;
    op->stream_count = 0;
    while (op->stream_count < HT_DYNAMODB_STREAMS_MAX && ht_json_walk_next(&walk)) {
        ht_json_reader_find(reader, walk.value, &keys, &found);
        struct ht_slice arn = ht_aws_answer_text(reader, found, &op->texts);
        if (arn.length > 0) {
            stream_arns[op->stream_count++] = arn;
        }
    }
}
