// SPDX-License-Identifier: MIT
/*
 * After W. Mula and D. Lemire, "Faster Base64 Encoding and Decoding using AVX2 Instructions", ACM
 * Transactions on the Web, 2018: the upper half of a character chooses what is added to it to get its
 * value, and the two halves together tell whether it is one of the alphabet.
 */
#include "base64_avx2.h"

#include <immintrin.h>

enum {
    PIECE = 32,       /* characters */
    PIECE_BYTES = 24, /* that they stand for */
    LEFT_OVER = 12,   /* 8 bytes of a store lie beyond the piece's own 24 */
};

/* The same 16 bytes in both halves of a register. */
static inline __m256i twice(__m128i bytes)
{
    return _mm256_broadcastsi128_si256(bytes);
}

/* Four values of 6 bits in each 32 become three bytes; those go together at the front. */
static inline __m256i pack(__m256i values)
{
    const __m256i order =
        twice(_mm_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1));
    __m256i pairs = _mm256_maddubs_epi16(values, _mm256_set1_epi32(0x01400140));
    __m256i triples = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00011000));
    __m256i bytes = _mm256_shuffle_epi8(triples, order);
    return _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 7, 7));
}

size_t ht_base64_decode_avx2(const uint8_t *in, size_t left, uint8_t *out)
{
    /* By the lower half of a character: a bit for each class of upper halves that it is wrong with. */
    const __m256i wrong_low = twice(_mm_setr_epi8(0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
                                                  0x11, 0x11, 0x13, 0x1a, 0x1b, 0x1b, 0x1b, 0x1a));
    /* By the upper half: its class. */
    const __m256i class_high = twice(_mm_setr_epi8(0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08,
                                                   0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10));
    /* By the upper half, '/' as if it were one less: '/', '+', digits, A-O, P-Z, a-o, p-z. */
    const __m256i distance =
        twice(_mm_setr_epi8(0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0));
    const __m256i slash = _mm256_set1_epi8('/');
    size_t taken = 0;
    for (; left - taken >= PIECE + LEFT_OVER; taken += PIECE, out += PIECE_BYTES) {
        __m256i text = _mm256_loadu_si256((const __m256i *)(const void *)(in + taken));
        __m256i high = _mm256_and_si256(_mm256_srli_epi32(text, 4), slash);
        __m256i low = _mm256_and_si256(text, slash);
        if (!_mm256_testz_si256(_mm256_shuffle_epi8(wrong_low, low),
                                _mm256_shuffle_epi8(class_high, high))) {
            break;
        }
        __m256i is_slash = _mm256_cmpeq_epi8(text, slash);
        __m256i add = _mm256_shuffle_epi8(distance, _mm256_add_epi8(is_slash, high));
        _mm256_storeu_si256((__m256i *)(void *)out, pack(_mm256_add_epi8(text, add)));
    }
    return taken;
}
