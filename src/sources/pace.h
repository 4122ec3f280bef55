// SPDX-License-Identifier: MIT
#pragma once

/**
 * How many messages are due: so many a second, evenly, and without catching up for a
 * time when nothing could be sent. A rate of 0 has no limit.
 */

#include <stdint.h>

/** How far apart the looks should be, in milliseconds, where the rate allows. */
#define HT_PACE_TICK_MS 10

/** A pause is made up for at most this long. */
#define HT_PACE_CATCH_UP_MS 100

struct ht_pace {
    uint64_t rate;    /**< messages a second, at most 10^9; 0: no limit */
    uint64_t last_ns; /**< the time that `credit` stands for */
    uint64_t credit;  /**< messages that are due, times 10^9 */
};

/** Starts, or starts again after a pause: nothing is due yet. */
void ht_pace_start(struct ht_pace *pace, uint64_t now_ns);

/** How many messages may be sent now; UINT64_MAX without a limit. */
uint64_t ht_pace_due(struct ht_pace *pace, uint64_t now_ns);

/** Notes that `count` of those that were due are sent. */
void ht_pace_take(struct ht_pace *pace, uint64_t count);

/** When to look again, in milliseconds from now: 0 without a limit. */
uint64_t ht_pace_tick_ms(const struct ht_pace *pace);
