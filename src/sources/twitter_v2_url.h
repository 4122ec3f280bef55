// SPDX-License-Identifier: MIT
#pragma once

/**
 * The addresses of X API v2 that the source asks. `base` is scheme, host and perhaps a path,
 * without a slash at its end. The functions append; the buffer keeps its error.
 */

#include "hashtagd/base/buffer.h"

#include <stdbool.h>

/** Where X is, unless the configuration says otherwise. */
#define HT_TWITTER_V2_URL "https://api.x.com"

/**
 * The filtered stream or the sample, with all that counting needs: without `tweet.fields` X sends
 * ids and texts alone; `expansions` adds the originals of retweets, whose hashtags come whole;
 * `edit_history_tweet_ids` makes an edited post the one that it was. `backfill_minutes` is left out
 * where it is 0: only Enterprise accounts may name it.
 */
void ht_twitter_v2_url_stream(struct ht_buffer *url, const char *base, bool is_sample,
                              unsigned backfill_minutes);

/** The account's rules from the page `next` on ("": the first). */
void ht_twitter_v2_url_rules(struct ht_buffer *url, const char *base, const char *next);

/** Where rules are posted. */
void ht_twitter_v2_url_post(struct ht_buffer *url, const char *base, bool is_dry_run);

/** Where a bearer token is asked for. */
void ht_twitter_v2_url_token(struct ht_buffer *url, const char *base);
