// SPDX-License-Identifier: MIT

/* start: format -> call -> on_answer: parse -> done */

#include "hashtagd/aws/dynamodb_describe_time_to_live.h"

#include "hashtagd/json/reader.h"
#include "hashtagd/json/writer.h"

enum {
    MOST_BODY_BYTES = 8192,
    MOST_ANSWER_BYTES = 1 << 20,
};

static void on_answer(struct ht_aws_call *call);

int ht_dynamodb_describe_time_to_live_format(const struct ht_dynamodb_describe_time_to_live *op,
                                             struct ht_buffer *body)
{
    struct ht_json_writer writer;
    ht_json_writer_init(&writer, body);
    ht_json_write_object_begin(&writer);
    ht_json_write_key(&writer, "TableName");
    ht_json_write_text(&writer, op->table_name);
    ht_json_write_object_end(&writer);
    return ht_json_writer_status(&writer);
}

void ht_dynamodb_describe_time_to_live_start(struct ht_aws_client *client,
                                             struct ht_dynamodb_describe_time_to_live *op)
{
    ht_buffer_init(&op->body, MOST_BODY_BYTES);
    op->status = ht_dynamodb_describe_time_to_live_format(op, &op->body);
    op->call = (struct ht_aws_call){
        .service = HT_AWS_DYNAMODB,
        .operation = "DescribeTimeToLive",
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
    struct ht_dynamodb_describe_time_to_live *op = call->user;
    op->status = call->status;
    if (op->status == 0) {
        op->status = ht_dynamodb_describe_time_to_live_parse(op, ht_buffer_slice(&call->answer));
        if (op->status != 0) {
            (void)ht_error_set(&call->error, op->status,
                               "DynamoDB's answer to DescribeTimeToLive on %s cannot be read.",
                               call->resource == NULL ? "a table" : call->resource);
        }
    }
    ht_buffer_finish(&op->body);
    op->done(op);
}

static struct ht_slice text_of(const struct ht_json_reader *reader, struct ht_json_value value)
{
    struct ht_slice raw = ht_json_reader_raw(reader, value);
    return value.kind == '"' ? ht_slice_make(raw.data + 1, raw.length - 2) : HT_SLICE("");
}

static int read_description(struct ht_dynamodb_describe_time_to_live *op,
                            const struct ht_json_reader *reader)
{
    static const char *const roots[] = {"TimeToLiveDescription"};
    static const char *const names[] = {"TimeToLiveStatus", "AttributeName"};
    struct ht_json_keys keys;
    struct ht_json_value root, found[2];
    ht_json_keys_init(&keys, roots, 1);
    ht_json_reader_find(reader, ht_json_reader_root(reader), &keys, &root);
    if (root.kind != '{') {
        return HT_EPARSE;
    }
    ht_json_keys_init(&keys, names, 2);
    ht_json_reader_find(reader, root, &keys, found);
    struct ht_slice state = text_of(reader, found[0]), name = text_of(reader, found[1]);
    op->is_changing =
        ht_slice_equal(state, HT_SLICE("ENABLING")) || ht_slice_equal(state, HT_SLICE("DISABLING"));
    op->is_enabled =
        ht_slice_equal(state, HT_SLICE("ENABLING")) || ht_slice_equal(state, HT_SLICE("ENABLED"));
    if (name.length < sizeof(op->attribute_name)) {
        memcpy(op->attribute_name, name.data, name.length);
    }
    return 0;
}

int ht_dynamodb_describe_time_to_live_parse(struct ht_dynamodb_describe_time_to_live *op,
                                            struct ht_slice answer)
{
    struct ht_json_reader reader;
    op->is_enabled = false;
    op->is_changing = false;
    memset(op->attribute_name, 0, sizeof(op->attribute_name));
    ht_json_reader_init(&reader, MOST_ANSWER_BYTES);
    enum ht_json_verdict verdict = ht_json_reader_scan(&reader, answer, NULL);
    int status = verdict == HT_JSON_VERDICT_NO_MEMORY ? HT_ENOMEM : HT_EPARSE;
    if (verdict == HT_JSON_VERDICT_OK) {
        status = read_description(op, &reader);
    }
    ht_json_reader_finish(&reader);
    return status;
}
