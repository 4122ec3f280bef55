// SPDX-License-Identifier: MIT
#pragma once

/**
 * The source `twitter-v2`: X API v2's filtered stream or its 1 % sample, with an
 * app-only bearer token, given or exchanged for the consumer's key and secret. Before a
 * filtered stream is opened the account's rules are made equal to those of the options: missing
 * ones are added, all others deleted, after X has found the additions valid. That happens at the
 * start and after X has found the rules wrong, not at each reconnect. Where X refuses a rule the
 * source fails with X's words, and nothing is streamed until the rules are mended.
 *
 * Without rules in the options the account's are left alone and used as they are; an account that
 * has none is refused, since its stream would stay silent.
 *
 * A token that was asked for is asked for once more when X does not accept it (401); a given one is
 * not. X sends a byte every 20 s; the stream is taken for dead after 25 s without one. Errors in the
 * stream end the connection and are handed over as messages too. There is no cursor: what was posted
 * meanwhile is lost but for `backfill_minutes`.
 * https://docs.x.com/x-api/posts/filtered-stream/introduction
 */

#include "hashtagd/base/clock.h"
#include "hashtagd/base/error.h"
#include "hashtagd/base/log.h"
#include "hashtagd/base/random.h"
#include "hashtagd/base/timer.h"
#include "hashtagd/net/http_client.h"
#include "hashtagd/pipeline/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** One rule of the filtered stream. */
struct ht_twitter_v2_rule {
    const char *
        value; /**< as in X's language of rules; white space at its ends is left out; not empty, and
                          no two with the same value and different tags (else the source fails) */
    const char *tag; /**< may be empty */
};

/** Strings and rules are copied. */
struct ht_twitter_v2_source_options {
    const char *name;              /**< copied; NULL: the type */
    struct ht_clock *clock;        /**< not owned, outlives the source; so the next five */
    struct ht_timer_queue *timers; /**< not owned */
    struct ht_random *random;      /**< not owned */
    struct ht_http_client *client; /**< closed after the source is destroyed */
    const struct ht_log *log;      /**< may be NULL */
    const char *url;               /**< base address; NULL: https://api.x.com */
    const char *bearer_token;      /**< NULL or empty: ask for one with the next two */
    const char *consumer_key;      /**< NULL where there is a bearer token; so the next */
    const char *consumer_secret;   /**< likewise */
    bool is_sample;                /**< the sample stream instead of the filtered one */
    bool accepts_compressed;       /**< gzip */
    unsigned
        backfill_minutes; /**< 0 to 5: what an interruption missed is sent again (Enterprise) */
    const struct ht_twitter_v2_rule *rules; /**< filtered stream only */
    size_t rule_count;                      /**< 0: the account's own are used */
};

/** Whether the source would take these rules; what X thinks of them is another question. 0;
 * HT_EINVAL: one has no value, or two have the same value and different tags; HT_ENOMEM. `error` says
 * which ("source.rules[1] ..."). */
int ht_twitter_v2_rules_check(const struct ht_twitter_v2_rule *rules, size_t count,
                              struct ht_error *error) HT_MUST_CHECK;

/** Makes the source, to be started once. NULL where memory is out. */
struct ht_source *ht_twitter_v2_source_create(const struct ht_twitter_v2_source_options *options);
