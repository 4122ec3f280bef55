// SPDX-License-Identifier: MIT

/* start: format -> call -> on_answer: parse -> done */

#include "hashtagd/aws/firehose_put_record_batch.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/json/base64.h"
#include "hashtagd/json/reader.h"
#include "hashtagd/json/writer.h"

#include <stdio.h>

enum {
    MOST_ANSWER_BYTES = 1024 * 1024,
    FRAME_NAME_BYTES = 64, /* room behind the limit for the name's frame, which is not counted */
};

/* The parts of a body around name and records. */
static const char before_name[] = "{\"DeliveryStreamName\":";
static const char before_records[] = ",\"Records\":[";
static const char before_data[] = "{\"Data\":\"";
static const char after_data[] = "\"}";
static const char after_records[] = "]}";

static void on_answer(struct ht_aws_call *call);
static enum ht_firehose_outcome outcome_of(struct ht_slice code);

size_t ht_firehose_batch_frame_bytes(struct ht_slice stream_name)
{
    return sizeof(before_name) - 1 + 2 + stream_name.length + sizeof(before_records) - 1 +
           sizeof(after_records) - 1 - 1; /* the last record has no comma */
}

size_t ht_firehose_record_frame_bytes(size_t length)
{
    return sizeof(before_data) - 1 + ht_base64_encoded_length(length) + sizeof(after_data) - 1 +
           1; /* the comma */
}

int ht_firehose_put_record_batch_format(const struct ht_firehose_put_record_batch *op,
                                        struct ht_buffer *body)
{
    (void)ht_buffer_append_text(body, before_name);
    ht_json_append_string(body, op->stream_name);
    (void)ht_buffer_append_text(body, before_records);
    for (size_t i = 0; i < op->count; i++) {
        (void)ht_buffer_append_text(body, i == 0 ? "" : ",");
        (void)ht_buffer_append_text(body, before_data);
        (void)ht_base64_append(body, op->records[i]);
        (void)ht_buffer_append_text(body, after_data);
    }
    (void)ht_buffer_append_text(body, after_records);
    return ht_buffer_status(body);
}

void ht_firehose_put_record_batch_start(struct ht_aws_client *client,
                                        struct ht_firehose_put_record_batch *op)
{
    HT_ASSERT(op->count > 0 && op->count <= HT_FIREHOSE_BATCH_RECORDS);
    ht_buffer_init(&op->body, HT_FIREHOSE_BATCH_BYTES + FRAME_NAME_BYTES);
    op->failed_count = 0;
    op->code[0] = '\0';
    op->message[0] = '\0';
    op->status = ht_firehose_put_record_batch_format(op, &op->body);
    op->call = (struct ht_aws_call){
        .service = HT_AWS_FIREHOSE,
        .operation = "PutRecordBatch",
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
    struct ht_firehose_put_record_batch *op = call->user;
    struct ht_buffer body = op->body;
    if (op->status != 0) {
        (void)ht_error_set(&call->error, op->status, "Firehose PutRecordBatch: %s.",
                           ht_error_meaning(op->status));
    } else {
        op->status = call->status;
    }
    if (op->status == 0) {
        op->status = ht_firehose_put_record_batch_parse(op, ht_buffer_slice(&call->answer));
    }
    op->body = (struct ht_buffer){0};
    op->done(op); /* the operation is its owner's again */
    ht_buffer_finish(&body);
}

void ht_firehose_put_record_batch_cancel(struct ht_firehose_put_record_batch *op)
{
    ht_aws_call_cancel(&op->call);
}

/* The text of a string; empty where there is none. Escapes are resolved into `arena`. */
static struct ht_slice text_of(const struct ht_json_reader *reader, struct ht_json_value value,
                               struct ht_buffer *arena)
{
    struct ht_slice text = {"", 0};
    if (value.kind != '"' || ht_json_reader_text(reader, value, arena, &text) != 0) {
        return (struct ht_slice){"", 0};
    }
    return text;
}

static void keep_text(char *room, size_t size, struct ht_slice text)
{
    (void)snprintf(room, size, "%.*s", (int)(text.length < size ? text.length : size - 1),
                   text.data);
}

/* One element of RequestResponses. What has no RecordId was not taken, whatever else it says. */
static enum ht_firehose_outcome read_outcome(struct ht_firehose_put_record_batch *op,
                                             const struct ht_json_reader *reader,
                                             struct ht_json_value element)
{
    static const char *const names[] = {"RecordId", "ErrorCode", "ErrorMessage"};
    struct ht_json_keys keys;
    struct ht_json_value found[3];
    struct ht_buffer arena;
    ht_json_keys_init(&keys, names, HT_COUNT_OF(names));
    ht_json_reader_find(reader, element, &keys, found);
    if (found[0].kind == '"' && found[1].kind != '"') {
        return HT_FIREHOSE_ACCEPTED;
    }
    ht_buffer_init(&arena, MOST_ANSWER_BYTES);
    struct ht_slice code = text_of(reader, found[1], &arena);
    enum ht_firehose_outcome outcome = outcome_of(code);
    if (op->failed_count++ == 0) {
        keep_text(op->code, sizeof(op->code), code);
        ht_buffer_clear(&arena);
        keep_text(op->message, sizeof(op->message), text_of(reader, found[2], &arena));
    }
    ht_buffer_finish(&arena);
    return outcome;
}

/* Documented are ServiceUnavailableException and InternalFailure; of what is not, only what says that
 * the record itself is wrong is final. */
static enum ht_firehose_outcome outcome_of(struct ht_slice code)
{
    static const struct {
        const char *begin;
        enum ht_firehose_outcome outcome;
    } rules[] = {
        {"ServiceUnavailable", HT_FIREHOSE_THROTTLED},
        {"Throttl", HT_FIREHOSE_THROTTLED},
        {"LimitExceeded", HT_FIREHOSE_THROTTLED},
        {"ProvisionedThroughputExceeded", HT_FIREHOSE_THROTTLED},
        {"InvalidArgument", HT_FIREHOSE_REFUSED},
        {"Validation", HT_FIREHOSE_REFUSED},
        {"Serialization", HT_FIREHOSE_REFUSED},
        {"InvalidRecord", HT_FIREHOSE_REFUSED},
    };
    for (size_t i = 0; i < HT_COUNT_OF(rules); i++) {
        if (ht_slice_starts_with(code, ht_slice_text(rules[i].begin))) {
            return rules[i].outcome;
        }
    }
    return HT_FIREHOSE_BROKEN;
}

static int refuse(struct ht_firehose_put_record_batch *op, const char *why)
{
    return ht_error_set(&op->call.error, HT_EPARSE,
                        "Firehose PutRecordBatch on %s: the answer makes no sense: %s. It is sent "
                        "again.",
                        op->resource == NULL ? "a delivery stream" : op->resource, why);
}

/* The outcomes must be as many as the records, and as bad as the answer says in sum. */
static int read_outcomes(struct ht_firehose_put_record_batch *op,
                         const struct ht_json_reader *reader)
{
    static const char *const names[] = {"FailedPutCount", "RequestResponses"};
    struct ht_json_keys keys;
    struct ht_json_value found[2];
    uint64_t said = 0;
    size_t count = 0;
    ht_json_keys_init(&keys, names, HT_COUNT_OF(names));
    ht_json_reader_find(reader, ht_json_reader_root(reader), &keys, found);
    if (found[1].kind != '[' || found[0].kind != '0' ||
        ht_slice_to_u64(ht_json_reader_raw(reader, found[0]), UINT32_MAX, &said) != 0) {
        return refuse(op, "no FailedPutCount or no RequestResponses");
    }
    struct ht_json_walk walk = ht_json_walk(reader, found[1]);
    while (ht_json_walk_next(&walk)) {
        if (count < op->count) {
            op->outcomes[count] = read_outcome(op, reader, walk.value);
        }
        count++;
    }
    if (count != op->count) {
        return refuse(op, "it has not one response for each record");
    }
    if (said != op->failed_count) {
        return refuse(op, "FailedPutCount and RequestResponses disagree");
    }
    return 0;
}

int ht_firehose_put_record_batch_parse(struct ht_firehose_put_record_batch *op,
                                       struct ht_slice answer)
{
    struct ht_json_reader reader;
    ht_json_reader_init(&reader, MOST_ANSWER_BYTES);
    op->failed_count = 0;
    enum ht_json_verdict verdict = ht_json_reader_scan(&reader, answer, NULL);
    int status = verdict == HT_JSON_VERDICT_OK ? read_outcomes(op, &reader)
                                               : refuse(op, ht_json_verdict_text(verdict));
    ht_json_reader_finish(&reader);
    return status;
}
