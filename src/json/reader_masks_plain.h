// SPDX-License-Identifier: MIT
#pragma once

/**
 * The masks of reader_masks.h in portable C: eight bytes at a time in a 64-bit number, the lowest
 * byte first. A comparison leaves its answer in the top bit of each byte; one multiplication
 * collects those eight bits.
 */

#include "reader_masks.h"

#include <endian.h>
#include <string.h>

#define ALL_BYTES(byte) (0x0101010101010101u * (uint64_t)(byte))
#define TOP_BITS        ALL_BYTES(0x80)

/* A block as eight numbers. */
struct words {
    uint64_t at[8];
};

INLINE struct words load_words(const char *block)
{
    struct words words;
    memcpy(words.at, block, sizeof(words.at));
    for (unsigned i = 0; i < 8; i++) {
        words.at[i] = le64toh(words.at[i]);
    }
    return words;
}

/* The top bits of eight bytes, as eight bits. */
INLINE uint64_t collect(uint64_t top_bits)
{
    return (top_bits >> 7) * 0x0102040810204080u >> 56;
}

/* Bytes at least `least` (1 to 0x80), as long as they are below 0x80 themselves. */
INLINE uint64_t low_at_least(uint64_t word, unsigned least)
{
    return (word & ~TOP_BITS) + ALL_BYTES(0x80 - least);
}

INLINE uint64_t equal(const struct words *words, char wanted)
{
    uint64_t mask = 0;
    for (unsigned i = 0; i < 8; i++) {
        uint64_t rest = words->at[i] ^ ALL_BYTES((unsigned char)wanted);
        mask |= collect(~(low_at_least(rest, 1) | rest) & TOP_BITS) << (8 * i);
    }
    return mask;
}

/* Bytes from `first` to `last`, both ASCII. */
INLINE uint64_t in_range(const struct words *words, unsigned first, unsigned last)
{
    uint64_t mask = 0;
    for (unsigned i = 0; i < 8; i++) {
        uint64_t word = words->at[i];
        uint64_t inside = low_at_least(word, first) & ~low_at_least(word, last + 1) & ~word;
        mask |= collect(inside & TOP_BITS) << (8 * i);
    }
    return mask;
}

INLINE struct words lower_case(struct words words)
{
    for (unsigned i = 0; i < 8; i++) {
        words.at[i] |= ALL_BYTES(0x20);
    }
    return words;
}

INLINE void classify(const char *block, struct ht_scan_bytes *bytes)
{
    struct words words = load_words(block), lower = lower_case(words);
    bytes->high = 0;
    bytes->control = 0;
    for (unsigned i = 0; i < 8; i++) {
        uint64_t word = words.at[i];
        bytes->high |= collect(word & TOP_BITS) << (8 * i);
        bytes->control |= collect(~(low_at_least(word, 0x20) | word) & TOP_BITS) << (8 * i);
    }
    bytes->quote = equal(&words, '"');
    bytes->backslash = equal(&words, '\\');
    bytes->open = equal(&lower, '{');
    bytes->close = equal(&lower, '}');
    bytes->colon = equal(&words, ':');
    bytes->comma = equal(&words, ',');
    bytes->digit = in_range(&words, '0', '9');
    bytes->zero = equal(&words, '0');
    bytes->space = equal(&words, ' ');
    if (bytes->control != 0) {
        bytes->space |= equal(&words, '\t') | equal(&words, '\n') | equal(&words, '\r');
    }
}

INLINE void classify_escapes(const char *block, struct ht_scan_escapes *escapes)
{
    struct words words = load_words(block), lower = lower_case(words);
    escapes->plain = 0;
    for (const char *wanted = "\"\\/bfnrt"; *wanted != '\0'; wanted++) {
        escapes->plain |= equal(&words, *wanted);
    }
    escapes->u = equal(&words, 'u');
    escapes->d = equal(&lower, 'd');
    escapes->octal = in_range(&words, '0', '7');
    escapes->hex = in_range(&words, '0', '9') | in_range(&lower, 'a', 'f');
}

INLINE uint64_t prefix_parity(uint64_t bits)
{
    for (unsigned shift = 1; shift < 64; shift *= 2) {
        bits ^= bits << shift;
    }
    return bits;
}

INLINE bool is_utf8(const char *block)
{
    (void)block;
    return false;
}

#define HAS_FAST_UTF8 0
