// SPDX-License-Identifier: MIT
#pragma once

/**
 * Makes up a stream of tweets as Twitter's v1.1 stream sends them, for demonstrations,
 * load and tests: message `index` of a seed is the same bytes on every machine, at every time
 * and in any order of asking, so a source that was interrupted goes on where it was.
 *
 * What comes: whole tweets with full user objects (7-bit ASCII, all else as \uXXXX), hashtags
 * of many scripts in several spellings by Zipf's law, some of them trending for a while,
 * retweets whose own text is cut, tweets above 140 characters (`extended_tweet`), quotes, now and
 * then a tweet for the second time, delete notices, limit notices. Ids rise with the index; times
 * follow from the seed and the index, not from a clock.
 *
 * Beside the bytes stands the truth: which hashtags a reader must find in them.
 *
 *     struct ht_synthetic_tweets *tweets = ht_synthetic_tweets_create(1);
 *     struct ht_synthetic_message message;
 *     ht_synthetic_tweets_get(tweets, 0, &message);
 *     use(message.bytes);
 *     ht_synthetic_tweets_destroy(tweets);
 */

#include "hashtagd/base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** No message is longer than this many bytes. */
#define HT_SYNTHETIC_MAX_BYTES 65536

/** No message carries more hashtags than this. */
#define HT_SYNTHETIC_MAX_HASHTAGS 12

/* kind, its name */
#define HT_SYNTHETIC_KIND_MAP(X)                                                                   \
    X(HT_SYNTHETIC_TWEET, "tweet")       /* at most 140 characters */                              \
    X(HT_SYNTHETIC_EXTENDED, "extended") /* longer: `extended_tweet` has the whole */              \
    X(HT_SYNTHETIC_RETWEET, "retweet")   /* `retweeted_status` has the whole */                    \
    X(HT_SYNTHETIC_QUOTE, "quote")   /* with `quoted_status`, whose hashtags are not its own */    \
    X(HT_SYNTHETIC_DELETE, "delete") /* a delete notice, no tweet */                               \
    X(HT_SYNTHETIC_LIMIT, "limit")   /* a limit notice, no tweet */

enum ht_synthetic_kind {
#define X(kind, name) kind,
    HT_SYNTHETIC_KIND_MAP(X)
#undef X
};

/** One message. The slices point into the generator and live until its next call. */
struct ht_synthetic_message {
    enum ht_synthetic_kind kind;
    bool is_repeat;        /**< the same bytes as an earlier message, at most 600 indices back */
    uint64_t id;           /**< the tweet's id; 0 for notices */
    struct ht_slice bytes; /**< one JSON object without line end */
    size_t hashtag_count;
    /** The hashtags of the tweet, as UTF-8 without '#', as spelled, in order: those of the
     * original for a retweet, of the whole for an extended tweet, its own for a quote. */
    struct ht_slice hashtags[HT_SYNTHETIC_MAX_HASHTAGS];
};

/** The generator: constant tables and room for one message. Its fields are private. */
struct ht_synthetic_tweets;

/** Makes a generator for `seed`; takes some milliseconds and 3 MB. NULL where memory is out. */
struct ht_synthetic_tweets *ht_synthetic_tweets_create(uint64_t seed);

/** Frees the generator; NULL is fine. */
void ht_synthetic_tweets_destroy(struct ht_synthetic_tweets *tweets);

/** Fills `*message` with message number `index`. */
void ht_synthetic_tweets_get(struct ht_synthetic_tweets *tweets, uint64_t index,
                             struct ht_synthetic_message *message);

/** The name of a kind; static. */
const char *ht_synthetic_kind_name(enum ht_synthetic_kind kind);
