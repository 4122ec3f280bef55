// SPDX-License-Identifier: MIT
#include "hashtagd/tally/recent_ids.h"

#include "hashtagd/base/assert.h"

#include <stdlib.h>

/*
 * The ring holds the ids in the order in which they came, the table holds the same for
 * look-ups: open addressing, filled at most to two thirds. 0 means an empty place, so the id 0 is
 * in the ring only, with a flag.
 */
struct ht_recent_ids {
    /* fixed */
    struct ht_hash_key key;
    size_t capacity;
    size_t table_size;

    /* changing */
    size_t count;
    size_t oldest; /**< the oldest id's place in the ring, once it is full; also the next to fill */
    bool has_zero; /**< the id 0 is in the ring */
    uint64_t *ring;  /**< owned */
    uint64_t *table; /**< owned */
};

static void forget(struct ht_recent_ids *ids, uint64_t id);
static size_t home_of(const struct ht_recent_ids *ids, uint64_t id);
static size_t place_of(const struct ht_recent_ids *ids, uint64_t id);
static void remove_from_table(struct ht_recent_ids *ids, size_t hole);

struct ht_recent_ids *ht_recent_ids_create(size_t capacity, const struct ht_hash_key *key)
{
    struct ht_recent_ids *ids = capacity > HT_RECENT_IDS_MAX ? NULL : calloc(1, sizeof(*ids));
    if (ids == NULL) {
        return NULL;
    }
    ids->key = *key;
    ids->capacity = capacity;
    ids->table_size = capacity + capacity / 2 + 2;
    ids->ring = calloc(capacity + 1, sizeof(ids->ring[0]));
    ids->table = calloc(ids->table_size, sizeof(ids->table[0]));
    if (ids->ring == NULL || ids->table == NULL) {
        ht_recent_ids_destroy(ids);
        return NULL;
    }
    return ids;
}

void ht_recent_ids_destroy(struct ht_recent_ids *ids)
{
    if (ids == NULL) {
        return;
    }
    free(ids->ring);
    free(ids->table);
    free(ids);
}

bool ht_recent_ids_seen(struct ht_recent_ids *ids, uint64_t id)
{
    if (ht_recent_ids_has(ids, id)) {
        return true;
    }
    if (ids->capacity == 0) {
        return false;
    }
    if (ids->count == ids->capacity) {
        forget(ids, ids->ring[ids->oldest]);
    }
    ids->ring[ids->oldest] = id;
    ids->oldest = ids->oldest + 1 == ids->capacity ? 0 : ids->oldest + 1;
    ids->count++;
    if (id == 0) {
        ids->has_zero = true;
    } else {
        ids->table[place_of(ids, id)] = id;
    }
    return false;
}

/* The id that came `age` ids before the newest. */
static uint64_t id_of_age(const struct ht_recent_ids *ids, size_t age)
{
    size_t back = age + 1;
    return ids->ring[ids->oldest >= back ? ids->oldest - back : ids->oldest + ids->capacity - back];
}

void ht_recent_ids_inherit(struct ht_recent_ids *ids, const struct ht_recent_ids *first,
                           const struct ht_recent_ids *second)
{
    size_t first_count = first->count;
    size_t second_count = second == NULL ? 0 : second->count;
    for (size_t age = first_count > second_count ? first_count : second_count; age > 0; age--) {
        if (age <= first_count) {
            (void)ht_recent_ids_seen(ids, id_of_age(first, age - 1));
        }
        if (age <= second_count) {
            (void)ht_recent_ids_seen(ids, id_of_age(second, age - 1));
        }
    }
}

bool ht_recent_ids_has(const struct ht_recent_ids *ids, uint64_t id)
{
    return id == 0 ? ids->has_zero : ids->table[place_of(ids, id)] == id;
}

size_t ht_recent_ids_count(const struct ht_recent_ids *ids)
{
    return ids->count;
}

void ht_recent_ids_clear(struct ht_recent_ids *ids)
{
    memset(ids->table, 0, ids->table_size * sizeof(ids->table[0]));
    ids->count = 0;
    ids->oldest = 0;
    ids->has_zero = false;
}

size_t ht_recent_ids_memory_bytes(const struct ht_recent_ids *ids)
{
    return sizeof(*ids) + (ids->capacity + 1) * sizeof(ids->ring[0]) +
           ids->table_size * sizeof(ids->table[0]);
}

bool ht_recent_ids_parse(struct ht_slice text, uint64_t *id)
{
    bool has_leading_zero = text.length > 1 && text.data[0] == '0';
    return !has_leading_zero && ht_slice_to_u64(text, UINT64_MAX, id) == 0;
}

static void forget(struct ht_recent_ids *ids, uint64_t id)
{
    ids->count--;
    if (id == 0) {
        ids->has_zero = false;
        return;
    }
    size_t place = place_of(ids, id);
    HT_ASSERT(ids->table[place] == id);
    remove_from_table(ids, place);
}

static size_t home_of(const struct ht_recent_ids *ids, uint64_t id)
{
    uint64_t hash = ht_hash_bytes(&ids->key, ht_slice_make(&id, sizeof(id)));
    return (size_t)(((hash >> 32) * ids->table_size) >> 32);
}

/* Where the id is, or the empty place where it belongs. */
static size_t place_of(const struct ht_recent_ids *ids, uint64_t id)
{
    size_t place = home_of(ids, id);
    while (ids->table[place] != 0 && ids->table[place] != id) {
        place = place + 1 == ids->table_size ? 0 : place + 1;
    }
    return place;
}

/* What stands behind the hole moves up unless it would get before its home. */
static void remove_from_table(struct ht_recent_ids *ids, size_t hole)
{
    size_t size = ids->table_size;
    size_t place = hole;
    for (;;) {
        place = place + 1 == size ? 0 : place + 1;
        if (ids->table[place] == 0) {
            break;
        }
        size_t home = home_of(ids, ids->table[place]);
        size_t from_home = place >= home ? place - home : place + size - home;
        size_t from_hole = place >= hole ? place - hole : place + size - hole;
        if (from_home >= from_hole) {
            ids->table[hole] = ids->table[place];
            hole = place;
        }
    }
    ids->table[hole] = 0;
}
