// SPDX-License-Identifier: MIT
#pragma once

/**
 * The stream port over Amazon Kinesis Data Streams.
 *
 * Listing pages through all shards; children that a finished shard named are told at once, even
 * where the list does not have them yet.
 *
 * Reading keeps an iterator a shard and asks within Kinesis's limits, at most one request a shard
 * at a time. Aggregated records (KPL) are taken apart. An expired iterator is replaced where the
 * last answer ended; a place that was trimmed is a counted gap in the log, and reading goes on at
 * the oldest record. A shard is finished where Kinesis says so. Some emulators never do: there a
 * shard that is listed as closed ends when it stays empty also to a fresh iterator.
 *
 * Putting sends up to 500 records a request, several requests at once, and of what failed only that
 * again; the order of each partition key is kept. What a request left open is sent again whole:
 * readers drop repeats by the tweet's id.
 *
 * The source's cursor is a small file, written when the records before it are durable.
 *
 * Outside trouble never ends it: requests fail with one sentence, the same stands in `health`, and
 * the next one tries again. Loop thread; large answers are read, and the cursor is written, on the
 * worker.
 *
 * Life: ht_kinesis_stream_create(), requests at once, ops->close, ops->destroy. Batches may be
 * released after that.
 */

#include "hashtagd/aws/client.h"
#include "hashtagd/base/log.h"
#include "hashtagd/base/random.h"
#include "hashtagd/base/timer.h"
#include "hashtagd/net/worker.h"
#include "hashtagd/pipeline/stream.h"

#include <stddef.h>
#include <stdint.h>

/** How a stream is made. Pointers are borrowed and outlive it. What is 0 takes the default. */
struct ht_kinesis_stream_options {
    struct ht_aws_client *aws;
    struct ht_clock *clock;
    struct ht_timer_queue *timers;
    struct ht_random *random;
    struct ht_worker *worker; /**< may be NULL: then nothing is put off to it, for tests */
    const struct ht_log *log; /**< may be NULL */
    const char *stream_name;  /**< copied */
    const char *cursor_path; /**< where the source's cursor is kept; its directory is there; copied;
                               *   NULL: it is not kept */
    size_t
        max_request_bytes;   /**< of one put, data and keys; default 2 MiB, at most 5 MiB: the whole
                               *   of it is signed in one turn of the loop */
    size_t puts_at_once;     /**< requests that put at a time; default and most 4. 1 for an emulator
                              *   that loses records where several put at once, as moto does */
    double reads_per_s;      /**< requests a second and shard; default 5, Kinesis's limit */
    double read_bytes_per_s; /**< bytes a second and shard; default 2 MiB, Kinesis's limit */
    /** What a list of the shards brought, before it is answered; the array lives during the call. For
     * whoever keeps positions and wants parents and children (backends/dynamodb_leases.h). May be
     * NULL. */
    void (*on_shards)(void *user, const struct ht_shard *shards, size_t count);
    void *on_shards_user; /**< given to it */
};

/** Makes a stream and reads the kept cursor (blocks shortly: before the loop runs). `*stream` is the
 * caller's. HT_ENOMEM, HT_EINVAL (the name), or the cursor's file cannot be read; `error` (may be
 * NULL) is filled. */
int ht_kinesis_stream_create(struct ht_stream **stream,
                             const struct ht_kinesis_stream_options *options,
                             struct ht_error *error) HT_MUST_CHECK;
