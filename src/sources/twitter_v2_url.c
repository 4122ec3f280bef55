// SPDX-License-Identifier: MIT
#include "twitter_v2_url.h"

#include "twitter_v2_rules.h"
#include "twitter_v2_token.h"

#include "hashtagd/net/url.h"

#define FIELDS "entities,created_at,lang,note_tweet,referenced_tweets,edit_history_tweet_ids"

void ht_twitter_v2_url_stream(struct ht_buffer *url, const char *base, bool is_sample,
                              unsigned backfill_minutes)
{
    ht_buffer_append_format(
        url, "%s/2/tweets/%s/stream?tweet.fields=" FIELDS "&expansions=referenced_tweets.id", base,
        is_sample ? "sample" : "search");
    if (backfill_minutes > 0) {
        ht_buffer_append_format(url, "&backfill_minutes=%u", backfill_minutes);
    }
}

void ht_twitter_v2_url_rules(struct ht_buffer *url, const char *base, const char *next)
{
    ht_buffer_append_format(url, "%s" HT_TWITTER_V2_RULES_PATH "?max_results=%d", base,
                            HT_TWITTER_V2_RULES_BATCH);
    if (next[0] != '\0') {
        ht_buffer_append_text(url, "&pagination_token=");
        int status = ht_url_encode(ht_slice_text(next), url);
        (void)status; /* the buffer keeps it */
    }
}

void ht_twitter_v2_url_post(struct ht_buffer *url, const char *base, bool is_dry_run)
{
    ht_buffer_append_format(url, "%s" HT_TWITTER_V2_RULES_PATH "%s", base,
                            is_dry_run ? "?dry_run=true" : "");
}

void ht_twitter_v2_url_token(struct ht_buffer *url, const char *base)
{
    ht_buffer_append_format(url, "%s" HT_TWITTER_V2_TOKEN_PATH, base);
}
