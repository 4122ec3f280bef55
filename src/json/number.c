// SPDX-License-Identifier: MIT
#include "hashtagd/json/number.h"

#include <stdbool.h>
#include <stdlib.h>

enum {
    TEXT_BYTES = 64,
    PLAIN_DIGITS = 15, /* so many fit a double */
};

/* 2^52. */
static const double most = 4503599627370496.0;

/* Digits with or without a fraction, as nearly all are. */
static bool read_plain(struct ht_slice text, double *value)
{
    static const double tens[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    uint64_t digits = 0;
    size_t fraction = 0;
    bool has_point = false;
    for (size_t i = 0; i < text.length; i++) {
        char at = text.data[i];
        if (at == '.' && !has_point && i > 0) {
            has_point = true;
        } else if (at >= '0' && at <= '9' && i <= PLAIN_DIGITS) {
            digits = digits * 10 + (uint64_t)(at - '0');
            fraction += has_point;
        } else {
            return false;
        }
    }
    *value = (double)digits / tens[fraction];
    return text.length > 0 && (!has_point || fraction > 0);
}

int64_t ht_json_number_scaled(struct ht_slice text, unsigned factor)
{
    char copy[TEXT_BYTES];
    char *end;
    double value;
    if (text.length == 0 || text.length >= sizeof(copy)) {
        return 0;
    }
    if (!read_plain(text, &value)) {
        memcpy(copy, text.data, text.length);
        copy[text.length] = '\0';
        value = strtod(copy, &end);
        if (end == copy || *end != '\0') {
            return 0;
        }
    }
    value *= factor;
    if (!(value > -most && value < most)) {
        return 0;
    }
    return (int64_t)(value < 0 ? value - 0.5 : value + 0.5);
}
