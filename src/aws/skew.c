// SPDX-License-Identifier: MIT
#include "skew.h"

#include "hashtagd/base/assert.h"

#include <time.h>

#define DATE_LENGTH 29

static bool read_number(const char *text, size_t length, int *number);
static bool read_month(const char *text, int *month);

bool ht_aws_skew_parse_date(struct ht_slice text, int64_t *time_s)
{
    struct tm utc = {0};

    /* "Sun, 06 Nov 1994 08:49:37 GMT" */
    if (text.length != DATE_LENGTH || memcmp(text.data + 25, " GMT", 4) != 0 ||
        !read_number(text.data + 5, 2, &utc.tm_mday) || !read_month(text.data + 8, &utc.tm_mon) ||
        !read_number(text.data + 12, 4, &utc.tm_year) ||
        !read_number(text.data + 17, 2, &utc.tm_hour) ||
        !read_number(text.data + 20, 2, &utc.tm_min) ||
        !read_number(text.data + 23, 2, &utc.tm_sec)) {
        return false;
    }
    utc.tm_year -= 1900;
    *time_s = (int64_t)timegm(&utc);
    return true;
}

static bool read_number(const char *text, size_t length, int *number)
{
    uint64_t value;

    if (ht_slice_to_u64(ht_slice_make(text, length), 9999, &value) != 0) {
        return false;
    }
    *number = (int)value;
    return true;
}

static bool read_month(const char *text, int *month)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (*month = 0; *month < 12; (*month)++) {
        if (memcmp(text, months + (size_t)*month * 3, 3) == 0) {
            return true;
        }
    }
    return false;
}

bool ht_aws_skew_learn(int64_t *skew_ms, struct ht_slice date, int64_t now_ms)
{
    int64_t server_s;

    if (!ht_aws_skew_parse_date(date, &server_s)) {
        return false;
    }
    int64_t seen_ms = server_s * 1000 + 500 - now_ms;
    int64_t change_ms = seen_ms - *skew_ms;
    if (change_ms <= HT_AWS_SKEW_TOLERATED_MS && change_ms >= -HT_AWS_SKEW_TOLERATED_MS) {
        return false;
    }
    /* back to none where the clocks agree */
    *skew_ms =
        seen_ms <= HT_AWS_SKEW_TOLERATED_MS && seen_ms >= -HT_AWS_SKEW_TOLERATED_MS ? 0 : seen_ms;
    return true;
}
