// SPDX-License-Identifier: MIT
#pragma once

/**
 * One generation of what is pending. Tags have numbers; each has a list of shares, one a shard,
 * and each share a list of minutes. All stand in arrays, and lists are linked by numbers.
 */

#include "hashtagd/tally/pending.h"

#include "tag_index.h"
#include "tag_texts.h"

/* The end of a list; no number reaches it. */
#define HT_PENDING_NONE UINT32_MAX

/** An array that grows; `item_bytes` is fixed. */
struct ht_pending_array {
    void *items; /**< owned */
    size_t item_bytes;
    size_t count, capacity;
};

struct ht_pending_tag {
    uint64_t place; /**< of its text */
    uint32_t first_share;
};

/** One tag in one shard; settled or removed where count is 0. */
struct ht_pending_sum {
    uint64_t count;
    uint32_t tag;
    uint32_t shard;
    uint32_t next; /**< of the same tag */
    uint32_t first_minute, last_minute;
    uint32_t first_seen_s, last_seen_s;
    uint32_t first_position, last_position;
    uint32_t last_occurrence; /**< the newest of its records; HT_PENDING_NONE where not kept */
};

/** That a record counted into a share. Records of a share come in their order, so the list leads
 * from the newest to the oldest. */
struct ht_pending_occurrence {
    uint32_t position;
    uint32_t previous;
    uint32_t count; /**< at least 1; one addition has no more than 32 bits */
};

struct ht_pending_minute {
    uint64_t count;
    uint32_t minute;
    uint32_t next; /**< of the same share */
};

struct ht_pending_position {
    size_t start; /**< in the generation's digits */
    size_t length;
    uint64_t sub_sequence;
};

struct ht_pending_generation {
    const struct ht_hash_key *key; /**< the owner's */
    struct ht_tag_texts texts;
    struct ht_tag_index index;
    struct ht_pending_array tags;        /**< struct ht_pending_tag */
    struct ht_pending_array shares;      /**< struct ht_pending_sum */
    struct ht_pending_array minutes;     /**< struct ht_pending_minute */
    struct ht_pending_array positions;   /**< struct ht_pending_position */
    struct ht_pending_array digits;      /**< char */
    struct ht_pending_array occurrences; /**< struct ht_pending_occurrence */
    bool keeps_occurrences;
    size_t text_bytes;
};

/** Makes an empty one, which must not move. */
void ht_pending_generation_init(struct ht_pending_generation *generation,
                                const struct ht_hash_key *key, bool keeps_occurrences);

/** Frees everything. */
void ht_pending_generation_finish(struct ht_pending_generation *generation);

/** Empties it; keeps some memory for the next round. */
void ht_pending_generation_clear(struct ht_pending_generation *generation);

/** Makes room for `count` more items; 0 or HT_ENOMEM. */
int ht_pending_array_reserve(struct ht_pending_array *array, size_t count);

/** The number of a tag, or HT_PENDING_NONE. */
uint32_t ht_pending_generation_find(const struct ht_pending_generation *generation,
                                    struct ht_slice tag);

/** Adds what `sum` and `minutes` say; tag, next, minutes and occurrences of `sum` are not looked at.
 * The sum is later than what is there. Where it is of one record and occurrences are kept, it
 * is one. 0 or HT_ENOMEM with nothing changed. */
int ht_pending_generation_add(struct ht_pending_generation *generation, struct ht_slice tag,
                              const struct ht_pending_sum *sum,
                              const struct ht_pending_minute *minutes, size_t minute_count);

/** Notes in the share of `tag` and `shard`, which is there, that a record counted into it; the room
 * was reserved in `occurrences`. */
void ht_pending_generation_occur(struct ht_pending_generation *generation, struct ht_slice tag,
                                 uint32_t shard, struct ht_pending_occurrence occurrence);

/** The count of a tag in all shards. */
uint64_t ht_pending_generation_count(const struct ht_pending_generation *generation,
                                     struct ht_slice tag);

/** Notes a position; 0 or HT_ENOMEM. */
int ht_pending_generation_note(struct ht_pending_generation *generation, struct ht_slice sequence,
                               uint64_t sub_sequence, uint32_t *position);

/** Forgets a tag; returns its count. */
uint64_t ht_pending_generation_remove(struct ht_pending_generation *generation,
                                      struct ht_slice tag);

/** Bytes in use. */
size_t ht_pending_generation_used_bytes(const struct ht_pending_generation *generation);

static inline struct ht_pending_tag *
ht_pending_tag_at(const struct ht_pending_generation *generation, uint32_t number)
{
    return (struct ht_pending_tag *)generation->tags.items + number;
}

static inline struct ht_pending_sum *
ht_pending_sum_at(const struct ht_pending_generation *generation, size_t number)
{
    return (struct ht_pending_sum *)generation->shares.items + number;
}

static inline struct ht_pending_minute *
ht_pending_minute_at(const struct ht_pending_generation *generation, uint32_t number)
{
    return (struct ht_pending_minute *)generation->minutes.items + number;
}

static inline struct ht_pending_occurrence *
ht_pending_occurrence_at(const struct ht_pending_generation *generation, uint32_t number)
{
    return (struct ht_pending_occurrence *)generation->occurrences.items + number;
}

static inline struct ht_pending_position *
ht_pending_position_at(const struct ht_pending_generation *generation, uint32_t number)
{
    return (struct ht_pending_position *)generation->positions.items + number;
}

static inline struct ht_slice ht_pending_text(const struct ht_pending_generation *generation,
                                              uint32_t tag)
{
    return ht_tag_texts_get(&generation->texts, ht_pending_tag_at(generation, tag)->place);
}

static inline struct ht_slice ht_pending_sequence(const struct ht_pending_generation *generation,
                                                  uint32_t position)
{
    const struct ht_pending_position *at = ht_pending_position_at(generation, position);
    return ht_slice_make((const char *)generation->digits.items + at->start, at->length);
}
