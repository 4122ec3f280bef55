// SPDX-License-Identifier: MIT
#include "mastodon_id.h"

#include <inttypes.h>
#include <stdio.h>

enum { SEQUENCE_BITS = 16 };

/* 2016, when Mastodon began, and 2100: numbers outside are ids of another kind. */
#define FIRST_MS INT64_C(1451606400000)
#define LAST_MS  INT64_C(4102444800000)

static bool is_id_byte(char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= 'a' && byte <= 'z') || byte == '-' || byte == '_';
}

bool ht_mastodon_id_set(struct ht_mastodon_id *id, struct ht_slice text)
{
    if (text.length == 0 || text.length > sizeof(id->text)) {
        return false;
    }
    for (size_t i = 0; i < text.length; i++) {
        if (!is_id_byte(text.data[i])) {
            return false;
        }
    }
    memcpy(id->text, text.data, text.length);
    id->length = text.length;
    return true;
}

struct ht_slice ht_mastodon_id_slice(const struct ht_mastodon_id *id)
{
    return ht_slice_make(id->text, id->length);
}

int ht_mastodon_id_compare(const struct ht_mastodon_id *a, const struct ht_mastodon_id *b)
{
    if (a->length != b->length) {
        return a->length < b->length ? -1 : 1;
    }
    return memcmp(a->text, b->text, a->length);
}

void ht_mastodon_id_advance(struct ht_mastodon_id *id, const struct ht_mastodon_id *other)
{
    if (ht_mastodon_id_compare(id, other) < 0) {
        *id = *other;
    }
}

int64_t ht_mastodon_id_time_ms(const struct ht_mastodon_id *id)
{
    uint64_t number;
    if (ht_slice_to_u64(ht_mastodon_id_slice(id), INT64_MAX, &number) != 0) {
        return -1;
    }
    int64_t time_ms = (int64_t)(number >> SEQUENCE_BITS);
    return time_ms >= FIRST_MS && time_ms < LAST_MS ? time_ms : -1;
}

struct ht_mastodon_id ht_mastodon_id_before(const struct ht_mastodon_id *id, uint64_t ms)
{
    struct ht_mastodon_id before = *id;
    int64_t time_ms = ht_mastodon_id_time_ms(id);
    if (time_ms >= 0 && ms < (uint64_t)time_ms) {
        uint64_t number = ((uint64_t)time_ms - ms) << SEQUENCE_BITS;
        before.length = (size_t)snprintf(before.text, sizeof(before.text), "%" PRIu64, number);
    }
    return before;
}
