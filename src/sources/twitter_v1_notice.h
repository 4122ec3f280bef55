// SPDX-License-Identifier: MIT
#pragma once

/**
 * The messages of Twitter's v1.1 streams that say something of the stream itself: `disconnect`,
 * `warning` and `limit`. Which kind a message is shows in its first key, so that tweets are not read
 * here; every message goes on to the pipeline all the same, as it came. Pure.
 * https://developer.x.com/en/docs/tweets/filter-realtime/guides/streaming-message-types
 */

#include "hashtagd/base/error.h"
#include "hashtagd/base/slice.h"
#include "hashtagd/pipeline/source.h"

#include <stdint.h>

/** Longer messages are no notices, whatever their first key is. */
#define HT_TWITTER_V1_NOTICE_MAX_BYTES 16384

/** Longest text of a notice that is kept, its end mark counted; cut between characters. */
#define HT_TWITTER_V1_NOTICE_TEXT_BYTES 240

enum ht_twitter_v1_notice_kind {
    HT_TWITTER_V1_NOTICE_NONE, /**< a tweet, or a notice about tweets or users */
    HT_TWITTER_V1_NOTICE_DISCONNECT,
    HT_TWITTER_V1_NOTICE_WARNING,
    HT_TWITTER_V1_NOTICE_LIMIT,
};

/** What a notice says. */
struct ht_twitter_v1_notice {
    /** DISCONNECT: the code; WARNING: percent_full of its queue; LIMIT: tweets not delivered. -1 where
     * it is missing or no whole number of at least 0. */
    int64_t number;
    char code[HT_TWITTER_V1_NOTICE_TEXT_BYTES]; /**< WARNING: "FALLING_BEHIND"; else empty */
    char text[HT_TWITTER_V1_NOTICE_TEXT_BYTES]; /**< reason or message; may be empty */
};

/** What kind of notice `message` (one JSON text) is by its first key. */
enum ht_twitter_v1_notice_kind ht_twitter_v1_notice_kind(struct ht_slice message);

/** Reads a notice of that kind. HT_EPARSE where it is no JSON or another shape: then it says
 * nothing. HT_ENOMEM. */
int ht_twitter_v1_notice_parse(enum ht_twitter_v1_notice_kind kind, struct ht_slice message,
                               struct ht_twitter_v1_notice *notice) HT_MUST_CHECK;

/** What a disconnect notice means: TOLD_TO_STOP where connecting again would only do harm until a
 * person has done something (codes 2, 5, 6 and 7), else TOLD. `error` (not NULL) says what it is,
 * and what to do. */
enum ht_source_end ht_twitter_v1_notice_explain(const struct ht_twitter_v1_notice *disconnect,
                                                struct ht_error *error);

/** When a message was made, in milliseconds since 1970, by `timestamp_ms` at its end or
 * `created_at` at its beginning, without reading it whole; 0 where neither is there. */
int64_t ht_twitter_v1_notice_time_ms(struct ht_slice message);
