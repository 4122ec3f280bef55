// SPDX-License-Identifier: MIT

/* start: format -> call -> on_answer: parse -> done */

#include "hashtagd/aws/dynamodb_update_time_to_live.h"

#include "hashtagd/json/writer.h"

enum {
    MOST_BODY_BYTES = 8192,
    MOST_ANSWER_BYTES = 1 << 20,
};

static void on_answer(struct ht_aws_call *call);

int ht_dynamodb_update_time_to_live_format(const struct ht_dynamodb_update_time_to_live *op,
                                           struct ht_buffer *body)
{
    struct ht_json_writer writer;
    ht_json_writer_init(&writer, body);
    ht_json_write_object_begin(&writer);
    ht_json_write_key(&writer, "TableName");
    ht_json_write_text(&writer, op->table_name);
    ht_json_write_key(&writer, "TimeToLiveSpecification");
    ht_json_write_object_begin(&writer);
    ht_json_write_key(&writer, "Enabled");
    ht_json_write_bool(&writer, op->is_enabled);
    ht_json_write_key(&writer, "AttributeName");
    ht_json_write_text(&writer, op->attribute_name);
    ht_json_write_object_end(&writer);
    ht_json_write_object_end(&writer);
    return ht_json_writer_status(&writer);
}

void ht_dynamodb_update_time_to_live_start(struct ht_aws_client *client,
                                           struct ht_dynamodb_update_time_to_live *op)
{
    ht_buffer_init(&op->body, MOST_BODY_BYTES);
    op->status = ht_dynamodb_update_time_to_live_format(op, &op->body);
    op->call = (struct ht_aws_call){
        .service = HT_AWS_DYNAMODB,
        .operation = "UpdateTimeToLive",
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
    struct ht_dynamodb_update_time_to_live *op = call->user;
    op->status = call->status;
    ht_buffer_finish(&op->body);
    op->done(op);
}
