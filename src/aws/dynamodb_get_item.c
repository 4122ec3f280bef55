// SPDX-License-Identifier: MIT

/* start: format -> call -> on_answer: read -> done */

#include "hashtagd/aws/dynamodb_get_item.h"

enum { MOST_BODY_BYTES = 64 * 1024 };

static void on_answer(struct ht_aws_call *call);

int ht_dynamodb_get_item_format(const struct ht_dynamodb_get_item *op, struct ht_buffer *body)
{
    struct ht_json_writer writer;
    ht_json_writer_init(&writer, body);
    ht_json_write_object_begin(&writer);
    ht_dynamodb_write_target(&writer, &op->target);
    ht_json_write_key(&writer, "ConsistentRead");
    ht_json_write_bool(&writer, true);
    ht_json_write_object_end(&writer);
    return ht_json_writer_status(&writer);
}

void ht_dynamodb_get_item_start(struct ht_aws_client *client, struct ht_dynamodb_get_item *op)
{
    if (op->body.max_bytes == 0) {
        ht_buffer_init(&op->body, MOST_BODY_BYTES);
    }
    ht_buffer_clear(&op->body);
    int status = ht_dynamodb_get_item_format(op, &op->body);
    ht_dynamodb_call_prepare(&op->call, "GetItem", &op->target);
    op->call.done = on_answer;
    op->call.user = op;
    op->call.body = ht_buffer_slice(&op->body);
    op->call.refusal = status;
    ht_aws_call_start(client, &op->call);
}

static void on_answer(struct ht_aws_call *call)
{
    struct ht_dynamodb_get_item *op = call->user;
    op->status = ht_dynamodb_call_read(call, &op->answer);
    op->done(op);
}

void ht_dynamodb_get_item_cancel(struct ht_dynamodb_get_item *op)
{
    ht_aws_call_cancel(&op->call);
}

void ht_dynamodb_get_item_finish(struct ht_dynamodb_get_item *op)
{
    ht_buffer_finish(&op->body);
    ht_dynamodb_answer_finish(&op->answer);
}
