// SPDX-License-Identifier: MIT
#include "kinesis_batch.h"

#include "hashtagd/aws/kpl.h"
#include "hashtagd/base/assert.h"

#include <stdlib.h>

enum {
    PARTITION_KEY_MAX_BYTES = 256,
};

/* A batch with the memory that its slices lie in. */
struct batch {
    struct ht_record_batch batch; /* first */
    char *body;
    size_t capacity; /* of records */
};

static int take_all(struct ht_kinesis_batch_making *making, struct batch *batch,
                    struct ht_kinesis_stand *stand);
static int take_one(struct ht_kinesis_batch_making *making, struct batch *batch,
                    struct ht_kinesis_stand *stand, const struct ht_kinesis_record *from);
static int add(struct ht_kinesis_batch_making *making, struct batch *batch,
               struct ht_kinesis_stand *stand, const struct ht_record *record);
static void set_next(struct ht_kinesis_batch_making *making, struct batch *batch,
                     struct ht_kinesis_stand *stand);
static void release(struct ht_record_batch *batch);

void ht_kinesis_stand_at(struct ht_kinesis_stand *stand, const struct ht_position *from)
{
    *stand = (struct ht_kinesis_stand){.at = *from};
    if (from->kind != HT_POSITION_AFTER && from->kind != HT_POSITION_BEFORE) {
        return;
    }
    stand->is_expecting = true;
    memcpy(stand->expected, from->sequence_number, sizeof(stand->expected));
    if (from->kind == HT_POSITION_AFTER || from->warm_sequence[0] == '\0') {
        stand->has_floor = true;
        memcpy(stand->floor, from->sequence_number, sizeof(stand->floor));
        stand->floor_sub = from->sub_sequence;
    }
}

int ht_kinesis_batch_make(struct ht_kinesis_batch_making *making)
{
    struct ht_kinesis_page *page = making->page;
    struct ht_kinesis_stand stand = *making->stand;
    making->findings = (struct ht_kinesis_findings){.records_read = page->count + page->bad_count,
                                                    .bad_records = page->bad_count,
                                                    .is_end = page->next_iterator[0] == '\0'};
    making->batch = NULL;
    int status = HT_ENOMEM;
    struct batch *batch = calloc(1, sizeof(*batch));
    if (batch == NULL) {
        goto out;
    }
    batch->batch.release = release;
    batch->body = page->body;
    page->body = NULL;
    status = take_all(making, batch, &stand);
    if (status != 0) {
        release(&batch->batch);
        goto out;
    }
    set_next(making, batch, &stand);
    batch->batch.bytes =
        sizeof(*batch) + page->body_bytes + batch->capacity * sizeof(*batch->batch.records);
    *making->stand = stand;
    making->batch = &batch->batch;
out:
    ht_kinesis_page_finish(page);
    return status;
}

/* Makes room for `more` records beyond those that are there. */
static int reserve(const struct ht_kinesis_batch_making *making, struct batch *batch, size_t more)
{
    size_t need = batch->batch.count + more;
    if (need <= batch->capacity) {
        return 0;
    }
    size_t most = making->max_records_bytes / sizeof(*batch->batch.records);
    size_t capacity = batch->capacity * 2 > need ? batch->capacity * 2 : need;
    if (need > most) {
        return HT_ETOOBIG;
    }
    capacity = capacity < most ? capacity : most;
    struct ht_record *records = realloc(batch->batch.records, capacity * sizeof(*records));
    if (records == NULL) {
        return HT_ENOMEM;
    }
    batch->batch.records = records;
    batch->capacity = capacity;
    return 0;
}

static int take_all(struct ht_kinesis_batch_making *making, struct batch *batch,
                    struct ht_kinesis_stand *stand)
{
    const struct ht_kinesis_page *page = making->page;
    int status = page->count == 0 ? 0 : reserve(making, batch, page->count);
    for (size_t i = 0; status == 0 && i < page->count; i++) {
        status = take_one(making, batch, stand, &page->records[i]);
    }
    return status;
}

/* The expected record, or one behind it: then the one before was trimmed. A record that cannot be
 * read may have been it. */
static void look_for_gap(struct ht_kinesis_batch_making *making, struct ht_kinesis_stand *stand,
                         struct ht_slice sequence)
{
    int order = ht_sequence_compare(sequence, ht_slice_text(stand->expected));
    if (order >= 0) {
        stand->is_expecting = false;
        making->findings.is_trimmed = order > 0 && making->page->bad_count == 0;
    }
}

static int take_one(struct ht_kinesis_batch_making *making, struct batch *batch,
                    struct ht_kinesis_stand *stand, const struct ht_kinesis_record *from)
{
    struct ht_kpl kpl;
    struct ht_kpl_record inner;
    struct ht_record record = {.data = from->data,
                               .partition_key = from->partition_key,
                               .sequence_number = from->sequence_number,
                               .arrival_ms =
                                   from->arrival_ms > 0 ? from->arrival_ms : making->now_ms};
    if (stand->is_expecting) {
        look_for_gap(making, stand, from->sequence_number);
    }
    enum ht_kpl_verdict verdict = ht_kpl_open(&kpl, from->data);
    if (verdict != HT_KPL_AGGREGATED) {
        return verdict == HT_KPL_PLAIN ? add(making, batch, stand, &record) : HT_ENOMEM;
    }
    int status = reserve(making, batch, kpl.record_count);
    while (status == 0 && ht_kpl_next(&kpl, &inner)) {
        record.data = inner.data;
        record.partition_key =
            inner.partition_key.length > 0 ? inner.partition_key : from->partition_key;
        record.sub_sequence = inner.sub_sequence;
        status = add(making, batch, stand, &record);
    }
    making->findings.damaged_records += kpl.is_damaged;
    ht_kpl_finish(&kpl);
    return status;
}

static bool is_below_floor(struct ht_kinesis_stand *stand, const struct ht_record *record)
{
    if (ht_sequence_compare_sub(record->sequence_number, record->sub_sequence,
                                ht_slice_text(stand->floor), stand->floor_sub) <= 0) {
        return true;
    }
    stand->has_floor = false; /* the rest rises from here */
    return false;
}

static int add(struct ht_kinesis_batch_making *making, struct batch *batch,
               struct ht_kinesis_stand *stand, const struct ht_record *record)
{
    ht_position_after(&stand->at, record->sequence_number, record->sub_sequence);
    if (stand->has_floor && is_below_floor(stand, record)) {
        return 0;
    }
    int status = reserve(making, batch, 1);
    if (status != 0) {
        return status;
    }
    struct ht_record *out = &batch->batch.records[batch->batch.count++];
    *out = *record;
    if (out->partition_key.length > PARTITION_KEY_MAX_BYTES) {
        out->partition_key.length = PARTITION_KEY_MAX_BYTES;
    }
    return 0;
}

/* Whether the records so far end before the place that was asked for. */
static bool is_short_of_floor(const struct ht_kinesis_stand *stand)
{
    return stand->has_floor && stand->at.kind == HT_POSITION_AFTER &&
           ht_sequence_compare_sub(ht_slice_text(stand->at.sequence_number), stand->at.sub_sequence,
                                   ht_slice_text(stand->floor), stand->floor_sub) < 0;
}

static void set_next(struct ht_kinesis_batch_making *making, struct batch *batch,
                     struct ht_kinesis_stand *stand)
{
    const struct ht_kinesis_page *page = making->page;
    struct ht_slice last = page->last_sequence;
    bool is_behind = stand->at.kind == HT_POSITION_AFTER &&
                     ht_sequence_compare(last, ht_slice_text(stand->at.sequence_number)) <= 0;
    /* The last record could not be read: go on behind it all the same. */
    if (last.length > 0 && !is_behind) {
        ht_position_after(&stand->at, last, 0);
    }
    stand->is_whole = stand->is_whole || last.length > 0;
    if (is_short_of_floor(stand)) {
        ht_position_after(&stand->at, ht_slice_text(stand->floor), stand->floor_sub);
        stand->is_whole = false;
    }
    if (making->findings.is_end) {
        stand->at.kind = HT_POSITION_END;
    }
    batch->batch.next = stand->at;
    batch->batch.behind_ms = page->behind_ms;
}

static void release(struct ht_record_batch *base)
{
    struct batch *batch = HT_CONTAINER_OF(base, struct batch, batch);
    free(batch->body);
    free(batch->batch.records);
    free(batch);
}

struct ht_record_batch *ht_kinesis_batch_empty(const struct ht_position *next, int64_t behind_ms)
{
    struct batch *batch = calloc(1, sizeof(*batch));
    if (batch == NULL) {
        return NULL;
    }
    batch->batch.release = release;
    batch->batch.next = *next;
    batch->batch.behind_ms = behind_ms;
    batch->batch.bytes = sizeof(*batch);
    return &batch->batch;
}
