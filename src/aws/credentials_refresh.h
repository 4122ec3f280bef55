// SPDX-License-Identifier: MIT
#pragma once

/**
 * When keys are to be fetched anew: pure decisions. The windows are botocore's (advisory 15
 * minutes, mandatory 10 minutes before expiry), but never more than a half and a third of the
 * time that the set lives, so that a set of 15 minutes is not fetched without end.
 */

#include "hashtagd/base/random.h"

#include <stdint.h>

enum ht_aws_freshness {
    HT_AWS_FRESH,     /**< use it */
    HT_AWS_ADVISORY,  /**< use it, and fetch a new one behind */
    HT_AWS_MANDATORY, /**< wait for a new one; where that fails, it may still be used */
    HT_AWS_EXPIRED,   /**< not to be used */
};

/** The times of one set, wall seconds; all INT64_MAX where it never expires. */
struct ht_aws_refresh {
    int64_t advisory_s, mandatory_s, expires_s;
};

/** Makes the times of a set that came at `now_s` and expires at `expires_s` (0: never). The advisory
 * time is put forward by up to a tenth of the lifetime, at most 5 minutes, so that many programs
 * do not fetch at once. */
struct ht_aws_refresh ht_aws_refresh_make(int64_t now_s, int64_t expires_s,
                                          struct ht_random *random);

/** What to do at `now_s`. */
enum ht_aws_freshness ht_aws_refresh_freshness(const struct ht_aws_refresh *refresh, int64_t now_s);

/** Milliseconds until the advisory time, at most an hour (the wall clock may jump), at least a
 * second. */
uint64_t ht_aws_refresh_wait_ms(const struct ht_aws_refresh *refresh, int64_t now_s);

/** Until when instance keys that cannot be replaced are used: 15 minutes and 2 to 10 more, as
 * botocore has it. */
int64_t ht_aws_refresh_extended_s(int64_t now_s, struct ht_random *random);
