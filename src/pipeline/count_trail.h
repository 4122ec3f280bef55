// SPDX-License-Identifier: MIT
#pragma once

/**
 * Where a shard was some time ago: a few places, each a share of the repeat window behind the one
 * before, so that a checkpoint can name a record from which reading fills the window again.
 */

#include "hashtagd/pipeline/position.h"

#include <stddef.h>

enum { HT_COUNT_TRAIL_PLACES = 16 };

struct ht_count_trail {
    /* fixed */
    size_t window; /* ids */
    /* state */
    uint64_t ids; /* remembered so far */
    struct ht_count_trail_place {
        uint64_t ids; /* remembered when it was left */
        char sequence_number[HT_SEQUENCE_BYTES];
    } places[HT_COUNT_TRAIL_PLACES]; /* a ring */
    size_t oldest, count;
};

/** Forgets all. */
void ht_count_trail_init(struct ht_count_trail *trail, size_t window);

/** An id was remembered, of the record with this sequence number. */
void ht_count_trail_note(struct ht_count_trail *trail, struct ht_slice sequence_number);

/** The youngest place that is one and a half windows back, else the oldest that is known; empty
 * where none is. Lives until the next note. */
const char *ht_count_trail_find(const struct ht_count_trail *trail);
