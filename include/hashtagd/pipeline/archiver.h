// SPDX-License-Identifier: MIT
#pragma once

/**
 * The archive stage: follows the change feed and delivers every removed item to the
 * archive, in order, at least once.
 *
 *     read removals -> lines -> append to the archive -> commit the feed's position
 *
 * Each read becomes one shipment; several may wait in the archive's buffer at the same
 * time. The feed's position moves only over the contiguous shipments that are durable in
 * the archive, so a crash repeats lines (told apart by event_id) and never loses one. A
 * shipment that fails is tried again for ever, with back-off: there is nowhere else to
 * put it, and the feed keeps what was not read.
 *
 * Life: create, start, stop (drains, for as long as it takes or until told to give up), destroy. One
 * thread.
 */

#include "hashtagd/pipeline/archive.h"
#include "hashtagd/pipeline/budget.h"
#include "hashtagd/pipeline/changes.h"

#include "hashtagd/base/histogram.h"
#include "hashtagd/base/log.h"
#include "hashtagd/base/random.h"
#include "hashtagd/base/timer.h"

#include <stdbool.h>

/** How many of the latest deletions are kept in memory for GET /archive. */
#define HT_ARCHIVER_RECENT_MAX 1000

/** One deletion, for people: the members of an archive record and what became of it. */
struct ht_archiver_record {
    struct ht_slice event_id; /**< identifies the deletion */
    struct ht_slice hashtag;  /**< folded */
    uint64_t count;
    int64_t first_seen_s, last_seen_s, deleted_at_s; /**< wall time; 0 where unknown */
    enum ht_origin origin;
    bool archived;
    int64_t archived_at_s;  /**< 0 until archived */
    struct ht_slice object; /**< where the line is; empty until archived */
};

struct ht_archiver;

/** What the stage works with; all borrowed, all outlive it. */
struct ht_archiver_options {
    struct ht_changes *changes;
    struct ht_archive *archive;
    struct ht_clock *clock;
    struct ht_timer_queue *timers;
    struct ht_random *random;
    struct ht_budget *budget;
    const struct ht_log *log; /**< may be NULL */
};

/** A wish that everything removed so far be durable in the archive; in the caller's memory. */
struct ht_archiver_flush {
    void (*done)(struct ht_archiver_flush *flush); /**< once, never from inside the call */
    void *user;                                    /**< the caller's */
    int status;            /**< 0, or why something could not be delivered (it is still tried) */
    struct ht_error error; /**< filled where status is not 0 */
    uint64_t archived;     /**< deletions that became durable meanwhile */
    struct ht_archiver_flush *next; /* private */
    uint64_t archived_before;       /* private */
    bool drained;                   /* private: the feed had nothing more after the wish */
};

struct ht_archiver_counters {
    uint64_t archived;           /**< deletions committed */
    uint64_t deliveries_retried; /**< back-offs after an append or commit that failed */
    uint64_t waiting;            /**< removals read and not committed yet */
};

/** Makes a stopped stage; NULL where memory is out. The caller frees it with ht_archiver_destroy. */
struct ht_archiver *ht_archiver_create(const struct ht_archiver_options *options);

/** Begins to follow the feed. */
void ht_archiver_start(struct ht_archiver *archiver);

/** Starts a flush. */
void ht_archiver_flush(struct ht_archiver *archiver, struct ht_archiver_flush *flush);

/**
 * Drains: delivers what the feed has, commits, then calls on_stopped once, never from inside. What
 * fails is tried again, with back-off, until it succeeds or ht_archiver_give_up() was called.
 */
void ht_archiver_stop(struct ht_archiver *archiver, void (*on_stopped)(void *user), void *user);

/** The time for stopping is over: what waits to be tried again is tried once more at once, and a stop
 * ends with the next failure. What remains is in the feed. May be called before the stop, which it
 * then holds for. */
void ht_archiver_give_up(struct ht_archiver *archiver);

/** Frees a stage that was never started or has stopped; NULL is fine. */
void ht_archiver_destroy(struct ht_archiver *archiver);

/** Calls `on_record` for each deletion that was archived, newest first, at most `max_count`. The
 * record lives during the call. */
void ht_archiver_recent(struct ht_archiver *archiver, size_t max_count,
                        void (*on_record)(void *user, const struct ht_archiver_record *record),
                        void *user);

/** Asks to be told of each deletion when it is read from the feed (archived false) and when it is
 * durable (archived true). One listener; NULL ends it. */
void ht_archiver_listen(struct ht_archiver *archiver,
                        void (*on_record)(void *user, const struct ht_archiver_record *record),
                        void *user);

/** The stage's own state. */
struct ht_health *ht_archiver_health(struct ht_archiver *archiver);

/** Its counters; live as long as the stage. */
const struct ht_archiver_counters *ht_archiver_counters(const struct ht_archiver *archiver);

/** From reading a removal to its commit. */
const struct ht_histogram *ht_archiver_durations(const struct ht_archiver *archiver);
