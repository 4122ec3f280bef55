// SPDX-License-Identifier: MIT

/* start: format -> call -> on_answer: parse -> done */

#include "hashtagd/aws/dynamodb_update_table.h"

#include "hashtagd/json/writer.h"

enum {
    MOST_BODY_BYTES = 8192,
    MOST_ANSWER_BYTES = 1 << 20,
};

static void on_answer(struct ht_aws_call *call);

int ht_dynamodb_update_table_format(const struct ht_dynamodb_update_table *op,
                                    struct ht_buffer *body)
{
    struct ht_json_writer writer;
    ht_json_writer_init(&writer, body);
    ht_json_write_object_begin(&writer);
    ht_json_write_key(&writer, "TableName");
    ht_json_write_text(&writer, op->table_name);
    ht_json_write_key(&writer, "StreamSpecification");
    ht_json_write_object_begin(&writer);
    ht_json_write_key(&writer, "StreamEnabled");
    ht_json_write_bool(&writer, op->stream_view != NULL);
    if (op->stream_view != NULL) {
        ht_json_write_key(&writer, "StreamViewType");
        ht_json_write_text(&writer, op->stream_view);
    }
    ht_json_write_object_end(&writer);
    ht_json_write_object_end(&writer);
    return ht_json_writer_status(&writer);
}

void ht_dynamodb_update_table_start(struct ht_aws_client *client,
                                    struct ht_dynamodb_update_table *op)
{
    ht_buffer_init(&op->body, MOST_BODY_BYTES);
    op->status = ht_dynamodb_update_table_format(op, &op->body);
    op->call = (struct ht_aws_call){
        .service = HT_AWS_DYNAMODB,
        .operation = "UpdateTable",
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
    struct ht_dynamodb_update_table *op = call->user;
    op->status = call->status;
    if (op->status == 0) {
        op->status =
            ht_dynamodb_table_description_parse(&op->table, ht_buffer_slice(&call->answer));
        if (op->status != 0) {
            (void)ht_error_set(&call->error, op->status,
                               "DynamoDB's answer to UpdateTable on %s cannot be read.",
                               call->resource == NULL ? "a table" : call->resource);
        }
    }
    ht_buffer_finish(&op->body);
    op->done(op);
}
