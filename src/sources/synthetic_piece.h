// SPDX-License-Identifier: MIT
#pragma once

/**
 * A piece is a bit of text that is ready to be copied into a tweet: once as UTF-8 and
 * once as Twitter puts it into JSON, 7-bit ASCII with \uXXXX for all the rest and
 * surrogate pairs beyond the basic plane. Pieces are made once, when the generator
 * starts; making a tweet is then mostly copying.
 */

#include "hashtagd/base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ht_synthetic_piece {
    struct ht_slice utf8;    /**< as it is; lives in the store, or is constant */
    struct ht_slice escaped; /**< as the inside of a JSON string */
    unsigned points;         /**< code points, which is what Twitter's indices count */
};

/** How a word is spelled; all of them fold to the same hashtag. */
enum ht_synthetic_spelling {
    HT_SYNTHETIC_LOWER, /**< as the table has it */
    HT_SYNTHETIC_TITLE, /**< first letter upper-case */
    HT_SYNTHETIC_UPPER, /**< all upper-case */
    HT_SYNTHETIC_WIDE,  /**< ASCII letters as full-width forms */
    HT_SYNTHETIC_BOLD,  /**< ASCII letters as mathematical bold ones, beyond the basic plane */
    HT_SYNTHETIC_SPELLING_COUNT,
};

/** Memory for pieces: grows by blocks, is freed as a whole. Zeroed is empty. */
struct ht_synthetic_store {
    struct ht_synthetic_block *blocks; /**< owned; the newest first */
    bool failed;                       /**< memory ran out: pieces may be empty */
};

/** Frees all pieces of the store. */
void ht_synthetic_store_finish(struct ht_synthetic_store *store);

/** A copy of `slice` in the store; an empty one where memory is out (`failed` tells). */
struct ht_slice ht_synthetic_store_copy(struct ht_synthetic_store *store, struct ht_slice slice);

/** Makes a piece of `text` (valid UTF-8, at most 200 bytes). With `html` the characters & < >
 * become entities first, as in a tweet's text. */
struct ht_synthetic_piece ht_synthetic_piece_make(struct ht_synthetic_store *store,
                                                  const char *text, bool html);

/** Makes a piece of `word` in another spelling. */
struct ht_synthetic_piece ht_synthetic_piece_spell(struct ht_synthetic_store *store,
                                                   const char *word,
                                                   enum ht_synthetic_spelling spelling);

/** How many bytes of `escaped` hold its first `points` code points (all, where it has fewer). */
size_t ht_synthetic_escaped_bytes(struct ht_slice escaped, unsigned points);
