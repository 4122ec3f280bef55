// SPDX-License-Identifier: MIT
#pragma once

/**
 * The words that synthetic tweets are made of: for each language phrases for the text
 * and words for hashtags, as UTF-8. Constant data, nothing else.
 *
 * Hashtag words are legal inside a hashtag (letters and marks) and in lower case where
 * the script has cases. Some come in two spellings that Unicode folds into one: half-width
 * and full-width kana, composed and decomposed accents.
 */

#include <stddef.h>

/** How many languages there are. */
#define HT_SYNTHETIC_LANGUAGE_COUNT 18

/** The sum of all languages' `share`. */
#define HT_SYNTHETIC_SHARE_SUM 64

struct ht_synthetic_language {
    const char *code;           /**< as Twitter's `lang` names it */
    unsigned share;             /**< of HT_SYNTHETIC_SHARE_SUM hashtags and tweets */
    char joiner;                /**< between the words of a hashtag; '\0': none */
    const char *const *phrases; /**< ends with NULL */
    const char *const *words;   /**< ends with NULL */
};

/** All languages, HT_SYNTHETIC_LANGUAGE_COUNT of them. */
extern const struct ht_synthetic_language ht_synthetic_languages[];

/** Emoji and signs that stand between phrases; ends with NULL. */
extern const char *const ht_synthetic_emoji[];

/** Given names for users, in many scripts; ends with NULL. */
extern const char *const ht_synthetic_names[];

/** Where users say that they live; ends with NULL. */
extern const char *const ht_synthetic_locations[];
