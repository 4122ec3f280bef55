// SPDX-License-Identifier: MIT
#pragma once

/**
 * What came in one minute, packed: (slot, count) in the order of the slots. An entry is a
 * varint of twice the distance from the slot before, plus 1 where a varint of the count follows;
 * else the count is 1. Most entries take one or two bytes.
 *
 *     struct | marks: (slot, offset) of each 64th entry | entries
 *
 * The marks let a look-up jump. A run never changes once it is made; runs are merged into new ones.
 */

#include "varint.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A mark every so many entries. */
#define HT_MINUTE_RUN_STEP 64

struct ht_minute_run_mark {
    uint32_t slot;   /**< of the entry */
    uint32_t offset; /**< of the entry's bytes, from the first entry's */
};

struct ht_minute_run {
    struct ht_minute_run *next; /**< the owner's: the older run of the same minute */
    bool taken;                 /**< the owner's: whether it was handed out */
    uint32_t entry_count;
    uint32_t mark_count;
    uint32_t entry_bytes;
    struct ht_minute_run_mark marks[]; /**< then the entries */
};

/** A place in a run; `slot` and `count` are valid after ht_minute_run_next returned true. */
struct ht_minute_run_cursor {
    const unsigned char *at;
    const unsigned char *end;
    uint32_t slot;
    uint64_t count;
};

/** Packs entries; its memory is used again for the next run. */
struct ht_minute_run_writer {
    unsigned char *bytes;             /**< owned */
    size_t byte_count, byte_capacity; /**< in use, allocated */
    struct ht_minute_run_mark *marks; /**< owned */
    size_t mark_count, mark_capacity; /**< in use, allocated */
    uint32_t entry_count;
    uint32_t slot; /**< of the last entry */
    int status;    /**< 0 or HT_ENOMEM, since the begin */
};

static inline const unsigned char *ht_minute_run_entries(const struct ht_minute_run *run)
{
    return (const unsigned char *)(run->marks + run->mark_count);
}

/** The cursor before the first entry. */
static inline struct ht_minute_run_cursor ht_minute_run_begin(const struct ht_minute_run *run)
{
    const unsigned char *entries = ht_minute_run_entries(run);
    return (struct ht_minute_run_cursor){.at = entries, .end = entries + run->entry_bytes};
}

/** Steps to the next entry; false at the end. */
static inline bool ht_minute_run_next(struct ht_minute_run_cursor *cursor)
{
    if (cursor->at == cursor->end) {
        return false;
    }
    uint64_t key = ht_varint_get(&cursor->at);
    cursor->slot += (uint32_t)(key >> 1);
    cursor->count = (key & 1) != 0 ? ht_varint_get(&cursor->at) : 1;
    return true;
}

/** The count of a slot, 0 where the run has none. */
uint64_t ht_minute_run_find(const struct ht_minute_run *run, uint32_t slot);

/** Bytes held. */
size_t ht_minute_run_memory_bytes(const struct ht_minute_run *run);

/** Begins a run. */
void ht_minute_run_writer_begin(struct ht_minute_run_writer *writer);

/** Appends an entry with a slot above the last one's and a count above 0. */
void ht_minute_run_writer_put(struct ht_minute_run_writer *writer, uint32_t slot, uint64_t count);

/** The run, owned by the caller who frees it with free(); NULL where memory was out. */
struct ht_minute_run *ht_minute_run_writer_end(struct ht_minute_run_writer *writer);

/** A new run with the sums of both; `taken` as a's. NULL where memory is out. */
struct ht_minute_run *ht_minute_run_merge(struct ht_minute_run_writer *writer,
                                          const struct ht_minute_run *a,
                                          const struct ht_minute_run *b);

/** Frees the writer's memory. */
void ht_minute_run_writer_finish(struct ht_minute_run_writer *writer);

/** Bytes that the writer holds. */
size_t ht_minute_run_writer_memory_bytes(const struct ht_minute_run_writer *writer);
