// SPDX-License-Identifier: MIT
#include "hashtagd/aws/kinesis_get_records.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/json/base64.h"
#include "hashtagd/json/number.h"
#include "hashtagd/json/writer.h"

#include "kinesis_call.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    FIRST_CAPACITY = 256,
};

/* What is looked for, and the places of it. */
static const char *const page_names[] = {"Records", "NextShardIterator", "MillisBehindLatest",
                                         "ChildShards"};
enum { RECORDS, NEXT_ITERATOR, BEHIND, CHILDREN, PAGE_NAMES };
static const char *const record_names[] = {"SequenceNumber", "Data", "PartitionKey",
                                           "ApproximateArrivalTimestamp"};
enum { SEQUENCE, DATA, PARTITION_KEY, ARRIVAL, RECORD_NAMES };
static const char *const child_names[] = {"ShardId", "ParentShards"};
enum { CHILD_ID, CHILD_PARENTS, CHILD_NAMES };

/* A page while it is read. */
struct reading {
    struct ht_kinesis_page *page;
    const struct ht_json_reader *reader;
    size_t capacity;
    bool is_out_of_memory;
};

static int read_members(struct reading *reading, struct ht_error *error);
static int read_records(struct reading *reading, struct ht_json_value records);
static bool read_record(struct reading *reading, const struct ht_json_value *found,
                        struct ht_kinesis_record *record);
static void read_children(struct reading *reading, struct ht_json_value children);

int ht_kinesis_page_read(struct ht_kinesis_page *page, struct ht_json_reader *reader, char *body,
                         size_t length, struct ht_error *error)
{
    *page = (struct ht_kinesis_page){.body = body, .body_bytes = length};
    size_t offset = 0;
    enum ht_json_verdict verdict =
        ht_json_reader_scan(reader, ht_slice_make(body, length), &offset);
    if (verdict != HT_JSON_VERDICT_OK) {
        int status = verdict == HT_JSON_VERDICT_NO_MEMORY   ? HT_ENOMEM
                     : verdict == HT_JSON_VERDICT_TOO_LARGE ? HT_ETOOBIG
                                                            : HT_EPARSE;
        return ht_error_set(error, status, "the answer is no JSON at byte %zu: %s", offset,
                            ht_json_verdict_text(verdict));
    }
    struct reading reading = {.page = page, .reader = reader};
    return read_members(&reading, error);
}

static int read_members(struct reading *reading, struct ht_error *error)
{
    struct ht_kinesis_page *page = reading->page;
    struct ht_json_keys keys;
    struct ht_json_value found[PAGE_NAMES];
    ht_json_keys_init(&keys, page_names, PAGE_NAMES);
    ht_json_reader_find(reading->reader, ht_json_reader_root(reading->reader), &keys, found);
    /* Without the list it is no answer of GetRecords, and must not be taken for a shard's end. */
    if (found[RECORDS].kind != '[') {
        return ht_error_set(error, HT_EPARSE, "the answer has no list of Records");
    }
    bool is_end = found[NEXT_ITERATOR].kind == '\0' || found[NEXT_ITERATOR].kind == 'n';
    if (!is_end && !ht_kinesis_copy_value(reading->reader, found[NEXT_ITERATOR],
                                          page->next_iterator, sizeof(page->next_iterator))) {
        return ht_error_set(error, HT_EPARSE, "the answer's NextShardIterator cannot be used");
    }
    if (found[BEHIND].kind == '0') {
        page->behind_ms =
            ht_json_number_scaled(ht_json_reader_raw(reading->reader, found[BEHIND]), 1);
        page->behind_ms = page->behind_ms < 0 ? 0 : page->behind_ms;
    }
    read_children(reading, found[CHILDREN]);
    int status = read_records(reading, found[RECORDS]);
    return status == 0 ? 0 : ht_error_set(error, status, "out of memory for the answer's records");
}

static int grow(struct reading *reading)
{
    struct ht_kinesis_page *page = reading->page;
    if (page->count < reading->capacity) {
        return 0;
    }
    size_t capacity = reading->capacity == 0 ? FIRST_CAPACITY : reading->capacity * 2;
    struct ht_kinesis_record *records = realloc(page->records, capacity * sizeof(*records));
    if (records == NULL) {
        return HT_ENOMEM;
    }
    page->records = records;
    reading->capacity = capacity;
    return 0;
}

static int read_records(struct reading *reading, struct ht_json_value records)
{
    struct ht_kinesis_page *page = reading->page;
    struct ht_json_keys keys;
    struct ht_json_value found[RECORD_NAMES];
    ht_json_keys_init(&keys, record_names, RECORD_NAMES);
    struct ht_json_walk walk = ht_json_walk(reading->reader, records);
    while (ht_json_walk_next(&walk)) {
        if (grow(reading) != 0) {
            return HT_ENOMEM;
        }
        ht_json_reader_find(reading->reader, walk.value, &keys, found);
        if (read_record(reading, found, &page->records[page->count])) {
            page->count++;
        } else if (reading->is_out_of_memory) {
            return HT_ENOMEM; /* not the record's fault: it must not be passed over */
        } else {
            page->bad_count++;
        }
    }
    return 0;
}

/* The bytes of a text, escapes resolved in their own place in the body: they only get shorter. */
static bool take_text(struct reading *reading, struct ht_json_value value, struct ht_slice *text)
{
    if (value.kind != '"') {
        return false;
    }
    char *place = reading->page->body + value.begin + 1;
    size_t length = value.end - value.begin - 2;
    *text = ht_slice_make(place, length);
    if (memchr(place, '\\', length) == NULL) {
        return true;
    }
    struct ht_buffer arena;
    ht_buffer_init(&arena, length + 1);
    bool is_right = ht_json_reader_text(reading->reader, value, &arena, text) == 0;
    reading->is_out_of_memory = reading->is_out_of_memory || !is_right;
    if (is_right) {
        HT_ASSERT(text->length <= length);
        memcpy(place, text->data, text->length);
        *text = ht_slice_make(place, text->length);
    }
    ht_buffer_finish(&arena);
    return is_right;
}

static bool refuse(struct reading *reading, const char *reason)
{
    (void)snprintf(reading->page->bad_reason, sizeof(reading->page->bad_reason), "%s", reason);
    return false;
}

static bool take_data(struct reading *reading, struct ht_json_value value, struct ht_slice *data)
{
    struct ht_slice text;
    size_t length;
    if (!take_text(reading, value, &text)) {
        return false;
    }
    char *place = reading->page->body + value.begin + 1;
    if (ht_base64_decode(text, place, &length) != 0) {
        return false;
    }
    *data = ht_slice_make(place, length);
    return true;
}

static bool read_record(struct reading *reading, const struct ht_json_value *found,
                        struct ht_kinesis_record *record)
{
    *record = (struct ht_kinesis_record){0};
    if (!take_text(reading, found[SEQUENCE], &record->sequence_number) ||
        !ht_kinesis_is_sequence(record->sequence_number)) {
        return refuse(reading, "it has no sequence number");
    }
    reading->page->last_sequence = record->sequence_number;
    if (!take_data(reading, found[DATA], &record->data)) {
        return refuse(reading, "its data are no base64");
    }
    if (!take_text(reading, found[PARTITION_KEY], &record->partition_key)) {
        return refuse(reading, "it has no partition key");
    }
    if (found[ARRIVAL].kind == '0') {
        record->arrival_ms =
            ht_json_number_scaled(ht_json_reader_raw(reading->reader, found[ARRIVAL]), 1000);
    }
    return true;
}

static void read_child(struct reading *reading, const struct ht_json_value *found)
{
    struct ht_kinesis_page *page = reading->page;
    struct ht_kinesis_shard child = {0};
    if (page->child_count == HT_KINESIS_CHILDREN_MAX ||
        !ht_kinesis_copy_value(reading->reader, found[CHILD_ID], child.id, sizeof(child.id))) {
        return;
    }
    char *parents[] = {child.parent_id, child.adjacent_parent_id};
    struct ht_json_walk walk = ht_json_walk(reading->reader, found[CHILD_PARENTS]);
    for (size_t i = 0; i < 2 && ht_json_walk_next(&walk); i++) {
        if (!ht_kinesis_copy_value(reading->reader, walk.value, parents[i],
                                   HT_KINESIS_SHARD_ID_BYTES)) {
            return;
        }
    }
    page->children[page->child_count++] = child;
}

static void read_children(struct reading *reading, struct ht_json_value children)
{
    struct ht_json_keys keys;
    struct ht_json_value found[CHILD_NAMES];
    ht_json_keys_init(&keys, child_names, CHILD_NAMES);
    struct ht_json_walk walk = ht_json_walk(reading->reader, children);
    while (children.kind == '[' && ht_json_walk_next(&walk)) {
        ht_json_reader_find(reading->reader, walk.value, &keys, found);
        read_child(reading, found);
    }
}

void ht_kinesis_page_finish(struct ht_kinesis_page *page)
{
    free(page->body);
    free(page->records);
    page->body = NULL;
    page->records = NULL;
    page->count = 0;
}

static void on_answer(struct ht_aws_call *call)
{
    struct ht_kinesis_get_records *op = HT_CONTAINER_OF(call, struct ht_kinesis_get_records, call);
    ht_buffer_finish(&op->request.body);
    op->done(op);
}

int ht_kinesis_get_records_start(struct ht_aws_client *client, struct ht_kinesis_get_records *op)
{
    struct ht_json_writer writer;
    ht_buffer_init(&op->request.body, HT_KINESIS_SMALL_BODY_BYTES);
    ht_json_writer_init(&writer, &op->request.body);
    ht_json_write_object_begin(&writer);
    ht_json_write_key(&writer, "ShardIterator");
    ht_json_write_text(&writer, op->iterator);
    ht_json_write_key(&writer, "Limit");
    ht_json_write_u64(&writer, op->limit);
    ht_json_write_object_end(&writer);
    op->call.done = on_answer;
    return ht_kinesis_call_start(client, &op->call, "GetRecords", op->stream_name, &op->request);
}

void ht_kinesis_get_records_cancel(struct ht_kinesis_get_records *op)
{
    ht_aws_call_cancel(&op->call);
}
