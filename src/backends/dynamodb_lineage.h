// SPDX-License-Identifier: MIT
#pragma once

/**
 * The shards of a change stream and which of them may be read: a shard only after its parent was
 * read to its end, because an item's changes go on in the child. Plain bookkeeping over what was
 * listed; a listing has many pages, so that a shard whose parent is not known waits until one is
 * complete.
 */

#include "hashtagd/base/slice.h"
#include "hashtagd/pipeline/position.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** More shards than this are not followed (a stream lists a day of them). */
#define HT_LINEAGE_MAX 50000

struct ht_change_reader;

enum ht_change_shard_state {
    HT_CHANGE_SHARD_WAITING, /**< its parent is not read yet, or nobody has begun */
    HT_CHANGE_SHARD_OPEN,    /**< being read */
    HT_CHANGE_SHARD_ENDED,   /**< read to its end, or gone */
};

/** One shard. What is behind the state is the change feed's. */
struct ht_change_shard {
    char id[HT_SHARD_ID_BYTES];
    char parent_id[HT_SHARD_ID_BYTES]; /**< empty: none */
    enum ht_change_shard_state state;
    bool is_settled;  /**< a complete listing came since it was met, or its parent is known */
    unsigned listing; /**< the last listing that had it */
    bool is_gone;     /**< no more listed: nothing is written for it */
    /* the feed's: how far it is read, and how far that is durable */
    char read_sequence[HT_SEQUENCE_BYTES];  /**< of the last record taken; empty: none */
    char saved_sequence[HT_SEQUENCE_BYTES]; /**< as the row says; empty: no row, or none yet */
    bool is_end_saved;
    bool has_row;
    size_t outstanding;                    /**< removals that were read and are not committed */
    size_t committing;                     /**< of these, how many the running commit covers */
    const void *last_committing;           /**< the last one of them */
    char save_sequence[HT_SEQUENCE_BYTES]; /**< what a wanted save writes */
    bool saves_end, removes_row;           /**< likewise: the shard's end; nothing, the row goes */
    bool wants_save, is_saving;
    bool save_failed;     /**< the last one */
    uint64_t saved_at_ms; /**< monotonic: when the last save began; 0: never */
    /* the feed's: looking for children */
    bool needs_children;
    unsigned child_attempts;
    uint64_t child_due_ms;
    struct ht_change_reader *reader; /**< owned; while it is open */
};

/** The shards, sorted by id. Zeroed memory is empty. */
struct ht_lineage {
    struct ht_change_shard **shards; /**< owned, each too */
    size_t count, capacity;
    unsigned listing; /**< rises with each complete listing */
};

/** Frees all shards. Their readers are gone by then. */
void ht_lineage_finish(struct ht_lineage *lineage);

/** The shard, or NULL. */
struct ht_change_shard *ht_lineage_find(const struct ht_lineage *lineage, struct ht_slice id);

/**
 * Notes that a shard was listed; `parent_id` may be empty. Returns it, new or known; NULL where the id
 * is too long, there are too many, or memory is out. `*is_new` may be NULL.
 */
struct ht_change_shard *ht_lineage_add(struct ht_lineage *lineage, struct ht_slice id,
                                       struct ht_slice parent_id, bool *is_new);

/** Begins a listing of everything: shards that it does not name are gone when it ends. */
void ht_lineage_begin_listing(struct ht_lineage *lineage);

/** Ends a listing that was complete. */
void ht_lineage_end_listing(struct ht_lineage *lineage);

/** Whether the last complete listing had the shard, or it was met since. */
bool ht_lineage_is_listed(const struct ht_lineage *lineage, const struct ht_change_shard *shard);

/** Whether the last two complete listings did not have the shard: one alone may have missed a shard
 * that is very young. */
bool ht_lineage_is_gone(const struct ht_lineage *lineage, const struct ht_change_shard *shard);

/** Whether reading may begin: it waits, and its parent ended or is no more. */
bool ht_lineage_is_ready(const struct ht_lineage *lineage, const struct ht_change_shard *shard);

/** Whether a known shard has `shard` for its parent. */
bool ht_lineage_has_child(const struct ht_lineage *lineage, const struct ht_change_shard *shard);

/** Forgets and frees a shard. */
void ht_lineage_remove(struct ht_lineage *lineage, struct ht_change_shard *shard);
