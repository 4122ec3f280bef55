// SPDX-License-Identifier: MIT
#pragma once

/** One row of a lease table: reading it out of an answer, and what its checkpoint means. Pure. */

#include "hashtagd/json/reader.h"
#include "hashtagd/pipeline/position.h"

#include <stdbool.h>
#include <stdint.h>

/** Longest worker id that is kept, with its end mark. */
#define HT_LEASE_WORKER_BYTES 256

/** Longest text of a checkpoint with its end mark. */
#define HT_LEASE_CHECKPOINT_BYTES HT_SEQUENCE_BYTES

struct ht_lease_row {
    char shard_id[HT_SHARD_ID_BYTES];
    char owner[HT_LEASE_WORKER_BYTES]; /**< empty: free */
    uint64_t counter;
    struct ht_position position; /**< of END the sequence number is not known */
};

/** Reads a row. HT_ENOTFOUND: it is no lease (another entityType, or no key); HT_EPARSE: a lease
 * whose counter or checkpoint makes no sense, `row->shard_id` is filled; HT_ENOMEM. `arena` is for
 * texts with escapes. */
int ht_lease_row_read(const struct ht_json_reader *reader, struct ht_json_value item,
                      struct ht_buffer *arena, struct ht_lease_row *row) HT_MUST_CHECK;

/** The text of a checkpoint: digits or a sentinel. Borrowed from `position`, or static. */
const char *ht_lease_checkpoint_text(const struct ht_position *position);

/** Below, at or above 0 as `a` is before, at or behind `b`: AT_TIME, TRIM_HORIZON, LATEST, numbers,
 * END. */
int ht_lease_compare(const struct ht_position *a, const struct ht_position *b);
