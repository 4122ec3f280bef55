// SPDX-License-Identifier: MIT
#pragma once

/**
 * The vocabulary of synthetic tweets: phrases and 262,143 hashtags, ordered by rank. The
 * hashtag of rank k is drawn with a probability in proportion to 1/k (Zipf's law with
 * exponent 1), so a few are very frequent and most are seen once. Hashtags are put together
 * from one to three words when they are asked for; which words stand at which rank depends on
 * the seed.
 *
 * Only whole numbers are used, so that every machine makes the same.
 */

#include "synthetic_piece.h"
#include "synthetic_words.h"

#include "hashtagd/base/random.h"

/** The number of powers of two that ranks span; the last rank is 2^18 - 1. */
#define HT_SYNTHETIC_OCTAVE_COUNT 18

/** How many hashtags there are. */
#define HT_SYNTHETIC_RANK_COUNT ((1u << HT_SYNTHETIC_OCTAVE_COUNT) - 1)

/** Pieces that belong together. */
struct ht_synthetic_pieces {
    struct ht_synthetic_piece *items; /**< owned */
    unsigned count;
};

struct ht_synthetic_vocabulary {
    struct ht_synthetic_store store; /**< the bytes of all pieces */
    struct ht_synthetic_pieces phrases[HT_SYNTHETIC_LANGUAGE_COUNT];
    struct ht_synthetic_pieces words[HT_SYNTHETIC_LANGUAGE_COUNT][HT_SYNTHETIC_SPELLING_COUNT];
    struct ht_synthetic_pieces emoji;
    struct ht_synthetic_pieces names;
    struct ht_synthetic_pieces locations;
    uint8_t slot_language[HT_SYNTHETIC_SHARE_SUM];  /**< the language of rank % 64 */
    uint8_t slot_order[HT_SYNTHETIC_SHARE_SUM];     /**< the how many-th slot of its language */
    unsigned rotation;                              /**< moves the words against the ranks */
    uint64_t octave_end[HT_SYNTHETIC_OCTAVE_COUNT]; /**< summed weights of 1/k */
};

/** One hashtag, made. */
struct ht_synthetic_tag {
    unsigned points;
    unsigned utf8_length;
    unsigned escaped_length;
    char utf8[192];    /**< without '#', not NUL-terminated */
    char escaped[512]; /**< the same as inside of a JSON string */
};

/** Fills `vocabulary`, which is zeroed memory. 0 or HT_ENOMEM (finish it then too). */
int ht_synthetic_vocabulary_init(struct ht_synthetic_vocabulary *vocabulary,
                                 uint64_t seed) HT_MUST_CHECK;

/** Frees what init made; zeroed memory is fine. */
void ht_synthetic_vocabulary_finish(struct ht_synthetic_vocabulary *vocabulary);

/** Draws a rank from 1 to HT_SYNTHETIC_RANK_COUNT. */
unsigned ht_synthetic_draw_rank(const struct ht_synthetic_vocabulary *vocabulary,
                                struct ht_random *random);

/** Draws a spelling: mostly that of headlines, at times another. */
enum ht_synthetic_spelling ht_synthetic_draw_spelling(struct ht_random *random);

/** The language (an index) that the hashtag of `rank` is written in. */
unsigned ht_synthetic_rank_language(const struct ht_synthetic_vocabulary *vocabulary,
                                    unsigned rank);

/** Makes the hashtag of `rank`. */
void ht_synthetic_tag_make(const struct ht_synthetic_vocabulary *vocabulary, unsigned rank,
                           enum ht_synthetic_spelling spelling, struct ht_synthetic_tag *tag);

/** A number from 0 to `bound` - 1 (bound below 2^32): fast, and even enough for made-up data. */
static inline unsigned ht_synthetic_below(struct ht_random *random, unsigned bound)
{
    return (unsigned)(((ht_random_u64(random) >> 32) * bound) >> 32);
}
