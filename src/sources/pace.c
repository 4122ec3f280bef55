// SPDX-License-Identifier: MIT
#include "pace.h"

#define ONE         1000000000u /* a whole message of credit */
#define CATCH_UP_NS ((uint64_t)HT_PACE_CATCH_UP_MS * 1000000u)

enum { MAX_TICK_MS = 100 };

void ht_pace_start(struct ht_pace *pace, uint64_t now_ns)
{
    pace->last_ns = now_ns;
    pace->credit = 0;
}

uint64_t ht_pace_due(struct ht_pace *pace, uint64_t now_ns)
{
    if (pace->rate == 0) {
        return UINT64_MAX;
    }
    uint64_t passed_ns = now_ns - pace->last_ns;
    uint64_t most = CATCH_UP_NS * pace->rate;
    most = most < ONE ? ONE : most;
    /* The time that one message takes must not be cut: slow rates would stand still. */
    uint64_t longest_ns = most / pace->rate + 1;
    pace->credit += (passed_ns < longest_ns ? passed_ns : longest_ns) * pace->rate;
    pace->credit = pace->credit < most ? pace->credit : most;
    pace->last_ns = now_ns;
    return pace->credit / ONE;
}

void ht_pace_take(struct ht_pace *pace, uint64_t count)
{
    if (pace->rate > 0) {
        pace->credit -= count * ONE;
    }
}

uint64_t ht_pace_tick_ms(const struct ht_pace *pace)
{
    if (pace->rate == 0) {
        return 0;
    }
    uint64_t one_ms = 1000 / pace->rate;
    if (one_ms > MAX_TICK_MS) {
        return MAX_TICK_MS;
    }
    return one_ms > HT_PACE_TICK_MS ? one_ms : HT_PACE_TICK_MS;
}
