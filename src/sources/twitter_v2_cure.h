// SPDX-License-Identifier: MIT
#pragma once

/**
 * What a person can do about an answer of X that is no success: a table over the status and the
 * words of the problem in the body. Pure.
 * https://docs.x.com/x-api/fundamentals/response-codes-and-errors
 */

#include "hashtagd/base/slice.h"

#include <stdbool.h>

/** What was asked, where the cure depends on it. */
struct ht_twitter_v2_cure_context {
    bool has_keys; /**< the bearer token was asked for with key and secret, or is being asked for */
    bool is_sample; /**< the sample stream is wanted */
};

/** What to do, to stand behind "; ": static, "" where waiting is all there is to do. */
const char *ht_twitter_v2_cure(int status, struct ht_slice body,
                               const struct ht_twitter_v2_cure_context *context);
