// SPDX-License-Identifier: MIT
#pragma once

/**
 * The table port: the durable counts (the DynamoDB table `hashtags`, or SQLite) and,
 * with them, how far each shard is counted. A flush makes counts and positions
 * durable together: after a crash both are there or neither.
 *
 * Also kept here: the log of the time windows (tally/), because it must move in step
 * with the counts. Rules for requests as in stream.h: the caller's memory, `done`
 * exactly once on the loop thread, never from inside the starting call. One flush at
 * a time.
 */

#include "hashtagd/pipeline/health.h"
#include "hashtagd/pipeline/position.h"

#include <stdbool.h>
#include <stddef.h>

/** Longest key in bytes (DynamoDB: partition key 1..2048, "Constraints in DynamoDB"). */
#define HT_TABLE_MAX_KEY_BYTES 2048

/** One item. */
struct ht_item {
    struct ht_slice hashtag; /**< 1 .. HT_TABLE_MAX_KEY_BYTES of UTF-8 */
    uint64_t count;
    int64_t first_seen_s; /**< wall time; 0 where unknown (a table of an older program) */
    int64_t last_seen_s;  /**< likewise */
    int64_t expires_at_s; /**< 0: never */
};

/** How far a shard is counted. */
struct ht_checkpoint {
    char shard_id[HT_SHARD_ID_BYTES];
    struct ht_position position; /**< AFTER or END; the others only for a shard just met */
};

/** How far one item's count already includes one shard: for a table that cannot write counts and
 * positions in one transaction, an item can be ahead of the shard's checkpoint. */
struct ht_mark {
    struct ht_slice hashtag;         /**< whose item has it */
    const char *shard_id;            /**< which shard it is about */
    struct ht_slice sequence_number; /**< of the last record of the shard that the count includes */
    uint64_t sub_sequence;           /**< likewise */
};

/** One entry of the windows' log; what the bytes mean is tally's business. */
struct ht_window_part {
    int64_t minute;       /**< wall minute (seconds since 1970 / 60) */
    bool replaces;        /**< the whole minute: older parts of it go */
    struct ht_slice data; /**< tally's format; empty in a deletion */
    struct ht_slice
        deleted_hashtag; /**< on load only: not empty where the entry says that a hashtag
                                      *   was deleted at this point of the log */
};

/** Reads everything at start. The callbacks come in any number before `done`; their arguments live
 * during the call only. Window parts come in the order in which they were written. */
struct ht_table_load {
    int64_t oldest_minute; /**< window parts before it are not wanted (and may be deleted) */
    void (*on_expected)(struct ht_table_load *load,
                        uint64_t item_count); /**< may be NULL; a hint */
    /** Items, in any order; each comes once. */
    void (*on_items)(struct ht_table_load *load, const struct ht_item *items, size_t count);
    /** A shard's checkpoint; each comes once. */
    void (*on_checkpoint)(struct ht_table_load *load, const struct ht_checkpoint *checkpoint);
    /** A mark that is ahead of its shard's checkpoint: records of that shard up to it must not be
     * counted again for that hashtag. Comes after the item and the checkpoint. May be NULL. */
    void (*on_mark)(struct ht_table_load *load, const struct ht_mark *mark);
    /** The next part of the windows' log. */
    void (*on_window_part)(struct ht_table_load *load, const struct ht_window_part *part);
    void (*done)(struct ht_table_load *load);
    void *user; /**< the caller's */
    int status; /**< 0, or why the table cannot be used; then nothing else may be asked of it */
    struct ht_error error;
    void *adapter; /**< the adapter's own */
};

/** What was counted of one hashtag in one shard since the last flush. In no order (an adapter that
 * gains by one sorts on its own thread); a pair comes once. */
struct ht_delta {
    struct ht_slice hashtag;                        /**< 1 .. HT_TABLE_MAX_KEY_BYTES of UTF-8 */
    uint32_t shard;                                 /**< index into the flush's checkpoints */
    uint64_t count;                                 /**< 1 and up */
    int64_t first_seen_s, last_seen_s;              /**< wall time */
    struct ht_slice first_sequence, last_sequence;  /**< of the records that it stands for */
    uint64_t first_sub_sequence, last_sub_sequence; /**< likewise */
};

/** Why an item was removed, as the archive record says it. */
enum ht_origin {
    HT_ORIGIN_USER,
    HT_ORIGIN_TTL,
    HT_ORIGIN_UNKNOWN,
};

/** An item that a flush removed: asked for, or its time was up. */
struct ht_removed_item {
    struct ht_item item; /**< as it was */
    enum ht_origin origin;
    int64_t deleted_at_s;
    struct ht_slice event_id; /**< identifies the deletion */
};

/** What the table holds of a hashtag after a flush, told where others may write the table too. */
struct ht_table_total {
    struct ht_slice hashtag;           /**< which one */
    bool exists;                       /**< else the item is gone and the rest is 0 */
    uint64_t count;                    /**< everybody's, this flush included */
    int64_t first_seen_s, last_seen_s; /**< 0 where unknown */
};

/** What count_after() finds of a delta. */
struct ht_delta_rest {
    uint64_t count;                 /**< occurrences behind the given place; may be 0 */
    struct ht_slice first_sequence; /**< of the first record behind it; empty where count is 0 */
    uint64_t first_sub_sequence;    /**< likewise */
};

/** Writes deltas, then checkpoints, then deletes, then removes what is expired: all or nothing for
 * the embedded table. A table without such a transaction (DynamoDB) writes in this order, each step
 * only when the one before is confirmed, and makes it safe to try the same flush again. */
struct ht_table_flush {
    uint64_t id; /**< rises with each flush; the same when the same flush is tried again */
    /** How much of delta `delta` stands behind a place in its shard: for a table with has_marks that
     * finds that a part of the delta is counted already. May be called until `done`, on the loop
     * thread; the slice of `rest` lives until then. Never NULL. */
    void (*count_after)(const struct ht_table_flush *flush, size_t delta,
                        struct ht_slice sequence_number, uint64_t sub_sequence,
                        struct ht_delta_rest *rest);
    const struct ht_slice
        *refreshes; /**< hashtags whose total is wanted although nothing is written
                                       *   to them; only where `totals` are told */
    size_t refresh_count;
    const struct ht_delta *deltas; /**< the caller's until `done`, like all that is given here */
    size_t delta_count;
    const struct ht_checkpoint *checkpoints; /**< every shard that deltas name, and more */
    size_t checkpoint_count;
    const struct ht_slice *deletes; /**< hashtags that a user deletes */
    size_t delete_count;
    const struct ht_window_part *parts; /**< to append to the windows' log, in order */
    size_t part_count;
    int64_t now_s; /**< wall time, for expiry and deleted_at */
    void (*done)(struct ht_table_flush *flush);
    void *user; /**< the caller's */
    int status; /**< 0: durable. Else nothing was written, or nobody knows: try the same again */
    struct ht_error error;
    /** The adapter's, valid during `done`. Each hashtag of `deletes` is gone after a durable flush,
     * also where it is not named here. */
    const struct ht_removed_item *removed;
    size_t removed_count;
    /** The adapter's, valid until the next flush starts or the table is closed, because many are
     * looked at in several turns: for each hashtag of `deltas` and `refreshes` that was not deleted,
     * in no order. Where a hashtag has deltas in several shards, what the last write of it told. NULL
     * where nobody else writes the table: then what was counted is what is there. */
    const struct ht_table_total *totals;
    size_t total_count;
    void *adapter; /**< the adapter's own */
};

struct ht_table;

struct ht_table_ops {
    const char *type; /**< as in the configuration: "embedded", "dynamodb" */
    /** Reads everything; first of all, and anew where is_outdated(), while no flush runs. What a
     * flush that failed before has left is forgotten then. */
    void (*load)(struct ht_table *table, struct ht_table_load *load);
    /** Whether another process has counted into the table since the load: what was counted since must
     * be forgotten, and the table be loaded anew. Until then flushes fail: nobody could tell what is
     * counted twice. NULL: never. */
    bool (*is_outdated)(struct ht_table *table);
    /** Whether a load waits, as long as another process counts, and has read nothing yet: what is
     * changed meanwhile it reads when it goes on. NULL: never. */
    bool (*is_waiting)(struct ht_table *table);
    /** Starts a flush. */
    void (*flush)(struct ht_table *table, struct ht_table_flush *flush);
    /** Finishes what runs, then on_closed, once. */
    void (*close)(struct ht_table *table, void (*on_closed)(void *user), void *user);
    /** Frees a closed table; NULL is fine. */
    void (*destroy)(struct ht_table *table);
};

struct ht_table_counters {
    uint64_t flushes; /**< that succeeded */
    uint64_t flush_errors;
    uint64_t items_written; /**< deltas made durable */
    uint64_t items_deleted; /**< by a user */
    uint64_t items_expired; /**< by TTL */
};

/** The part of an adapter that callers see; the adapter's struct begins with it. */
struct ht_table {
    const struct ht_table_ops *ops;
    bool has_marks;     /**< fixed when it is made: counts and positions are not written in one
                     *   transaction, so count_after() is asked and records of pending counts must
                     *   be remembered */
    size_t delta_bytes; /**< fixed when it is made: memory of the adapter's that a flush takes for
                         *   each of its deltas; the stage has it reserved in the byte budget */
    struct ht_health health;
    struct ht_table_counters counters;
};
