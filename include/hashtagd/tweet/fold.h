// SPDX-License-Identifier: MIT
#pragma once

/**
 * Folding makes one key of the spellings of a hashtag: with `case` #Foo, #foo and the
 * full-width #ＦＯＯ are one. The rule is NFKC, full case folding, NFKC again (Unicode 15,
 * sections 3.11 and 3.13), accents kept, zero-width joiners and non-joiners removed at both
 * ends only (inside they are part of the spelling of some scripts). `none` leaves a tag as it
 * is spelled. Both take leading '#' and U+FF03 off, so that no key begins with them. Folding
 * twice changes nothing.
 *
 * The same function serves counting and the tags in HTTP paths.
 */

#include "hashtagd/base/error.h"
#include "hashtagd/base/slice.h"

#include <stddef.h>

/** The most bytes of a folded tag: what a DynamoDB partition key may have. */
#define HT_FOLD_BYTES_MAX 2048

/** Longer tags are refused without folding: none of them could get short enough. */
#define HT_FOLD_INPUT_BYTES_MAX 16384

enum ht_fold_mode {
    HT_FOLD_CASE, /**< NFKC, full case folding, NFKC */
    HT_FOLD_NONE, /**< as spelled */
};

/**
 * Folds `tag` (UTF-8) into `out` (room for HT_FOLD_BYTES_MAX, no end mark) and sets
 * `*length`. HT_EINVAL where nothing is left of the tag, HT_ETOOBIG where it is longer than
 * HT_FOLD_BYTES_MAX after folding, HT_EPARSE where it is no UTF-8; then the tag is to be
 * skipped and counted. No other errors; takes no memory.
 */
int ht_fold_tag(enum ht_fold_mode mode, struct ht_slice tag, char *out,
                size_t *length) HT_MUST_CHECK;

/** `tag` without leading '#' and U+FF03. */
struct ht_slice ht_fold_strip_hash(struct ht_slice tag);
