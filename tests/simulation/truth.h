// SPDX-License-Identifier: MIT
#pragma once

/**
 * The truth: everything that ever became durable, told by the world as it happens.
 *
 * A backing calls sim_truth_...() at the moment of each effect, whoever caused it. Nothing here
 * went through a port, an adapter or a stage. The accountant (accountant.h) is told of each and
 * compares at once with what it expects, so that the first wrong step is known.
 *
 * Messages carry a number between two '~' in their text, which tells the accountant which of
 * those that were sent this is; hashtags are known to it by their folded form.
 */

#include "sim.h"

#include "hashtagd/base/slice.h"
#include "hashtagd/pipeline/table.h"

#include <stddef.h>

enum { SIM_SHARDS_MAX = 64 };

/** One record of the stream, ever. */
struct sim_record {
    unsigned shard;     /**< number of its shard: 0, 1, ... in the order of their making */
    uint64_t place;     /**< in its shard, from 1 */
    uint32_t message;   /**< which of those sent; UINT32_MAX: none of them */
    int64_t arrival_ms; /**< as the stream says it */
};

/** One removal of an item, ever. */
struct sim_removal {
    uint32_t hashtag; /**< its number */
    uint64_t count;
    int64_t first_seen_s, last_seen_s, deleted_at_s;
    bool is_committed; /**< the feed's reader has passed it */
    uint64_t lines;    /**< archived lines that are about it */
    uint64_t ordinal;  /**< the accountant's: its place among those of its hashtag, from 1 */
    char event_id[136];
};

/** What the world knows of one hashtag. */
struct sim_hashtag {
    char *text; /* owned */
    size_t length;
    uint64_t stored;  /**< the item's count; 0: no item */
    uint64_t removed; /**< the sum of all removals */
    uint64_t foreign; /**< what others added */
    uint64_t removals;
    uint64_t version; /**< grows with each change of the item */
    /* the accountant's */
    uint64_t expected;          /**< occurrences on the stream */
    uint64_t checkpointed;      /**< of those, in records that a checkpoint has passed */
    uint64_t archived_in_order; /**< removals of it whose first line came, in order */
};

struct sim_shard_truth {
    uint64_t records;      /**< put so far */
    uint64_t checkpointed; /**< of them, passed by the checkpoint */
    bool is_finished;      /**< its checkpoint says END */
    bool is_closed;
    uint64_t trimmed;
    uint32_t *numbers; /* owned: places -> truth->records */
    size_t capacity;
};

/** Where something is by its hash: open addressing, a power of two. */
struct sim_slots {
    uint32_t *numbers; /* owned: number + 1; 0: free */
    size_t capacity, used;
};

struct sim_truth;

/** Who wants to know at once; any may be NULL. */
struct sim_truth_listener {
    void (*on_record)(void *user, const struct sim_record *record);
    /** The item of a hashtag was written or removed; the fields of it are new. */
    void (*on_item)(void *user, struct sim_hashtag *hashtag);
    /** The checkpoint of a shard moved from `before` records to what it is now. */
    void (*on_checkpoint)(void *user, unsigned shard, uint64_t before);
    void (*on_removal)(void *user, struct sim_removal *removal);
    /** A line of the archive became durable. */
    void (*on_line)(void *user, struct ht_slice line);
    /** The feed's reader will never see the removal again. */
    void (*on_commit)(void *user, struct sim_removal *removal);
    void (*on_letter)(void *user, struct ht_slice data, struct ht_slice reason);
    void *user;
};

struct sim_truth {
    struct sim *sim;
    struct sim_truth_listener listener;
    struct sim_record *records; /* owned, in order of arrival */
    size_t record_count, record_capacity;
    struct sim_removal *removals; /* owned, in order */
    size_t removal_count, removal_capacity;
    struct sim_hashtag *hashtags; /* owned, by number */
    size_t hashtag_count, hashtag_capacity;
    struct sim_slots hashtag_slots, event_slots;
    struct sim_shard_truth shards[SIM_SHARDS_MAX];
    unsigned shard_count;
    size_t line_count, letter_count;
    uint64_t table_writes;
};

void sim_truth_init(struct sim_truth *truth, struct sim *sim);
void sim_truth_finish(struct sim_truth *truth);

/** The number of a folded hashtag, given where it is new. */
uint32_t sim_truth_number(struct sim_truth *truth, struct ht_slice hashtag);

/** What is known of a hashtag; lives until the next new one. */
struct sim_hashtag *sim_truth_find(struct sim_truth *truth, struct ht_slice hashtag);

/** A new shard; returns its number. */
unsigned sim_truth_shard(struct sim_truth *truth);

/** A record is on the stream, behind all others of its shard. Returns its place, from 1. */
uint64_t sim_truth_record(struct sim_truth *truth, unsigned shard, struct ht_slice data,
                          int64_t arrival_ms);

/** The item of a hashtag counts `count` now, for whatever reason but a removal; `foreign` of it was
 * added by another program just now. */
void sim_truth_item(struct sim_truth *truth, struct ht_slice hashtag, uint64_t count,
                    uint64_t foreign);

/** The item was removed, as `item` says it was. Tell of it before anybody can read it in the feed. */
void sim_truth_removal(struct sim_truth *truth, const struct ht_item *item, int64_t deleted_at_s,
                       struct ht_slice event_id);

/** The checkpoint of a shard was written: it passes the first `records` of the shard. */
void sim_truth_checkpoint(struct sim_truth *truth, unsigned shard, uint64_t records,
                          bool is_finished);

/** The removal with this event id was passed by the reader of the feed, durably. */
void sim_truth_commit(struct sim_truth *truth, struct ht_slice event_id);

/** The removal with this event id; NULL where there is none. */
struct sim_removal *sim_truth_event(struct sim_truth *truth, struct ht_slice event_id);

/** Lines, each with its end, are durable in the archive. */
void sim_truth_lines(struct sim_truth *truth, struct ht_slice lines);

/** A dead letter is durable. */
void sim_truth_letter(struct sim_truth *truth, struct ht_slice data, struct ht_slice reason);
