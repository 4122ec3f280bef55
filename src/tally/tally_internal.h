// SPDX-License-Identifier: MIT
#pragma once

/**
 * The inside of the tally.
 *
 * Each tag has a slot; the entries of all slots stand in chunks, their texts in tag_texts.h,
 * and tag_index.h leads from a hash to the slot. An entry has the counts of all windows. What
 * must leave a window again is kept a minute each, as runs of (slot, count):
 *
 *     add -> entry (counts) -> running minute: entry.fresh and the list of dirty slots
 *                           -> another minute: the list of late deltas
 *     fold: dirty and late -> a new run of each minute; runs are merged as they pile up
 *     advance: the run of a minute that leaves a window is subtracted from the entries
 *
 * A removed tag leaves a dead slot behind. Runs still name it, so it is used again only when every
 * minute up to its death has left.
 */

#include "hashtagd/base/assert.h"
#include "hashtagd/tally/tally.h"

#include "minute_run.h"
#include "tag_index.h"
#include "tag_texts.h"

#define HT_TALLY_MINUTES         1440 /* of which deltas are kept */
#define HT_TALLY_ENTRIES_A_CHUNK 4096u
/* A dirty slot takes a quarter of a late delta: the spare list serves to sort either. */
#define HT_TALLY_DIRTY_MAX 65536u
#define HT_TALLY_LATE_MAX  16384u

/* The candidates of a ranking: at most LEADERS_MAX, cut to LEADERS_KEPT. */
#define HT_TALLY_LEADERS_MAX  2048u
#define HT_TALLY_LEADERS_KEPT 1024u

/* The place of a dead slot's text. */
#define HT_TALLY_DEAD (HT_TAG_TEXTS_PLACE_MAX - 1)

/** 40 bytes a tag. A dead slot: `count` is its minute of death, window_low[0] the next dead. */
struct ht_tally_entry {
    uint64_t count : 60;    /**< of all time */
    uint64_t leads : 4;     /**< a bit a window: is among its candidates */
    uint32_t window_low[3]; /**< 5 minutes, 1 hour, 24 hours: the low 32 bits */
    uint8_t window_high[3]; /**< and the high 8 */
    uint8_t text_high;      /**< the place of the text, high 8 bits */
    uint32_t text_low;      /**< and low 32 */
    uint32_t fresh;         /**< of the running minute, not yet folded */
    uint32_t first_seen_s;  /**< since 1970 */
    uint32_t last_seen_s;   /**< since 1970 */
};

/** A count that waits to be folded: of (minute's place in the ring) << 32 | slot. */
struct ht_tally_delta {
    uint64_t key;
    uint64_t count;
};

struct ht_tally_bucket {
    struct ht_minute_run *runs; /**< owned; newest first, what was not taken before what was */
    uint32_t part_count;        /**< parts handed out since the last export */
};

/**
 * The candidates for the top of one window, and a floor: whatever is no candidate ranks after
 * the floor. So the candidates that rank at or before it are exactly the first so many of
 * the ranking.
 */
struct ht_tally_leaders {
    uint32_t slots[HT_TALLY_LEADERS_MAX]; /**< in no order */
    uint32_t count;
    bool has_floor; /**< where not, everything with a count is a candidate */
    uint16_t floor_length;
    char floor_tag[HT_TALLY_TAG_MAX_BYTES];
};

struct ht_tally_ranked {
    uint64_t count;
    uint32_t slot;
};

/** The best so many of what was offered: a heap with the worst on top. */
struct ht_tally_ranking {
    struct ht_tally_ranked items[HT_TALLY_LEADERS_KEPT];
    size_t count;
    size_t limit; /**< at most HT_TALLY_LEADERS_KEPT */
};

struct ht_tally {
    /* fixed */
    struct ht_hash_key key;
    bool keep_parts;

    /* what every add touches */
    int64_t minute;
    uint64_t version;
    uint64_t totals[HT_TALLY_WINDOW_COUNT];
    uint64_t distinct[HT_TALLY_WINDOW_COUNT];
    uint64_t floor_counts[HT_TALLY_WINDOW_COUNT]; /**< 0 where there is no floor */

    /* entries */
    struct ht_tally_entry **chunks; /**< owned, each too */
    size_t chunk_count, chunk_capacity;
    uint32_t slot_count;            /**< slots ever used */
    uint32_t dead_first, dead_last; /**< by minute of death; HT_TAG_INDEX_NO_SLOT where none */
    struct ht_tag_texts texts;
    struct ht_tag_index index;

    /* minutes */
    struct ht_tally_bucket buckets[HT_TALLY_MINUTES];
    uint32_t *dirty;              /**< owned, HT_TALLY_DIRTY_MAX: slots with fresh > 0 */
    struct ht_tally_delta *late;  /**< owned, HT_TALLY_LATE_MAX */
    struct ht_tally_delta *spare; /**< owned, HT_TALLY_LATE_MAX: for sorting */
    size_t dirty_count, late_count;
    size_t run_bytes; /**< of all runs */
    struct ht_minute_run_writer writer;

    /* rankings */
    struct ht_tally_leaders leaders[HT_TALLY_WINDOW_COUNT];
    struct ht_tally_ranking ranking; /**< scratch */
};

static inline struct ht_tally_entry *ht_tally_entry(const struct ht_tally *tally, uint32_t slot)
{
    return &tally->chunks[slot / HT_TALLY_ENTRIES_A_CHUNK][slot % HT_TALLY_ENTRIES_A_CHUNK];
}

static inline uint64_t ht_tally_entry_place(const struct ht_tally_entry *entry)
{
    return (uint64_t)entry->text_high << 32 | entry->text_low;
}

static inline bool ht_tally_entry_is_dead(const struct ht_tally_entry *entry)
{
    return ht_tally_entry_place(entry) == HT_TALLY_DEAD;
}

static inline struct ht_slice ht_tally_entry_tag(const struct ht_tally *tally,
                                                 const struct ht_tally_entry *entry)
{
    return ht_tag_texts_get(&tally->texts, ht_tally_entry_place(entry));
}

static inline uint64_t ht_tally_entry_count(const struct ht_tally_entry *entry,
                                            enum ht_tally_window window)
{
    if (window == HT_TALLY_ALL) {
        return entry->count;
    }
    return (uint64_t)entry->window_high[window - 1] << 32 | entry->window_low[window - 1];
}

static inline void ht_tally_entry_set_count(struct ht_tally_entry *entry,
                                            enum ht_tally_window window, uint64_t count)
{
    if (window == HT_TALLY_ALL) {
        entry->count = count & HT_TALLY_COUNT_MAX;
        return;
    }
    entry->window_high[window - 1] = (uint8_t)(count >> 32);
    entry->window_low[window - 1] = (uint32_t)count;
}

/** Where a minute's bucket is; minutes are not negative. */
static inline size_t ht_tally_ring_of(int64_t minute)
{
    return (size_t)(minute % HT_TALLY_MINUTES);
}

/** Whether a minute, at most the running one, is inside a window (not HT_TALLY_ALL). */
static inline bool ht_tally_is_inside(const struct ht_tally *tally, enum ht_tally_window window,
                                      int64_t minute)
{
    static const int64_t minutes[HT_TALLY_WINDOW_COUNT] = {0, 5, 60, HT_TALLY_MINUTES};
    return minute > tally->minute - minutes[window];
}

/* tally.c */

/** The slot of a tag, or HT_TAG_INDEX_NO_SLOT. */
uint32_t ht_tally_find_slot(const struct ht_tally *tally, struct ht_slice tag, uint64_t hash);

/** A slot for a new entry, zeroed; 0 or HT_ENOMEM. */
int ht_tally_take_slot(struct ht_tally *tally, uint32_t *slot);

/** Takes an entry's window counts out of the sums and rankings and makes its slot a dead one.
 * Index and text stay. */
void ht_tally_bury_slot(struct ht_tally *tally, uint32_t slot);

/** Adds to one window of an entry, with sums and candidates. */
void ht_tally_raise(struct ht_tally *tally, uint32_t slot, enum ht_tally_window window,
                    uint64_t count);

/* tally_minutes.c */

/** Makes room for a late delta or a dirty slot. 0 or HT_ENOMEM. */
int ht_tally_fold_late(struct ht_tally *tally);

/** Folds everything: afterwards dirty and late are empty. 0 or HT_ENOMEM. */
int ht_tally_fold(struct ht_tally *tally);

/** Sorts by key; the result is in `deltas`. `spare` has the same size. */
void ht_tally_sort_deltas(struct ht_tally_delta *deltas, struct ht_tally_delta *spare,
                          size_t count);

/** Puts a run, which the tally then owns, at the front of a bucket. */
void ht_tally_push_run(struct ht_tally *tally, struct ht_tally_bucket *bucket,
                       struct ht_minute_run *run);

/** Merges the newest runs of a bucket while they have like sizes, or all where `fully`. Does
 * what it can where memory is out. */
void ht_tally_merge_runs(struct ht_tally *tally, struct ht_tally_bucket *bucket, bool fully);

/** Subtracts a bucket from one window. */
void ht_tally_expire(struct ht_tally *tally, const struct ht_tally_bucket *bucket,
                     enum ht_tally_window window);

/** Empties a bucket. */
void ht_tally_clear_bucket(struct ht_tally *tally, struct ht_tally_bucket *bucket);

/* tally_leaders.c */

/** Whether a ranks before b. */
bool ht_tally_ranks_before(const struct ht_tally *tally, struct ht_tally_ranked a,
                           struct ht_tally_ranked b);

/** Empties the ranking. */
void ht_tally_ranking_begin(struct ht_tally_ranking *ranking, size_t limit);

/** Keeps `item` where it is among the best. */
void ht_tally_ranking_offer(struct ht_tally *tally, struct ht_tally_ranked item);

/** Sorts the ranking: the best first. */
void ht_tally_ranking_sort(struct ht_tally *tally);

/** A candidate that is not one yet: its count reached the floor's. */
void ht_tally_leaders_offer(struct ht_tally *tally, enum ht_tally_window window, uint32_t slot);

/** Takes a slot out of all candidates. */
void ht_tally_leaders_drop(struct ht_tally *tally, uint32_t slot);

/** Whether an entry of this window ranks at or before the floor. */
bool ht_tally_leaders_hold(const struct ht_tally *tally, enum ht_tally_window window,
                           uint32_t slot);

/** Chooses the candidates anew from all entries. */
void ht_tally_leaders_rebuild(struct ht_tally *tally, enum ht_tally_window window);

/** The rank of a slot, 0 where it is below HT_TALLY_TOP_MAX or its count is 0. */
uint32_t ht_tally_leaders_rank(struct ht_tally *tally, enum ht_tally_window window, uint32_t slot);
