// SPDX-License-Identifier: MIT
#pragma once

/**
 * Where the change feed keeps how far each shard is done: one row a shard. The real ones are lease
 * rows in DynamoDB; tests have theirs in memory.
 *
 * Requests are the caller's memory until `done`, which comes once and never from inside the starting
 * call. Loads come first and alone; several saves may run, one a shard.
 */

#include "hashtagd/backends/dynamodb_leases.h"
#include "hashtagd/base/error.h"
#include "hashtagd/base/slice.h"
#include "hashtagd/pipeline/position.h"

#include <stdbool.h>

struct ht_positions;

/** Reads all rows. */
struct ht_positions_load {
    /** A row; its kind is TRIM_HORIZON, AFTER or END. The arguments live during the call. */
    void (*on_row)(struct ht_positions_load *load, const char *shard_id,
                   const struct ht_position *position);
    void (*done)(struct ht_positions_load *load);
    void *user; /**< the caller's */
    int status;
    struct ht_error error;
    void *adapter; /**< the positions' own */
};

/** Writes, or removes, one row. */
struct ht_positions_save {
    const char *shard_id;        /**< the caller's until `done` */
    struct ht_position position; /**< AFTER or END */
    bool removes;                /**< the row goes; position is not looked at */
    void (*done)(struct ht_positions_save *save);
    void *user; /**< the caller's */
    int status;
    struct ht_error error;
    struct ht_dynamodb_lease_write lease; /**< private to lease rows */
    struct ht_positions_save *next;       /**< private to others */
};

struct ht_positions_ops {
    /** Remembers a shard's parent (empty: none) for the row that is made. 0 or HT_ENOMEM. */
    int (*note)(struct ht_positions *positions, const char *shard_id, const char *parent_id);
    /** The shard is gone, and its row: nothing need be remembered of it. */
    void (*forget)(struct ht_positions *positions, const char *shard_id);
    void (*load)(struct ht_positions *positions, struct ht_positions_load *load);
    void (*save)(struct ht_positions *positions, struct ht_positions_save *save);
    /** What is wrong at the moment; NULL where nothing. Lives until the next turn. */
    const struct ht_error *(*trouble)(struct ht_positions *positions, bool *needs_person);
    /** Ends what runs, then on_closed, once, never from inside; frees itself. */
    void (*close)(struct ht_positions *positions, void (*on_closed)(void *user), void *user);
};

/** The part that the feed sees; an implementation's struct begins with it. */
struct ht_positions {
    const struct ht_positions_ops *ops;
    void (*on_trouble)(void *user); /**< set by the feed: the trouble changed; may be NULL */
    void *on_trouble_user;
};
