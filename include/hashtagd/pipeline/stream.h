// SPDX-License-Identifier: MIT
#pragma once

/**
 * The stream port: a log of records in shards (Kinesis, or the embedded segment
 * files). Producers put, the count stage lists shards and reads each one in order.
 *
 * Rules for every operation: the request struct is the caller's and stays untouched
 * until `done`, which is called exactly once, on the loop thread, never from inside
 * the starting call. Errors that trying again can mend are tried again by the adapter
 * as its service wants it, a bounded number of times; what reaches the caller is one
 * of: HT_EBUSY (no room, try later), HT_ENOSPC (disk full, try later), HT_ECONNECTION,
 * HT_ETIMEDOUT (try later), HT_EPERMISSION, HT_ENOTFOUND, HT_EINVAL (a person is
 * needed), HT_ECORRUPT, HT_ECANCELED, HT_ENOMEM.
 *
 *     struct ht_stream_read read = {.from = position, .max_bytes = 1 << 20,
 *                                   .wait_ms = 1000, .done = on_read};
 *     snprintf(read.shard_id, ...);
 *     stream->ops->read(stream, &read);
 *     ...
 *     static void on_read(struct ht_stream_read *read)
 *     {
 *         if (read->status == 0) {
 *             ... read->batch->records[i] ...
 *             next.from = read->batch->next;
 *             ht_record_batch_release(read->batch);
 */

#include "hashtagd/pipeline/health.h"
#include "hashtagd/pipeline/position.h"

#include <stdbool.h>
#include <stddef.h>

/** Largest record in bytes, data and key together (Kinesis: 10 MiB since 2025; we keep the old and
 * safe 1 MiB, which no tweet comes near). */
#define HT_STREAM_MAX_RECORD_BYTES (1024 * 1024)

/** Longest note of a record. */
#define HT_STREAM_NOTE_MAX_BYTES 1024

/** One record as it was read. The slices live as long as its batch. */
struct ht_record {
    struct ht_slice data;            /**< as it was put; may be empty */
    struct ht_slice partition_key;   /**< 1 .. 256 bytes */
    struct ht_slice sequence_number; /**< decimal digits, not empty */
    uint64_t sub_sequence;           /**< place in an aggregated record, else 0 */
    int64_t arrival_ms;              /**< wall time at which the stream took it */
    struct ht_slice note;            /**< the put's, where that was in this process and the stream
                                      *   has it still; else empty */
};

/** What one read brought. Owned by whoever got it; give it back with ht_record_batch_release(). */
struct ht_record_batch {
    struct ht_record *records; /**< in order; may be NULL where count is 0 */
    size_t count;
    size_t bytes;            /**< memory that the batch holds, for the byte budget */
    struct ht_position next; /**< where the next read goes on; kind END where the shard is done */
    uint64_t behind_records; /**< records known to be waiting behind this batch; 0 where unknown */
    int64_t behind_ms;       /**< how far this batch is behind the newest record; 0 at the tip */
    void (*release)(struct ht_record_batch *batch); /**< frees it; called once */
};

/** Gives a batch back; NULL is fine. */
static inline void ht_record_batch_release(struct ht_record_batch *batch)
{
    if (batch != NULL) {
        batch->release(batch);
    }
}

/** A shard as discovered. */
struct ht_shard {
    char id[HT_SHARD_ID_BYTES];
    char parent_id[HT_SHARD_ID_BYTES]; /**< empty where none */
    char
        adjacent_parent_id[HT_SHARD_ID_BYTES]; /**< the other parent of a merge; empty where none */
    bool closed;                               /**< no more puts; it still has to be read out */
};

/** Lists all shards, paged through fully. */
struct ht_stream_list {
    void (*done)(struct ht_stream_list *list);
    void *user; /**< the caller's */
    int status;
    struct ht_error error;
    const struct ht_shard *shards; /**< owned by the adapter, valid during `done` only */
    size_t count;
};

/** Reads on from a position. At the tip an adapter holds the read until something comes or
 * `wait_ms` is over and then answers with an empty batch. At most one read a shard at a time. */
struct ht_stream_read {
    char shard_id[HT_SHARD_ID_BYTES];
    struct ht_position from;
    size_t max_bytes; /**< stop before the batch is larger; one record is always given */
    uint32_t wait_ms;
    void (*done)(struct ht_stream_read *read);
    void *user; /**< the caller's */
    int status;
    struct ht_error error;
    struct ht_record_batch *batch; /**< where status is 0: never NULL, the caller's from then on */
    void *adapter;                 /**< the adapter's own, untouched by the caller */
};

/** One record to put. */
struct ht_put_record {
    struct ht_slice data;          /**< 1 .. HT_STREAM_MAX_RECORD_BYTES with the key */
    struct ht_slice partition_key; /**< 1 .. 256 bytes of UTF-8 */
    struct ht_slice note; /**< up to HT_STREAM_NOTE_MAX_BYTES that are never stored: what is
                                    *   known of the record, for a reader in this process. A stream
                                    *   may forget it; may be empty */
    int status;           /**< result: 0 durable, HT_ETOOBIG or HT_EINVAL refused for good */
};

/** Puts records, in order; `done` when all are durable or refused. With an error nobody knows
 * which of them are there: put them all again (the consumer drops repeats by tweet id). */
struct ht_stream_put {
    struct ht_put_record *records; /**< the caller's, with all their bytes, until `done` */
    size_t count;                  /**< may be 0: then the cursor alone becomes durable */
    struct ht_slice source_cursor; /**< what the source wants back after a restart, made durable
                                    *   with the records; empty: keep the old one. Not where a record
                                    *   is refused: the caller has to keep that one first. The caller
                                    *   may move it on inside the `done` of an earlier put */
    void (*done)(struct ht_stream_put *put);
    void *user; /**< the caller's */
    int status;
    struct ht_error error;
    void *adapter; /**< the adapter's own */
};

/** Whether no record was refused, so that the cursor may become durable; for adapters. */
static inline bool ht_stream_put_is_whole(const struct ht_stream_put *put)
{
    for (size_t i = 0; i < put->count; i++) {
        if (put->records[i].status != 0) {
            return false;
        }
    }
    return true;
}

struct ht_stream;

struct ht_stream_ops {
    const char *type; /**< as in the configuration: "embedded", "kinesis" */
    /** Lists the shards. */
    void (*list)(struct ht_stream *stream, struct ht_stream_list *list);
    /** Starts a read. */
    void (*read)(struct ht_stream *stream, struct ht_stream_read *read);
    /** Makes a running read come back soon, with HT_ECANCELED unless it was just done. */
    void (*cancel_read)(struct ht_stream *stream, struct ht_stream_read *read);
    /** Starts a put. Several may run; they take effect in the order of their start. */
    void (*put)(struct ht_stream *stream, struct ht_stream_put *put);
    /** Tells that everything of the shard up to `position` is counted and durable, so that the
     * embedded stream may let it go when its retention is over. No answer. */
    void (*consumed)(struct ht_stream *stream, const char *shard_id,
                     const struct ht_position *position);
    /** The last durable source cursor, empty where there is none. Valid until the next put. */
    struct ht_slice (*source_cursor)(struct ht_stream *stream);
    /** Stops: running reads come back with HT_ECANCELED, puts are finished; then on_closed, once. */
    void (*close)(struct ht_stream *stream, void (*on_closed)(void *user), void *user);
    /** Frees a closed stream; NULL is fine. */
    void (*destroy)(struct ht_stream *stream);
};

/** What `GET /status` and `/metrics` show of a stream. */
struct ht_stream_counters {
    uint64_t records_put; /**< durable */
    uint64_t bytes_put;
    uint64_t put_errors;      /**< requests that failed */
    uint64_t records_refused; /**< refused for good */
    uint64_t records_read;
    uint64_t bytes_read;
    uint64_t read_errors;
    uint64_t stored_bytes;    /**< on disk, where known */
    uint64_t stored_records;  /**< in the stream, where known */
    uint64_t dropped_records; /**< dropped by retention, counted before */
    uint64_t gap_records;     /**< positions that were trimmed before they were read */
};

/** The part of an adapter that callers see; the adapter's struct begins with it. */
struct ht_stream {
    const struct ht_stream_ops *ops;
    struct ht_health health;
    struct ht_stream_counters counters;
};
