// SPDX-License-Identifier: MIT
#pragma once

/** The masks of reader_masks.h in portable C. */

#include "reader_masks.h"

static inline uint64_t mask_of(const char *block, char wanted)
{
    uint64_t mask = 0;
    for (unsigned i = 0; i < 64; i++) {
        mask |= (uint64_t)(block[i] == wanted) << i;
    }
    return mask;
}

static inline void classify(const char *block, struct ht_scan_bytes *bytes)
{
    *bytes = (struct ht_scan_bytes){0};
    for (unsigned i = 0; i < 64; i++) {
        unsigned char byte = (unsigned char)block[i];
        bytes->control |= (uint64_t)(byte < 0x20) << i;
        bytes->high |= (uint64_t)(byte >> 7) << i;
        bytes->digit |= (uint64_t)(byte >= '0' && byte <= '9') << i;
    }
    bytes->zero = mask_of(block, '0');
    bytes->quote = mask_of(block, '"');
    bytes->backslash = mask_of(block, '\\');
    bytes->open = mask_of(block, '{') | mask_of(block, '[');
    bytes->close = mask_of(block, '}') | mask_of(block, ']');
    bytes->colon = mask_of(block, ':');
    bytes->comma = mask_of(block, ',');
    bytes->space =
        mask_of(block, ' ') | mask_of(block, '\t') | mask_of(block, '\n') | mask_of(block, '\r');
}

static inline void classify_escapes(const char *block, struct ht_scan_escapes *escapes)
{
    *escapes = (struct ht_scan_escapes){0};
    for (const char *wanted = "\"\\/bfnrt"; *wanted != '\0'; wanted++) {
        escapes->plain |= mask_of(block, *wanted);
    }
    for (unsigned i = 0; i < 64; i++) {
        unsigned char byte = (unsigned char)block[i];
        bool octal = byte >= '0' && byte <= '7';
        bool letter = (byte | 0x20) >= 'a' && (byte | 0x20) <= 'f';
        escapes->octal |= (uint64_t)octal << i;
        escapes->hex |= (uint64_t)(octal || letter || byte == '8' || byte == '9') << i;
    }
    escapes->u = mask_of(block, 'u');
    escapes->d = mask_of(block, 'd') | mask_of(block, 'D');
}

static inline uint64_t prefix_parity(uint64_t bits)
{
    for (unsigned shift = 1; shift < 64; shift *= 2) {
        bits ^= bits << shift;
    }
    return bits;
}

static inline bool is_utf8(const char *block)
{
    (void)block;
    return false;
}

#define HAS_FAST_UTF8 0
