// SPDX-License-Identifier: MIT
#pragma once

/**
 * The embedded stream on disk: a log of blocks in segment files, one directory. All of it blocks
 * and belongs to the worker thread; only blocks in memory (struct ht_segment_block) travel to the
 * loop.
 *
 *     stream/00000000000000000001.seg     named for its first sequence number
 *       segment header   512 bytes: who it is, a random salt, the source cursor so far
 *       block            64 bytes of header, source cursor, records packed by zstd (or as they are)
 *       block ...
 *
 * A block is written by one write and one fdatasync, and the next one is written only after that.
 * So after a crash at most the last block of the last segment is torn: it is cut off when the log
 * is opened. A damaged block with a whole one behind it is no crash, and is reported. The salt goes
 * into every checksum: no record can look like a block, and no block of an older file like one of
 * this file.
 *
 * Sequence numbers are ordinals. The first one of a new directory is the wall time in microseconds:
 * should the directory be removed, the next one begins above all numbers that a checkpoint may
 * hold.
 */

#include "hashtagd/base/error.h"
#include "hashtagd/base/log.h"
#include "hashtagd/base/slice.h"
#include "hashtagd/pipeline/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Records are collected up to about this many bytes a block. */
#define HT_SEGMENT_BLOCK_BYTES ((size_t)4 * 1024 * 1024)

/** Records in memory, in the order of their sequence numbers: one block of the log, or of what is
 * about to be one. A counted reference: the counter belongs to the loop thread. */
struct ht_segment_block {
    struct ht_segment_block *next; /**< for whoever has a list of them */
    uint64_t first_sequence;
    int64_t arrival_ms; /**< wall time; never falls from block to block */
    size_t references;
    uint32_t record_count;
    char *notes; /**< owned: per record its note's length (2 bytes) and its note, never
                      *   stored; NULL where there are none */
    size_t notes_length;
    size_t length;   /**< bytes of `data` in use */
    size_t capacity; /**< bytes of `data` */
    char data[];     /**< per record: data length (4 bytes), key length (2), data, key */
};

/** A block with room for `capacity` bytes and one reference; NULL where memory is out. */
struct ht_segment_block *ht_segment_block_create(size_t capacity);

/** Empties a block that nobody else refers to, for other records. */
void ht_segment_block_reset(struct ht_segment_block *block);

/** Takes one reference away and frees the block with the last one; NULL is fine. */
void ht_segment_block_release(struct ht_segment_block *block);

/** The bytes that a record takes in a block. */
size_t ht_segment_record_bytes(struct ht_slice data, struct ht_slice key);

/** Appends a record, for which there must be room. */
void ht_segment_block_add(struct ht_segment_block *block, struct ht_slice data,
                          struct ht_slice key);

/** Gives out the record at `*offset` (0 for the first) and moves `*offset` to the next one. The
 * caller counts: there must be one. */
void ht_segment_block_get(const struct ht_segment_block *block, size_t *offset,
                          struct ht_slice *data, struct ht_slice *key);

struct ht_segment_log;

struct ht_segment_log_options {
    const char *directory;  /**< made where it is missing; copied */
    uint64_t segment_bytes; /**< a segment is closed when it is larger */
    int level;              /**< zstd's; 0: nothing is packed */
    int64_t now_ms;         /**< wall time */
    const struct ht_log *log;
};

/** Opens the log, cuts a torn tail off. HT_ECORRUPT, HT_ENOSPC, HT_EPERMISSION, HT_EIO, HT_ENOMEM;
 * `*log` is NULL then. */
int ht_segment_log_open(struct ht_segment_log **log, const struct ht_segment_log_options *options,
                        struct ht_error *error) HT_MUST_CHECK;

/** Closes the files; NULL is fine. */
void ht_segment_log_close(struct ht_segment_log *log);

/** What goes into the log with a block. */
struct ht_segment_append {
    struct ht_segment_block *block; /**< its first_sequence is set here, arrival_ms may be raised */
    struct ht_slice cursor;         /**< the source's; empty: the one before stays */
    uint64_t consumed;              /**< all records up to this one are counted */
};

/** Appends a block (which may hold no record, for its cursor): 0 where it is durable. Else the log
 * is as it was before, and a later call may succeed. */
int ht_segment_log_append(struct ht_segment_log *log, const struct ht_segment_append *append,
                          struct ht_error *error) HT_MUST_CHECK;

/** Reads the block that holds `sequence`, or the first one behind it where that number is no more
 * there. `*block` is the caller's; NULL where there is none up to the end. HT_ECORRUPT, HT_EIO,
 * HT_ENOMEM. */
int ht_segment_log_read(struct ht_segment_log *log, uint64_t sequence,
                        struct ht_segment_block **block, struct ht_error *error) HT_MUST_CHECK;

/** Finds the first record that arrived at `time_ms` or later: its number, or the next number that
 * will be given. */
int ht_segment_log_find_time(struct ht_segment_log *log, int64_t time_ms, uint64_t *sequence,
                             struct ht_error *error) HT_MUST_CHECK;

/** What may be dropped. */
struct ht_segment_retention {
    uint64_t consumed;     /**< records up to this one are counted */
    uint64_t keep_records; /**< so many of them stay, unless room is needed */
    uint64_t bytes;        /**< above this the oldest consumed segments go */
    int64_t oldest_ms;     /**< consumed segments whose records are all older go */
};

/** Removes whole segments, oldest first, never the last one. How many records went. */
uint64_t ht_segment_log_retain(struct ht_segment_log *log,
                               const struct ht_segment_retention *retention);

/** The log's figures of one moment. */
struct ht_segment_log_figures {
    uint64_t created_sequence; /**< the first number ever given out here */
    uint64_t first_sequence;   /**< the oldest record that is there, or next_sequence */
    uint64_t next_sequence;    /**< the number that the next record gets */
    uint64_t oldest_end;       /**< first number behind the oldest closed segment, 0: none */
    int64_t oldest_end_ms;     /**< when the newest record of that one had arrived at the latest */
    int64_t newest_ms;         /**< arrival of the newest record, 0: none */
    uint64_t stored_bytes;     /**< on disk */
    uint64_t unconsumed_bytes; /**< about how many of them hold records behind `consumed` */
    uint64_t consumed;         /**< the highest `consumed` that was stored with a block */
};

/** The figures, seen from a reader who has counted all up to `consumed`. */
struct ht_segment_log_figures ht_segment_log_figures(const struct ht_segment_log *log,
                                                     uint64_t consumed);

/** The last durable source cursor; valid until the next append. */
struct ht_slice ht_segment_log_cursor(const struct ht_segment_log *log);
