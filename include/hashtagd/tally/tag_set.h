// SPDX-License-Identifier: MIT
#pragma once

/**
 * A set of tags: each has a number, from 0 in the order of arrival, under which the owner may keep
 * more about it. Nothing is removed but all at once.
 *
 * Life: ht_tag_set_create, ht_tag_set_destroy. One thread.
 */

#include "hashtagd/base/error.h"
#include "hashtagd/base/hash.h"
#include "hashtagd/base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ht_tag_set;

/** Makes an empty one; `key` is secret, because tags come from outside. The caller frees it with
 * ht_tag_set_destroy. NULL where memory is out. */
struct ht_tag_set *ht_tag_set_create(const struct ht_hash_key *key);

/** Frees it. NULL is fine. */
void ht_tag_set_destroy(struct ht_tag_set *set);

/** Adds a copy of a tag of 1..HT_TALLY_TAG_MAX_BYTES bytes where it is not there; `*number` (not
 * NULL) is the tag's. 0, HT_EINVAL (its length) or HT_ENOMEM, with nothing changed. */
int ht_tag_set_add(struct ht_tag_set *set, struct ht_slice tag, uint32_t *number) HT_MUST_CHECK;

/** Whether the tag is there; `*number` (not NULL) is its number then. */
bool ht_tag_set_find(const struct ht_tag_set *set, struct ht_slice tag, uint32_t *number);

/** The tag with a number below the count; lives until the set is cleared. */
struct ht_slice ht_tag_set_get(const struct ht_tag_set *set, uint32_t number);

/** How many there are. */
size_t ht_tag_set_count(const struct ht_tag_set *set);

/** Forgets all, and gives the memory back. */
void ht_tag_set_clear(struct ht_tag_set *set);

/** The memory that it holds, in bytes. */
size_t ht_tag_set_memory_bytes(const struct ht_tag_set *set);
