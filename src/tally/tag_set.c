// SPDX-License-Identifier: MIT
#include "hashtagd/tally/tag_set.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/tally/tally.h"

#include "tag_index.h"
#include "tag_texts.h"

#include <stdlib.h>

struct ht_tag_set {
    /* fixed */
    struct ht_hash_key key;
    /* changing */
    struct ht_tag_index index;
    struct ht_tag_texts texts;
    uint64_t *places; /**< owned: of the texts, by number */
    size_t count, capacity;
};

static uint64_t hash_of(const void *owner, uint32_t number);
static bool find_hashed(const struct ht_tag_set *set, struct ht_slice tag, uint64_t hash,
                        uint32_t *number);
static int make_room(struct ht_tag_set *set);

struct ht_tag_set *ht_tag_set_create(const struct ht_hash_key *key)
{
    struct ht_tag_set *set = calloc(1, sizeof(*set));
    if (set != NULL) {
        set->key = *key;
        set->index.hash_of = hash_of;
        set->index.owner = set;
    }
    return set;
}

void ht_tag_set_destroy(struct ht_tag_set *set)
{
    if (set == NULL) {
        return;
    }
    ht_tag_set_clear(set);
    free(set);
}

int ht_tag_set_add(struct ht_tag_set *set, struct ht_slice tag, uint32_t *number)
{
    if (tag.length == 0 || tag.length > HT_TALLY_TAG_MAX_BYTES) {
        return HT_EINVAL;
    }
    uint64_t hash = ht_hash_bytes(&set->key, tag);
    if (find_hashed(set, tag, hash, number)) {
        return 0;
    }
    uint64_t place;
    if (make_room(set) != 0 || ht_tag_index_make_room(&set->index, hash) != 0 ||
        ht_tag_texts_append(&set->texts, tag, &place) != 0) {
        return HT_ENOMEM;
    }
    *number = (uint32_t)set->count++;
    set->places[*number] = place;
    ht_tag_index_insert(&set->index, hash, *number);
    return 0;
}

bool ht_tag_set_find(const struct ht_tag_set *set, struct ht_slice tag, uint32_t *number)
{
    return set->count > 0 && find_hashed(set, tag, ht_hash_bytes(&set->key, tag), number);
}

struct ht_slice ht_tag_set_get(const struct ht_tag_set *set, uint32_t number)
{
    HT_ASSERT(number < set->count);
    return ht_tag_texts_get(&set->texts, set->places[number]);
}

size_t ht_tag_set_count(const struct ht_tag_set *set)
{
    return set->count;
}

void ht_tag_set_clear(struct ht_tag_set *set)
{
    ht_tag_index_finish(&set->index);
    ht_tag_texts_finish(&set->texts);
    free(set->places);
    set->places = NULL;
    set->count = set->capacity = 0;
}

size_t ht_tag_set_memory_bytes(const struct ht_tag_set *set)
{
    return sizeof(*set) + ht_tag_index_memory_bytes(&set->index) +
           ht_tag_texts_memory_bytes(&set->texts) + set->capacity * sizeof(set->places[0]);
}

static uint64_t hash_of(const void *owner, uint32_t number)
{
    const struct ht_tag_set *set = owner;
    return ht_hash_bytes(&set->key, ht_tag_set_get(set, number));
}

static bool find_hashed(const struct ht_tag_set *set, struct ht_slice tag, uint64_t hash,
                        uint32_t *number)
{
    struct ht_tag_index_probe probe = ht_tag_index_probe(&set->index, hash);
    do {
        *number = ht_tag_index_next(&probe);
    } while (*number != HT_TAG_INDEX_NO_SLOT && !ht_slice_equal(ht_tag_set_get(set, *number), tag));
    return *number != HT_TAG_INDEX_NO_SLOT;
}

static int make_room(struct ht_tag_set *set)
{
    if (set->count < set->capacity) {
        return 0;
    }
    size_t capacity = set->capacity == 0 ? 16 : set->capacity * 2;
    uint64_t *places =
        capacity > HT_TAG_INDEX_NO_SLOT ? NULL : realloc(set->places, capacity * sizeof(places[0]));
    if (places == NULL) {
        return HT_ENOMEM;
    }
    set->places = places;
    set->capacity = capacity;
    return 0;
}
