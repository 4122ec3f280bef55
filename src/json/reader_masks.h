// SPDX-License-Identifier: MIT
#pragma once

/**
 * 64 bytes of text as bit masks: bit i stands for byte i. Each file reader_scan_*.c makes them
 * with other instructions, with the same result, by defining these static functions:
 *
 *     void classify(const char *block, struct ht_scan_bytes *bytes);
 *     void classify_escapes(const char *block, struct ht_scan_escapes *escapes);
 *     uint64_t prefix_parity(uint64_t bits);     bit i is the parity of the bits 0..i
 *     bool is_utf8(const char *block);           64 bytes with 3 before them; a sequence may
 *                                                begin before and may end behind
 *
 * and HAS_FAST_UTF8 as 1, or 0 where is_utf8() says false and leaves it to a look one by one.
 */

#include <stdbool.h>
#include <stdint.h>

/* All of a scan is one loop; a call would send the masks through memory. */
#define INLINE static inline __attribute__((always_inline))

/** Bytes of one block by what they are, wherever they stand. */
struct ht_scan_bytes {
    uint64_t quote, backslash;
    uint64_t open, close; /* { [ and } ] */
    uint64_t colon, comma;
    uint64_t space;   /* blank, tab, line feed, carriage return */
    uint64_t control; /* below 0x20 */
    uint64_t high;    /* 0x80 and up */
    uint64_t digit, zero;
};

/** The same for what matters behind a backslash. */
struct ht_scan_escapes {
    uint64_t plain; /* may follow a backslash and is no 'u': " \ / b f n r t */
    uint64_t u;     /* the letter u */
    uint64_t hex;   /* hexadecimal digits */
    uint64_t d;     /* the hexadecimal digit d */
    uint64_t octal; /* 0 to 7 */
};
