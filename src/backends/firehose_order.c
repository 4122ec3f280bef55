// SPDX-License-Identifier: MIT
#include "firehose_order.h"

#include "hashtagd/json/parts.h"

#include <stdlib.h>
#include <string.h>

enum { FEWEST_SLOTS = 64 };

static bool reserve(struct ht_firehose_order *order, size_t more);
static bool take_line(struct ht_slice *record, struct ht_slice *line);
static uint64_t hash_of(const struct ht_firehose_order *order, struct ht_slice line);
static size_t slot_of(const struct ht_firehose_order *order, uint64_t hash);

void ht_firehose_order_clear(struct ht_firehose_order *order)
{
    if (order->count > 0) {
        memset(order->slots, 0, order->capacity * sizeof(*order->slots));
        order->count = 0;
    }
}

bool ht_firehose_order_take(struct ht_firehose_order *order, struct ht_slice record, size_t lines)
{
    struct ht_slice rest = record, line;
    if (!reserve(order, lines)) {
        return false;
    }
    while (order->count > 0 && take_line(&rest, &line)) {
        uint64_t hash = hash_of(order, line);
        if (hash != 0 && order->slots[slot_of(order, hash)] == hash) {
            return false;
        }
    }
    rest = record;
    while (take_line(&rest, &line)) {
        uint64_t hash = hash_of(order, line);
        size_t slot = hash == 0 ? 0 : slot_of(order, hash);
        if (hash != 0 && order->slots[slot] == 0) {
            order->slots[slot] = hash;
            order->count++;
        }
    }
    return true;
}

/* At most half of the slots are used. */
static bool reserve(struct ht_firehose_order *order, size_t more)
{
    size_t capacity = order->capacity == 0 ? FEWEST_SLOTS : order->capacity;
    while (capacity / 2 < order->count + more) {
        capacity *= 2;
    }
    if (capacity == order->capacity) {
        return true;
    }
    struct ht_firehose_order larger = {.capacity = capacity};
    larger.slots = calloc(capacity, sizeof(*larger.slots));
    if (larger.slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < order->capacity; i++) {
        if (order->slots[i] != 0) {
            larger.slots[slot_of(&larger, order->slots[i])] = order->slots[i];
        }
    }
    free(order->slots);
    order->slots = larger.slots;
    order->capacity = capacity;
    return true;
}

static bool take_line(struct ht_slice *record, struct ht_slice *line)
{
    if (record->length == 0) {
        return false;
    }
    const char *end = memchr(record->data, '\n', record->length);
    size_t length = end == NULL ? record->length : (size_t)(end - record->data) + 1;
    *line = ht_slice_make(record->data, length);
    *record = ht_slice_make(record->data + length, record->length - length);
    return true;
}

/* 0 where the line has no hashtag. All lines write the same hashtag in the same way. */
static uint64_t hash_of(const struct ht_firehose_order *order, struct ht_slice line)
{
    struct ht_json_parts parts = ht_json_parts(line);
    struct ht_slice key, value;
    while (ht_json_parts_next(&parts, &key, &value)) {
        if (ht_slice_equal(key, HT_SLICE("hashtag"))) {
            uint64_t hash = ht_hash_bytes(&order->secret, value);
            return hash == 0 ? 1 : hash;
        }
    }
    return 0;
}

/* Where the hash is, or the free slot in which it would be. */
static size_t slot_of(const struct ht_firehose_order *order, uint64_t hash)
{
    size_t slot = (size_t)hash & (order->capacity - 1);
    while (order->slots[slot] != 0 && order->slots[slot] != hash) {
        slot = (slot + 1) & (order->capacity - 1);
    }
    return slot;
}

void ht_firehose_order_finish(struct ht_firehose_order *order)
{
    free(order->slots);
    order->slots = NULL;
    order->count = order->capacity = 0;
}
