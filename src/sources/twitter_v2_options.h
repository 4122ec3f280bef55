// SPDX-License-Identifier: MIT
#pragma once

/**
 * The source's own copy of its options, made fit for use: white space around rules and the
 * slash at the end of the address are taken off, secrets are wiped when it goes.
 */

#include "hashtagd/base/error.h"
#include "hashtagd/sources/twitter_v2_source.h"

#include <stdbool.h>
#include <stddef.h>

/** All owned. Zeroed memory may be finished. */
struct ht_twitter_v2_options {
    char *url;          /**< without a slash at its end */
    char *bearer_token; /**< NULL where none was given, or an empty one */
    char *consumer_key; /**< NULL likewise */
    char *consumer_secret;
    bool is_sample, accepts_compressed;
    unsigned backfill_minutes;
    struct ht_twitter_v2_rule *rules; /**< values without white space at the ends; tags not NULL */
    size_t rule_count;
    char **texts; /**< values and tags, in turns */
};

/** 0 or HT_ENOMEM: then what is there must be finished all the same. */
int ht_twitter_v2_options_copy(struct ht_twitter_v2_options *copy,
                               const struct ht_twitter_v2_source_options *options) HT_MUST_CHECK;

/** Wipes and frees. */
void ht_twitter_v2_options_finish(struct ht_twitter_v2_options *copy);
