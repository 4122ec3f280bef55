// SPDX-License-Identifier: MIT
#include "dynamodb_lineage.h"

#include "hashtagd/base/assert.h"

#include <stdlib.h>

/* A stream keeps a day, and shards roll over every few hours. */
enum { MOST_GENERATIONS = 256 };

void ht_lineage_finish(struct ht_lineage *lineage)
{
    for (size_t i = 0; i < lineage->count; i++) {
        HT_ASSERT(lineage->shards[i]->reader == NULL);
        free(lineage->shards[i]);
    }
    free(lineage->shards);
    *lineage = (struct ht_lineage){0};
}

/* Where a shard of this id is or belongs. */
static size_t place_of(const struct ht_lineage *lineage, struct ht_slice id)
{
    size_t low = 0, high = lineage->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ht_slice_compare(ht_slice_text(lineage->shards[middle]->id), id) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct ht_change_shard *ht_lineage_find(const struct ht_lineage *lineage, struct ht_slice id)
{
    size_t place = place_of(lineage, id);
    if (place < lineage->count && ht_slice_equal(ht_slice_text(lineage->shards[place]->id), id)) {
        return lineage->shards[place];
    }
    return NULL;
}

static bool make_room(struct ht_lineage *lineage)
{
    if (lineage->count < lineage->capacity) {
        return true;
    }
    size_t capacity = lineage->capacity == 0 ? 16 : lineage->capacity * 2;
    struct ht_change_shard **grown =
        realloc(lineage->shards, capacity * sizeof(struct ht_change_shard *));
    if (grown == NULL) {
        return false;
    }
    lineage->shards = grown;
    lineage->capacity = capacity;
    return true;
}

static struct ht_change_shard *insert(struct ht_lineage *lineage, struct ht_slice id,
                                      struct ht_slice parent_id)
{
    struct ht_change_shard *shard = NULL;
    if (id.length == 0 || id.length >= HT_SHARD_ID_BYTES || parent_id.length >= HT_SHARD_ID_BYTES ||
        lineage->count >= HT_LINEAGE_MAX || !make_room(lineage)) {
        return NULL;
    }
    shard = calloc(1, sizeof(*shard));
    if (shard == NULL) {
        return NULL;
    }
    memcpy(shard->id, id.data, id.length);
    memcpy(shard->parent_id, parent_id.data, parent_id.length);
    size_t place = place_of(lineage, id);
    memmove(&lineage->shards[place + 1], &lineage->shards[place],
            (lineage->count - place) * sizeof(struct ht_change_shard *));
    lineage->shards[place] = shard;
    lineage->count++;
    return shard;
}

static struct ht_change_shard *parent_of(const struct ht_lineage *lineage,
                                         const struct ht_change_shard *shard)
{
    return shard->parent_id[0] == '\0' ? NULL
                                       : ht_lineage_find(lineage, ht_slice_text(shard->parent_id));
}

struct ht_change_shard *ht_lineage_add(struct ht_lineage *lineage, struct ht_slice id,
                                       struct ht_slice parent_id, bool *is_new)
{
    struct ht_change_shard *shard = ht_lineage_find(lineage, id);
    bool is_unknown = shard == NULL;
    if (is_unknown) {
        shard = insert(lineage, id, parent_id);
    }
    if (shard != NULL) {
        if (shard->parent_id[0] == '\0' && parent_id.length < HT_SHARD_ID_BYTES) {
            memcpy(shard->parent_id, parent_id.data,
                   parent_id.length); /* known by its row so far */
        }
        shard->listing = lineage->listing;
        shard->is_settled = shard->is_settled || parent_of(lineage, shard) != NULL;
    }
    if (is_new != NULL) {
        *is_new = is_unknown && shard != NULL;
    }
    return shard;
}

void ht_lineage_begin_listing(struct ht_lineage *lineage)
{
    lineage->listing++;
}

void ht_lineage_end_listing(struct ht_lineage *lineage)
{
    for (size_t i = 0; i < lineage->count; i++) {
        lineage->shards[i]->is_settled = true;
    }
}

bool ht_lineage_is_listed(const struct ht_lineage *lineage, const struct ht_change_shard *shard)
{
    return shard->listing == lineage->listing;
}

bool ht_lineage_is_gone(const struct ht_lineage *lineage, const struct ht_change_shard *shard)
{
    return lineage->listing - shard->listing >= 2;
}

bool ht_lineage_is_ready(const struct ht_lineage *lineage, const struct ht_change_shard *shard)
{
    if (shard->state != HT_CHANGE_SHARD_WAITING || !shard->is_settled) {
        return false;
    }
    /* all of them: rows can say that a parent ended while those of its own parents do not yet */
    const struct ht_change_shard *at = parent_of(lineage, shard);
    for (size_t i = 0; at != NULL && at != shard && i < MOST_GENERATIONS; i++) {
        if (at->state != HT_CHANGE_SHARD_ENDED) {
            return false;
        }
        at = parent_of(lineage, at);
    }
    return true;
}

bool ht_lineage_has_child(const struct ht_lineage *lineage, const struct ht_change_shard *shard)
{
    for (size_t i = 0; i < lineage->count; i++) {
        if (strcmp(lineage->shards[i]->parent_id, shard->id) == 0) {
            return true;
        }
    }
    return false;
}

void ht_lineage_remove(struct ht_lineage *lineage, struct ht_change_shard *shard)
{
    size_t place = place_of(lineage, ht_slice_text(shard->id));
    HT_ASSERT(place < lineage->count && lineage->shards[place] == shard && shard->reader == NULL);
    lineage->count--;
    memmove(&lineage->shards[place], &lineage->shards[place + 1],
            (lineage->count - place) * sizeof(struct ht_change_shard *));
    free(shard);
}
