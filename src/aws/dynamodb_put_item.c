// SPDX-License-Identifier: MIT

/* start: format -> call -> on_answer: read -> done */

#include "hashtagd/aws/dynamodb_put_item.h"

enum { MOST_BODY_BYTES = 64 * 1024 };

static void on_answer(struct ht_aws_call *call);

int ht_dynamodb_put_item_format(const struct ht_dynamodb_put_item *op, struct ht_buffer *body)
{
    struct ht_json_writer writer;
    ht_json_writer_init(&writer, body);
    ht_json_write_object_begin(&writer);
    ht_json_write_key(&writer, "TableName");
    ht_json_write_text(&writer, op->target.table_name);
    ht_json_write_key(&writer, "Item");
    ht_json_write_object_begin(&writer);
    ht_attribute_add_text(&writer, op->target.key_name, op->target.key);
    for (size_t i = 0; i < op->attribute_count; i++) {
        ht_json_write_key(&writer, op->attributes[i].alias);
        ht_dynamodb_write_value(&writer, &op->attributes[i]);
    }
    ht_json_write_object_end(&writer);
    ht_dynamodb_write_expressions(&writer, &op->expressions);
    if (op->expressions.condition != NULL) {
        ht_json_write_key(&writer, "ReturnValuesOnConditionCheckFailure");
        ht_json_write_text(&writer, "ALL_OLD");
    }
    ht_json_write_object_end(&writer);
    return ht_json_writer_status(&writer);
}

void ht_dynamodb_put_item_start(struct ht_aws_client *client, struct ht_dynamodb_put_item *op)
{
    if (op->body.max_bytes == 0) {
        ht_buffer_init(&op->body, MOST_BODY_BYTES);
    }
    ht_buffer_clear(&op->body);
    int status = ht_dynamodb_put_item_format(op, &op->body);
    ht_dynamodb_call_prepare(&op->call, "PutItem", &op->target);
    op->call.done = on_answer;
    op->call.user = op;
    op->call.body = ht_buffer_slice(&op->body);
    op->call.refusal = status;
    ht_aws_call_start(client, &op->call);
}

static void on_answer(struct ht_aws_call *call)
{
    struct ht_dynamodb_put_item *op = call->user;
    op->status = ht_dynamodb_call_read(call, &op->answer);
    op->done(op);
}

void ht_dynamodb_put_item_cancel(struct ht_dynamodb_put_item *op)
{
    ht_aws_call_cancel(&op->call);
}

void ht_dynamodb_put_item_finish(struct ht_dynamodb_put_item *op)
{
    ht_buffer_finish(&op->body);
    ht_dynamodb_answer_finish(&op->answer);
}
