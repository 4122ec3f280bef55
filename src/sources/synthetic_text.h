// SPDX-License-Identifier: MIT
#pragma once

/**
 * The text of a synthetic tweet as a row of tokens, so that the indices of its hashtags,
 * links and mentions are known in code points, and so that it can be cut as Twitter cuts: what
 * does not fit whole is no entity any more.
 */

#include "synthetic_users.h"
#include "synthetic_vocabulary.h"
#include "synthetic_writer.h"

#include "hashtagd/sources/synthetic_tweets.h"

/** No text has more tokens. */
#define HT_SYNTHETIC_MAX_TOKENS 64

/** A classic tweet's code points, and an extended one's. */
#define HT_SYNTHETIC_CLASSIC_POINTS  140
#define HT_SYNTHETIC_EXTENDED_POINTS 280

/** A short link: https://t.co/ and ten characters. */
#define HT_SYNTHETIC_URL_POINTS 23

enum ht_synthetic_token_kind {
    HT_SYNTHETIC_TOKEN_PLAIN,
    HT_SYNTHETIC_TOKEN_HASHTAG,
    HT_SYNTHETIC_TOKEN_URL,
    HT_SYNTHETIC_TOKEN_MENTION,
    HT_SYNTHETIC_TOKEN_SYMBOL,
};

struct ht_synthetic_token {
    enum ht_synthetic_token_kind kind;
    char separator;                       /**< before it: ' ', '\n', or '\0' for none */
    char sign;                            /**< '#', '@', '$', or '\0' for none */
    unsigned points;                      /**< with the sign, without the separator */
    unsigned start;                       /**< index in the text; set by ht_synthetic_text_put() */
    struct ht_slice escaped;              /**< without the sign; the last 10 bytes only for a URL */
    const struct ht_synthetic_user *user; /**< of a mention */
};

struct ht_synthetic_text {
    struct ht_synthetic_token tokens[HT_SYNTHETIC_MAX_TOKENS];
    unsigned count;
    unsigned points; /**< of the whole text */
    unsigned tag_count;
    struct ht_synthetic_tag tags[HT_SYNTHETIC_MAX_HASHTAGS]; /**< where hashtag tokens point */
    char url[10];                                            /**< where the URL token points */
};

/** What a text is made from. */
struct ht_synthetic_text_plan {
    const struct ht_synthetic_vocabulary *vocabulary;
    const struct ht_synthetic_user *users;
    unsigned language;     /**< of the phrases */
    const unsigned *ranks; /**< of the hashtags; those that find no room are left out */
    unsigned rank_count;
    bool is_extended; /**< above 140 code points and up to 280, else at most 140 */
};

/** Makes a text with random phrases, links and mentions. */
void ht_synthetic_text_make(struct ht_synthetic_text *text,
                            const struct ht_synthetic_text_plan *plan, struct ht_random *random);

/** Makes `cut` the beginning of `text`, at most `limit` code points with the "…" at its end. Its
 * tokens point to where those of `text` do; it has no tags of its own. */
void ht_synthetic_text_cut(struct ht_synthetic_text *cut, const struct ht_synthetic_text *text,
                           unsigned limit);

/** Adds "https://t.co/" and ten characters of `number` at the end of `text`. */
void ht_synthetic_text_add_url(struct ht_synthetic_text *text, uint64_t number);

/** Makes `quote` "RT @user: " and what fits of `text` into a classic tweet. */
void ht_synthetic_text_retweet(struct ht_synthetic_text *quote,
                               const struct ht_synthetic_text *text,
                               const struct ht_synthetic_user *user);

/** Writes the inside of the JSON string and sets each token's start. */
void ht_synthetic_text_put(struct ht_synthetic_writer *writer, struct ht_synthetic_text *text);

/** Writes the `entities` object of a text that was written before. */
void ht_synthetic_text_put_entities(struct ht_synthetic_writer *writer,
                                    const struct ht_synthetic_text *text);
