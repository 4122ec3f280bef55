// SPDX-License-Identifier: MIT
#include "count_internal.h"

/*
 * The window of what a shard has counted lately holds the id of each tweet. Where a tweet can be
 * edited and stays the same tweet, it holds also one key for each of its hashtags, folded, so that
 * a later version can be told from the ones before: only what is new in it counts.
 *
 * The keys come behind their id, so the id falls out first: a version whose id is not there counts
 * whole, and nothing of it is known by halves.
 */

bool ht_count_window_seen(struct ht_count_shard *shard, const struct ht_record *record, uint64_t id)
{
    if (ht_recent_ids_seen(shard->memory->recent_ids, id)) {
        return true;
    }
    ht_count_trail_note(&shard->memory->trail, record->sequence_number);
    return false;
}

/* What stands in the window for a folded hashtag of a tweet. */
static uint64_t key_of(const struct ht_count *count, uint64_t id, size_t tag)
{
    uint64_t parts[2] = {id, count->folded_hashes[tag]};
    return ht_hash_bytes(&count->options.hash_key,
                         ht_slice_make((const char *)parts, sizeof(parts)));
}

/* All are looked up before any is noted: what is noted may push out what the tweet had before. */
size_t ht_count_window_keep_new(const struct ht_count_shard *shard, uint64_t id, size_t tag_count)
{
    struct ht_count *count = shard->count;
    size_t kept = 0;
    for (size_t i = 0; i < tag_count; i++) {
        if (!ht_recent_ids_has(shard->memory->recent_ids, key_of(count, id, i))) {
            count->folded_tags[kept] = count->folded_tags[i];
            count->folded_hashes[kept] = count->folded_hashes[i];
            kept++;
        }
    }
    return kept;
}

void ht_count_window_note_tags(struct ht_count_shard *shard, const struct ht_record *record,
                               uint64_t id, size_t tag_count)
{
    for (size_t i = 0; i < tag_count; i++) {
        (void)ht_count_window_seen(shard, record, key_of(shard->count, id, i));
    }
}
