// SPDX-License-Identifier: MIT
#pragma once

/**
 * The stream port over segment files in one directory: one shard, whose sequence
 * numbers are rising ordinals in decimal digits. A put is answered when its records
 * are on the disk; puts that come while another is being written are written together.
 *
 * All file work is done by the worker, which may be shared; the newest records stay in
 * memory, so that a reader at the tip touches no file. Records are dropped only after
 * they were `consumed`, a whole segment at a time. When those that are not consumed
 * fill `retention_bytes`, puts fail with HT_EBUSY until the reader has caught up.
 *
 * The first read of a run tells where the reader stands: what lies before it counts as
 * consumed. A read behind the newest record (the directory is older than the table)
 * fails with HT_ECORRUPT.
 *
 * Life: ht_embedded_stream_create() begins to open the files; requests may be made at
 * once and wait for that; where it fails they all get that error. Then ops->close and
 * ops->destroy. Batches may be released after that.
 *
 *     struct ht_embedded_stream_options options = {.loop = loop, .worker = worker,
 *         .directory = path, .retention_s = 86400, .retention_bytes = 1 << 30,
 *         .on_opened = on_opened, .user = daemon};
 *     status = ht_embedded_stream_create(&stream, &options, &error);
 */

#include "hashtagd/base/log.h"
#include "hashtagd/net/loop.h"
#include "hashtagd/net/worker.h"
#include "hashtagd/pipeline/stream.h"

#include <stddef.h>
#include <stdint.h>

/** The id of the one shard. */
#define HT_EMBEDDED_STREAM_SHARD "shardId-000000000000"

/** How a stream is made. What is 0 takes the default where one is named. */
struct ht_embedded_stream_options {
    struct ht_loop *loop;     /**< not owned, outlives the stream */
    struct ht_worker *worker; /**< not owned, stopped after the stream is closed */
    const struct ht_log *log; /**< not owned; may be NULL */
    const char *directory;    /**< made where it is missing; copied */
    uint64_t retention_s;     /**< consumed records are dropped when they are so old */
    uint64_t retention_bytes; /**< files above this: consumed records are dropped, and intake is
                               *   refused where those not consumed alone are above it */
    uint64_t keep_records;    /**< so many consumed records stay as far as retention_bytes allows,
                               *   for HT_POSITION_BEFORE */
    uint64_t segment_bytes;   /**< default: 64 MiB, or an eighth of retention_bytes if smaller */
    size_t memory_bytes;      /**< of newest records that stay in memory; default 24 MiB */
    int level;                /**< zstd's level; default -5; HT_EMBEDDED_STREAM_PLAIN: none */
    /** May be NULL. Called once, on the loop thread: 0, or why the stream cannot be used, with its
     * text. */
    void (*on_opened)(void *user, int status, const struct ht_error *error);
    void *user; /**< the caller's */
};

/** A level that means that records are stored as they are. */
#define HT_EMBEDDED_STREAM_PLAIN 1000

/** Makes a stream and begins to open it. `*stream` is the caller's. HT_ENOMEM, with `error` (may be
 * NULL). Loop thread. At most 16 lists may run at a time. */
int ht_embedded_stream_create(struct ht_stream **stream,
                              const struct ht_embedded_stream_options *options,
                              struct ht_error *error) HT_MUST_CHECK;
