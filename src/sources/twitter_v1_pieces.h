// SPDX-License-Identifier: MIT
#pragma once

/**
 * Walks over a list of texts that may each hold several items with commas between: all items, one
 * after the other, without the spaces around them.
 *
 *     struct ht_twitter_v1_pieces pieces = ht_twitter_v1_pieces(texts, count);
 *     while (ht_twitter_v1_pieces_next(&pieces))
 *         use(pieces.piece);
 */

#include "hashtagd/base/slice.h"

#include <stdbool.h>
#include <stddef.h>

struct ht_twitter_v1_pieces {
    struct ht_slice piece; /**< the current item; may be empty; lives as long as the texts */
    size_t count;          /**< items so far, the current one counted */
    /* private */
    const char *const *texts;
    size_t left;          /* texts, the one at `rest` not counted */
    struct ht_slice rest; /* of the current text; data is NULL at its end */
};

/** Starts a walk over `count` texts, borrowed. */
static inline struct ht_twitter_v1_pieces ht_twitter_v1_pieces(const char *const *texts,
                                                               size_t count)
{
    return (struct ht_twitter_v1_pieces){.texts = texts, .left = count};
}

/** Goes to the next (first) item; false where there is none left. */
static inline bool ht_twitter_v1_pieces_next(struct ht_twitter_v1_pieces *pieces)
{
    if (pieces->rest.data == NULL) {
        if (pieces->left == 0) {
            return false;
        }
        pieces->rest = ht_slice_text(*pieces->texts++);
        pieces->left--;
    }
    struct ht_slice rest = pieces->rest;
    const char *comma = rest.length == 0 ? NULL : memchr(rest.data, ',', rest.length);
    size_t length = comma == NULL ? rest.length : (size_t)(comma - rest.data);
    pieces->piece = ht_slice_trim(ht_slice_make(rest.data, length));
    pieces->rest =
        comma == NULL ? ht_slice_make(NULL, 0) : ht_slice_make(comma + 1, rest.length - length - 1);
    pieces->count++;
    return true;
}
