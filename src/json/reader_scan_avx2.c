// SPDX-License-Identifier: MIT
/* The scan with AVX2, BMI and carry-less multiplication; compiled with these switched on. */
#include "reader_masks.h"
#include "reader_scan.h"

#if defined(__AVX2__)

#include <immintrin.h>

INLINE uint64_t bits_of(__m256i a, __m256i b)
{
    return (uint64_t)(uint32_t)_mm256_movemask_epi8(a) | (uint64_t)(uint32_t)_mm256_movemask_epi8(b)
                                                             << 32;
}

INLINE uint64_t equal(__m256i a, __m256i b, char wanted)
{
    __m256i w = _mm256_set1_epi8(wanted);
    return bits_of(_mm256_cmpeq_epi8(a, w), _mm256_cmpeq_epi8(b, w));
}

/* For each byte the one of the set that has its low four bits, so that comparing it with the byte
 * says whether that is in the set. */
INLINE uint64_t member(__m256i a, __m256i b, __m256i set)
{
    return bits_of(_mm256_cmpeq_epi8(a, _mm256_shuffle_epi8(set, a)),
                   _mm256_cmpeq_epi8(b, _mm256_shuffle_epi8(set, b)));
}

INLINE void classify(const char *block, struct ht_scan_bytes *bytes)
{
    __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)block);
    __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(block + 32));
    const __m256i case_bit = _mm256_set1_epi8(0x20), last = _mm256_set1_epi8(0x1f);
    const __m256i zero = _mm256_set1_epi8('0'), nine = _mm256_set1_epi8(9);
    const __m256i spaces =
        _mm256_setr_epi8(' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0, ' ', 0, 0, 0, 0,
                         0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0);
    bytes->zero = equal(a, b, '0');
    bytes->quote = equal(a, b, '"');
    bytes->backslash = equal(a, b, '\\');
    bytes->colon = equal(a, b, ':');
    bytes->comma = equal(a, b, ',');
    bytes->space = member(a, b, spaces);
    bytes->high = bits_of(a, b);
    bytes->control = bits_of(_mm256_cmpeq_epi8(_mm256_min_epu8(a, last), a),
                             _mm256_cmpeq_epi8(_mm256_min_epu8(b, last), b));
    __m256i lower_a = _mm256_or_si256(a, case_bit), lower_b = _mm256_or_si256(b, case_bit);
    bytes->open = equal(lower_a, lower_b, '{');
    bytes->close = equal(lower_a, lower_b, '}');
    __m256i value_a = _mm256_sub_epi8(a, zero), value_b = _mm256_sub_epi8(b, zero);
    bytes->digit = bits_of(_mm256_cmpeq_epi8(_mm256_min_epu8(value_a, nine), value_a),
                           _mm256_cmpeq_epi8(_mm256_min_epu8(value_b, nine), value_b));
}

/* Which bytes are in first .. first + last, as unsigned numbers. */
INLINE uint64_t in_range(__m256i a, __m256i b, char first, char last)
{
    const __m256i from = _mm256_set1_epi8(first), size = _mm256_set1_epi8(last);
    a = _mm256_sub_epi8(a, from);
    b = _mm256_sub_epi8(b, from);
    return bits_of(_mm256_cmpeq_epi8(_mm256_min_epu8(a, size), a),
                   _mm256_cmpeq_epi8(_mm256_min_epu8(b, size), b));
}

INLINE void classify_escapes(const char *block, struct ht_scan_escapes *escapes)
{
    __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)block);
    __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(block + 32));
    const __m256i case_bit = _mm256_set1_epi8(0x20);
    __m256i lower_a = _mm256_or_si256(a, case_bit), lower_b = _mm256_or_si256(b, case_bit);
    /* " and r have the low bits of b, so they stand alone */
    const __m256i letters =
        _mm256_setr_epi8(1, 0, 'b', 0, 't', 0, 'f', 0, 0, 0, 0, 0, '\\', 0, 'n', '/', 1, 0, 'b', 0,
                         't', 0, 'f', 0, 0, 0, 0, 0, '\\', 0, 'n', '/');
    escapes->plain = member(a, b, letters) | equal(a, b, '"') | equal(a, b, 'r');
    escapes->u = equal(a, b, 'u');
    escapes->d = equal(lower_a, lower_b, 'd');
    escapes->octal = in_range(a, b, '0', 7);
    escapes->hex = in_range(a, b, '0', 9) | in_range(lower_a, lower_b, 'a', 5);
}

INLINE uint64_t prefix_parity(uint64_t bits)
{
    __m128i product =
        _mm_clmulepi64_si128(_mm_set_epi64x(0, (long long)bits), _mm_set1_epi8((char)0xff), 0);
    return (uint64_t)_mm_cvtsi128_si64(product);
}

/*
 * UTF-8 by looking at pairs of bytes: each mistake shows in the first byte's two halves and the
 * second's upper half, so three tables of 16 with a bit for each mistake, and-ed, find all of them
 * (Keiser and Lemire, "Validating UTF-8 In Less Than One Instruction Per Byte", 2021).
 */
enum {
    TOO_SHORT = 1 << 0,         /* a first byte, then no continuation */
    TOO_LONG = 1 << 1,          /* ASCII, then a continuation */
    OVERLONG_3 = 1 << 2,        /* e0 80..9f */
    TOO_LARGE = 1 << 3,         /* f4 90..bf, f5..ff 90..bf */
    SURROGATE = 1 << 4,         /* ed a0..bf */
    OVERLONG_2 = 1 << 5,        /* c0, c1 */
    OVERLONG_4 = 1 << 6,        /* f0 80..8f; and f5..ff 80..8f */
    TWO_CONTINUATIONS = 1 << 7, /* right only as third or fourth byte */
    ANY = TOO_SHORT | TOO_LONG | TWO_CONTINUATIONS,
};

INLINE __m256i table_of(const uint8_t table[16])
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)table));
}

/* The mistakes in the 32 bytes at `data`, with three before them. */
INLINE __m256i utf8_mistakes(const char *data)
{
    static const uint8_t first_upper[16] = {TOO_LONG,
                                            TOO_LONG,
                                            TOO_LONG,
                                            TOO_LONG,
                                            TOO_LONG,
                                            TOO_LONG,
                                            TOO_LONG,
                                            TOO_LONG,
                                            TWO_CONTINUATIONS,
                                            TWO_CONTINUATIONS,
                                            TWO_CONTINUATIONS,
                                            TWO_CONTINUATIONS,
                                            TOO_SHORT | OVERLONG_2,
                                            TOO_SHORT,
                                            TOO_SHORT | OVERLONG_3 | SURROGATE,
                                            TOO_SHORT | TOO_LARGE | OVERLONG_4};
    static const uint8_t first_lower[16] = {ANY | OVERLONG_3 | OVERLONG_2 | OVERLONG_4,
                                            ANY | OVERLONG_2,
                                            ANY,
                                            ANY,
                                            ANY | TOO_LARGE,
                                            ANY | TOO_LARGE | OVERLONG_4,
                                            ANY | TOO_LARGE | OVERLONG_4,
                                            ANY | TOO_LARGE | OVERLONG_4,
                                            ANY | TOO_LARGE | OVERLONG_4,
                                            ANY | TOO_LARGE | OVERLONG_4,
                                            ANY | TOO_LARGE | OVERLONG_4,
                                            ANY | TOO_LARGE | OVERLONG_4,
                                            ANY | TOO_LARGE | OVERLONG_4,
                                            ANY | TOO_LARGE | OVERLONG_4 | SURROGATE,
                                            ANY | TOO_LARGE | OVERLONG_4,
                                            ANY | TOO_LARGE | OVERLONG_4};
    static const uint8_t second_upper[16] = {
        TOO_SHORT,
        TOO_SHORT,
        TOO_SHORT,
        TOO_SHORT,
        TOO_SHORT,
        TOO_SHORT,
        TOO_SHORT,
        TOO_SHORT,
        TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS | OVERLONG_3 | OVERLONG_4,
        TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS | OVERLONG_3 | TOO_LARGE,
        TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS | SURROGATE | TOO_LARGE,
        TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS | SURROGATE | TOO_LARGE,
        TOO_SHORT,
        TOO_SHORT,
        TOO_SHORT,
        TOO_SHORT};
    const __m256i low_bits = _mm256_set1_epi8(15);
    __m256i second = _mm256_loadu_si256((const __m256i *)(const void *)data);
    __m256i first = _mm256_loadu_si256((const __m256i *)(const void *)(data - 1));
    __m256i before = _mm256_loadu_si256((const __m256i *)(const void *)(data - 2));
    __m256i before_that = _mm256_loadu_si256((const __m256i *)(const void *)(data - 3));
    __m256i first_half = _mm256_and_si256(_mm256_srli_epi16(first, 4), low_bits);
    __m256i second_half = _mm256_and_si256(_mm256_srli_epi16(second, 4), low_bits);
    __m256i mistakes =
        _mm256_and_si256(_mm256_and_si256(_mm256_shuffle_epi8(table_of(first_upper), first_half),
                                          _mm256_shuffle_epi8(table_of(first_lower),
                                                              _mm256_and_si256(first, low_bits))),
                         _mm256_shuffle_epi8(table_of(second_upper), second_half));
    /* the third and fourth bytes are where two continuations must be */
    __m256i third = _mm256_subs_epu8(before, _mm256_set1_epi8((char)(0xe0 - 0x80)));
    __m256i fourth = _mm256_subs_epu8(before_that, _mm256_set1_epi8((char)(0xf0 - 0x80)));
    __m256i due = _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8((char)0x80));
    return _mm256_xor_si256(due, mistakes);
}

INLINE bool is_utf8(const char *block)
{
    __m256i mistakes = _mm256_or_si256(utf8_mistakes(block), utf8_mistakes(block + 32));
    return _mm256_testz_si256(mistakes, mistakes) != 0;
}

#define HAS_FAST_UTF8 1

#include "reader_scan_core.h"

enum ht_json_verdict ht_scan_avx2(struct ht_json_reader *reader, size_t *offset)
{
    return scan_all(reader, offset);
}

#endif
