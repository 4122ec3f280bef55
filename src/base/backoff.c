// SPDX-License-Identifier: MIT
#include "hashtagd/base/backoff.h"

uint64_t ht_backoff_ms(const struct ht_backoff *backoff, unsigned attempt, struct ht_random *random)
{
    uint64_t limit_ms = backoff->base_ms;
    for (unsigned i = 1; i < attempt && limit_ms < backoff->max_ms; i++) {
        limit_ms *= 2;
    }
    if (limit_ms > backoff->max_ms) {
        limit_ms = backoff->max_ms;
    }
    return limit_ms / 2 + ht_random_below(random, limit_ms - limit_ms / 2 + 1);
}
