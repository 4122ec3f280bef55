// SPDX-License-Identifier: MIT
/* The scan with what every x86-64 processor has. */
#include "reader_masks.h"
#include "reader_scan.h"

#if defined(__x86_64__)

#include <immintrin.h>

INLINE uint64_t equal(const __m128i v[4], char wanted)
{
    __m128i w = _mm_set1_epi8(wanted);
    uint64_t mask = 0;
    for (unsigned i = 0; i < 4; i++) {
        mask |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(v[i], w)) << (16 * i);
    }
    return mask;
}

INLINE void classify(const char *block, struct ht_scan_bytes *bytes)
{
    __m128i v[4], lower[4], low[4], digit[4];
    bytes->high = 0;
    for (unsigned i = 0; i < 4; i++) {
        v[i] = _mm_loadu_si128((const __m128i *)(const void *)(block + 16 * i));
        lower[i] = _mm_or_si128(v[i], _mm_set1_epi8(0x20));
        /* what is zero after a saturated subtraction was below */
        low[i] = _mm_subs_epu8(v[i], _mm_set1_epi8(0x1f));
        digit[i] = _mm_subs_epu8(_mm_sub_epi8(v[i], _mm_set1_epi8('0')), _mm_set1_epi8(9));
        bytes->high |= (uint64_t)(uint32_t)_mm_movemask_epi8(v[i]) << (16 * i);
    }
    bytes->zero = equal(v, '0');
    bytes->quote = equal(v, '"');
    bytes->backslash = equal(v, '\\');
    bytes->open = equal(lower, '{');
    bytes->close = equal(lower, '}');
    bytes->colon = equal(v, ':');
    bytes->comma = equal(v, ',');
    bytes->space = equal(v, ' ') | equal(v, '\t') | equal(v, '\n') | equal(v, '\r');
    bytes->control = equal(low, 0);
    bytes->digit = equal(digit, 0);
}

INLINE void classify_escapes(const char *block, struct ht_scan_escapes *escapes)
{
    __m128i v[4], lower[4], octal[4], decimal[4], letter[4];
    escapes->plain = 0;
    for (unsigned i = 0; i < 4; i++) {
        v[i] = _mm_loadu_si128((const __m128i *)(const void *)(block + 16 * i));
        lower[i] = _mm_or_si128(v[i], _mm_set1_epi8(0x20));
        __m128i value = _mm_sub_epi8(v[i], _mm_set1_epi8('0'));
        octal[i] = _mm_subs_epu8(value, _mm_set1_epi8(7));
        decimal[i] = _mm_subs_epu8(value, _mm_set1_epi8(9));
        letter[i] = _mm_subs_epu8(_mm_sub_epi8(lower[i], _mm_set1_epi8('a')), _mm_set1_epi8(5));
    }
    for (const char *wanted = "\"\\/bfnrt"; *wanted != '\0'; wanted++) {
        escapes->plain |= equal(v, *wanted);
    }
    escapes->u = equal(v, 'u');
    escapes->d = equal(lower, 'd');
    escapes->octal = equal(octal, 0);
    escapes->hex = equal(decimal, 0) | equal(letter, 0);
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

#include "reader_scan_core.h"

enum ht_json_verdict ht_scan_sse2(struct ht_json_reader *reader, size_t *offset)
{
    return scan_all(reader, offset);
}

#endif
