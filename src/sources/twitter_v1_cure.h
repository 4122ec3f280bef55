// SPDX-License-Identifier: MIT
#pragma once

/**
 * What a person can do about a status with which a stream of API v1.1 was refused. Pure.
 * "Connecting to a streaming endpoint", HTTP error codes, dev.twitter.com.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Room for a cure, its end mark counted. */
#define HT_TWITTER_V1_CURE_BYTES 320

/** Clocks that differ by no more are taken as the same: Date has whole seconds, and an answer takes
 * its time. */
#define HT_TWITTER_V1_CLOCK_TOLERATED_S 60

/** What the cure depends on. */
struct ht_twitter_v1_cure_context {
    int status;
    bool is_twitter;        /**< asked at stream.twitter.com, where the API is switched off */
    bool is_sample;         /**< statuses/sample */
    int64_t clock_behind_s; /**< how far this machine's clock is behind the service's (below 0:
                              *   ahead of it); 0 where that is not known */
};

/** Writes the cure to `text`, without a full stop; "" where there is none. Returns `text`. */
const char *ht_twitter_v1_cure_format(const struct ht_twitter_v1_cure_context *context,
                                      char text[HT_TWITTER_V1_CURE_BYTES]);
