// SPDX-License-Identifier: MIT
#pragma once

/**
 * New ids for tweets that are replayed again, so that a window of recent ids does not take
 * them for repeats. In round 0 everything stays. In a later round each id of the tweet itself
 * becomes another one, always the same for the same id and round: a mix of both with 63 bits
 * (SplitMix64's last step), in the range from 2^62, where no service's ids are yet.
 *
 * Rewritten are `id` and `id_str` of a v1.1 tweet, and `id` and `edit_history_tweet_ids` of a v2
 * tweet, bare or in `data`. Ids of retweeted, quoted and included tweets, of users and in
 * notices stay.
 *
 * What other services know a post by is a text, which gets the round at its end: `rkey` of
 * Bluesky's events, in `commit` or `payload`, `uri` and `url` of Mastodon's statuses. A status that
 * is a text inside of an event of a WebSocket stays as it is.
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/slice.h"

#include <stdint.h>

/** Appends `message` (well-formed JSON) with its ids for `round` to `out`. 0, HT_ENOMEM or
 * HT_ETOOBIG. */
int ht_round_ids_append(struct ht_slice message, uint64_t round,
                        struct ht_buffer *out) HT_MUST_CHECK;

/** What `id` becomes in `round`. */
uint64_t ht_round_ids_map(uint64_t id, uint64_t round);
