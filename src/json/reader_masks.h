// SPDX-License-Identifier: MIT
#pragma once

/**
 * 64 bytes of text as bit masks: bit i stands for byte i. Three ways to make them, with the
 * same result: portable C, SSE2 and AVX2. Everything here is inlined into one scan loop each.
 */

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define HT_SCAN_AVX2_TARGET __attribute__((target("avx2,bmi,pclmul")))
#endif

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

/** How a scan looks at its bytes. */
struct ht_scan_level {
    /** Sorts the 64 bytes at `block`. */
    void (*classify)(const char *block, struct ht_scan_bytes *bytes);
    /** The bytes that may follow a backslash, 'u' left out. */
    uint64_t (*find_escapable)(const char *block);
    /** Bit i of the result is the parity of the bits 0..i. */
    uint64_t (*prefix_parity)(uint64_t bits);
};

/* -- portable ----------------------------------------------------------------------- */

static inline uint64_t ht_scan_mask_plain(const char *block, char wanted)
{
    uint64_t mask = 0;
    for (unsigned i = 0; i < 64; i++) {
        mask |= (uint64_t)(block[i] == wanted) << i;
    }
    return mask;
}

static inline void ht_scan_classify_plain(const char *block, struct ht_scan_bytes *bytes)
{
    *bytes = (struct ht_scan_bytes){0};
    for (unsigned i = 0; i < 64; i++) {
        unsigned char byte = (unsigned char)block[i];
        bytes->control |= (uint64_t)(byte < 0x20) << i;
        bytes->high |= (uint64_t)(byte >> 7) << i;
        bytes->digit |= (uint64_t)(byte >= '0' && byte <= '9') << i;
    }
    bytes->zero = ht_scan_mask_plain(block, '0');
    bytes->quote = ht_scan_mask_plain(block, '"');
    bytes->backslash = ht_scan_mask_plain(block, '\\');
    bytes->open = ht_scan_mask_plain(block, '{') | ht_scan_mask_plain(block, '[');
    bytes->close = ht_scan_mask_plain(block, '}') | ht_scan_mask_plain(block, ']');
    bytes->colon = ht_scan_mask_plain(block, ':');
    bytes->comma = ht_scan_mask_plain(block, ',');
    bytes->space = ht_scan_mask_plain(block, ' ') | ht_scan_mask_plain(block, '\t') |
                   ht_scan_mask_plain(block, '\n') | ht_scan_mask_plain(block, '\r');
}

static inline uint64_t ht_scan_escapable_plain(const char *block)
{
    uint64_t mask = 0;
    for (const char *wanted = "\"\\/bfnrt"; *wanted != '\0'; wanted++) {
        mask |= ht_scan_mask_plain(block, *wanted);
    }
    return mask;
}

static inline uint64_t ht_scan_parity_plain(uint64_t bits)
{
    for (unsigned shift = 1; shift < 64; shift *= 2) {
        bits ^= bits << shift;
    }
    return bits;
}

#if defined(__x86_64__)

/* -- SSE2 ------------------------------------------------------------------------------ */

static inline uint64_t ht_scan_equal_sse2(const __m128i v[4], char wanted)
{
    __m128i w = _mm_set1_epi8(wanted);
    uint64_t mask = 0;
    for (unsigned i = 0; i < 4; i++) {
        mask |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(v[i], w)) << (16 * i);
    }
    return mask;
}

static inline void ht_scan_classify_sse2(const char *block, struct ht_scan_bytes *bytes)
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
    bytes->zero = ht_scan_equal_sse2(v, '0');
    bytes->quote = ht_scan_equal_sse2(v, '"');
    bytes->backslash = ht_scan_equal_sse2(v, '\\');
    bytes->open = ht_scan_equal_sse2(lower, '{');
    bytes->close = ht_scan_equal_sse2(lower, '}');
    bytes->colon = ht_scan_equal_sse2(v, ':');
    bytes->comma = ht_scan_equal_sse2(v, ',');
    bytes->space = ht_scan_equal_sse2(v, ' ') | ht_scan_equal_sse2(v, '\t') |
                   ht_scan_equal_sse2(v, '\n') | ht_scan_equal_sse2(v, '\r');
    bytes->control = ht_scan_equal_sse2(low, 0);
    bytes->digit = ht_scan_equal_sse2(digit, 0);
}

static inline uint64_t ht_scan_escapable_sse2(const char *block)
{
    __m128i v[4];
    uint64_t mask = 0;
    for (unsigned i = 0; i < 4; i++) {
        v[i] = _mm_loadu_si128((const __m128i *)(const void *)(block + 16 * i));
    }
    for (const char *wanted = "\"\\/bfnrt"; *wanted != '\0'; wanted++) {
        mask |= ht_scan_equal_sse2(v, *wanted);
    }
    return mask;
}

/* -- AVX2 ------------------------------------------------------------------------------ */

HT_SCAN_AVX2_TARGET static inline uint64_t ht_scan_bits_avx2(__m256i a, __m256i b)
{
    return (uint64_t)(uint32_t)_mm256_movemask_epi8(a) | (uint64_t)(uint32_t)_mm256_movemask_epi8(b)
                                                             << 32;
}

HT_SCAN_AVX2_TARGET static inline uint64_t ht_scan_equal_avx2(__m256i a, __m256i b, char wanted)
{
    __m256i w = _mm256_set1_epi8(wanted);
    return ht_scan_bits_avx2(_mm256_cmpeq_epi8(a, w), _mm256_cmpeq_epi8(b, w));
}

/* For each byte the one of the set that has its low four bits, so that comparing it with the byte
 * says whether that is in the set. */
HT_SCAN_AVX2_TARGET static inline uint64_t ht_scan_member_avx2(__m256i a, __m256i b, __m256i set)
{
    return ht_scan_bits_avx2(_mm256_cmpeq_epi8(a, _mm256_shuffle_epi8(set, a)),
                             _mm256_cmpeq_epi8(b, _mm256_shuffle_epi8(set, b)));
}

HT_SCAN_AVX2_TARGET static inline void ht_scan_classify_avx2(const char *block,
                                                             struct ht_scan_bytes *bytes)
{
    __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)block);
    __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(block + 32));
    const __m256i case_bit = _mm256_set1_epi8(0x20), last = _mm256_set1_epi8(0x1f);
    const __m256i zero = _mm256_set1_epi8('0'), nine = _mm256_set1_epi8(9);
    const __m256i spaces =
        _mm256_setr_epi8(' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0, ' ', 0, 0, 0, 0,
                         0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0);
    bytes->zero = ht_scan_equal_avx2(a, b, '0');
    bytes->quote = ht_scan_equal_avx2(a, b, '"');
    bytes->backslash = ht_scan_equal_avx2(a, b, '\\');
    bytes->colon = ht_scan_equal_avx2(a, b, ':');
    bytes->comma = ht_scan_equal_avx2(a, b, ',');
    bytes->space = ht_scan_member_avx2(a, b, spaces);
    bytes->high = ht_scan_bits_avx2(a, b);
    bytes->control = ht_scan_bits_avx2(_mm256_cmpeq_epi8(_mm256_min_epu8(a, last), a),
                                       _mm256_cmpeq_epi8(_mm256_min_epu8(b, last), b));
    __m256i lower_a = _mm256_or_si256(a, case_bit), lower_b = _mm256_or_si256(b, case_bit);
    bytes->open = ht_scan_equal_avx2(lower_a, lower_b, '{');
    bytes->close = ht_scan_equal_avx2(lower_a, lower_b, '}');
    __m256i value_a = _mm256_sub_epi8(a, zero), value_b = _mm256_sub_epi8(b, zero);
    bytes->digit = ht_scan_bits_avx2(_mm256_cmpeq_epi8(_mm256_min_epu8(value_a, nine), value_a),
                                     _mm256_cmpeq_epi8(_mm256_min_epu8(value_b, nine), value_b));
}

HT_SCAN_AVX2_TARGET static inline uint64_t ht_scan_escapable_avx2(const char *block)
{
    __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)block);
    __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(block + 32));
    /* two sets, because " r, and b fall on the same low bits */
    const __m256i letters =
        _mm256_setr_epi8(1, 0, 'b', 0, 't', 0, 'f', 0, 0, 0, 0, 0, '\\', 0, 'n', '/', 1, 0, 'b', 0,
                         't', 0, 'f', 0, 0, 0, 0, 0, '\\', 0, 'n', '/');
    return ht_scan_member_avx2(a, b, letters) | ht_scan_equal_avx2(a, b, '"') |
           ht_scan_equal_avx2(a, b, 'r');
}

HT_SCAN_AVX2_TARGET static inline uint64_t ht_scan_parity_avx2(uint64_t bits)
{
    __m128i product =
        _mm_clmulepi64_si128(_mm_set_epi64x(0, (long long)bits), _mm_set1_epi8((char)0xff), 0);
    return (uint64_t)_mm_cvtsi128_si64(product);
}

#endif
