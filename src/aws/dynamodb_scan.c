// SPDX-License-Identifier: MIT

/* start: format -> call -> on_answer: parse -> done */

#include "hashtagd/aws/dynamodb_scan.h"

#include "hashtagd/base/assert.h"

enum { MOST_BODY_BYTES = 64 * 1024 };

static void on_answer(struct ht_aws_call *call);

int ht_dynamodb_scan_format(const struct ht_dynamodb_scan *op, struct ht_buffer *body)
{
    struct ht_json_writer writer;
    ht_json_writer_init(&writer, body);
    ht_json_write_object_begin(&writer);
    ht_json_write_key(&writer, "TableName");
    ht_json_write_text(&writer, op->table_name);
    ht_json_write_key(&writer, "ConsistentRead");
    ht_json_write_bool(&writer, true);
    if (op->segment_count > 1) {
        ht_json_write_key(&writer, "Segment");
        ht_json_write_u64(&writer, op->segment);
        ht_json_write_key(&writer, "TotalSegments");
        ht_json_write_u64(&writer, op->segment_count);
    }
    if (op->limit > 0) {
        ht_json_write_key(&writer, "Limit");
        ht_json_write_u64(&writer, op->limit);
    }
    if (op->start_key.length > 0) {
        ht_json_write_key(&writer, "ExclusiveStartKey");
        ht_json_write_raw(&writer, op->start_key);
    }
    ht_json_write_object_end(&writer);
    return ht_json_writer_status(&writer);
}

void ht_dynamodb_scan_start(struct ht_aws_client *client, struct ht_dynamodb_scan *op)
{
    if (op->body.max_bytes == 0) {
        ht_buffer_init(&op->body, MOST_BODY_BYTES);
    }
    ht_buffer_clear(&op->body);
    int status = ht_dynamodb_scan_format(op, &op->body);
    struct ht_dynamodb_target target = {.resource = op->resource, .max_attempts = op->max_attempts};
    ht_dynamodb_call_prepare(&op->call, "Scan", &target);
    op->call.max_answer_bytes = HT_DYNAMODB_SCAN_ANSWER_BYTES;
    op->call.done = on_answer;
    op->call.user = op;
    op->call.body = ht_buffer_slice(&op->body);
    op->call.refusal = status;
    ht_aws_call_start(client, &op->call);
}

static void on_answer(struct ht_aws_call *call)
{
    struct ht_dynamodb_scan *op = call->user;
    op->status = call->status;
    if (op->status == 0) {
        op->status = ht_dynamodb_scan_parse(op, ht_buffer_slice(&call->answer));
        if (op->status != 0) {
            (void)ht_error_set(&call->error, op->status,
                               "DynamoDB's answer to Scan on %s cannot be read.",
                               call->resource == NULL ? "a table" : call->resource);
        }
    }
    op->done(op);
}

int ht_dynamodb_scan_parse(struct ht_dynamodb_scan *op, struct ht_slice answer)
{
    static const char *const names[] = {"Items", "LastEvaluatedKey"};
    struct ht_json_keys keys;
    struct ht_json_value found[HT_COUNT_OF(names)];
    if (op->reader.max_bytes == 0) {
        ht_json_reader_init(&op->reader, HT_DYNAMODB_SCAN_ANSWER_BYTES);
        ht_buffer_init(&op->texts, HT_DYNAMODB_SCAN_ANSWER_BYTES);
    }
    ht_buffer_clear(&op->texts);
    if (ht_buffer_reserve(&op->texts, answer.length) != 0) {
        return HT_ENOMEM;
    }
    enum ht_json_verdict verdict = ht_json_reader_scan(&op->reader, answer, NULL);
    if (verdict != HT_JSON_VERDICT_OK) {
        return verdict == HT_JSON_VERDICT_NO_MEMORY ? HT_ENOMEM : HT_EPARSE;
    }
    ht_json_keys_init(&keys, names, HT_COUNT_OF(names));
    ht_json_reader_find(&op->reader, ht_json_reader_root(&op->reader), &keys, found);
    op->items = found[0];
    op->last_key =
        found[1].kind == '{' ? ht_json_reader_raw(&op->reader, found[1]) : (struct ht_slice){"", 0};
    return found[0].kind == '[' ? 0 : HT_EPARSE;
}

void ht_dynamodb_scan_cancel(struct ht_dynamodb_scan *op)
{
    ht_aws_call_cancel(&op->call);
}

void ht_dynamodb_scan_finish(struct ht_dynamodb_scan *op)
{
    ht_buffer_finish(&op->body);
    ht_buffer_finish(&op->texts);
    ht_json_reader_finish(&op->reader);
}
