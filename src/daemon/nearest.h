// SPDX-License-Identifier: MIT
#pragma once

/**
 * Finds what a person probably meant: the known word that is nearest to a mistyped one, by
 * the number of letters added, left out, changed or swapped (optimal string alignment).
 */

#include "hashtagd/base/slice.h"

#include <stddef.h>

/** Longest word that is compared, in bytes; a longer one is near to nothing. */
#define HT_NEAREST_MAX_BYTES 64

/** The best word so far. Zeroed memory is "none yet". */
struct ht_nearest {
    const char *word; /**< what was given to ht_nearest_offer(); NULL where nothing is near */
    size_t distance;  /**< of `word` */
};

/** Compares `candidate` (kept, not copied) with `word`, A-Z and a-z taken as the same, and keeps it
 * where it is nearer than the best so far and near at all: `word` begins it, or at most a third of
 * the letters of `word`, and always up to two, differ. */
void ht_nearest_offer(struct ht_nearest *nearest, struct ht_slice word, const char *candidate);

/** How many letters differ; HT_NEAREST_MAX_BYTES where either is longer than that. */
size_t ht_nearest_distance(struct ht_slice a, struct ht_slice b);
