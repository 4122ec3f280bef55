// SPDX-License-Identifier: MIT
#include "hashtagd/json/base64.h"

#include "base64_avx2.h"

#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* What a character stands for; 0x80 where it is none of the alphabet. */
#define X8  0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80
#define X64 X8, X8, X8, X8, X8, X8, X8, X8
static const uint8_t sextets[256] = {
    X8,   X8,   X8,   X8,   X8,                   /* 00 - 27 */
    0x80, 0x80, 0x80, 62,   0x80, 0x80, 0x80, 63, /* 28 - 2f */
    52,   53,   54,   55,   56,   57,   58,   59,   60,   61,   0x80, 0x80, 0x80, 0x80,
    0x80, 0x80, 0x80, 0,    1,    2,    3,    4,    5,    6,    7,    8,    9,    10,
    11,   12,   13,   14,   15,   16,   17,   18,   19,   20,   21,   22,   23,   24,
    25,   0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 26,   27,   28,   29,   30,   31,   32,
    33,   34,   35,   36,   37,   38,   39,   40,   41,   42,   43,   44,   45,   46,
    47,   48,   49,   50,   51,   0x80, 0x80, 0x80, 0x80, 0x80, X64,  X64,
};

size_t ht_base64_encode(struct ht_slice bytes, char *out)
{
    const uint8_t *in = (const uint8_t *)bytes.data;
    size_t left = bytes.length;
    char *start = out;
    for (; left >= 3; left -= 3, in += 3, out += 4) {
        uint32_t group = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];
        out[0] = alphabet[group >> 18];
        out[1] = alphabet[group >> 12 & 63];
        out[2] = alphabet[group >> 6 & 63];
        out[3] = alphabet[group & 63];
    }
    if (left > 0) {
        uint32_t group = (uint32_t)in[0] << 16 | (left == 2 ? (uint32_t)in[1] << 8 : 0);
        out[0] = alphabet[group >> 18];
        out[1] = alphabet[group >> 12 & 63];
        out[2] = left == 2 ? alphabet[group >> 6 & 63] : '=';
        out[3] = '=';
        out += 4;
    }
    return (size_t)(out - start);
}

int ht_base64_append(struct ht_buffer *buffer, struct ht_slice bytes)
{
    size_t length = ht_base64_encoded_length(bytes.length);
    int result = ht_buffer_reserve(buffer, length);
    if (result != 0) {
        return result;
    }
    char *end = buffer->data + buffer->length;
    buffer->length += ht_base64_encode(bytes, end);
    buffer->data[buffer->length] = '\0';
    return 0;
}

/* The last four characters, with one or two '='; -1 where they are wrong, else how many bytes. */
static int decode_last(const uint8_t *in, uint8_t *out)
{
    uint8_t a = sextets[in[0]], b = sextets[in[1]];
    if ((a | b) & 0x80) {
        return -1;
    }
    out[0] = (uint8_t)(a << 2 | b >> 4);
    if (in[2] == '=') {
        return in[3] == '=' && (b & 15) == 0 ? 1 : -1;
    }
    uint8_t c = sextets[in[2]];
    if ((c & 0x80) || (c & 3) != 0 || in[3] != '=') {
        return -1;
    }
    out[1] = (uint8_t)((b & 15) << 4 | c >> 2);
    return 2;
}

/* How many characters at the front were decoded many at a time. */
static size_t decode_fast(const uint8_t *in, size_t left, uint8_t *out)
{
#if defined(HT_SCAN_AVX2)
    if (__builtin_cpu_supports("avx2")) {
        return ht_base64_decode_avx2(in, left, out);
    }
#endif
    (void)in;
    (void)left;
    (void)out;
    return 0;
}

int ht_base64_decode(struct ht_slice text, void *out, size_t *length)
{
    const uint8_t *in = (const uint8_t *)text.data;
    uint8_t *to = out;
    size_t left = text.length;
    uint8_t wrong = 0;
    if (left % 4 != 0) {
        return HT_EPARSE;
    }
    bool padded = left > 0 && in[left - 1] == '=';
    size_t taken = decode_fast(in, left, to);
    in += taken;
    left -= taken;
    to += taken / 4 * 3;
    for (size_t end = padded ? 4 : 0; left > end; left -= 4, in += 4, to += 3) {
        uint8_t a = sextets[in[0]], b = sextets[in[1]], c = sextets[in[2]], d = sextets[in[3]];
        wrong |= a | b | c | d;
        to[0] = (uint8_t)(a << 2 | b >> 4);
        to[1] = (uint8_t)(b << 4 | c >> 2);
        to[2] = (uint8_t)(c << 6 | d);
    }
    int rest = padded ? decode_last(in, to) : 0;
    if ((wrong & 0x80) || rest < 0) {
        return HT_EPARSE;
    }
    *length = (size_t)(to - (uint8_t *)out) + (size_t)rest;
    return 0;
}
