// SPDX-License-Identifier: MIT
#include "pending_generation.h"

#include "hashtagd/base/assert.h"

#include <stdlib.h>

/* What a cleared array keeps at most. */
#define KEPT_BYTES ((size_t)4 << 20)

static uint64_t hash_of_tag(const void *owner, uint32_t tag);
static uint32_t find_hashed(const struct ht_pending_generation *generation, struct ht_slice tag,
                            uint64_t hash);
static int make_tag(struct ht_pending_generation *generation, struct ht_slice tag, uint64_t hash,
                    uint32_t *number);
static uint32_t find_share(const struct ht_pending_generation *generation, uint32_t tag,
                           uint32_t shard);
static uint32_t make_share(struct ht_pending_generation *generation, uint32_t tag,
                           const struct ht_pending_sum *sum);
static void add_minute(struct ht_pending_generation *generation, struct ht_pending_sum *share,
                       struct ht_pending_minute minute);
static void add_occurrence(struct ht_pending_generation *generation, struct ht_pending_sum *share,
                           struct ht_pending_occurrence occurrence);
static void clear_array(struct ht_pending_array *array);

void ht_pending_generation_init(struct ht_pending_generation *generation,
                                const struct ht_hash_key *key, bool keeps_occurrences)
{
    *generation = (struct ht_pending_generation){
        .key = key,
        .keeps_occurrences = keeps_occurrences,
        .occurrences = {.item_bytes = sizeof(struct ht_pending_occurrence)},
        .index = {.hash_of = hash_of_tag, .owner = generation},
        .tags = {.item_bytes = sizeof(struct ht_pending_tag)},
        .shares = {.item_bytes = sizeof(struct ht_pending_sum)},
        .minutes = {.item_bytes = sizeof(struct ht_pending_minute)},
        .positions = {.item_bytes = sizeof(struct ht_pending_position)},
        .digits = {.item_bytes = 1},
    };
}

int ht_pending_generation_add(struct ht_pending_generation *generation, struct ht_slice tag,
                              const struct ht_pending_sum *sum,
                              const struct ht_pending_minute *minutes, size_t minute_count)
{
    uint64_t hash = ht_hash_bytes(generation->key, tag);
    uint32_t number = find_hashed(generation, tag, hash);
    bool occurs = generation->keeps_occurrences && sum->first_position == sum->last_position;
    if (ht_pending_array_reserve(&generation->shares, 1) != 0 ||
        (occurs && ht_pending_array_reserve(&generation->occurrences, 1) != 0) ||
        ht_pending_array_reserve(&generation->minutes, minute_count) != 0) {
        return HT_ENOMEM;
    }
    if (number == HT_PENDING_NONE) {
        int status = make_tag(generation, tag, hash, &number);
        if (status != 0) {
            return status;
        }
    }
    uint32_t at = find_share(generation, number, sum->shard);
    if (at == HT_PENDING_NONE) {
        at = make_share(generation, number, sum);
    }
    struct ht_pending_sum *share = ht_pending_sum_at(generation, at);
    share->count += sum->count;
    share->last_position = sum->last_position;
    if (sum->first_seen_s < share->first_seen_s) {
        share->first_seen_s = sum->first_seen_s;
    }
    if (sum->last_seen_s > share->last_seen_s) {
        share->last_seen_s = sum->last_seen_s;
    }
    for (size_t i = 0; i < minute_count; i++) {
        add_minute(generation, share, minutes[i]);
    }
    if (occurs) {
        add_occurrence(generation, share,
                       (struct ht_pending_occurrence){.position = sum->last_position,
                                                      .count = (uint32_t)sum->count});
    }
    return 0;
}

void ht_pending_generation_occur(struct ht_pending_generation *generation, struct ht_slice tag,
                                 uint32_t shard, struct ht_pending_occurrence occurrence)
{
    uint32_t number = ht_pending_generation_find(generation, tag);
    HT_ASSERT(number != HT_PENDING_NONE);
    uint32_t at = find_share(generation, number, shard);
    HT_ASSERT(at != HT_PENDING_NONE);
    add_occurrence(generation, ht_pending_sum_at(generation, at), occurrence);
}

int ht_pending_generation_note(struct ht_pending_generation *generation, struct ht_slice sequence,
                               uint64_t sub_sequence, uint32_t *position)
{
    if (ht_pending_array_reserve(&generation->positions, 1) != 0 ||
        ht_pending_array_reserve(&generation->digits, sequence.length) != 0) {
        return HT_ENOMEM;
    }
    *position = (uint32_t)generation->positions.count++;
    *ht_pending_position_at(generation, *position) =
        (struct ht_pending_position){generation->digits.count, sequence.length, sub_sequence};
    memcpy((char *)generation->digits.items + generation->digits.count, sequence.data,
           sequence.length);
    generation->digits.count += sequence.length;
    return 0;
}

uint32_t ht_pending_generation_find(const struct ht_pending_generation *generation,
                                    struct ht_slice tag)
{
    return find_hashed(generation, tag, ht_hash_bytes(generation->key, tag));
}

uint64_t ht_pending_generation_count(const struct ht_pending_generation *generation,
                                     struct ht_slice tag)
{
    uint64_t count = 0;
    uint32_t number = ht_pending_generation_find(generation, tag);
    uint32_t at = number == HT_PENDING_NONE ? HT_PENDING_NONE
                                            : ht_pending_tag_at(generation, number)->first_share;
    for (; at != HT_PENDING_NONE; at = ht_pending_sum_at(generation, at)->next) {
        count += ht_pending_sum_at(generation, at)->count;
    }
    return count;
}

uint64_t ht_pending_generation_remove(struct ht_pending_generation *generation, struct ht_slice tag)
{
    uint64_t hash = ht_hash_bytes(generation->key, tag);
    uint32_t number = find_hashed(generation, tag, hash);
    if (number == HT_PENDING_NONE) {
        return 0;
    }
    uint64_t removed = 0;
    for (uint32_t at = ht_pending_tag_at(generation, number)->first_share; at != HT_PENDING_NONE;
         at = ht_pending_sum_at(generation, at)->next) {
        removed += ht_pending_sum_at(generation, at)->count;
        ht_pending_sum_at(generation, at)->count = 0;
    }
    /* Its text and numbers stay until the generation is cleared. */
    ht_tag_index_remove(&generation->index, hash, number);
    return removed;
}

size_t ht_pending_generation_used_bytes(const struct ht_pending_generation *generation)
{
    return generation->text_bytes + generation->tags.count * generation->tags.item_bytes +
           generation->tags.count * 2 * HT_TAG_INDEX_PLACE_BYTES +
           generation->shares.count * generation->shares.item_bytes +
           generation->minutes.count * generation->minutes.item_bytes +
           generation->positions.count * generation->positions.item_bytes +
           generation->occurrences.count * generation->occurrences.item_bytes +
           generation->digits.count;
}

void ht_pending_generation_clear(struct ht_pending_generation *generation)
{
    ht_tag_texts_finish(&generation->texts);
    if (ht_tag_index_memory_bytes(&generation->index) > KEPT_BYTES) {
        ht_tag_index_finish(&generation->index);
    } else if (generation->tags.count > 0) {
        ht_tag_index_clear(&generation->index);
    }
    clear_array(&generation->tags);
    clear_array(&generation->shares);
    clear_array(&generation->minutes);
    clear_array(&generation->positions);
    clear_array(&generation->digits);
    clear_array(&generation->occurrences);
    generation->text_bytes = 0;
}

void ht_pending_generation_finish(struct ht_pending_generation *generation)
{
    ht_tag_texts_finish(&generation->texts);
    ht_tag_index_finish(&generation->index);
    free(generation->tags.items);
    free(generation->shares.items);
    free(generation->minutes.items);
    free(generation->positions.items);
    free(generation->digits.items);
    free(generation->occurrences.items);
    *generation = (struct ht_pending_generation){0};
}

int ht_pending_array_reserve(struct ht_pending_array *array, size_t count)
{
    /* Numbers of items have 32 bits; digits are named by size_t but need no more either. */
    if (count > HT_PENDING_NONE - array->count) {
        return HT_ENOMEM;
    }
    if (array->count + count <= array->capacity) {
        return 0;
    }
    size_t capacity = array->capacity + array->capacity / 2 + 64;
    capacity = capacity < array->count + count ? array->count + count : capacity;
    void *items = realloc(array->items, capacity * array->item_bytes);
    if (items == NULL) {
        return HT_ENOMEM;
    }
    array->items = items;
    array->capacity = capacity;
    return 0;
}

static uint64_t hash_of_tag(const void *owner, uint32_t tag)
{
    const struct ht_pending_generation *generation = owner;
    return ht_hash_bytes(generation->key, ht_pending_text(generation, tag));
}

static uint32_t find_hashed(const struct ht_pending_generation *generation, struct ht_slice tag,
                            uint64_t hash)
{
    struct ht_tag_index_probe probe = ht_tag_index_probe(&generation->index, hash);
    uint32_t number;
    do {
        number = ht_tag_index_next(&probe);
    } while (number != HT_TAG_INDEX_NO_SLOT &&
             !ht_slice_equal(ht_pending_text(generation, number), tag));
    return number == HT_TAG_INDEX_NO_SLOT ? HT_PENDING_NONE : number;
}

static int make_tag(struct ht_pending_generation *generation, struct ht_slice tag, uint64_t hash,
                    uint32_t *number)
{
    uint64_t place;
    if (ht_pending_array_reserve(&generation->tags, 1) != 0 ||
        ht_tag_index_make_room(&generation->index, hash) != 0 ||
        ht_tag_texts_append(&generation->texts, tag, &place) != 0) {
        return HT_ENOMEM;
    }
    *number = (uint32_t)generation->tags.count++;
    *ht_pending_tag_at(generation, *number) =
        (struct ht_pending_tag){.place = place, .first_share = HT_PENDING_NONE};
    ht_tag_index_insert(&generation->index, hash, *number);
    generation->text_bytes += tag.length + 2;
    return 0;
}

static uint32_t find_share(const struct ht_pending_generation *generation, uint32_t tag,
                           uint32_t shard)
{
    uint32_t at = ht_pending_tag_at(generation, tag)->first_share;
    while (at != HT_PENDING_NONE && (ht_pending_sum_at(generation, at)->shard != shard ||
                                     ht_pending_sum_at(generation, at)->count == 0)) {
        at = ht_pending_sum_at(generation, at)->next;
    }
    return at;
}

/* Room was made. */
static uint32_t make_share(struct ht_pending_generation *generation, uint32_t tag,
                           const struct ht_pending_sum *sum)
{
    uint32_t at = (uint32_t)generation->shares.count++;
    struct ht_pending_sum *share = ht_pending_sum_at(generation, at);
    struct ht_pending_tag *of = ht_pending_tag_at(generation, tag);
    *share = *sum;
    share->count = 0;
    share->tag = tag;
    share->first_minute = HT_PENDING_NONE;
    share->last_minute = HT_PENDING_NONE;
    share->last_occurrence = HT_PENDING_NONE;
    share->next = of->first_share;
    of->first_share = at;
    return at;
}

/* Room was made. Minutes mostly come in order, so the last one is looked at first. */
static void add_minute(struct ht_pending_generation *generation, struct ht_pending_sum *share,
                       struct ht_pending_minute minute)
{
    uint32_t at = share->last_minute;
    if (at != HT_PENDING_NONE && ht_pending_minute_at(generation, at)->minute != minute.minute) {
        at = share->first_minute;
        while (at != HT_PENDING_NONE &&
               ht_pending_minute_at(generation, at)->minute != minute.minute) {
            at = ht_pending_minute_at(generation, at)->next;
        }
    }
    if (at != HT_PENDING_NONE) {
        ht_pending_minute_at(generation, at)->count += minute.count;
        return;
    }
    at = (uint32_t)generation->minutes.count++;
    minute.next = HT_PENDING_NONE;
    *ht_pending_minute_at(generation, at) = minute;
    if (share->last_minute == HT_PENDING_NONE) {
        share->first_minute = at;
    } else {
        ht_pending_minute_at(generation, share->last_minute)->next = at;
    }
    share->last_minute = at;
}

/* Room was made. */
static void add_occurrence(struct ht_pending_generation *generation, struct ht_pending_sum *share,
                           struct ht_pending_occurrence occurrence)
{
    if (share->last_occurrence != HT_PENDING_NONE) {
        struct ht_pending_occurrence *last =
            ht_pending_occurrence_at(generation, share->last_occurrence);
        if (last->position == occurrence.position && occurrence.count <= UINT32_MAX - last->count) {
            last->count += occurrence.count;
            return;
        }
    }
    uint32_t at = (uint32_t)generation->occurrences.count++;
    occurrence.previous = share->last_occurrence;
    *ht_pending_occurrence_at(generation, at) = occurrence;
    share->last_occurrence = at;
}

static void clear_array(struct ht_pending_array *array)
{
    array->count = 0;
    if (array->capacity * array->item_bytes > KEPT_BYTES) {
        free(array->items);
        array->items = NULL;
        array->capacity = 0;
    }
}
