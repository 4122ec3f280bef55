// SPDX-License-Identifier: MIT
#include "tag_index.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/error.h"

#include <stdlib.h>

/* Full at 4/5; grows by a quarter: between 6.25 and 7.8 bytes a slot. */
#define FULL_NUMERATOR   4
#define FULL_DENOMINATOR 5
#define LEAST_CAPACITY   8u

static int grow(struct ht_tag_index *index, struct ht_tag_index_table *table, uint32_t capacity);
static void put(struct ht_tag_index_table *table, uint64_t hash, uint32_t slot);
static void write_place(struct ht_tag_index_table *table, uint32_t place, uint32_t slot,
                        unsigned char mark);

void ht_tag_index_finish(struct ht_tag_index *index)
{
    for (size_t i = 0; i < HT_TAG_INDEX_TABLES; i++) {
        free(index->tables[i].places);
        index->tables[i] = (struct ht_tag_index_table){0};
    }
}

void ht_tag_index_clear(struct ht_tag_index *index)
{
    for (size_t i = 0; i < HT_TAG_INDEX_TABLES; i++) {
        struct ht_tag_index_table *table = &index->tables[i];
        if (table->used > 0) {
            memset(table->places, 0xff, (size_t)table->capacity * HT_TAG_INDEX_PLACE_BYTES);
            table->used = 0;
        }
    }
}

int ht_tag_index_reserve(struct ht_tag_index *index, size_t count)
{
    if (count > UINT32_MAX) {
        return HT_ENOMEM;
    }
    /* The tables are not filled evenly: a twentieth more. */
    size_t each = count / HT_TAG_INDEX_TABLES;
    each += each / 20;
    size_t capacity = each * FULL_DENOMINATOR / FULL_NUMERATOR + LEAST_CAPACITY;
    for (size_t i = 0; i < HT_TAG_INDEX_TABLES; i++) {
        struct ht_tag_index_table *table = &index->tables[i];
        int status = table->capacity < capacity ? grow(index, table, (uint32_t)capacity) : 0;
        if (status != 0) {
            return status;
        }
    }
    return 0;
}

int ht_tag_index_make_room(struct ht_tag_index *index, uint64_t hash)
{
    struct ht_tag_index_table *table = &index->tables[ht_tag_index_table_of(hash)];
    if ((uint64_t)(table->used + 1) * FULL_DENOMINATOR <=
        (uint64_t)table->capacity * FULL_NUMERATOR) {
        return 0;
    }
    uint64_t capacity = (uint64_t)table->capacity + table->capacity / 4 + LEAST_CAPACITY;
    return capacity > UINT32_MAX ? HT_ENOMEM : grow(index, table, (uint32_t)capacity);
}

void ht_tag_index_insert(struct ht_tag_index *index, uint64_t hash, uint32_t slot)
{
    struct ht_tag_index_table *table = &index->tables[ht_tag_index_table_of(hash)];
    HT_ASSERT(table->used < table->capacity);
    put(table, hash, slot);
    table->used++;
}

void ht_tag_index_remove(struct ht_tag_index *index, uint64_t hash, uint32_t slot)
{
    struct ht_tag_index_table *table = &index->tables[ht_tag_index_table_of(hash)];
    HT_ASSERT(table->used > 0);
    uint32_t capacity = table->capacity;
    uint32_t hole = ht_tag_index_home(hash, capacity);
    while (ht_tag_index_slot_at(table, hole) != slot) {
        HT_ASSERT(ht_tag_index_slot_at(table, hole) != HT_TAG_INDEX_NO_SLOT);
        hole = hole + 1 == capacity ? 0 : hole + 1;
    }
    /* What stands behind the hole moves up unless it would get before its home. */
    uint32_t place = hole;
    for (;;) {
        place = place + 1 == capacity ? 0 : place + 1;
        uint32_t other = ht_tag_index_slot_at(table, place);
        if (other == HT_TAG_INDEX_NO_SLOT) {
            break;
        }
        uint64_t other_hash = index->hash_of(index->owner, other);
        uint32_t home = ht_tag_index_home(other_hash, capacity);
        uint32_t from_home = place >= home ? place - home : place + capacity - home;
        uint32_t from_hole = place >= hole ? place - hole : place + capacity - hole;
        if (from_home >= from_hole) {
            write_place(table, hole, other, (unsigned char)other_hash);
            hole = place;
        }
    }
    write_place(table, hole, HT_TAG_INDEX_NO_SLOT, 0);
    table->used--;
}

size_t ht_tag_index_memory_bytes(const struct ht_tag_index *index)
{
    size_t bytes = 0;
    for (size_t i = 0; i < HT_TAG_INDEX_TABLES; i++) {
        bytes += (size_t)index->tables[i].capacity * HT_TAG_INDEX_PLACE_BYTES;
    }
    return bytes;
}

static int grow(struct ht_tag_index *index, struct ht_tag_index_table *table, uint32_t capacity)
{
    size_t bytes = (size_t)capacity * HT_TAG_INDEX_PLACE_BYTES;
    struct ht_tag_index_table bigger = {malloc(bytes), capacity, table->used};
    if (bigger.places == NULL) {
        return HT_ENOMEM;
    }
    memset(bigger.places, 0xff, bytes);
    for (uint32_t i = 0; i < table->capacity; i++) {
        uint32_t slot = ht_tag_index_slot_at(table, i);
        if (slot != HT_TAG_INDEX_NO_SLOT) {
            put(&bigger, index->hash_of(index->owner, slot), slot);
        }
    }
    free(table->places);
    *table = bigger;
    return 0;
}

static void put(struct ht_tag_index_table *table, uint64_t hash, uint32_t slot)
{
    uint32_t place = ht_tag_index_home(hash, table->capacity);
    while (ht_tag_index_slot_at(table, place) != HT_TAG_INDEX_NO_SLOT) {
        place = place + 1 == table->capacity ? 0 : place + 1;
    }
    write_place(table, place, slot, (unsigned char)hash);
}

static void write_place(struct ht_tag_index_table *table, uint32_t place, uint32_t slot,
                        unsigned char mark)
{
    unsigned char *at = table->places + (size_t)place * HT_TAG_INDEX_PLACE_BYTES;
    memcpy(at, &slot, sizeof(slot));
    at[4] = mark;
}
