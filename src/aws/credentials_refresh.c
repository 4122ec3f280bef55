// SPDX-License-Identifier: MIT
#include "credentials_refresh.h"

#define ADVISORY_S       (15 * 60)
#define MANDATORY_S      (10 * 60)
#define JITTER_MAX_S     (5 * 60)
#define WAIT_MIN_MS      1000
#define WAIT_MAX_S       3600
#define EXTENSION_S      (15 * 60)
#define EXTENSION_MORE_S (2 * 60)
#define EXTENSION_RANGE  (8 * 60)

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

struct ht_aws_refresh ht_aws_refresh_make(int64_t now_s, int64_t expires_s,
                                          struct ht_random *random)
{
    if (expires_s == 0) {
        return (struct ht_aws_refresh){INT64_MAX, INT64_MAX, INT64_MAX};
    }
    int64_t life_s = expires_s > now_s ? expires_s - now_s : 0;
    int64_t jitter_s =
        (int64_t)ht_random_below(random, (uint64_t)least(life_s / 10, JITTER_MAX_S) + 1);
    return (struct ht_aws_refresh){
        .advisory_s = expires_s - least(ADVISORY_S, life_s / 2) - jitter_s,
        .mandatory_s = expires_s - least(MANDATORY_S, life_s / 3),
        .expires_s = expires_s,
    };
}

enum ht_aws_freshness ht_aws_refresh_freshness(const struct ht_aws_refresh *refresh, int64_t now_s)
{
    if (now_s >= refresh->expires_s) {
        return HT_AWS_EXPIRED;
    }
    if (now_s >= refresh->mandatory_s) {
        return HT_AWS_MANDATORY;
    }
    return now_s >= refresh->advisory_s ? HT_AWS_ADVISORY : HT_AWS_FRESH;
}

uint64_t ht_aws_refresh_wait_ms(const struct ht_aws_refresh *refresh, int64_t now_s)
{
    if (refresh->advisory_s <= now_s) {
        return WAIT_MIN_MS;
    }
    return (uint64_t)least(refresh->advisory_s - now_s, WAIT_MAX_S) * 1000u;
}

int64_t ht_aws_refresh_extended_s(int64_t now_s, struct ht_random *random)
{
    return now_s + EXTENSION_S + EXTENSION_MORE_S +
           (int64_t)ht_random_below(random, EXTENSION_RANGE + 1);
}
