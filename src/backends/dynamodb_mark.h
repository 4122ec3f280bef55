// SPDX-License-Identifier: MIT
#pragma once

/**
 * Marks: of each shard an item has an attribute that says up to which record of the shard its
 * count goes. Pure.
 *
 *     name   m<number of the shard, lower-case hex>      shardId-000000000031 -> m1f
 *            m:<whole id>                                where the id has another form
 *     value  <length of the number, 3 digits><number>[.<sub-sequence, 7 digits>]
 *
 * The length in front lets strings order as the numbers do, so that a condition of DynamoDB can
 * compare them; a sub-sequence number of 0 is left out and so sorts first.
 */

#include "hashtagd/pipeline/position.h"

#include <stdbool.h>

/** Longest name and value, with their end marks. */
#define HT_MARK_NAME_BYTES  (HT_SHARD_ID_BYTES + 2)
#define HT_MARK_VALUE_BYTES (HT_SEQUENCE_BYTES + 3 + 8)

/** Largest sub-sequence number (a record has 1 MiB, so it is never reached). */
#define HT_MARK_SUB_SEQUENCE_MAX 9999999u

/** The name of a shard's mark. */
void ht_mark_name(const char *shard_id, char name[HT_MARK_NAME_BYTES]);

/** The shard of a mark's name; false where it is no mark. */
bool ht_mark_shard(struct ht_slice name, char shard_id[HT_SHARD_ID_BYTES]);

/** The value that says "up to this record". Digits over HT_SEQUENCE_BYTES - 1 are cut. */
void ht_mark_value(struct ht_slice sequence_number, uint64_t sub_sequence,
                   char value[HT_MARK_VALUE_BYTES]);

/** Reads a value; `*sequence_number` points into it. False where it is none. */
bool ht_mark_read(struct ht_slice value, struct ht_slice *sequence_number, uint64_t *sub_sequence);
