// SPDX-License-Identifier: MIT
#pragma once

/**
 * How many requests may be on their way at once: more while the table keeps up, less when it
 * throttles. Doubles with each round of answers until the first throttle, then grows by one a
 * round and is cut by 30 % (additive increase, multiplicative decrease: Chiu and Jain, 1989). A
 * burst of throttles is one cut. Pure.
 */

#include <stdbool.h>
#include <stdint.h>

enum {
    HT_PACE_LEAST = 8,
    HT_PACE_FIRST = 32,
    HT_PACE_MOST = 64,    /* all answers may come in one turn of the loop: 40 us each */
    HT_PACE_CUT_MS = 100, /* no second cut within */
};

struct ht_dynamodb_pace {
    double window; /**< HT_PACE_LEAST .. HT_PACE_MOST */
    bool was_cut;
    uint64_t cut_ms;
};

/** Begins at HT_PACE_FIRST. */
void ht_dynamodb_pace_init(struct ht_dynamodb_pace *pace);

/** How many at once. */
unsigned ht_dynamodb_pace_window(const struct ht_dynamodb_pace *pace);

/** A request was answered well. */
void ht_dynamodb_pace_grow(struct ht_dynamodb_pace *pace);

/** A request was throttled, or broke, at this monotonic time. */
void ht_dynamodb_pace_cut(struct ht_dynamodb_pace *pace, uint64_t now_ms);
