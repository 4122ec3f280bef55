// SPDX-License-Identifier: MIT
#include "tally_internal.h"

#include <stdlib.h>

/* A digit of the radix sort, and how many make a key. */
#define DIGIT_BITS  8
#define DIGIT_COUNT 8

/* Entries that are on their way to the cache. */
#define FETCHED_AHEAD 16

/* Runs of like sizes that are worth a merge. */
#define MERGED_AT_ONCE 8

static int fold_deltas(struct ht_tally *tally, struct ht_tally_delta *deltas, size_t count);
static void take_in(struct ht_tally *tally, struct ht_tally_bucket *bucket,
                    struct ht_minute_run *run);
static struct ht_minute_run *pack_dirty(struct ht_tally *tally);
static void sort_slots(uint32_t *slots, uint32_t *spare, size_t count);
static struct ht_minute_run *pack(struct ht_tally *tally, const struct ht_tally_delta *deltas,
                                  size_t count);
static size_t end_of_minute(const struct ht_tally_delta *deltas, size_t count, size_t start);
static size_t end_of_key(const struct ht_tally_delta *deltas, size_t count, size_t start);
static size_t count_alike(const struct ht_minute_run *runs, bool fully);
static bool merge_first(struct ht_tally *tally, struct ht_minute_run **at, size_t count);
static void drop_runs(struct ht_minute_run *runs);

int ht_tally_fold_late(struct ht_tally *tally)
{
    int status = fold_deltas(tally, tally->late, tally->late_count);
    if (status == 0) {
        tally->late_count = 0;
    }
    return status;
}

int ht_tally_fold(struct ht_tally *tally)
{
    int status = ht_tally_fold_late(tally);
    if (status != 0) {
        return status;
    }
    if (tally->dirty_count == 0) {
        return 0;
    }
    /* The spare list is free: its memory serves for sorting. In the order of the slots, entries are
     * read one after the other. */
    sort_slots(tally->dirty, (uint32_t *)(void *)tally->spare, tally->dirty_count);
    struct ht_minute_run *run = pack_dirty(tally);
    if (run == NULL) {
        return HT_ENOMEM;
    }
    for (size_t i = 0; i < tally->dirty_count; i++) {
        ht_tally_entry(tally, tally->dirty[i])->fresh = 0;
    }
    tally->dirty_count = 0;
    take_in(tally, &tally->buckets[ht_tally_ring_of(tally->minute)], run);
    return 0;
}

void ht_tally_sort_deltas(struct ht_tally_delta *deltas, struct ht_tally_delta *spare, size_t count)
{
    uint64_t varying = 0;
    for (size_t i = 1; i < count; i++) {
        varying |= deltas[i].key ^ deltas[0].key;
    }
    struct ht_tally_delta *from = deltas;
    struct ht_tally_delta *to = spare;
    for (int digit = 0; digit < DIGIT_COUNT; digit++) {
        int shift = digit * DIGIT_BITS;
        if ((varying >> shift & 0xff) == 0) {
            continue;
        }
        size_t starts[(1 << DIGIT_BITS) + 1] = {0};
        for (size_t i = 0; i < count; i++) {
            starts[(from[i].key >> shift & 0xff) + 1]++;
        }
        for (size_t i = 1; i < HT_COUNT_OF(starts); i++) {
            starts[i] += starts[i - 1];
        }
        for (size_t i = 0; i < count; i++) {
            to[starts[from[i].key >> shift & 0xff]++] = from[i];
        }
        struct ht_tally_delta *sorted = to;
        to = from;
        from = sorted;
    }
    if (from != deltas && count > 0) {
        memcpy(deltas, from, count * sizeof(*deltas));
    }
}

void ht_tally_push_run(struct ht_tally *tally, struct ht_tally_bucket *bucket,
                       struct ht_minute_run *run)
{
    run->next = bucket->runs;
    bucket->runs = run;
    tally->run_bytes += ht_minute_run_memory_bytes(run);
}

void ht_tally_merge_runs(struct ht_tally *tally, struct ht_tally_bucket *bucket, bool fully)
{
    struct ht_minute_run **at = &bucket->runs;
    if (*at == NULL || !merge_first(tally, at, count_alike(*at, fully)) || !fully) {
        return;
    }
    /* One is left of what was not taken, if anything; behind it stands what was. */
    bool was_taken = (*at)->taken;
    at = &(*at)->next;
    if (*at != NULL && !was_taken) {
        (void)merge_first(tally, at, count_alike(*at, true));
    }
}

void ht_tally_expire(struct ht_tally *tally, const struct ht_tally_bucket *bucket,
                     enum ht_tally_window window)
{
    for (const struct ht_minute_run *run = bucket->runs; run != NULL; run = run->next) {
        struct ht_minute_run_cursor cursor = ht_minute_run_begin(run);
        while (ht_minute_run_next(&cursor)) {
            struct ht_tally_entry *entry = ht_tally_entry(tally, cursor.slot);
            if (ht_tally_entry_is_dead(entry)) {
                continue;
            }
            uint64_t old = ht_tally_entry_count(entry, window);
            HT_ASSERT(old >= cursor.count);
            ht_tally_entry_set_count(entry, window, old - cursor.count);
            tally->totals[window] -= cursor.count;
            tally->distinct[window] -= old == cursor.count;
        }
    }
}

void ht_tally_clear_bucket(struct ht_tally *tally, struct ht_tally_bucket *bucket)
{
    for (const struct ht_minute_run *run = bucket->runs; run != NULL; run = run->next) {
        tally->run_bytes -= ht_minute_run_memory_bytes(run);
    }
    drop_runs(bucket->runs);
    *bucket = (struct ht_tally_bucket){0};
}

/* All or nothing: the runs are linked in when every one of them is made. */
static int fold_deltas(struct ht_tally *tally, struct ht_tally_delta *deltas, size_t count)
{
    ht_tally_sort_deltas(deltas, tally->spare, count);
    struct ht_minute_run *first = NULL;
    struct ht_minute_run **last = &first;
    for (size_t start = 0; start < count;) {
        size_t end = end_of_minute(deltas, count, start);
        *last = pack(tally, deltas + start, end - start);
        if (*last == NULL) {
            drop_runs(first);
            return HT_ENOMEM;
        }
        last = &(*last)->next;
        start = end;
    }
    for (size_t start = 0; start < count; start = end_of_minute(deltas, count, start)) {
        struct ht_tally_bucket *bucket = &tally->buckets[deltas[start].key >> 32];
        struct ht_minute_run *run = first;
        first = run->next;
        take_in(tally, bucket, run);
    }
    return 0;
}

/* A new run, which may be empty. */
static void take_in(struct ht_tally *tally, struct ht_tally_bucket *bucket,
                    struct ht_minute_run *run)
{
    if (run->entry_count == 0) {
        free(run);
        return;
    }
    run->taken = !tally->keep_parts;
    ht_tally_push_run(tally, bucket, run);
    ht_tally_merge_runs(tally, bucket, false);
}

/* The run of the dirty slots, which are sorted; each comes once. */
static struct ht_minute_run *pack_dirty(struct ht_tally *tally)
{
    ht_minute_run_writer_begin(&tally->writer);
    for (size_t i = 0; i < tally->dirty_count; i++) {
        if (i + FETCHED_AHEAD < tally->dirty_count) {
            __builtin_prefetch(ht_tally_entry(tally, tally->dirty[i + FETCHED_AHEAD]));
        }
        const struct ht_tally_entry *entry = ht_tally_entry(tally, tally->dirty[i]);
        if (!ht_tally_entry_is_dead(entry)) {
            ht_minute_run_writer_put(&tally->writer, tally->dirty[i], entry->fresh);
        }
    }
    return ht_minute_run_writer_end(&tally->writer);
}

/* The run of one minute's deltas, which are sorted; slots may repeat. */
static struct ht_minute_run *pack(struct ht_tally *tally, const struct ht_tally_delta *deltas,
                                  size_t count)
{
    ht_minute_run_writer_begin(&tally->writer);
    for (size_t start = 0; start < count;) {
        size_t end = end_of_key(deltas, count, start);
        uint32_t slot = (uint32_t)deltas[start].key;
        uint64_t sum = 0;
        for (; start < end; start++) {
            sum += deltas[start].count;
        }
        if (!ht_tally_entry_is_dead(ht_tally_entry(tally, slot))) {
            ht_minute_run_writer_put(&tally->writer, slot, sum);
        }
    }
    return ht_minute_run_writer_end(&tally->writer);
}

/* The same for bare slots. */
static void sort_slots(uint32_t *slots, uint32_t *spare, size_t count)
{
    uint32_t varying = 0;
    for (size_t i = 1; i < count; i++) {
        varying |= slots[i] ^ slots[0];
    }
    uint32_t *from = slots;
    uint32_t *to = spare;
    for (int shift = 0; shift < 32; shift += DIGIT_BITS) {
        if ((varying >> shift & 0xff) == 0) {
            continue;
        }
        size_t starts[(1 << DIGIT_BITS) + 1] = {0};
        for (size_t i = 0; i < count; i++) {
            starts[(from[i] >> shift & 0xff) + 1]++;
        }
        for (size_t i = 1; i < HT_COUNT_OF(starts); i++) {
            starts[i] += starts[i - 1];
        }
        for (size_t i = 0; i < count; i++) {
            to[starts[from[i] >> shift & 0xff]++] = from[i];
        }
        uint32_t *sorted = to;
        to = from;
        from = sorted;
    }
    if (from != slots) {
        memcpy(slots, from, count * sizeof(*slots));
    }
}

static size_t end_of_minute(const struct ht_tally_delta *deltas, size_t count, size_t start)
{
    uint64_t ring = deltas[start].key >> 32;
    while (start < count && deltas[start].key >> 32 == ring) {
        start++;
    }
    return start;
}

static size_t end_of_key(const struct ht_tally_delta *deltas, size_t count, size_t start)
{
    uint64_t key = deltas[start].key;
    while (start < count && deltas[start].key == key) {
        start++;
    }
    return start;
}

/* How many of the first runs are worth merging: up to the last one that is no more than twice as
 * large as all before it together. So the number of runs stays small, and a large one is seldom
 * written again. Some are let pile up, because merging many at once costs little more than merging
 * two. Only what was taken is merged with what was taken. */
static size_t count_alike(const struct ht_minute_run *runs, bool fully)
{
    size_t alike = 0;
    size_t seen = 0;
    uint64_t entries = 0;
    for (const struct ht_minute_run *run = runs; run != NULL && run->taken == runs->taken;
         run = run->next) {
        seen++;
        alike = fully || run->entry_count / 2 <= entries ? seen : alike;
        entries += run->entry_count;
    }
    return fully || alike >= MERGED_AT_ONCE ? alike : 0;
}

/* Makes one run of the first `count` at `at`; false where memory is out. */
static bool merge_first(struct ht_tally *tally, struct ht_minute_run **at, size_t count)
{
    while (count > 1) {
        size_t some = count > HT_MINUTE_RUN_MERGE_MAX ? HT_MINUTE_RUN_MERGE_MAX : count;
        struct ht_minute_run *merged = ht_minute_run_merge(&tally->writer, *at, some);
        if (merged == NULL) {
            return false;
        }
        for (size_t i = 0; i < some; i++) {
            struct ht_minute_run *run = *at;
            tally->run_bytes -= ht_minute_run_memory_bytes(run);
            *at = run->next;
            free(run);
        }
        tally->run_bytes += ht_minute_run_memory_bytes(merged);
        merged->next = *at;
        *at = merged;
        count -= some - 1;
    }
    return true;
}

static void drop_runs(struct ht_minute_run *runs)
{
    while (runs != NULL) {
        struct ht_minute_run *next = runs->next;
        free(runs);
        runs = next;
    }
}
