// SPDX-License-Identifier: MIT
#pragma once

/**
 * The archive port: takes lines and keeps them for good (a directory of gzip files,
 * S3, Firehose). Lines are collected into objects; an append is answered only when
 * its lines are durable, which may take as long as the buffer waits (archive.buffer_s).
 * All lines of one append are in one object. Rules for requests as in stream.h;
 * several appends may wait. They become durable in order: where one fails, all that were
 * started after it and are not durable yet fail too, so that nothing overtakes. A line that the
 * archive refuses for good becomes a dead letter, and counts as delivered when that is durable.
 */

#include "hashtagd/pipeline/health.h"

#include "hashtagd/base/slice.h"

#include <stddef.h>
#include <stdint.h>

/** Longest name of an object, its end mark included. */
#define HT_ARCHIVE_OBJECT_BYTES 512

struct ht_archive_append {
    struct ht_slice lines; /**< the caller's until `done`: whole lines, each with its \n */
    size_t count;          /**< how many lines */
    void (*done)(struct ht_archive_append *append);
    void *user; /**< the caller's */
    int status; /**< 0: durable; else try the same again */
    struct ht_error error;
    char object[HT_ARCHIVE_OBJECT_BYTES]; /**< where they are, for people; may be empty */
    struct ht_archive_append *next;       /**< the adapter's own */
    void *adapter;                        /**< the adapter's own */
};

struct ht_archive;

struct ht_archive_ops {
    const char *type; /**< "directory", "firehose", "s3", "none" */
    /** Starts an append; several may wait. */
    void (*append)(struct ht_archive *archive, struct ht_archive_append *append);
    /** Closes the open buffer now instead of when its time is over. No answer: the appends that
     * wait are it. */
    void (*flush)(struct ht_archive *archive);
    /** Flushes, answers all appends (those that failed with their error), then on_closed, once. */
    void (*close)(struct ht_archive *archive, void (*on_closed)(void *user), void *user);
    /** Frees a closed archive; NULL is fine. */
    void (*destroy)(struct ht_archive *archive);
};

struct ht_archive_counters {
    uint64_t lines_delivered;
    uint64_t lines_retried;
    uint64_t lines_dead_lettered; /**< refused for good, kept as dead letters instead */
    uint64_t objects;
    uint64_t bytes; /**< as stored */
    uint64_t errors;
    uint64_t lines_waiting;
};

/** The part of an adapter that callers see; the adapter's struct begins with it. */
struct ht_archive {
    const struct ht_archive_ops *ops;
    struct ht_health health;
    struct ht_archive_counters counters;
};
