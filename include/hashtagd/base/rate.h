// SPDX-License-Identifier: MIT
#pragma once

/**
 * How many things a second, over the last ten whole seconds: what a person wants to
 * see on a dashboard. A ring of one-second counters; no timers. Plain memory, zeroed
 * is empty. One thread.
 */

#include <stdint.h>

/** Seconds that the rate looks back. */
#define HT_RATE_SECONDS 10

struct ht_rate {
    uint64_t counts[HT_RATE_SECONDS + 1]; /**< by second, the running one included */
    uint64_t second;                      /**< monotonic second of the newest counter */
    uint64_t first_second;                /**< second of the first add; 0 where none came yet */
    uint64_t total;                       /**< all that was ever added */
};

/** Adds `count` things that happened now. */
void ht_rate_add(struct ht_rate *rate, uint64_t now_monotonic_ms, uint64_t count);

/** Things a second over the last HT_RATE_SECONDS whole seconds (fewer right after the start). */
double ht_rate_per_second(struct ht_rate *rate, uint64_t now_monotonic_ms);
