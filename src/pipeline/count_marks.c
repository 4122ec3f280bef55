// SPDX-License-Identifier: MIT
#include "count_internal.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * A table that was written in part when the process before ended has items that are ahead of the
 * shard's checkpoint. Their marks come with the table; a shard takes its own when it is met and
 * drops them once it has read past the highest.
 */

static void free_marks(struct ht_count *count, struct ht_count_marks *marks);

static struct ht_count_marks *find_marks(struct ht_count *count, const char *shard_id)
{
    struct ht_count_marks *at = count->loaded_marks;
    while (at != NULL && strcmp(at->shard_id, shard_id) != 0) {
        at = at->next;
    }
    return at;
}

int ht_count_marks_load(struct ht_count *count, const struct ht_mark *mark)
{
    struct ht_count_marks *marks = find_marks(count, mark->shard_id);
    if (marks == NULL) {
        marks = calloc(1, sizeof(*marks));
        if (marks == NULL) {
            return HT_ENOMEM;
        }
        marks->marks = ht_marks_create(&count->options.hash_key);
        if (marks->marks == NULL) {
            free(marks);
            return HT_ENOMEM;
        }
        (void)snprintf(marks->shard_id, sizeof(marks->shard_id), "%s", mark->shard_id);
        marks->next = count->loaded_marks;
        count->loaded_marks = marks;
    }
    int status =
        ht_marks_put(marks->marks, mark->hashtag, mark->sequence_number, mark->sub_sequence);
    size_t bytes = ht_marks_memory_bytes(marks->marks);
    ht_budget_reserve(count->options.budget, bytes - marks->reserved_bytes);
    marks->reserved_bytes = bytes;
    return status == HT_ENOMEM ? status : 0;
}

void ht_count_marks_adopt(struct ht_count_shard *shard)
{
    for (struct ht_count_marks **at = &shard->count->loaded_marks; *at != NULL; at = &(*at)->next) {
        struct ht_count_marks *marks = *at;
        if (strcmp(marks->shard_id, shard->info.id) == 0) {
            *at = marks->next;
            shard->marks = marks;
            return;
        }
    }
}

bool ht_count_marks_cover(const struct ht_count_shard *shard, const struct ht_record *record,
                          struct ht_slice hashtag)
{
    return shard->marks != NULL && ht_marks_cover(shard->marks->marks, hashtag,
                                                  record->sequence_number, record->sub_sequence);
}

/* Marks of shards that the stream does not list say nothing: nobody reads their records again. */
bool ht_count_marks_are_ahead(const struct ht_count *count, struct ht_slice hashtag)
{
    if (count->loaded_marks != NULL && count->listing == 0) {
        return true;
    }
    for (const struct ht_count_shard *at = count->shards; at != NULL; at = at->next) {
        struct ht_slice counted = ht_slice_text(at->has_counted ? at->counted.sequence_number : "");
        if (at->marks != NULL &&
            ht_marks_are_ahead(at->marks->marks, hashtag, counted, at->counted.sub_sequence)) {
            return true;
        }
    }
    return false;
}

void ht_count_marks_look(struct ht_count_shard *shard, const struct ht_record *record)
{
    if (shard->marks != NULL &&
        ht_marks_are_past(shard->marks->marks, record->sequence_number, record->sub_sequence)) {
        ht_count_marks_drop(shard);
    }
}

void ht_count_marks_drop(struct ht_count_shard *shard)
{
    free_marks(shard->count, shard->marks);
    shard->marks = NULL;
}

void ht_count_marks_finish(struct ht_count *count)
{
    while (count->loaded_marks != NULL) {
        struct ht_count_marks *marks = count->loaded_marks;
        count->loaded_marks = marks->next;
        free_marks(count, marks);
    }
}

static void free_marks(struct ht_count *count, struct ht_count_marks *marks)
{
    if (marks == NULL) {
        return;
    }
    ht_budget_release(count->options.budget, marks->reserved_bytes);
    ht_marks_destroy(marks->marks);
    free(marks);
}
