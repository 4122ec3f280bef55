// SPDX-License-Identifier: MIT
#include "dynamodb_pace.h"

void ht_dynamodb_pace_init(struct ht_dynamodb_pace *pace)
{
    *pace = (struct ht_dynamodb_pace){.window = HT_PACE_FIRST};
}

unsigned ht_dynamodb_pace_window(const struct ht_dynamodb_pace *pace)
{
    return (unsigned)pace->window;
}

void ht_dynamodb_pace_grow(struct ht_dynamodb_pace *pace)
{
    pace->window += pace->was_cut ? 1 / pace->window : 1;
    if (pace->window > HT_PACE_MOST) {
        pace->window = HT_PACE_MOST;
    }
}

void ht_dynamodb_pace_cut(struct ht_dynamodb_pace *pace, uint64_t now_ms)
{
    if (pace->was_cut && now_ms - pace->cut_ms < HT_PACE_CUT_MS) {
        return;
    }
    pace->was_cut = true;
    pace->cut_ms = now_ms;
    pace->window *= 0.7;
    if (pace->window < HT_PACE_LEAST) {
        pace->window = HT_PACE_LEAST;
    }
}
