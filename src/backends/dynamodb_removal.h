// SPDX-License-Identifier: MIT
#pragma once

/**
 * What a record of a change stream says of an item: whom it touched, and the removal that goes to
 * the archive. Records come from outside; what can be read of a removal is archived, and only one
 * whose hashtag cannot be told is refused.
 */

#include "hashtagd/aws/dynamodb_streams_get_records.h"
#include "hashtagd/json/reader.h"
#include "hashtagd/pipeline/changes.h"

struct ht_change_shard;

/** Reads images; its memory is used again for each. Fields are private. */
struct ht_removal_reader {
    struct ht_json_reader keys, image;
    struct ht_json_keys names;
    struct ht_buffer texts, json;
};

/** A removal in one piece of memory, counted: the batch and the window of what is not committed hold
 * it. */
struct ht_counted_removal {
    struct ht_removal removal; /**< its slices are in the same memory */
    unsigned references;
    struct ht_counted_removal *next; /**< in the one queue that it stands in */
    struct ht_change_shard *shard;   /**< where it was read; set by whoever queues it */
    struct ht_slice sequence_number;
    size_t bytes; /**< of all of it */
};

/** Prepares a reader. */
void ht_removal_reader_init(struct ht_removal_reader *reader);

/** Frees it; zeroed memory is fine. */
void ht_removal_reader_finish(struct ht_removal_reader *reader);

/** The hashtag that a record is about, and what the item counts now where the record tells it. The slice
 * lives until the reader is used again. HT_EPARSE where it cannot be told, HT_ENOMEM. */
int ht_removal_reader_touch(struct ht_removal_reader *reader,
                            const struct ht_dynamodb_stream_record *record,
                            struct ht_slice *hashtag, uint64_t *count,
                            bool *has_count) HT_MUST_CHECK;

/**
 * Makes the removal of a record of event REMOVE; `*removal` has one reference. Where there is no old
 * image, or one that cannot be read, it is made of the keys, with count 0, and `*has_image` is false.
 * `shard_id` stands in for an event id that is missing. HT_EPARSE where the hashtag cannot be told,
 * HT_ENOMEM.
 */
int ht_removal_reader_make(struct ht_removal_reader *reader,
                           const struct ht_dynamodb_stream_record *record, const char *shard_id,
                           struct ht_counted_removal **removal, bool *has_image) HT_MUST_CHECK;

/** Takes one more reference. */
struct ht_counted_removal *ht_counted_removal_hold(struct ht_counted_removal *removal);

/** Gives one back; NULL is fine. */
void ht_counted_removal_release(struct ht_counted_removal *removal);
