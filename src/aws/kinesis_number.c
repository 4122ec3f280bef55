// SPDX-License-Identifier: MIT
#include "kinesis_number.h"

#include <stdlib.h>

enum {
    TEXT_BYTES = 64,
};

/* Beyond this a double holds no single milliseconds, and no clock goes. */
static const double most = 9007199254740992.0;

int64_t ht_kinesis_number_ms(struct ht_slice text, unsigned factor)
{
    char copy[TEXT_BYTES];
    char *end;
    if (text.length == 0 || text.length >= sizeof(copy)) {
        return 0;
    }
    memcpy(copy, text.data, text.length);
    copy[text.length] = '\0';
    double value = strtod(copy, &end) * factor;
    if (end == copy || *end != '\0' || !(value > -most && value < most)) {
        return 0;
    }
    return (int64_t)(value < 0 ? value - 0.5 : value + 0.5);
}
