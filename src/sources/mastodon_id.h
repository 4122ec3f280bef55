// SPDX-License-Identifier: MIT
#pragma once

/**
 * Ids of one Mastodon server's statuses: text that orders by length, then by bytes. Mastodon's
 * are decimal snowflakes, milliseconds since 1970 and 16 further bits (lib/mastodon/snowflake.rb);
 * other servers that speak its interface have ULIDs and the like.
 *
 * A status of another server gets the id of the moment in which it was written there, not in which
 * it came: so a smaller id may come after a larger one.
 */

#include "hashtagd/base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Longest id in bytes; a snowflake has 18, a ULID 26. */
#define HT_MASTODON_ID_BYTES 64

/** An id; plain memory. Zeroed is none. */
struct ht_mastodon_id {
    char text[HT_MASTODON_ID_BYTES];
    size_t length; /**< 0: none */
};

/** Takes `text` (copied); false, and nothing is changed, where it is none: empty, too long, or with
 * other bytes than letters, digits, '-' and '_'. */
bool ht_mastodon_id_set(struct ht_mastodon_id *id, struct ht_slice text);

/** The id's text; lives as long as `id` is not changed. Empty where it is none. */
struct ht_slice ht_mastodon_id_slice(const struct ht_mastodon_id *id);

/** Below, at or above 0 as `a` is older than, the same as or newer than `b`; none is older than
 * all. */
int ht_mastodon_id_compare(const struct ht_mastodon_id *a, const struct ht_mastodon_id *b);

/** Makes `id` the newer of itself and `other`. */
void ht_mastodon_id_advance(struct ht_mastodon_id *id, const struct ht_mastodon_id *other);

/** When a snowflake was made: wall milliseconds; -1 where it is none, or of no sensible time. */
int64_t ht_mastodon_id_time_ms(const struct ht_mastodon_id *id);

/** The first id of the millisecond `ms` before that of `id`; `id` itself where it is no
 * snowflake. */
struct ht_mastodon_id ht_mastodon_id_before(const struct ht_mastodon_id *id, uint64_t ms);
