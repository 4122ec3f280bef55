// SPDX-License-Identifier: MIT
#include "hashtagd/aws/dynamodb_item.h"

#include "hashtagd/base/assert.h"

static void write_values(struct ht_json_writer *writer,
                         const struct ht_dynamodb_expressions *expressions);

void ht_dynamodb_write_target(struct ht_json_writer *writer,
                              const struct ht_dynamodb_target *target)
{
    ht_json_write_key(writer, "TableName");
    ht_json_write_text(writer, target->table_name);
    ht_json_write_key(writer, "Key");
    ht_json_write_object_begin(writer);
    ht_attribute_add_text(writer, target->key_name, target->key);
    ht_json_write_object_end(writer);
}

void ht_dynamodb_write_expressions(struct ht_json_writer *writer,
                                   const struct ht_dynamodb_expressions *expressions)
{
    if (expressions->update != NULL) {
        ht_json_write_key(writer, "UpdateExpression");
        ht_json_write_text(writer, expressions->update);
    }
    if (expressions->condition != NULL) {
        ht_json_write_key(writer, "ConditionExpression");
        ht_json_write_text(writer, expressions->condition);
    }
    if (expressions->name_count > 0) {
        ht_json_write_key(writer, "ExpressionAttributeNames");
        ht_json_write_object_begin(writer);
        for (size_t i = 0; i < expressions->name_count; i++) {
            ht_json_write_key(writer, expressions->names[i].alias);
            ht_json_write_slice(writer, expressions->names[i].name);
        }
        ht_json_write_object_end(writer);
    }
    if (expressions->value_count > 0) {
        write_values(writer, expressions);
    }
}

static void write_values(struct ht_json_writer *writer,
                         const struct ht_dynamodb_expressions *expressions)
{
    ht_json_write_key(writer, "ExpressionAttributeValues");
    ht_json_write_object_begin(writer);
    for (size_t i = 0; i < expressions->value_count; i++) {
        ht_json_write_key(writer, expressions->values[i].alias);
        ht_dynamodb_write_value(writer, &expressions->values[i]);
    }
    ht_json_write_object_end(writer);
}

void ht_dynamodb_write_value(struct ht_json_writer *writer, const struct ht_dynamodb_value *value)
{
    if (value->type == HT_ATTRIBUTE_N) {
        ht_attribute_write_u64(writer, value->number);
    } else if (value->type == HT_ATTRIBUTE_SS) {
        ht_attribute_write_texts(writer, value->texts, value->text_count);
    } else {
        HT_ASSERT(value->type == HT_ATTRIBUTE_S);
        ht_attribute_write_text(writer, value->text);
    }
}

int ht_dynamodb_answer_read(struct ht_dynamodb_answer *answer, struct ht_slice body)
{
    static const char *const names[] = {"Attributes", "Item"};
    struct ht_json_keys keys;
    struct ht_json_value found[HT_COUNT_OF(names)];
    answer->item = (struct ht_json_value){0};
    if (answer->reader.max_bytes == 0) {
        ht_json_reader_init(&answer->reader, HT_DYNAMODB_ITEM_ANSWER_BYTES);
        ht_buffer_init(&answer->texts, HT_DYNAMODB_ITEM_ANSWER_BYTES);
    }
    ht_buffer_clear(&answer->texts);
    if (ht_buffer_reserve(&answer->texts, body.length) != 0) {
        return HT_ENOMEM;
    }
    enum ht_json_verdict verdict = ht_json_reader_scan(&answer->reader, body, NULL);
    if (verdict != HT_JSON_VERDICT_OK) {
        return verdict == HT_JSON_VERDICT_NO_MEMORY ? HT_ENOMEM : HT_EPARSE;
    }
    struct ht_json_value root = ht_json_reader_root(&answer->reader);
    ht_json_keys_init(&keys, names, HT_COUNT_OF(names));
    ht_json_reader_find(&answer->reader, root, &keys, found);
    for (size_t i = 0; i < HT_COUNT_OF(found); i++) {
        if (found[i].kind == '{') {
            answer->item = found[i];
        }
    }
    return root.kind == '{' ? 0 : HT_EPARSE;
}

void ht_dynamodb_answer_finish(struct ht_dynamodb_answer *answer)
{
    ht_json_reader_finish(&answer->reader);
    ht_buffer_finish(&answer->texts);
    *answer = (struct ht_dynamodb_answer){0};
}

bool ht_dynamodb_condition_failed(const struct ht_aws_call *call)
{
    return call->status != 0 && strcmp(call->failure.code, "ConditionalCheckFailedException") == 0;
}

void ht_dynamodb_call_prepare(struct ht_aws_call *call, const char *operation,
                              const struct ht_dynamodb_target *target)
{
    *call = (struct ht_aws_call){
        .service = HT_AWS_DYNAMODB,
        .operation = operation,
        .resource = target->resource,
        .max_answer_bytes = HT_DYNAMODB_ITEM_ANSWER_BYTES,
        .max_attempts = target->max_attempts,
    };
}

int ht_dynamodb_call_read(struct ht_aws_call *call, struct ht_dynamodb_answer *answer)
{
    int status = ht_dynamodb_answer_read(answer, ht_buffer_slice(&call->answer));
    if (call->status != 0) {
        return call->status; /* an answer that says no may be anything */
    }
    if (status != 0) {
        (void)ht_error_set(
            &call->error, status, "DynamoDB's answer to %s on %s cannot be read%s%s.",
            call->operation, call->resource == NULL ? "an item" : call->resource,
            call->failure.request_id[0] == '\0' ? "" : "; request id ", call->failure.request_id);
    }
    return status;
}
