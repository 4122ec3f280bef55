// SPDX-License-Identifier: MIT
#pragma once

/**
 * Unsigned LEB128: seven bits a byte, lowest first, the top bit says that more follow.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The most bytes that 64 bits take. */
#define HT_VARINT_MAX_BYTES 10

/** Writes `value` at `out` (room for HT_VARINT_MAX_BYTES); returns the bytes used. */
static inline size_t ht_varint_put(unsigned char *out, uint64_t value)
{
    size_t length = 0;
    for (; value >= 0x80; value >>= 7) {
        out[length++] = (unsigned char)(value | 0x80);
    }
    out[length++] = (unsigned char)value;
    return length;
}

/** Reads one that was written by ht_varint_put in this process. */
static inline uint64_t ht_varint_get(const unsigned char **at)
{
    uint64_t value = *(*at)++;
    if (value < 0x80) {
        return value;
    }
    value &= 0x7f;
    for (int shift = 7; shift < 64; shift += 7) {
        uint64_t byte = *(*at)++;
        value |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
            break;
        }
    }
    return value;
}

/** Reads one from bytes of unknown origin, up to `end`; false where it is cut off or too large. */
static inline bool ht_varint_read(const unsigned char **at, const unsigned char *end,
                                  uint64_t *value)
{
    *value = 0;
    for (int shift = 0; shift < 64 && *at < end; shift += 7) {
        uint64_t byte = *(*at)++;
        if (shift == 63 && byte > 1) {
            return false;
        }
        *value |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
            return true;
        }
    }
    return false;
}
