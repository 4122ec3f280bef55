// SPDX-License-Identifier: MIT
#pragma once

/**
 * The change feed port: items that were removed from the table, whoever removed them
 * (DynamoDB Streams, or a SQLite table), in order per hashtag. Each read goes on
 * where the one before ended; after a restart it begins behind what was committed, so
 * a removal is given at least once. Rules for requests as in stream.h; one read and
 * one commit at a time.
 */

#include "hashtagd/pipeline/table.h"

/** A removed item on its way to the archive. */
struct ht_removal {
    uint64_t order;           /**< rises with each removal of this run; names it in a commit */
    struct ht_slice event_id; /**< the same however often the removal is read; at most 128 bytes */
    struct ht_item item;      /**< as it was */
    int64_t deleted_at_s;     /**< wall time */
    enum ht_origin origin;
    struct ht_slice
        item_json; /**< the whole old item in DynamoDB JSON: {"hashtag":{"S":...},...} */
};

/** What one read brought; owned by whoever got it. */
struct ht_removal_batch {
    struct ht_removal *removals; /**< in order; may be NULL where count is 0 */
    size_t count;
    size_t bytes; /**< memory held, for the byte budget */
    void (*release)(struct ht_removal_batch *batch);
};

/** Gives a batch back; NULL is fine. */
static inline void ht_removal_batch_release(struct ht_removal_batch *batch)
{
    if (batch != NULL) {
        batch->release(batch);
    }
}

/** Reads the next removals, at most `max_count`. Waits up to `wait_ms` for the first one; an empty
 * batch says that there is nothing at the moment. */
struct ht_changes_read {
    size_t max_count;
    uint32_t wait_ms;
    void (*done)(struct ht_changes_read *read);
    void *user; /**< the caller's */
    int status;
    struct ht_error error;
    struct ht_removal_batch *batch; /**< where status is 0: never NULL, the caller's from then on */
    void *adapter;                  /**< the adapter's own */
};

/** Makes durable that the removals `first_order` .. `last_order` reached the archive, in `object`.
 * Commits come in order without gaps. */
struct ht_changes_commit {
    uint64_t first_order, last_order; /**< as in struct ht_removal; both are included */
    int64_t archived_at_s;
    struct ht_slice object; /**< where the lines are, for people; may be empty */
    void (*done)(struct ht_changes_commit *commit);
    void *user; /**< the caller's */
    int status;
    struct ht_error error;
    void *adapter; /**< the adapter's own */
};

/** A deletion that this daemon delivered, for GET /archive. */
struct ht_archived {
    struct ht_removal removal;
    int64_t archived_at_s;
    struct ht_slice object; /**< where the line is, for people; may be empty */
};

/** Reads the latest deliveries, newest first, as they were before this start. */
struct ht_changes_recent {
    size_t max_count;
    void (*done)(struct ht_changes_recent *recent);
    void *user; /**< the caller's */
    int status;
    struct ht_error error;
    const struct ht_archived *archived; /**< the adapter's, valid during `done` */
    size_t count;
    void *adapter; /**< the adapter's own */
};

struct ht_changes;

struct ht_changes_ops {
    const char *type; /**< "embedded", "dynamodb" */
    /** Starts a read; one at a time. */
    void (*read)(struct ht_changes *changes, struct ht_changes_read *read);
    /** Makes a running read come back soon, with an empty batch. */
    void (*wake)(struct ht_changes *changes);
    /** Starts a commit. */
    void (*commit)(struct ht_changes *changes, struct ht_changes_commit *commit);
    /** Starts to read the latest deliveries. */
    void (*recent)(struct ht_changes *changes, struct ht_changes_recent *recent);
    /** Running requests come back (reads with HT_ECANCELED), then on_closed, once. */
    void (*close)(struct ht_changes *changes, void (*on_closed)(void *user), void *user);
    /** Frees a closed feed; NULL is fine. */
    void (*destroy)(struct ht_changes *changes);
};

struct ht_changes_counters {
    uint64_t removals_read;
    uint64_t removals_committed;
    uint64_t read_errors;
    uint64_t waiting; /**< removals that are not committed yet, where known */
    /* of a feed that is read from a service's stream; else 0 */
    uint64_t records_read;       /**< changes of any kind */
    uint64_t records_unreadable; /**< passed over, or archived without what could not be read */
    uint64_t gaps;               /**< times that records were gone before they were read */
    uint64_t open_shards;        /**< that are being read now */
    uint64_t touches_dropped;    /**< changes that on_touched refused for too long */
};

/** The part of an adapter that callers see; the adapter's struct begins with it. */
struct ht_changes {
    const struct ht_changes_ops *ops;
    struct ht_health health;
    struct ht_changes_counters counters;
    /** May be NULL. Tells of a change of the table that somebody made, on its way past: the item of
     * `hashtag` now counts `count`, or was removed. Only from feeds of tables that others write too;
     * it may come late, and again. The slice lives during the call. 0; HT_EBUSY: nothing was taken,
     * the feed holds this change and all behind it, and tells it again after a while, which is no
     * failure; HT_ENOMEM: likewise, but one. A read with wait_ms 0 waits for what is held, and fails
     * with HT_EBUSY where nothing moves for half a minute. A removal that is not archived in time is
     * lost for good, a count is shown wrong for a while only: what is refused 6 hours after it
     * happened is held no longer, and counted. */
    int (*on_touched)(void *user, struct ht_slice hashtag, uint64_t count, bool is_removed);
    void *on_touched_user; /**< given to on_touched */
};
