// SPDX-License-Identifier: MIT
#include "hashtagd/base/rate.h"

#include <string.h>

enum { SLOTS = HT_RATE_SECONDS + 1 };

/* Empties the counters of the seconds that passed since the newest one. */
static void move_on(struct ht_rate *rate, uint64_t second)
{
    if (second <= rate->second) {
        return;
    }
    if (second - rate->second >= SLOTS) {
        memset(rate->counts, 0, sizeof(rate->counts));
    } else {
        for (uint64_t passed = rate->second + 1; passed <= second; passed++) {
            rate->counts[passed % SLOTS] = 0;
        }
    }
    rate->second = second;
}

void ht_rate_add(struct ht_rate *rate, uint64_t now_monotonic_ms, uint64_t count)
{
    uint64_t second = now_monotonic_ms / 1000;
    move_on(rate, second);
    if (rate->total == 0) {
        rate->first_second = second;
    }
    rate->counts[rate->second % SLOTS] += count;
    rate->total += count;
}

double ht_rate_per_second(struct ht_rate *rate, uint64_t now_monotonic_ms)
{
    uint64_t second = now_monotonic_ms / 1000;
    move_on(rate, second);
    uint64_t whole = rate->second - rate->first_second;
    whole = whole > HT_RATE_SECONDS ? HT_RATE_SECONDS : whole;
    if (rate->total == 0) {
        return 0;
    }
    if (whole == 0) {
        return (double)rate->counts[rate->second % SLOTS];
    }
    uint64_t sum = 0;
    for (uint64_t back = 1; back <= whole; back++) {
        sum += rate->counts[(rate->second - back) % SLOTS];
    }
    return (double)sum / (double)whole;
}
