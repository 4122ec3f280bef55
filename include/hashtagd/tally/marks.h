// SPDX-License-Identifier: MIT
#pragma once

/**
 * Marks of one shard: up to which record each of some hashtags is counted already, where a table
 * that was written in part is ahead of the shard's checkpoint. Records are named by a decimal
 * sequence number of any length and a sub-sequence number.
 *
 * Life: ht_marks_create, a ht_marks_put for each mark, ht_marks_cover for each hashtag of each
 * record until ht_marks_are_past, ht_marks_destroy. One thread.
 */

#include "hashtagd/base/error.h"
#include "hashtagd/base/hash.h"
#include "hashtagd/base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ht_marks;

/** Makes an empty one; `key` is secret. The caller frees it with ht_marks_destroy. NULL where memory
 * is out. */
struct ht_marks *ht_marks_create(const struct ht_hash_key *key);

/** Frees it. NULL is fine. */
void ht_marks_destroy(struct ht_marks *marks);

/** Notes that everything of `tag` up to the record is counted; the higher one stays where it was
 * noted before. 0, HT_EINVAL (the tag's length) or HT_ENOMEM. */
int ht_marks_put(struct ht_marks *marks, struct ht_slice tag, struct ht_slice sequence,
                 uint64_t sub_sequence) HT_MUST_CHECK;

/** Whether what the record says of `tag` is counted already. */
bool ht_marks_cover(const struct ht_marks *marks, struct ht_slice tag, struct ht_slice sequence,
                    uint64_t sub_sequence);

/** Whether records of the shard behind this one are counted of `tag`. */
bool ht_marks_are_ahead(const struct ht_marks *marks, struct ht_slice tag, struct ht_slice sequence,
                        uint64_t sub_sequence);

/** Whether the record is behind all marks, so that none is needed for it and later ones. */
bool ht_marks_are_past(const struct ht_marks *marks, struct ht_slice sequence,
                       uint64_t sub_sequence);

/** How many tags have one. */
size_t ht_marks_count(const struct ht_marks *marks);

/** The memory that they hold, in bytes. */
size_t ht_marks_memory_bytes(const struct ht_marks *marks);
