// SPDX-License-Identifier: MIT
#pragma once

/**
 * Hashing for tables whose keys come from outside: SipHash-1-3 (Aumasson and
 * Bernstein, "SipHash: a fast short-input PRF", 2012) under a secret key, so that
 * nobody can choose keys that all fall into one bucket.
 */

#include "hashtagd/base/slice.h"

#include <stdint.h>

/** The secret of one table; fill it with ht_random_secret(), or with constants in tests. */
struct ht_hash_key {
    uint64_t k0, k1; /**< the halves of a SipHash key */
};

/** 64 well-mixed bits of `slice` under `key`. */
uint64_t ht_hash_bytes(const struct ht_hash_key *key, struct ht_slice slice);

/** CRC-32C (Castagnoli, RFC 3720 appendix B.4) of the bytes, going on from `crc` (0 to begin). Uses
 * the processor's instruction where there is one. */
uint32_t ht_hash_crc32c(uint32_t crc, const void *data, size_t length);
