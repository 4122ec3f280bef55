// SPDX-License-Identifier: MIT

/* start: format -> call -> on_answer: parse -> done */

#include "hashtagd/aws/dynamodb_describe_table.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/json/reader.h"
#include "hashtagd/json/writer.h"

enum {
    MOST_BODY_BYTES = 4096,
    MOST_ANSWER_BYTES = 1 << 20,
};

/* The members of a description that are read. */
enum member {
    STATUS,
    KEY_SCHEMA,
    DEFINITIONS,
    BILLING,
    THROUGHPUT,
    STREAM,
    STREAM_ARN,
    ARN,
    ITEM_COUNT,
    MEMBER_COUNT,
};

static void on_answer(struct ht_aws_call *call);
static void read_keys(struct ht_dynamodb_table_description *table,
                      const struct ht_json_reader *reader, const struct ht_json_value *found);
static void read_throughput(struct ht_dynamodb_table_description *table,
                            const struct ht_json_reader *reader, const struct ht_json_value *found);
static void read_stream(struct ht_dynamodb_table_description *table,
                        const struct ht_json_reader *reader, struct ht_json_value stream);

int ht_dynamodb_describe_table_format(const struct ht_dynamodb_describe_table *op,
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

void ht_dynamodb_describe_table_start(struct ht_aws_client *client,
                                      struct ht_dynamodb_describe_table *op)
{
    ht_buffer_init(&op->body, MOST_BODY_BYTES);
    op->status = ht_dynamodb_describe_table_format(op, &op->body);
    op->table = (struct ht_dynamodb_table_description){0};
    op->call = (struct ht_aws_call){
        .service = HT_AWS_DYNAMODB,
        .operation = "DescribeTable",
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
    struct ht_dynamodb_describe_table *op = call->user;
    op->status = call->status;
    if (op->status == 0) {
        op->status =
            ht_dynamodb_table_description_parse(&op->table, ht_buffer_slice(&call->answer));
        if (op->status != 0) {
            (void)ht_error_set(&call->error, op->status,
                               "DynamoDB's answer to DescribeTable on %s cannot be read.",
                               call->resource == NULL ? "a table" : call->resource);
        }
    }
    ht_buffer_finish(&op->body);
    op->done(op);
}

void ht_dynamodb_describe_table_cancel(struct ht_dynamodb_describe_table *op)
{
    ht_aws_call_cancel(&op->call);
}

/* The bytes of a plain string; names, states and ARNs have no escapes. Cut where they are longer. */
static void copy_text(char *out, size_t size, const struct ht_json_reader *reader,
                      struct ht_json_value value)
{
    struct ht_slice raw = ht_json_reader_raw(reader, value);
    size_t length = value.kind == '"' ? raw.length - 2 : 0;
    length = length < size ? length : size - 1;
    if (length > 0) {
        memcpy(out, raw.data + 1, length);
    }
    out[length] = '\0';
}

static bool text_is(const struct ht_json_reader *reader, struct ht_json_value value,
                    const char *text)
{
    struct ht_slice raw = ht_json_reader_raw(reader, value);
    return value.kind == '"' &&
           ht_slice_equal(ht_slice_make(raw.data + 1, raw.length - 2), ht_slice_text(text));
}

static uint64_t number_of(const struct ht_json_reader *reader, struct ht_json_value value)
{
    uint64_t number = 0;
    if (value.kind != '0' ||
        ht_slice_to_u64(ht_json_reader_raw(reader, value), UINT64_MAX, &number) != 0) {
        return 0;
    }
    return number;
}

static void find(const struct ht_json_reader *reader, struct ht_json_value object,
                 const char *const *names, size_t count, struct ht_json_value *found)
{
    struct ht_json_keys keys;
    ht_json_keys_init(&keys, names, count);
    ht_json_reader_find(reader, object, &keys, found);
}

static int read_description(struct ht_dynamodb_table_description *table,
                            const struct ht_json_reader *reader)
{
    static const char *const roots[] = {"Table", "TableDescription"};
    static const char *const names[] = {
        [STATUS] = "TableStatus",
        [KEY_SCHEMA] = "KeySchema",
        [DEFINITIONS] = "AttributeDefinitions",
        [BILLING] = "BillingModeSummary",
        [THROUGHPUT] = "ProvisionedThroughput",
        [STREAM] = "StreamSpecification",
        [STREAM_ARN] = "LatestStreamArn",
        [ARN] = "TableArn",
        [ITEM_COUNT] = "ItemCount",
    };
    struct ht_json_value root[2], found[MEMBER_COUNT];
    find(reader, ht_json_reader_root(reader), roots, 2, root);
    struct ht_json_value described = root[0].kind == '{' ? root[0] : root[1];
    if (described.kind != '{') {
        return HT_EPARSE;
    }
    find(reader, described, names, MEMBER_COUNT, found);
    copy_text(table->status, sizeof(table->status), reader, found[STATUS]);
    copy_text(table->stream_arn, sizeof(table->stream_arn), reader, found[STREAM_ARN]);
    copy_text(table->arn, sizeof(table->arn), reader, found[ARN]);
    table->item_count = number_of(reader, found[ITEM_COUNT]);
    read_keys(table, reader, found);
    read_throughput(table, reader, found);
    read_stream(table, reader, found[STREAM]);
    return 0;
}

int ht_dynamodb_table_description_parse(struct ht_dynamodb_table_description *table,
                                        struct ht_slice answer)
{
    struct ht_json_reader reader;
    *table = (struct ht_dynamodb_table_description){0};
    ht_json_reader_init(&reader, MOST_ANSWER_BYTES);
    enum ht_json_verdict verdict = ht_json_reader_scan(&reader, answer, NULL);
    int status = verdict == HT_JSON_VERDICT_NO_MEMORY ? HT_ENOMEM : HT_EPARSE;
    if (verdict == HT_JSON_VERDICT_OK) {
        status = read_description(table, &reader);
    }
    ht_json_reader_finish(&reader);
    return status;
}

static void read_keys(struct ht_dynamodb_table_description *table,
                      const struct ht_json_reader *reader, const struct ht_json_value *found)
{
    static const char *const key_names[] = {"AttributeName", "KeyType"};
    static const char *const type_names[] = {"AttributeName", "AttributeType"};
    struct ht_json_value pair[2];
    for (struct ht_json_walk walk = ht_json_walk(reader, found[KEY_SCHEMA]);
         ht_json_walk_next(&walk);) {
        find(reader, walk.value, key_names, 2, pair);
        if (text_is(reader, pair[1], "HASH")) {
            copy_text(table->key_name, sizeof(table->key_name), reader, pair[0]);
        } else {
            table->has_sort_key = true;
        }
    }
    for (struct ht_json_walk walk = ht_json_walk(reader, found[DEFINITIONS]);
         ht_json_walk_next(&walk);) {
        find(reader, walk.value, type_names, 2, pair);
        if (text_is(reader, pair[0], table->key_name)) {
            copy_text(table->key_type, sizeof(table->key_type), reader, pair[1]);
        }
    }
}

static void read_throughput(struct ht_dynamodb_table_description *table,
                            const struct ht_json_reader *reader, const struct ht_json_value *found)
{
    static const char *const billing_names[] = {"BillingMode"};
    static const char *const unit_names[] = {"ReadCapacityUnits", "WriteCapacityUnits"};
    struct ht_json_value mode, units[2];
    find(reader, found[BILLING], billing_names, 1, &mode);
    find(reader, found[THROUGHPUT], unit_names, 2, units);
    table->is_on_demand = text_is(reader, mode, "PAY_PER_REQUEST");
    table->read_units = number_of(reader, units[0]);
    table->write_units = number_of(reader, units[1]);
}

static void read_stream(struct ht_dynamodb_table_description *table,
                        const struct ht_json_reader *reader, struct ht_json_value stream)
{
    static const char *const names[] = {"StreamEnabled", "StreamViewType"};
    struct ht_json_value found[2];
    find(reader, stream, names, 2, found);
    table->has_stream = found[0].kind == 't';
    copy_text(table->stream_view, sizeof(table->stream_view), reader, found[1]);
}
