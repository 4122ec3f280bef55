// SPDX-License-Identifier: MIT
#pragma once

/**
 * The change feed port on DynamoDB Streams: what was removed from a table, by whomever: a caller of
 * the API, the time to live, another program. Everything else in the stream is passed over, but told
 * through on_touched.
 *
 *     table -> its stream -> shards, parents before children -> records -> removals
 *
 * How far each shard is done is kept in lease rows (backends/dynamodb_leases.h), one a shard, and
 * moves only over what is committed, so that a restart repeats at most what was not. Where there is
 * no row, a shard is read from its oldest record: a stream keeps 24 hours. Shards roll over every few
 * hours; the children of one are looked for when it ends, and all are listed every minute.
 *
 * The feed never gives up. What is wrong stands in health with its cure, and is tried again: no
 * table, no stream, a stream that is off or has no old images, a missing permission. Positions that
 * the stream no longer holds, and records that cannot be read, are counted and logged, and never
 * stop what comes behind them.
 *
 * Life: create, requests, ops->close, ops->destroy, all before the store and the client are closed.
 */

#include "hashtagd/aws/client.h"
#include "hashtagd/base/log.h"
#include "hashtagd/base/random.h"
#include "hashtagd/base/timer.h"
#include "hashtagd/pipeline/changes.h"

struct ht_embedded_store;

/** How a feed is made; pointers are borrowed and outlive it, texts are copied. */
struct ht_dynamodb_changes_options {
    struct ht_aws_client *aws;
    struct ht_clock *clock;
    struct ht_timer_queue *timers;
    struct ht_random *random;
    const struct ht_log *log;        /**< may be NULL */
    const char *table_name;          /**< the table whose items are followed; the positions are in
                                   "<table_name>-changes-leases" */
    const char *worker_id;           /**< who reads: the same after a restart */
    struct ht_embedded_store *store; /**< remembers deliveries for ops->recent; NULL: none are */
};

/** Makes the feed. `*changes` is the caller's. HT_EINVAL (a name), HT_ENOMEM, with `error`. Loop
 * thread. */
int ht_dynamodb_changes_create(struct ht_changes **changes,
                               const struct ht_dynamodb_changes_options *options,
                               struct ht_error *error) HT_MUST_CHECK;
