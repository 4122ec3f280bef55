// SPDX-License-Identifier: MIT
#pragma once

/**
 * The table port on DynamoDB. Items have the key `hashtag` (S) and htCount, firstSeen, lastSeen,
 * expiresAt (N), and of each live shard a mark: up to which of its records the count goes.
 *
 *     load:   DescribeTable -> leases -> Scan, 4 segments -> the windows' log
 *     flush:  UpdateItem a hashtag and shard, GetItem a refresh -> leases -> DeleteItem -> windows
 *
 * An update adds on the condition that the mark is absent or before the first record that it
 * stands for. So it may be sent again, by whomever and after any crash: where the condition fails,
 * the mark tells what is in already, and only the rest is sent (ht_table_flush.count_after). Of a
 * hashtag and shard one update is on its way at a time. Checkpoints (KCL's lease rows,
 * backends/dynamodb_leases.h) are written when all updates are confirmed, deletions after them. A
 * flush that is tried again goes on where it was.
 *
 * DynamoDB has no maximum: lastSeen is what was written last. This process writes a hashtag's
 * newest time in all updates of one flush, and flushes follow each other, so only another process
 * with another clock can move it, by their difference. firstSeen is written where there is none;
 * an item of an older program, which has no times, gets the first time that this one saw it.
 *
 * As many updates are on their way as the table bears (8 to 64): throttles make it fewer. Marks of
 * shards that ended are removed along with later updates. Trouble from outside is told in `health`
 * and gone on with; a try of a flush ends with an error after 10 s without progress, or at once
 * where a person is needed, so that whoever waits is told.
 *
 * The windows' log is kept by another table (the embedded one), after all else is durable.
 *
 * Life: create, ops->load, flushes, ops->close, ops->destroy.
 */

#include "hashtagd/aws/client.h"
#include "hashtagd/backends/dynamodb_leases.h"
#include "hashtagd/base/hash.h"
#include "hashtagd/base/log.h"
#include "hashtagd/base/timer.h"
#include "hashtagd/pipeline/table.h"

/** How a table is made. Pointers are borrowed and outlive it, texts are copied. */
struct ht_dynamodb_table_options {
    struct ht_aws_client *aws;
    struct ht_clock *clock;
    struct ht_timer_queue *timers;
    struct ht_random *random;
    const struct ht_log *log;    /**< may be NULL */
    const char *name;            /**< table.name */
    const char *leases;          /**< table.leases: the table of the shards' positions */
    const char *worker_id;       /**< see backends/dynamodb_leases.h */
    uint64_t ttl_s;              /**< 0: items have no expiresAt */
    struct ht_hash_key hash_key; /**< secret */
    bool
        counts_nothing; /**< this process counts no stream: the positions are another's, neither read
                          *   nor owned here, and no flush has deltas or checkpoints */
    struct ht_table *windows; /**< keeps the windows' log and nothing else
                                  *   (ht_embedded_table_keep_windows()), loaded by this table and
                                  *   closed after it by its owner; NULL: none */
};

/** Figures beside those of the port. */
struct ht_dynamodb_table_counters {
    uint64_t updates;         /**< UpdateItem answered well */
    uint64_t requests;        /**< of all kinds, on the table itself */
    uint64_t throttled;       /**< refused for throughput */
    uint64_t hot;             /**< of these, because of one partition's limit */
    uint64_t already_counted; /**< deltas that the mark showed to be in, whole or in part */
    uint64_t refused;         /**< deltas that can never be written: their item is malformed */
    uint64_t items_skipped;   /**< on load: without a valid htCount */
    unsigned window;          /**< how many may be on their way now */
    unsigned in_flight;
    size_t live_marks; /**< of unfinished shards: so many marks an item may have */
};

/** Makes a table. `*table` is the caller's. HT_EINVAL (a name), HT_ENOMEM, with `error`. */
int ht_dynamodb_table_create(struct ht_table **table,
                             const struct ht_dynamodb_table_options *options,
                             struct ht_error *error) HT_MUST_CHECK;

/** The positions of the shards, to note what is known of each (ht_dynamodb_leases_note_shard()).
 * Lives as long as the table. */
struct ht_dynamodb_leases *ht_dynamodb_table_leases(struct ht_table *table);

/** The figures; owned by the table. */
const struct ht_dynamodb_table_counters *ht_dynamodb_table_counters(struct ht_table *table);
