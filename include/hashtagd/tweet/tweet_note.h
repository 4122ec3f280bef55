// SPDX-License-Identifier: MIT
#pragma once

/**
 * What reading a tweet found, in a few bytes: its key and its hashtags. Who has read a tweet already
 * gives the note along with it, and a reader in the same process needs not read the tweet again,
 * which costs more than all else that counting does.
 *
 * A note is no format for files: it lives in memory only, within one process, between readers that
 * were made with the same key. A tweet with very many hashtags has none and is read again.
 */

#include "hashtagd/tweet/tweet.h"

/** No note is longer than this many bytes. */
#define HT_TWEET_NOTE_MAX_BYTES 1024

/** How many bytes the note of `tweet`, as ht_tweet_read() filled it with default options, takes; 0
 * where it has none. */
size_t ht_tweet_note_bytes(const struct ht_tweet *tweet);

/** Writes the note of a tweet to `out`, which has room for ht_tweet_note_bytes(), more than 0. */
void ht_tweet_note_put(const struct ht_tweet *tweet, char *out);

/**
 * Fills `*out` from a note as ht_tweet_read() would from the tweet, but without `id`. The hashtags
 * point into `note`. `options` may be NULL. 0; HT_EPARSE where it is no note (an empty one is
 * none): read the tweet then; HT_ENOMEM.
 */
int ht_tweet_note_read(struct ht_tweet_reader *reader, struct ht_slice note,
                       const struct ht_tweet_options *options, struct ht_tweet *out) HT_MUST_CHECK;
