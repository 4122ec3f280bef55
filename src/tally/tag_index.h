// SPDX-License-Identifier: MIT
#pragma once

/**
 * From a tag's hash to the slot that holds it: 512 small open-addressed tables, chosen by
 * the hash's top bits, so that each grows alone and growing never takes long. A place is
 * five bytes: the slot and eight bits of the hash. Whoever looks up compares the texts; a table
 * that grows asks the owner for the hashes of its slots.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HT_TAG_INDEX_TABLES      512
#define HT_TAG_INDEX_PLACE_BYTES 5
#define HT_TAG_INDEX_NO_SLOT     UINT32_MAX

struct ht_tag_index_table {
    unsigned char *places; /**< owned; NULL where capacity is 0 */
    uint32_t capacity;     /**< places */
    uint32_t used;         /**< places with a slot */
};

/** The hash of the tag in `slot`, as it was inserted. */
typedef uint64_t (*ht_tag_index_hash_fn)(const void *owner, uint32_t slot);

struct ht_tag_index {
    ht_tag_index_hash_fn hash_of; /**< given by the owner */
    const void *owner;            /**< passed to hash_of */
    struct ht_tag_index_table tables[HT_TAG_INDEX_TABLES];
};

/** A walk over the places where a hash may be. */
struct ht_tag_index_probe {
    const struct ht_tag_index_table *table;
    uint32_t place;
    unsigned char mark;
};

/** The table of a hash. */
static inline uint32_t ht_tag_index_table_of(uint64_t hash)
{
    return (uint32_t)(hash >> 55);
}

/** Where a hash would like to be in a table. */
static inline uint32_t ht_tag_index_home(uint64_t hash, uint32_t capacity)
{
    return (uint32_t)((((hash >> 8) & UINT32_MAX) * capacity) >> 32);
}

/** The slot at a place, or HT_TAG_INDEX_NO_SLOT. */
static inline uint32_t ht_tag_index_slot_at(const struct ht_tag_index_table *table, uint32_t place)
{
    uint32_t slot;
    memcpy(&slot, table->places + (size_t)place * HT_TAG_INDEX_PLACE_BYTES, sizeof(slot));
    return slot;
}

/** Begins a walk. */
static inline struct ht_tag_index_probe ht_tag_index_probe(const struct ht_tag_index *index,
                                                           uint64_t hash)
{
    const struct ht_tag_index_table *table = &index->tables[ht_tag_index_table_of(hash)];
    return (struct ht_tag_index_probe){table, ht_tag_index_home(hash, table->capacity),
                                       (unsigned char)hash};
}

/** The next slot that may have the hash, or HT_TAG_INDEX_NO_SLOT at the end. */
static inline uint32_t ht_tag_index_next(struct ht_tag_index_probe *probe)
{
    const struct ht_tag_index_table *table = probe->table;
    if (table->capacity == 0) {
        return HT_TAG_INDEX_NO_SLOT;
    }
    for (;;) {
        uint32_t place = probe->place;
        uint32_t slot = ht_tag_index_slot_at(table, place);
        probe->place = place + 1 == table->capacity ? 0 : place + 1;
        if (slot == HT_TAG_INDEX_NO_SLOT ||
            table->places[(size_t)place * HT_TAG_INDEX_PLACE_BYTES + 4] == probe->mark) {
            return slot;
        }
    }
}

/** Frees everything. */
void ht_tag_index_finish(struct ht_tag_index *index);

/** Removes all slots, keeps the memory. */
void ht_tag_index_clear(struct ht_tag_index *index);

/** Makes room for `count` slots in all; 0 or HT_ENOMEM. */
int ht_tag_index_reserve(struct ht_tag_index *index, size_t count);

/** Makes room for one more slot with `hash`, so that the next insert of it succeeds. */
int ht_tag_index_make_room(struct ht_tag_index *index, uint64_t hash);

/** Inserts; room was made, and the slot is not there. */
void ht_tag_index_insert(struct ht_tag_index *index, uint64_t hash, uint32_t slot);

/** Removes a slot that is there; hash_of must still answer for it. */
void ht_tag_index_remove(struct ht_tag_index *index, uint64_t hash, uint32_t slot);

/** Bytes held, the struct itself left out. */
size_t ht_tag_index_memory_bytes(const struct ht_tag_index *index);
