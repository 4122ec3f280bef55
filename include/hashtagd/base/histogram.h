// SPDX-License-Identifier: MIT
#pragma once

/**
 * A histogram of durations with fixed borders, as Prometheus wants it: from 100
 * microseconds to 100 seconds, three borders a decade (HT_HISTOGRAM_BORDERS).
 * Plain memory, zeroed is empty. One thread.
 */

#include <stdint.h>

/** Upper borders in nanoseconds, the last bucket has none: 100 us, 250 us, 500 us, 1 ms ... 100 s. */
#define HT_HISTOGRAM_BORDERS                                                                       \
    {                                                                                              \
        100000ull, 250000ull, 500000ull, 1000000ull, 2500000ull, 5000000ull, 10000000ull,          \
            25000000ull, 50000000ull, 100000000ull, 250000000ull, 500000000ull, 1000000000ull,     \
            2500000000ull, 5000000000ull, 10000000000ull, 30000000000ull, 100000000000ull          \
    }

/** How many borders there are. */
#define HT_HISTOGRAM_BORDER_COUNT 18

struct ht_histogram {
    uint64_t buckets[HT_HISTOGRAM_BORDER_COUNT + 1]; /**< not cumulative; the last is +Inf */
    uint64_t count;                                  /**< observations */
    uint64_t sum_ns;                                 /**< their sum */
    uint64_t max_ns;                                 /**< the largest ever */
};

/** Adds one observation. */
void ht_histogram_add(struct ht_histogram *histogram, uint64_t ns);

/** The border below which `quantile` (0 to 1) of the observations lie; 0 where there are none. */
uint64_t ht_histogram_quantile_ns(const struct ht_histogram *histogram, double quantile);

/** The borders, HT_HISTOGRAM_BORDER_COUNT of them, in nanoseconds. Static. */
const uint64_t *ht_histogram_borders(void);
