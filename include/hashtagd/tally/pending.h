// SPDX-License-Identifier: MIT
#pragma once

/**
 * What was counted but is not yet written: per shard and tag the count, when it was first and
 * last seen, the first and the last record that it stands for, and the count of each
 * minute.
 *
 * There are two generations. What is counted is collected; a flush puts all of that in flight
 * at once, and collecting goes on beside it. When the flush is durable, what was in flight is
 * forgotten. When it failed for good, it goes back in front of what was collected since.
 *
 *     collecting --begin_flush--> in flight --finish_flush--> forgotten
 *          ^--------------------------+ return_flush
 *
 * Life: ht_pending_create, ht_pending_destroy. One thread. Slices that are handed out live
 * until the flush is finished or returned.
 */

#include "hashtagd/base/error.h"
#include "hashtagd/base/hash.h"
#include "hashtagd/base/slice.h"
#include "hashtagd/tally/tally.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The longest sequence number, in digits. */
#define HT_PENDING_SEQUENCE_MAX_BYTES 129

struct ht_pending;

struct ht_pending_options {
    struct ht_hash_key key; /**< secret; fill it with ht_random_secret */
    size_t max_bytes;       /**< of what is collected and in flight together; 0: no maximum */
    bool keeps_occurrences; /**< ht_pending_count_after is wanted: 12 bytes an addition */
};

/** One addition. */
struct ht_pending_add {
    struct ht_slice tag; /**< 1..HT_TALLY_TAG_MAX_BYTES bytes, the caller's */
    uint32_t shard;      /**< the caller's number of the shard */
    uint32_t position; /**< of the record, by ht_pending_note_position since the last flush began */
    int64_t minute;    /**< in which it counts; cut to 0..2^32-1 */
    int64_t seen_s;    /**< seconds since 1970; cut to 0..2^32-1 */
    uint32_t count;    /**< 0 changes nothing */
};

/** What is in flight of one tag and one shard. */
struct ht_pending_share {
    struct ht_slice tag;            /**< as it was added */
    uint32_t shard;                 /**< the caller's number of the shard */
    uint64_t count;                 /**< at least 1 */
    int64_t first_seen_s;           /**< seconds since 1970 */
    int64_t last_seen_s;            /**< seconds since 1970 */
    struct ht_slice first_sequence; /**< of the first record that it stands for */
    struct ht_slice last_sequence;  /**< of the last */
    uint64_t first_sub_sequence;    /**< within the first */
    uint64_t last_sub_sequence;     /**< within the last */
};

/** What of a share stands behind a place. */
struct ht_pending_rest {
    uint64_t count;           /**< may be 0 */
    struct ht_slice sequence; /**< of the first record behind the place; empty for count 0 */
    uint64_t sub_sequence;    /**< likewise */
};

/** Makes an empty one; the caller frees it with ht_pending_destroy. NULL where memory is out. */
struct ht_pending *ht_pending_create(const struct ht_pending_options *options);

/** Forgets all, what is in flight too, as if it were just made. */
void ht_pending_clear(struct ht_pending *pending);

/** Frees it. NULL is fine. */
void ht_pending_destroy(struct ht_pending *pending);

/**
 * Notes the record that is about to be counted; `*position` names it in additions until the next
 * flush begins. The same record again, directly after, gets the same name. 0, HT_EINVAL
 * (empty, or over HT_PENDING_SEQUENCE_MAX_BYTES), HT_EBUSY (over max_bytes), HT_ENOMEM.
 */
int ht_pending_note_position(struct ht_pending *pending, struct ht_slice sequence,
                             uint64_t sub_sequence, uint32_t *position) HT_MUST_CHECK;

/**
 * Counts. Records of one shard come in their order. 0, or with nothing changed HT_EINVAL (the tag's
 * length, an unknown position), HT_EBUSY (over max_bytes: flush first), HT_ENOMEM.
 */
int ht_pending_add(struct ht_pending *pending, const struct ht_pending_add *add) HT_MUST_CHECK;

/** Puts in flight what was collected, in the order in which the shares were first met: sorting
 * would take long on the loop thread. 0, or HT_EBUSY where something is in flight already. */
int ht_pending_begin_flush(struct ht_pending *pending) HT_MUST_CHECK;

/** How many shares are in flight. */
size_t ht_pending_in_flight_count(const struct ht_pending *pending);

/** The share `index` that is in flight; false where it was settled. */
bool ht_pending_get_in_flight(const struct ht_pending *pending, size_t index,
                              struct ht_pending_share *share);

/** How much of the share `index` that is in flight comes from records behind the record (`sequence`,
 * `sub_sequence`) of its shard. Only with keeps_occurrences. Takes as long as there is behind it. */
void ht_pending_count_after(const struct ht_pending *pending, size_t index,
                            struct ht_slice sequence, uint64_t sub_sequence,
                            struct ht_pending_rest *rest);

/** Says that share `index` is written: it does not come back where the flush is returned. */
void ht_pending_settle(struct ht_pending *pending, size_t index);

/** The flush is durable: forgets what is in flight. */
void ht_pending_finish_flush(struct ht_pending *pending);

/** The flush failed: what is in flight, but for what was settled, is collected again, as if it had
 * never left. 0, or HT_ENOMEM: call it again later, and nothing else of the flush. */
int ht_pending_return_flush(struct ht_pending *pending) HT_MUST_CHECK;

/** Forgets what is collected of a tag, in all shards; what is in flight stays. Returns the
 * count that is forgotten. */
uint64_t ht_pending_remove(struct ht_pending *pending, struct ht_slice tag);

/** The count of a tag that is collected, in all shards. */
uint64_t ht_pending_collected_of(const struct ht_pending *pending, struct ht_slice tag);

/** The count of a tag that is in flight, in all shards. */
uint64_t ht_pending_in_flight_of(const struct ht_pending *pending, struct ht_slice tag);

/**
 * Counts into the tally, minute by minute, all that is pending of a tag, in flight or collected: for
 * a tag whose stored item was deleted while more of it was counted. Call it after
 * ht_tally_remove. 0 or the error of ht_tally_add; then some may be counted.
 */
int ht_pending_restore(const struct ht_pending *pending, struct ht_slice tag,
                       struct ht_tally *tally) HT_MUST_CHECK;

/** How many shares are collected: distinct pairs of shard and tag. */
size_t ht_pending_collected_count(const struct ht_pending *pending);

/** The bytes that what is collected and in flight takes, for a budget. */
size_t ht_pending_used_bytes(const struct ht_pending *pending);
