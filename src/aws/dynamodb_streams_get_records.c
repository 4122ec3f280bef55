// SPDX-License-Identifier: MIT

/* start: format -> call -> on_answer: parse -> done */

#include "hashtagd/aws/dynamodb_streams_get_records.h"

#include "answer.h"

#include "hashtagd/aws/dynamodb_streams_get_shard_iterator.h"
#include "hashtagd/json/parts.h"
#include "hashtagd/json/writer.h"

#include <stdlib.h>

enum {
    MOST_BODY_BYTES = 64 * 1024,
    /* 1 MB of items, both images and their names included, in JSON with its escapes */
    MOST_ANSWER_BYTES = 16 * 1024 * 1024,
};

static void on_answer(struct ht_aws_call *call);
static struct ht_slice take_iterator(struct ht_dynamodb_streams_get_records *op,
                                     struct ht_slice value);
static int take_records(struct ht_dynamodb_streams_get_records *op, struct ht_slice list);

int ht_dynamodb_streams_get_records_format(const struct ht_dynamodb_streams_get_records *op,
                                           struct ht_buffer *body)
{
    struct ht_json_writer writer;
    ht_json_writer_init(&writer, body);
    ht_json_write_object_begin(&writer);
    ht_json_write_key(&writer, "ShardIterator");
    ht_json_write_slice(&writer, op->iterator);
    ht_json_write_key(&writer, "Limit");
    ht_json_write_u64(&writer, op->limit);
    ht_json_write_object_end(&writer);
    return ht_json_writer_status(&writer);
}

void ht_dynamodb_streams_get_records_start(struct ht_aws_client *client,
                                           struct ht_dynamodb_streams_get_records *op)
{
    ht_buffer_init(&op->body, MOST_BODY_BYTES);
    ht_buffer_init(&op->texts, MOST_BODY_BYTES);
    op->records = NULL;
    op->record_count = 0;
    op->next_iterator = (struct ht_slice){"", 0};
    op->status = ht_dynamodb_streams_get_records_format(op, &op->body);
    op->call = (struct ht_aws_call){
        .service = HT_AWS_DYNAMODB_STREAMS,
        .operation = "GetRecords",
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
    struct ht_dynamodb_streams_get_records *op = call->user;
    struct ht_buffer body = op->body, texts = {0};
    struct ht_slice *records = NULL;
    if (op->status == 0) {
        op->status = call->status;
    }
    if (op->status == 0) {
        op->status = ht_dynamodb_streams_get_records_parse(op, ht_buffer_slice(&call->answer));
    }
    records = op->records; /* the operation is its owner's again from `done` on */
    texts = op->texts;
    op->done(op);
    ht_buffer_finish(&body);
    ht_buffer_finish(&texts);
    free(records);
}

void ht_dynamodb_streams_get_records_cancel(struct ht_dynamodb_streams_get_records *op)
{
    ht_aws_call_cancel(&op->call);
}

int ht_dynamodb_streams_get_records_parse(struct ht_dynamodb_streams_get_records *op,
                                          struct ht_slice answer)
{
    struct ht_json_parts parts = ht_json_parts(answer);
    struct ht_slice key, value, list = {"", 0}, next = {"", 0};
    while (ht_json_parts_next(&parts, &key, &value)) {
        if (ht_slice_equal(key, HT_SLICE("Records"))) {
            list = value;
        } else if (ht_slice_equal(key, HT_SLICE("NextShardIterator")) && value.data[0] == '"') {
            next = value;
        }
    }
    if (parts.is_broken || parts.close != '}') {
        return ht_aws_answer_refuse(&op->call, "it is cut off, or no JSON object");
    }
    op->next_iterator = take_iterator(op, next);
    if (next.length > 0 && op->next_iterator.length == 0) {
        return ht_aws_answer_refuse(&op->call, "a NextShardIterator that is no iterator");
    }
    if (list.length == 0 || list.data[0] != '[') {
        return ht_aws_answer_refuse(&op->call, "no Records");
    }
    return take_records(op, list);
}

/* The text of a string, in which "/" may be escaped; empty where it is none or too long. */
static struct ht_slice take_iterator(struct ht_dynamodb_streams_get_records *op,
                                     struct ht_slice value)
{
    struct ht_slice text = ht_json_parts_plain_text(value);
    struct ht_json_reader reader;
    if (text.length == 0 && value.length > 2) {
        /* a reader takes a whole text: the string alone in an array */
        struct ht_buffer whole;
        ht_buffer_init(&whole, MOST_BODY_BYTES);
        (void)ht_buffer_append_format(&whole, "[%.*s]", (int)value.length, value.data);
        ht_json_reader_init(&reader, MOST_BODY_BYTES);
        if (ht_buffer_status(&whole) == 0 &&
            ht_json_reader_scan(&reader, ht_buffer_slice(&whole), NULL) == HT_JSON_VERDICT_OK) {
            struct ht_json_walk walk = ht_json_walk(&reader, ht_json_reader_root(&reader));
            (void)ht_json_walk_next(&walk);
            text = ht_aws_answer_text(&reader, walk.value, &op->texts);
        }
        ht_json_reader_finish(&reader);
        ht_buffer_finish(&whole);
    }
    return text.length <= HT_DYNAMODB_STREAM_ITERATOR_BYTES ? text : (struct ht_slice){"", 0};
}

static int take_records(struct ht_dynamodb_streams_get_records *op, struct ht_slice list)
{
    struct ht_json_parts parts = ht_json_parts(list);
    struct ht_slice value;
    size_t count = 0;
    struct ht_slice *records = malloc(HT_DYNAMODB_STREAMS_RECORDS_MAX * sizeof(*records));
    if (records == NULL) {
        return ht_error_set(&op->call.error, HT_ENOMEM,
                            "Out of memory for an answer of GetRecords.");
    }
    while (count < HT_DYNAMODB_STREAMS_RECORDS_MAX && ht_json_parts_next(&parts, NULL, &value)) {
        records[count++] = value;
    }
    bool has_more = ht_json_parts_next(&parts, NULL, &value);
    if (parts.is_broken || has_more) {
        free(records);
        return ht_aws_answer_refuse(&op->call, has_more ? "more records than were asked for"
                                                        : "Records that are broken");
    }
    op->records = records;
    op->record_count = count;
    return 0;
}
