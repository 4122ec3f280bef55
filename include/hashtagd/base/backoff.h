// SPDX-License-Identifier: MIT
#pragma once

/**
 * How long to wait before the next try: exponential with equal jitter (AWS
 * Architecture Blog, "Exponential Backoff And Jitter", 2015). A pure decision: it
 * gets the attempt and a random number and returns milliseconds.
 */

#include "hashtagd/base/random.h"

#include <stdint.h>

struct ht_backoff {
    uint64_t base_ms; /**< the first wait is at most this */
    uint64_t max_ms;  /**< no wait is longer */
};

/** Milliseconds before try number `attempt` + 1, where `attempt` (1 and up) tries have failed:
 * between half of and the whole of min(max, base * 2^(attempt-1)). */
uint64_t ht_backoff_ms(const struct ht_backoff *backoff, unsigned attempt,
                       struct ht_random *random);
