// SPDX-License-Identifier: MIT
#pragma once

/**
 * Positions in a shard. A sequence number is a decimal number of up to 128 digits
 * (Kinesis: 56 today; "0|([1-9]\d{0,128})" in its API reference); it is compared by
 * length, then by bytes, after leading zeros. A record that a producer aggregated
 * (KPL) holds several user records under one sequence number: they are told apart by
 * a sub-sequence number, 0 and up.
 */

#include "hashtagd/base/slice.h"

#include <stdint.h>

/** Longest sequence number with its end mark. */
#define HT_SEQUENCE_BYTES 132

/** Longest shard id (128, Kinesis API reference) with its end mark. */
#define HT_SHARD_ID_BYTES 132

enum ht_position_kind {
    HT_POSITION_TRIM_HORIZON, /**< the oldest record that is there */
    HT_POSITION_LATEST,       /**< only what comes from now on */
    HT_POSITION_AT_TIME,      /**< the first record that arrived at `time_ms` or later */
    HT_POSITION_AFTER,        /**< the record after (`sequence_number`, `sub_sequence`) */
    HT_POSITION_BEFORE,       /**< about `records` records before the one after
                               *   `sequence_number`, or as many as there are */
    HT_POSITION_END,          /**< the shard is finished: nothing comes any more */
};

struct ht_position {
    enum ht_position_kind kind;
    int64_t time_ms;                         /**< AT_TIME: wall time */
    uint64_t records;                        /**< BEFORE: how many to go back */
    char sequence_number[HT_SEQUENCE_BYTES]; /**< AFTER, BEFORE, and END (its last record) */
    uint64_t sub_sequence;                   /**< AFTER: the last user record that is done */
    char warm_sequence
        [HT_SEQUENCE_BYTES]; /**< AFTER, BEFORE, END: a record so far before this one that
                                            *   reading from it fills the window of recent ids;
                                            *   empty where unknown. For streams that cannot go back
                                            *   by a number of records (Kinesis) */
};

/** Below, at or above 0 as sequence number `a` comes before, is, or comes after `b`. */
int ht_sequence_compare(struct ht_slice a, struct ht_slice b);

/** The same with sub-sequence numbers as the second key. */
int ht_sequence_compare_sub(struct ht_slice a, uint64_t sub_a, struct ht_slice b, uint64_t sub_b);

/** A position after the given record. Sequence numbers over 128 digits are cut (nobody sends them:
 * adapters refuse them first). */
void ht_position_after(struct ht_position *position, struct ht_slice sequence_number,
                       uint64_t sub_sequence);
