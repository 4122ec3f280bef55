// SPDX-License-Identifier: MIT
#include "tally_internal.h"
#include "varint.h"

#include <stdlib.h>

/* A part holds at most this much: a bound against our own mistakes, never met in practice. */
#define PART_MAX_BYTES ((size_t)1 << 40)

/* Entries that are looked up together. */
#define LANES 32

struct lane {
    const struct ht_tally_entry *entry;
    uint64_t count;
};

/* A part's entries while they are read. */
struct part_reader {
    const unsigned char *at;
    const unsigned char *end;
    struct ht_slice tag;
    uint64_t count;
};

static int take_part(struct ht_tally *tally, int64_t minute, struct ht_tally_parts *parts);
static int put_runs(const struct ht_tally *tally, const struct ht_tally_bucket *bucket, bool taken,
                    struct ht_buffer *data);
static int put_run(const struct ht_tally *tally, const struct ht_minute_run *run,
                   struct ht_buffer *data);
static size_t read_lanes(const struct ht_tally *tally, struct ht_minute_run_cursor *cursor,
                         struct lane *lanes);
static int put_entry(const struct ht_tally *tally, const struct lane *lane, struct ht_buffer *data);
static void mark_taken(struct ht_tally *tally, struct ht_tally_bucket *bucket);
static size_t untaken_count(const struct ht_tally *tally);
static bool has_untaken(const struct ht_tally_bucket *bucket);
static int check_part(const struct ht_tally_part *part, size_t *count, struct ht_error *error);
static int resolve_part(const struct ht_tally *tally, const struct ht_tally_part *part,
                        struct ht_tally_delta *deltas, size_t *count);
static int pack_part(struct ht_tally *tally, struct ht_tally_delta *deltas, size_t count,
                     struct ht_minute_run **run);
static void replay_run(struct ht_tally *tally, const struct ht_tally_part *part,
                       struct ht_minute_run *run);
static void retract_minute(struct ht_tally *tally, int64_t minute);
static bool next_entry(struct part_reader *reader);
static int64_t first_minute(const struct ht_tally *tally);

int ht_tally_take_parts(struct ht_tally *tally, struct ht_tally_parts *parts)
{
    *parts = (struct ht_tally_parts){0};
    int status = ht_tally_fold(tally);
    size_t count = untaken_count(tally);
    if (status != 0 || count == 0) {
        return status;
    }
    parts->items = calloc(count, sizeof(parts->items[0]));
    if (parts->items == NULL) {
        return HT_ENOMEM;
    }
    for (int64_t minute = first_minute(tally); minute <= tally->minute; minute++) {
        status = take_part(tally, minute, parts);
        if (status != 0) {
            ht_tally_parts_finish(parts);
            return status;
        }
    }
    for (size_t i = 0; i < HT_TALLY_MINUTES; i++) {
        mark_taken(tally, &tally->buckets[i]);
    }
    if (parts->count == 0) {
        ht_tally_parts_finish(parts);
    }
    return 0;
}

void ht_tally_parts_finish(struct ht_tally_parts *parts)
{
    for (size_t i = 0; i < parts->count; i++) {
        free(parts->items[i].data);
    }
    free(parts->items);
    *parts = (struct ht_tally_parts){0};
}

bool ht_tally_find_compactable(const struct ht_tally *tally, uint32_t least_parts, int64_t *minute)
{
    for (*minute = first_minute(tally); *minute < tally->minute; *minute += 1) {
        const struct ht_tally_bucket *bucket = &tally->buckets[ht_tally_ring_of(*minute)];
        if (bucket->part_count > 0 && bucket->part_count >= least_parts) {
            return true;
        }
    }
    return false;
}

int ht_tally_export_minute(struct ht_tally *tally, int64_t minute, struct ht_buffer *data)
{
    if (minute < first_minute(tally) || minute > tally->minute) {
        return HT_ENOTFOUND;
    }
    struct ht_tally_bucket *bucket = &tally->buckets[ht_tally_ring_of(minute)];
    ht_tally_merge_runs(tally, bucket, true);
    int status = put_runs(tally, bucket, true, data);
    if (status == 0) {
        bucket->part_count = 0;
    }
    return status;
}

int ht_tally_apply_part(struct ht_tally *tally, const struct ht_tally_part *part,
                        struct ht_error *error)
{
    size_t count;
    int status = check_part(part, &count, error);
    if (status != 0 || part->minute < first_minute(tally) || part->minute > tally->minute) {
        return status;
    }
    struct ht_minute_run *run = NULL;
    struct ht_tally_delta *deltas = calloc(2 * count + 1, sizeof(*deltas));
    status = deltas == NULL ? HT_ENOMEM : ht_tally_fold(tally);
    if (status != 0) {
        goto out;
    }
    status = resolve_part(tally, part, deltas, &count);
    if (status == 0) {
        status = pack_part(tally, deltas, count, &run);
    }
    if (status == HT_ECORRUPT) {
        ht_error_set(error, status, "A part of minute %lld counts a hashtag too often.",
                     (long long)part->minute);
    }
    if (status == 0) {
        replay_run(tally, part, run);
    }
out:
    free(deltas);
    return status;
}

int ht_tally_apply_deletion(struct ht_tally *tally, struct ht_slice tag)
{
    uint64_t hash = ht_hash_bytes(&tally->key, tag);
    uint32_t old = ht_tally_find_slot(tally, tag, hash);
    if (old == HT_TAG_INDEX_NO_SLOT ||
        ht_tally_entry_count(ht_tally_entry(tally, old), HT_TALLY_24H) == 0) {
        return 0;
    }
    uint32_t slot;
    int status = ht_tally_take_slot(tally, &slot);
    if (status != 0) {
        return status;
    }
    /* The minutes name the old slot, which dies; the item goes on in the new one. */
    const struct ht_tally_entry kept = *ht_tally_entry(tally, old);
    ht_tally_bury_slot(tally, old);
    ht_tag_index_remove(&tally->index, hash, old);
    *ht_tally_entry(tally, slot) = (struct ht_tally_entry){.text_high = kept.text_high,
                                                           .text_low = kept.text_low,
                                                           .first_seen_s = kept.first_seen_s,
                                                           .last_seen_s = kept.last_seen_s};
    ht_tag_index_insert(&tally->index, hash, slot);
    if (kept.count > 0) {
        ht_tally_raise(tally, slot, HT_TALLY_ALL, kept.count);
    }
    tally->version++;
    return 0;
}

/* Appends a part with what was not taken of the minute, where there is any. */
static int take_part(struct ht_tally *tally, int64_t minute, struct ht_tally_parts *parts)
{
    struct ht_tally_bucket *bucket = &tally->buckets[ht_tally_ring_of(minute)];
    if (!has_untaken(bucket)) {
        return 0;
    }
    struct ht_buffer data;
    ht_buffer_init(&data, PART_MAX_BYTES);
    int status = put_runs(tally, bucket, false, &data);
    if (status == 0 && data.length > 0) {
        struct ht_tally_part *part = &parts->items[parts->count++];
        *part = (struct ht_tally_part){
            .minute = minute, .kind = HT_TALLY_PART_ADD, .length = data.length};
        part->data = ht_buffer_take(&data);
    }
    ht_buffer_finish(&data);
    return status;
}

static int put_runs(const struct ht_tally *tally, const struct ht_tally_bucket *bucket, bool taken,
                    struct ht_buffer *data)
{
    int status = 0;
    for (const struct ht_minute_run *run = bucket->runs; run != NULL && status == 0;
         run = run->next) {
        status = run->taken == taken ? put_run(tally, run, data) : 0;
    }
    return status;
}

static int put_run(const struct ht_tally *tally, const struct ht_minute_run *run,
                   struct ht_buffer *data)
{
    struct ht_minute_run_cursor cursor = ht_minute_run_begin(run);
    struct lane lanes[LANES];
    size_t count;
    do {
        count = read_lanes(tally, &cursor, lanes);
        for (size_t i = 0; i < count; i++) {
            int status = put_entry(tally, &lanes[i], data);
            if (status != 0) {
                return status;
            }
        }
    } while (count == LANES);
    return ht_buffer_status(data);
}

/* The next entries, with their tags on the way to the cache: the misses overlap. */
static size_t read_lanes(const struct ht_tally *tally, struct ht_minute_run_cursor *cursor,
                         struct lane *lanes)
{
    size_t count = 0;
    while (count < LANES && ht_minute_run_next(cursor)) {
        lanes[count] = (struct lane){ht_tally_entry(tally, cursor->slot), cursor->count};
        __builtin_prefetch(lanes[count++].entry);
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t place = ht_tally_entry_place(lanes[i].entry);
        if (place != HT_TALLY_DEAD) {
            __builtin_prefetch(ht_tag_texts_at(&tally->texts, place));
        }
    }
    return count;
}

static int put_entry(const struct ht_tally *tally, const struct lane *lane, struct ht_buffer *data)
{
    if (ht_tally_entry_is_dead(lane->entry)) {
        return 0;
    }
    struct ht_slice tag = ht_tally_entry_tag(tally, lane->entry);
    int status = ht_buffer_reserve(data, tag.length + (size_t)2 * HT_VARINT_MAX_BYTES);
    if (status != 0) {
        return status;
    }
    unsigned char *start = (unsigned char *)data->data + data->length;
    unsigned char *at = start + ht_varint_put(start, tag.length);
    memcpy(at, tag.data, tag.length);
    at += tag.length;
    at += ht_varint_put(at, lane->count);
    *at = '\0';
    data->length += (size_t)(at - start);
    return 0;
}

static void mark_taken(struct ht_tally *tally, struct ht_tally_bucket *bucket)
{
    if (!has_untaken(bucket)) {
        return;
    }
    for (struct ht_minute_run *run = bucket->runs; run != NULL; run = run->next) {
        run->taken = true;
    }
    bucket->part_count++;
    ht_tally_merge_runs(tally, bucket, false);
}

static size_t untaken_count(const struct ht_tally *tally)
{
    size_t count = 0;
    for (size_t i = 0; i < HT_TALLY_MINUTES; i++) {
        count += has_untaken(&tally->buckets[i]);
    }
    return count;
}

/* What was not taken stands before what was. */
static bool has_untaken(const struct ht_tally_bucket *bucket)
{
    return bucket->runs != NULL && !bucket->runs->taken;
}

/* Reads the whole part once, so that nothing is changed by a damaged one. */
static int check_part(const struct ht_tally_part *part, size_t *count, struct ht_error *error)
{
    *count = 0;
    if (part->kind != HT_TALLY_PART_ADD && part->kind != HT_TALLY_PART_REPLACE) {
        return ht_error_set(error, HT_ECORRUPT, "A part has the unknown kind %d.", (int)part->kind);
    }
    const unsigned char *start = (const unsigned char *)part->data;
    struct part_reader reader = {.at = start, .end = start + part->length};
    while (next_entry(&reader)) {
        *count += 1;
    }
    if (reader.at != reader.end) {
        return ht_error_set(error, HT_ECORRUPT,
                            "A part of minute %lld with %zu bytes is damaged behind entry %zu.",
                            (long long)part->minute, part->length, *count);
    }
    return 0;
}

/* The part's entries whose tag is here, sorted by slot. `deltas` has room for twice `*count`. */
static int resolve_part(const struct ht_tally *tally, const struct ht_tally_part *part,
                        struct ht_tally_delta *deltas, size_t *count)
{
    const unsigned char *start = (const unsigned char *)part->data;
    struct part_reader reader = {.at = start, .end = start + part->length};
    size_t found = 0;
    while (next_entry(&reader)) {
        uint64_t hash = ht_hash_bytes(&tally->key, reader.tag);
        uint32_t slot = ht_tally_find_slot(tally, reader.tag, hash);
        if (slot != HT_TAG_INDEX_NO_SLOT) {
            deltas[found++] = (struct ht_tally_delta){slot, reader.count};
        }
    }
    ht_tally_sort_deltas(deltas, deltas + *count, found);
    *count = found;
    return 0;
}

static int pack_part(struct ht_tally *tally, struct ht_tally_delta *deltas, size_t count,
                     struct ht_minute_run **run)
{
    ht_minute_run_writer_begin(&tally->writer);
    for (size_t i = 0; i < count;) {
        uint32_t slot = (uint32_t)deltas[i].key;
        uint64_t sum = ht_tally_entry_count(ht_tally_entry(tally, slot), HT_TALLY_24H);
        uint64_t held = sum;
        for (; i < count && (uint32_t)deltas[i].key == slot; i++) {
            sum += deltas[i].count;
            if (sum > HT_TALLY_COUNT_OF_DAY_MAX) {
                return HT_ECORRUPT;
            }
        }
        ht_minute_run_writer_put(&tally->writer, slot, sum - held);
    }
    *run = ht_minute_run_writer_end(&tally->writer);
    return *run == NULL ? HT_ENOMEM : 0;
}

/* Counts the run, which the tally then owns, in the windows that its minute is inside. */
static void replay_run(struct ht_tally *tally, const struct ht_tally_part *part,
                       struct ht_minute_run *run)
{
    struct ht_tally_bucket *bucket = &tally->buckets[ht_tally_ring_of(part->minute)];
    if (part->kind == HT_TALLY_PART_REPLACE) {
        retract_minute(tally, part->minute);
    }
    for (int window = HT_TALLY_5M; window <= HT_TALLY_24H; window++) {
        struct ht_minute_run_cursor cursor = ht_minute_run_begin(run);
        bool inside = ht_tally_is_inside(tally, (enum ht_tally_window)window, part->minute);
        while (inside && ht_minute_run_next(&cursor)) {
            ht_tally_raise(tally, cursor.slot, (enum ht_tally_window)window, cursor.count);
        }
    }
    bucket->part_count += part->kind == HT_TALLY_PART_ADD;
    run->taken = true;
    if (run->entry_count == 0) {
        free(run);
    } else {
        ht_tally_push_run(tally, bucket, run);
        ht_tally_merge_runs(tally, bucket, false);
    }
    tally->version++;
}

static void retract_minute(struct ht_tally *tally, int64_t minute)
{
    struct ht_tally_bucket *bucket = &tally->buckets[ht_tally_ring_of(minute)];
    for (int window = HT_TALLY_5M; window <= HT_TALLY_24H; window++) {
        if (ht_tally_is_inside(tally, (enum ht_tally_window)window, minute)) {
            ht_tally_expire(tally, bucket, (enum ht_tally_window)window);
        }
    }
    ht_tally_clear_bucket(tally, bucket);
}

/* The next entry; false at the end or at the first byte of a damaged one. */
static bool next_entry(struct part_reader *reader)
{
    const unsigned char *at = reader->at;
    uint64_t length;
    if (!ht_varint_read(&at, reader->end, &length) || length == 0 ||
        length > HT_TALLY_TAG_MAX_BYTES || length > (uint64_t)(reader->end - at)) {
        return false;
    }
    reader->tag = ht_slice_make(at, (size_t)length);
    at += length;
    if (!ht_varint_read(&at, reader->end, &reader->count) || reader->count == 0 ||
        reader->count > HT_TALLY_COUNT_OF_DAY_MAX) {
        return false;
    }
    reader->at = at;
    return true;
}

static int64_t first_minute(const struct ht_tally *tally)
{
    int64_t first = tally->minute - HT_TALLY_MINUTES + 1;
    return first < 0 ? 0 : first;
}
