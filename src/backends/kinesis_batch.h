// SPDX-License-Identifier: MIT
#pragma once

/**
 * Makes a batch of records out of an answer of GetRecords: aggregated records are taken apart,
 * records up to the place where the reader stood are left out, and a place that is not there any
 * more is noticed. Pure; any thread, so that a worker can do it with a large answer.
 */

#include "hashtagd/aws/kinesis_get_records.h"
#include "hashtagd/pipeline/stream.h"

/** Where a reader stands in a shard, beyond what its iterator says. */
struct ht_kinesis_stand {
    struct ht_position
        at;         /**< what comes next; its kind is LATEST at most before the first answer */
    bool is_whole;  /**< `at` is behind all user records of its sequence number */
    bool has_floor; /**< records up to (floor, floor_sub) are left out */
    char floor[HT_SEQUENCE_BYTES];
    uint64_t floor_sub;
    bool is_expecting; /**< the record `expected` is to come, or the place was trimmed */
    char expected[HT_SEQUENCE_BYTES];
};

/** What making a batch met. */
struct ht_kinesis_findings {
    size_t records_read;    /**< Kinesis records in the answer */
    size_t bad_records;     /**< that were left out because they cannot be read */
    size_t damaged_records; /**< aggregated ones whose rest could not be read */
    bool is_trimmed;        /**< the expected record did not come: some may be lost */
    bool is_end;            /**< the shard is finished */
};

/** What a batch is made of and into. */
struct ht_kinesis_batch_making {
    struct ht_kinesis_page *page;   /**< its body becomes the batch's; finished in every case */
    struct ht_kinesis_stand *stand; /**< where the reader stood; moved on */
    size_t max_records_bytes;       /**< what the list of records may take */
    int64_t now_ms;                 /**< wall time for records that tell none */
    /* out */
    struct ht_kinesis_findings findings;
    struct ht_record_batch *batch; /**< the caller's; NULL where it failed */
};

/** Stands at `from` (not END). */
void ht_kinesis_stand_at(struct ht_kinesis_stand *stand, const struct ht_position *from);

/** Makes the batch; 0, HT_ENOMEM, or HT_ETOOBIG where more records come out of aggregated ones than
 * there may be: then `stand` is as it was. */
int ht_kinesis_batch_make(struct ht_kinesis_batch_making *making) HT_MUST_CHECK;

/** An empty batch that ends at `next`; NULL where memory is out. */
struct ht_record_batch *ht_kinesis_batch_empty(const struct ht_position *next, int64_t behind_ms);
