// SPDX-License-Identifier: MIT
#pragma once

/**
 * Which records may go into the same call of Firehose. A call may be taken in part, and what failed is
 * sent again behind the rest: so two records that tell of the same hashtag must not be in one call, or
 * its deletions could change places. Knows nothing but the lines of the records.
 */

#include "hashtagd/base/hash.h"
#include "hashtagd/base/slice.h"

#include <stdbool.h>
#include <stddef.h>

/** The hashtags of a call. Zeroed memory is one without any, but for the secret. */
struct ht_firehose_order {
    struct ht_hash_key secret; /**< set by whoever makes it: hashtags come from outside */
    uint64_t *slots;           /**< owned: a hash of each hashtag, 0 where free */
    size_t count, capacity;    /**< capacity is a power of two, or 0 */
};

/** Forgets the hashtags; keeps the memory. */
void ht_firehose_order_clear(struct ht_firehose_order *order);

/** Takes a record of whole JSON lines, `lines` of them, into the call: true. False where one of its
 * hashtags is in a record taken before, or memory is out: it must wait for a later call, and so must all
 * behind it. Nothing was taken then. Lines without a hashtag stand in nobody's way. */
bool ht_firehose_order_take(struct ht_firehose_order *order, struct ht_slice record, size_t lines);

/** Frees the memory. */
void ht_firehose_order_finish(struct ht_firehose_order *order);
