// SPDX-License-Identifier: MIT
#pragma once

/**
 * The last so many distinct ids of a shard, to tell a tweet that the stream holds
 * twice. First in, first out: when it is full, the id that came first falls out; a
 * repeat does not make an id younger. Ids are 64-bit numbers; others are hashed to
 * 64 bits by the caller.
 *
 * Memory is set aside at the start: about 20 bytes an id, of which the system gives
 * pages only as they are used. One thread.
 */

#include "hashtagd/base/hash.h"
#include "hashtagd/base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The largest capacity. */
#define HT_RECENT_IDS_MAX 10000000

struct ht_recent_ids;

/**
 * Makes an empty window of `capacity` ids, 0..HT_RECENT_IDS_MAX; with 0 nothing is ever seen.
 * `key` is secret, because ids come from outside. The caller frees it with
 * ht_recent_ids_destroy. NULL where memory is out or the capacity too large.
 */
struct ht_recent_ids *ht_recent_ids_create(size_t capacity, const struct ht_hash_key *key);

/** Frees it. NULL is fine. */
void ht_recent_ids_destroy(struct ht_recent_ids *ids);

/** Whether `id` is among the recent ones; where not, it is from now on. */
bool ht_recent_ids_seen(struct ht_recent_ids *ids, uint64_t id);

/** Takes over what one or two others remember, for a shard that goes on where they ended: by age, so
 * that of two each loses its oldest. `second` may be NULL. What is known already stays as it is. */
void ht_recent_ids_inherit(struct ht_recent_ids *ids, const struct ht_recent_ids *first,
                           const struct ht_recent_ids *second);

/** Whether `id` is among the recent ones; changes nothing. */
bool ht_recent_ids_has(const struct ht_recent_ids *ids, uint64_t id);

/** How many ids are remembered. */
size_t ht_recent_ids_count(const struct ht_recent_ids *ids);

/** Forgets all. */
void ht_recent_ids_clear(struct ht_recent_ids *ids);

/** The memory that it holds, in bytes. */
size_t ht_recent_ids_memory_bytes(const struct ht_recent_ids *ids);

/** The number of a decimal id up to 2^64-1; false where `text` is anything else. Leading zeros make
 * it something else, since "01" and "1" are two ids. */
bool ht_recent_ids_parse(struct ht_slice text, uint64_t *id);
