// SPDX-License-Identifier: MIT
#pragma once

/**
 * A cursor over a room of fixed size. All that is written comes from tables of known
 * size, so passing the end would be our own mistake.
 */

#include "hashtagd/base/assert.h"
#include "hashtagd/base/slice.h"

#include <stdint.h>

struct ht_synthetic_writer {
    char *at;  /**< where the next byte goes */
    char *end; /**< behind the last byte of the room */
};

/** Copies `length` bytes. */
static inline void ht_synthetic_put(struct ht_synthetic_writer *writer, const void *data,
                                    size_t length)
{
    HT_ASSERT(length <= (size_t)(writer->end - writer->at));
    memcpy(writer->at, data, length);
    writer->at += length;
}

/** Copies a string literal. */
#define HT_SYNTHETIC_PUT(writer, literal) ht_synthetic_put((writer), (literal), sizeof(literal) - 1)

/** Copies a slice. */
static inline void ht_synthetic_put_slice(struct ht_synthetic_writer *writer, struct ht_slice slice)
{
    ht_synthetic_put(writer, slice.data, slice.length);
}

/** Writes a decimal number. */
static inline void ht_synthetic_put_u64(struct ht_synthetic_writer *writer, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    ht_synthetic_put(writer, digits + at, sizeof(digits) - at);
}

/** Writes `count` decimal digits, with zeros in front. */
static inline void ht_synthetic_put_digits(struct ht_synthetic_writer *writer, unsigned value,
                                           unsigned count)
{
    char digits[10];
    HT_ASSERT(count <= sizeof(digits));
    for (unsigned i = count; i > 0; i--) {
        digits[i - 1] = (char)('0' + value % 10);
        value /= 10;
    }
    ht_synthetic_put(writer, digits, count);
}
