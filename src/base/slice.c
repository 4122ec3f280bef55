// SPDX-License-Identifier: MIT
#include "hashtagd/base/slice.h"

#include "hashtagd/base/error.h"

#include <stdlib.h>

bool ht_slice_equal(struct ht_slice a, struct ht_slice b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

static unsigned char lower(char byte)
{
    unsigned char value = (unsigned char)byte;
    return value >= 'A' && value <= 'Z' ? (unsigned char)(value + 32) : value;
}

bool ht_slice_equal_ignoring_case(struct ht_slice a, struct ht_slice b)
{
    if (a.length != b.length) {
        return false;
    }
    for (size_t i = 0; i < a.length; i++) {
        if (lower(a.data[i]) != lower(b.data[i])) {
            return false;
        }
    }
    return true;
}

int ht_slice_compare(struct ht_slice a, struct ht_slice b)
{
    size_t common = a.length < b.length ? a.length : b.length;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    if (order != 0) {
        return order;
    }
    return (a.length > b.length) - (a.length < b.length);
}

static struct ht_slice without_leading_zeros(struct ht_slice digits)
{
    while (digits.length > 1 && digits.data[0] == '0') {
        digits.data++;
        digits.length--;
    }
    return digits;
}

int ht_slice_compare_decimal(struct ht_slice a, struct ht_slice b)
{
    a = without_leading_zeros(a);
    b = without_leading_zeros(b);
    if (a.length != b.length) {
        return a.length < b.length ? -1 : 1;
    }
    return ht_slice_compare(a, b);
}

bool ht_slice_starts_with(struct ht_slice slice, struct ht_slice prefix)
{
    return slice.length >= prefix.length &&
           (prefix.length == 0 || memcmp(slice.data, prefix.data, prefix.length) == 0);
}

struct ht_slice ht_slice_trim(struct ht_slice slice)
{
    while (slice.length > 0 && (slice.data[0] == ' ' || slice.data[0] == '\t')) {
        slice.data++;
        slice.length--;
    }
    while (slice.length > 0 &&
           (slice.data[slice.length - 1] == ' ' || slice.data[slice.length - 1] == '\t')) {
        slice.length--;
    }
    return slice;
}

int ht_slice_to_u64(struct ht_slice slice, uint64_t max, uint64_t *value)
{
    if (slice.length == 0) {
        return HT_EPARSE;
    }
    uint64_t result = 0;
    bool over = false;
    for (size_t i = 0; i < slice.length; i++) {
        if (slice.data[i] < '0' || slice.data[i] > '9') {
            return HT_EPARSE;
        }
        uint64_t digit = (uint64_t)(slice.data[i] - '0');
        over = over || result > (UINT64_MAX - digit) / 10;
        result = result * 10 + digit;
    }
    if (over || result > max) {
        return HT_ETOOBIG;
    }
    *value = result;
    return 0;
}

/* What may stand behind a first byte: how many bytes, and between which the second one is. */
static const struct {
    unsigned char first, last, more, low, high;
} characters[] = {
    {0x00, 0x7f, 0, 0x80, 0xbf}, {0xc2, 0xdf, 1, 0x80, 0xbf}, {0xe0, 0xe0, 2, 0xa0, 0xbf},
    {0xe1, 0xec, 2, 0x80, 0xbf}, {0xed, 0xed, 2, 0x80, 0x9f}, {0xee, 0xef, 2, 0x80, 0xbf},
    {0xf0, 0xf0, 3, 0x90, 0xbf}, {0xf1, 0xf3, 3, 0x80, 0xbf}, {0xf4, 0xf4, 3, 0x80, 0x8f},
};

size_t ht_slice_character_bytes(struct ht_slice text)
{
    const unsigned char *data = (const unsigned char *)text.data;
    const size_t rows = sizeof(characters) / sizeof(characters[0]);
    size_t row = 0;
    while (text.length > 0 && row < rows && data[0] > characters[row].last) {
        row++;
    }
    if (text.length == 0 || row == rows || data[0] < characters[row].first ||
        text.length <= characters[row].more) {
        return 0;
    }
    for (size_t i = 1; i <= characters[row].more; i++) {
        unsigned char low = i == 1 ? characters[row].low : 0x80;
        unsigned char high = i == 1 ? characters[row].high : 0xbf;
        if (data[i] < low || data[i] > high) {
            return 0;
        }
    }
    return 1 + (size_t)characters[row].more;
}

char *ht_slice_to_text(struct ht_slice slice)
{
    char *text = malloc(slice.length + 1);
    if (text == NULL) {
        return NULL;
    }
    if (slice.length > 0) {
        memcpy(text, slice.data, slice.length);
    }
    text[slice.length] = '\0';
    return text;
}
