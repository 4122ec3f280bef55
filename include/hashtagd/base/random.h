// SPDX-License-Identifier: MIT
#pragma once

/**
 * Random numbers for jitter, sampling and synthetic data: xoshiro256** (Blackman and
 * Vigna, "Scrambled Linear Pseudorandom Number Generators", 2018), seeded through
 * SplitMix64. The same seed gives the same numbers everywhere. Not for secrets: those
 * come from ht_random_secret().
 */

#include "hashtagd/base/error.h"

#include <stddef.h>
#include <stdint.h>

/** The generator's state; plain memory, may be copied. */
struct ht_random {
    uint64_t state[4]; /**< never all zero */
};

/** Starts the sequence that belongs to `seed`. */
void ht_random_init(struct ht_random *random, uint64_t seed);

/** The next 64 bits. */
uint64_t ht_random_u64(struct ht_random *random);

/** A number in 0 .. bound-1, all equally likely; 0 where bound is 0. */
uint64_t ht_random_below(struct ht_random *random, uint64_t bound);

/** A number in [0, 1). */
double ht_random_unit(struct ht_random *random);

/** Fills `data` with bytes from the operating system, fit for secrets and hash keys.
 * 0 or HT_EIO. */
int ht_random_secret(void *data, size_t length) HT_MUST_CHECK;
