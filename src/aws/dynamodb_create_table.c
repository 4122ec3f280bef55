// SPDX-License-Identifier: MIT

/* start: format -> call -> on_answer: parse -> done */

#include "hashtagd/aws/dynamodb_create_table.h"

#include "hashtagd/json/writer.h"

enum {
    MOST_BODY_BYTES = 8192,
    MOST_ANSWER_BYTES = 1 << 20,
};

static void on_answer(struct ht_aws_call *call);

/* The members KeySchema and AttributeDefinitions: one partition key of type S. */
static void write_key(struct ht_json_writer *writer, const char *name)
{
    ht_json_write_key(writer, "KeySchema");
    ht_json_write_array_begin(writer);
    ht_json_write_object_begin(writer);
    ht_json_write_key(writer, "AttributeName");
    ht_json_write_text(writer, name);
    ht_json_write_key(writer, "KeyType");
    ht_json_write_text(writer, "HASH");
    ht_json_write_object_end(writer);
    ht_json_write_array_end(writer);
    ht_json_write_key(writer, "AttributeDefinitions");
    ht_json_write_array_begin(writer);
    ht_json_write_object_begin(writer);
    ht_json_write_key(writer, "AttributeName");
    ht_json_write_text(writer, name);
    ht_json_write_key(writer, "AttributeType");
    ht_json_write_text(writer, "S");
    ht_json_write_object_end(writer);
    ht_json_write_array_end(writer);
}

static void write_throughput(struct ht_json_writer *writer,
                             const struct ht_dynamodb_create_table *op)
{
    bool is_on_demand = op->read_units == 0 && op->write_units == 0;
    ht_json_write_key(writer, "BillingMode");
    ht_json_write_text(writer, is_on_demand ? "PAY_PER_REQUEST" : "PROVISIONED");
    if (!is_on_demand) {
        ht_json_write_key(writer, "ProvisionedThroughput");
        ht_json_write_object_begin(writer);
        ht_json_write_key(writer, "ReadCapacityUnits");
        ht_json_write_u64(writer, op->read_units);
        ht_json_write_key(writer, "WriteCapacityUnits");
        ht_json_write_u64(writer, op->write_units);
        ht_json_write_object_end(writer);
    }
}

int ht_dynamodb_create_table_format(const struct ht_dynamodb_create_table *op,
                                    struct ht_buffer *body)
{
    struct ht_json_writer writer;
    ht_json_writer_init(&writer, body);
    ht_json_write_object_begin(&writer);
    ht_json_write_key(&writer, "TableName");
    ht_json_write_text(&writer, op->table_name);
    write_key(&writer, op->key_name);
    write_throughput(&writer, op);
    if (op->stream_view != NULL) {
        ht_json_write_key(&writer, "StreamSpecification");
        ht_json_write_object_begin(&writer);
        ht_json_write_key(&writer, "StreamEnabled");
        ht_json_write_bool(&writer, true);
        ht_json_write_key(&writer, "StreamViewType");
        ht_json_write_text(&writer, op->stream_view);
        ht_json_write_object_end(&writer);
    }
    ht_json_write_object_end(&writer);
    return ht_json_writer_status(&writer);
}

void ht_dynamodb_create_table_start(struct ht_aws_client *client,
                                    struct ht_dynamodb_create_table *op)
{
    ht_buffer_init(&op->body, MOST_BODY_BYTES);
    op->status = ht_dynamodb_create_table_format(op, &op->body);
    op->call = (struct ht_aws_call){
        .service = HT_AWS_DYNAMODB,
        .operation = "CreateTable",
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
    struct ht_dynamodb_create_table *op = call->user;
    op->status = call->status;
    if (op->status == 0) {
        op->status =
            ht_dynamodb_table_description_parse(&op->table, ht_buffer_slice(&call->answer));
        if (op->status != 0) {
            (void)ht_error_set(&call->error, op->status,
                               "DynamoDB's answer to CreateTable on %s cannot be read.",
                               call->resource == NULL ? "a table" : call->resource);
        }
    }
    ht_buffer_finish(&op->body);
    op->done(op);
}
