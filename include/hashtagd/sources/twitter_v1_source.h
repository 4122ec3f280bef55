// SPDX-License-Identifier: MIT
#pragma once

/**
 * The source `twitter-v1`: the streams statuses/filter and statuses/sample of Twitter's
 * API v1.1, with OAuth 1.0a. X switched them off in 2023; archives' replay servers, proxies and
 * test servers still speak them.
 */

#include "hashtagd/base/clock.h"
#include "hashtagd/base/log.h"
#include "hashtagd/base/random.h"
#include "hashtagd/base/timer.h"
#include "hashtagd/net/http_client.h"
#include "hashtagd/pipeline/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Strings are copied. */
struct ht_twitter_v1_source_options {
    const char *name;                /**< copied; NULL: the type */
    struct ht_clock *clock;          /**< not owned, outlives the source; so the next four */
    struct ht_timer_queue *timers;   /**< for waiting, and for silence */
    struct ht_random *random;        /**< for jitter; nonces come from the operating system */
    struct ht_http_client *client;   /**< closed after the source is destroyed */
    const struct ht_log *log;        /**< may be NULL */
    const char *url;                 /**< base address; NULL: https://stream.twitter.com */
    const char *consumer_key;        /**< the four of OAuth 1.0a; not NULL */
    const char *consumer_secret;     /**< the app's secret */
    const char *access_token;        /**< of the user */
    const char *access_token_secret; /**< the user's secret */
    bool is_sample;                  /**< statuses/sample; else statuses/filter */
    bool accepts_compressed;         /**< gzip */
    bool is_delimited;               /**< asks for delimited=length */
    const char *const *track;        /**< phrases; NULL where the count is 0, so the next three */
    size_t track_count;
    const char *const *locations; /**< each "west,south,east,north" in degrees */
    size_t location_count;
    const char *const *follow; /**< ids of users */
    size_t follow_count;
    const char *const *languages; /**< BCP 47 */
    size_t language_count;
};

/** Makes the source, to be started once. NULL where memory is out. */
struct ht_source *ht_twitter_v1_source_create(const struct ht_twitter_v1_source_options *options);
