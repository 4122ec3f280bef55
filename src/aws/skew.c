// SPDX-License-Identifier: MIT
#include "skew.h"

#include "hashtagd/net/http.h"

bool ht_aws_skew_learn(int64_t *skew_ms, struct ht_slice date, int64_t now_ms)
{
    int64_t server_s;

    if (ht_http_date_parse(date, &server_s) != 0) {
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
