// SPDX-License-Identifier: MIT
#include "hashtagd/aws/kinesis_put_records.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/json/base64.h"
#include "hashtagd/json/writer.h"

#include "kinesis_call.h"

#include <stdio.h>

enum {
    BODY_MAX_BYTES = 32 * 1024 * 1024, /* 10 MiB in base64, each byte of the keys escaped */
    ENTRY_BYTES = 64,                  /* what stands around a record */
    REASON_BYTES = 128,
};

static void on_answer(struct ht_aws_call *call);
static enum ht_kinesis_put_result read_result(const struct ht_json *record);

int ht_kinesis_put_records_start(struct ht_aws_client *client, struct ht_kinesis_put_records *op)
{
    HT_ASSERT(op->count > 0 && op->count <= HT_KINESIS_PUT_MAX_RECORDS);
    ht_buffer_init(&op->request.body, BODY_MAX_BYTES);
    ht_kinesis_put_records_format(&op->request.body, op->stream_name, op->entries, op->count);
    op->call.done = on_answer;
    return ht_kinesis_call_start(client, &op->call, "PutRecords", op->stream_name, &op->request);
}

void ht_kinesis_put_records_format(struct ht_buffer *body, const char *stream_name,
                                   const struct ht_kinesis_put_entry *entries, size_t count)
{
    size_t bytes = ENTRY_BYTES;
    for (size_t i = 0; i < count; i++) {
        bytes += ht_base64_encoded_length(entries[i].data.length) +
                 entries[i].partition_key.length + ENTRY_BYTES;
    }
    (void)ht_buffer_reserve(body, bytes);
    (void)ht_buffer_append_text(body, "{\"StreamName\":");
    ht_json_append_string(body, ht_slice_text(stream_name));
    (void)ht_buffer_append_text(body, ",\"Records\":[");
    for (size_t i = 0; i < count; i++) {
        (void)ht_buffer_append_text(body, i == 0 ? "{\"Data\":\"" : ",{\"Data\":\"");
        (void)ht_base64_append(body, entries[i].data);
        (void)ht_buffer_append_text(body, "\",\"PartitionKey\":");
        ht_json_append_string(body, entries[i].partition_key);
        (void)ht_buffer_append_text(body, "}");
    }
    (void)ht_buffer_append_text(body, "]}");
}

static void on_answer(struct ht_aws_call *call)
{
    struct ht_kinesis_put_records *op = HT_CONTAINER_OF(call, struct ht_kinesis_put_records, call);
    int status = call->status != 0
                     ? 0
                     : ht_kinesis_put_records_read(ht_buffer_slice(&call->answer), op->results,
                                                   op->count, op->reason);
    if (status != 0) {
        ht_kinesis_call_fail(call, &op->request, status,
                             "it does not list a result for each record");
    }
    ht_buffer_finish(&op->request.body);
    op->done(op);
}

int ht_kinesis_put_records_read(struct ht_slice answer, enum ht_kinesis_put_result *results,
                                size_t count, char *reason)
{
    struct ht_json *root;
    int status = ht_kinesis_answer_parse(answer, &root);
    const struct ht_json *records = ht_json_member(root, "Records");
    bool has_reason = false;
    if (status != 0) {
        goto out;
    }
    if (ht_json_type(root) != HT_JSON_OBJECT || ht_json_count(records) != count) {
        status = HT_EPARSE;
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        const struct ht_json *record = ht_json_element(records, i);
        results[i] = read_result(record);
        if (results[i] != HT_KINESIS_PUT_STORED && !has_reason && reason != NULL) {
            struct ht_slice code = ht_json_text(ht_json_member(record, "ErrorCode"));
            struct ht_slice text = ht_json_text(ht_json_member(record, "ErrorMessage"));
            (void)snprintf(reason, REASON_BYTES, "%.40s: %.80s", code.data, text.data);
            has_reason = true;
        }
    }
out:
    ht_json_destroy(root);
    return status;
}

static enum ht_kinesis_put_result read_result(const struct ht_json *record)
{
    struct ht_slice code = ht_json_text(ht_json_member(record, "ErrorCode"));
    struct ht_slice sequence = ht_json_text(ht_json_member(record, "SequenceNumber"));
    if (ht_slice_equal(code, HT_SLICE("ProvisionedThroughputExceededException"))) {
        return HT_KINESIS_PUT_THROTTLED;
    }
    return code.length == 0 && sequence.length > 0 ? HT_KINESIS_PUT_STORED : HT_KINESIS_PUT_FAILED;
}
