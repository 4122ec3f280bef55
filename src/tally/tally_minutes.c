// SPDX-License-Identifier: MIT
#include "tally_internal.h"

#include <stdlib.h>

/* A digit of the radix sort, and how many make a key. */
#define DIGIT_BITS  8
#define DIGIT_COUNT 8

static int fold_deltas(struct ht_tally *tally, struct ht_tally_delta *deltas, size_t count);
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
    /* The late list is empty now: its memory serves for the dirty ones. */
    struct ht_tally_delta *deltas = tally->late;
    uint64_t ring = ht_tally_ring_of(tally->minute);
    for (size_t i = 0; i < tally->dirty_count; i++) {
        uint32_t slot = tally->dirty[i];
        deltas[i] = (struct ht_tally_delta){ring << 32 | slot, ht_tally_entry(tally, slot)->fresh};
    }
    status = fold_deltas(tally, deltas, tally->dirty_count);
    if (status != 0) {
        return status;
    }
    for (size_t i = 0; i < tally->dirty_count; i++) {
        ht_tally_entry(tally, tally->dirty[i])->fresh = 0;
    }
    tally->dirty_count = 0;
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
        size_t starts[1 << DIGIT_BITS] = {0};
        for (size_t i = 0; i < count; i++) {
            starts[from[i].key >> shift & 0xff]++;
        }
        size_t sum = 0;
        for (size_t i = 0; i < HT_COUNT_OF(starts); i++) {
            size_t here = starts[i];
            starts[i] = sum;
            sum += here;
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
        (*last)->taken = !tally->keep_parts;
        last = &(*last)->next;
        start = end;
    }
    for (size_t start = 0; start < count; start = end_of_minute(deltas, count, start)) {
        struct ht_tally_bucket *bucket = &tally->buckets[deltas[start].key >> 32];
        struct ht_minute_run *run = first;
        first = run->next;
        if (run->entry_count == 0) {
            free(run);
            continue;
        }
        ht_tally_push_run(tally, bucket, run);
        ht_tally_merge_runs(tally, bucket, false);
    }
    return 0;
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
 * written again. Only what was taken is merged with what was taken. */
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
    return alike;
}

/* Makes one run of the first `count` at `at`; false where memory is out. */
static bool merge_first(struct ht_tally *tally, struct ht_minute_run **at, size_t count)
{
    for (; count > 1; count--) {
        struct ht_minute_run *newer = *at;
        struct ht_minute_run *older = newer->next;
        struct ht_minute_run *merged = ht_minute_run_merge(&tally->writer, newer, older);
        if (merged == NULL) {
            return false;
        }
        tally->run_bytes += ht_minute_run_memory_bytes(merged);
        tally->run_bytes -= ht_minute_run_memory_bytes(newer) + ht_minute_run_memory_bytes(older);
        merged->next = older->next;
        *at = merged;
        free(newer);
        free(older);
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
