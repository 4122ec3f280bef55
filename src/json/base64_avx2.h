// SPDX-License-Identifier: MIT
#pragma once

/** Base64 with AVX2. Private to json/; only where HT_SCAN_AVX2 is defined and the processor has
 * it. */

#include <stddef.h>
#include <stdint.h>

/** Decodes pieces of 32 characters at `in` (`left` characters, all that there are; may be the memory
 * of `out`) to 24 bytes each at `out`. Returns how many characters it took: it leaves at least 12,
 * and everything from a piece on that has another character than the alphabet's. */
size_t ht_base64_decode_avx2(const uint8_t *in, size_t left, uint8_t *out);
