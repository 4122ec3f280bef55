// SPDX-License-Identifier: MIT

/* What a flush knows of its hashtags. A hashtag that has deltas in several shards is one group: its
 * newest time goes into each update, and its total is the highest that an answer told, because
 * until it is deleted it only grows. */

#include "dynamodb_table_internal.h"

#include "hashtagd/base/assert.h"

#include <stdlib.h>

enum { LOOKS_AT_CLOCK = 256 };

static void free_works(struct ht_dynamodb_works *works)
{
    for (size_t i = 0; i < works->count && works->all != NULL; i++) {
        free(works->all[i].rest);
    }
    free(works->all);
    free(works->again);
    *works = (struct ht_dynamodb_works){0};
}

void ht_dynamodb_flush_clear(struct ht_dynamodb_flush *flush)
{
    free_works(&flush->writes);
    free_works(&flush->deletes);
    for (size_t i = 0; i < flush->removed_count && flush->removed != NULL; i++) {
        free((char *)(uintptr_t)flush->removed[i].item.hashtag.data);
    }
    free(flush->removed);
    free(flush->seen);
    free(flush->totals);
    free(flush->groups);
    free(flush->index);
    free(flush->marks);
    free(flush->lease_writes);
    ht_buffer_finish(&flush->texts);
    *flush = (struct ht_dynamodb_flush){0};
}

static int make_works(struct ht_dynamodb_works *works, size_t count)
{
    works->all = calloc(count + 1, sizeof(*works->all));
    works->again = calloc(count + 1, sizeof(*works->again));
    works->count = count;
    return works->all == NULL || works->again == NULL ? HT_ENOMEM : 0;
}

static size_t text_bytes(const struct ht_table_flush *request)
{
    size_t bytes = 1;
    for (size_t i = 0; i < request->delta_count; i++) {
        bytes += request->deltas[i].hashtag.length;
    }
    for (size_t i = 0; i < request->refresh_count; i++) {
        bytes += request->refreshes[i].length;
    }
    return bytes;
}

int ht_dynamodb_flush_reserve(struct ht_dynamodb_table *table)
{
    struct ht_dynamodb_flush *flush = &table->flush;
    const struct ht_table_flush *request = flush->request;
    size_t count = request->delta_count + request->refresh_count;
    size_t bytes = text_bytes(request);
    flush->index_size = 16;
    while (flush->index_size < 2 * count) {
        flush->index_size *= 2;
    }
    ht_buffer_init(&flush->texts, bytes + 1);
    flush->groups = calloc(count + 1, sizeof(*flush->groups));
    flush->index = calloc(flush->index_size, sizeof(*flush->index));
    flush->totals = calloc(count + 1, sizeof(*flush->totals));
    flush->removed = calloc(request->delete_count + 1, sizeof(*flush->removed));
    flush->seen = calloc(request->delete_count + 1, sizeof(*flush->seen));
    flush->marks = calloc(request->checkpoint_count + 1, sizeof(*flush->marks));
    flush->lease_writes = calloc(request->checkpoint_count + 1, sizeof(*flush->lease_writes));
    if (flush->groups == NULL || flush->index == NULL || flush->totals == NULL ||
        flush->removed == NULL || flush->seen == NULL || flush->marks == NULL ||
        flush->lease_writes == NULL || ht_buffer_reserve(&flush->texts, bytes) != 0 ||
        make_works(&flush->writes, count) != 0 ||
        make_works(&flush->deletes, request->delete_count) != 0) {
        return HT_ENOMEM;
    }
    for (size_t i = 0; i < request->checkpoint_count; i++) {
        ht_mark_name(request->checkpoints[i].shard_id, flush->marks[i]);
    }
    for (size_t i = 0; i < request->delete_count; i++) {
        flush->deletes.all[i].step = HT_DYNAMODB_LOOK;
    }
    return 0;
}

/* The group of a hashtag; NULL where there is none and none is to be made. */
static struct ht_dynamodb_group *find_group(struct ht_dynamodb_table *table,
                                            struct ht_slice hashtag, bool makes)
{
    struct ht_dynamodb_flush *flush = &table->flush;
    size_t at = ht_hash_bytes(&table->options.hash_key, hashtag) & (flush->index_size - 1);
    for (; flush->index[at] != 0; at = (at + 1) & (flush->index_size - 1)) {
        struct ht_dynamodb_group *group = &flush->groups[flush->index[at] - 1];
        if (ht_slice_equal(group->hashtag, hashtag)) {
            return group;
        }
    }
    if (!makes) {
        return NULL;
    }
    struct ht_dynamodb_group *group = &flush->groups[flush->group_count++];
    size_t begin = flush->texts.length;
    int status = ht_buffer_append_slice(&flush->texts, hashtag);
    HT_ASSERT(status == 0); /* there is room for all of them */
    group->hashtag = ht_slice_make(flush->texts.data + begin, hashtag.length);
    flush->index[at] = (uint32_t)flush->group_count;
    return group;
}

static void prepare_delta(struct ht_dynamodb_table *table, size_t i)
{
    struct ht_dynamodb_flush *flush = &table->flush;
    const struct ht_delta *delta = &flush->request->deltas[i];
    struct ht_dynamodb_group *group = find_group(table, delta->hashtag, true);
    bool is_first = group->last_seen_s == 0 && group->first_seen_s == 0;
    if (is_first || delta->first_seen_s < group->first_seen_s) {
        group->first_seen_s = delta->first_seen_s;
    }
    if (is_first || delta->last_seen_s > group->last_seen_s) {
        group->last_seen_s = delta->last_seen_s;
    }
    flush->writes.all[i].step = HT_DYNAMODB_UPDATE;
    flush->writes.all[i].group = (uint32_t)(group - flush->groups);
}

static void prepare_one(struct ht_dynamodb_table *table, size_t i)
{
    struct ht_dynamodb_flush *flush = &table->flush;
    const struct ht_table_flush *request = flush->request;
    if (i < request->delta_count) {
        prepare_delta(table, i);
        return;
    }
    size_t refresh = i - request->delta_count;
    if (refresh < request->refresh_count) {
        struct ht_dynamodb_group *group = find_group(table, request->refreshes[refresh], true);
        flush->writes.all[i].step = HT_DYNAMODB_REFRESH;
        flush->writes.all[i].group = (uint32_t)(group - flush->groups);
        return;
    }
    struct ht_dynamodb_group *group =
        find_group(table, request->deletes[refresh - request->refresh_count], false);
    if (group != NULL) {
        group->is_deleted = true;
    }
}

bool ht_dynamodb_flush_prepare(struct ht_dynamodb_table *table, uint64_t until_ns)
{
    struct ht_dynamodb_flush *flush = &table->flush;
    const struct ht_table_flush *request = flush->request;
    size_t count = request->delta_count + request->refresh_count + request->delete_count;
    while (flush->prepared < count) {
        prepare_one(table, flush->prepared++);
        if (flush->prepared % LOOKS_AT_CLOCK == 0 &&
            ht_clock_monotonic_ns(table->options.clock) >= until_ns) {
            break;
        }
    }
    return flush->prepared == count;
}

void ht_dynamodb_group_take(struct ht_dynamodb_group *group,
                            const struct ht_dynamodb_answer *answer)
{
    static const char *const names[] = {"htCount", "firstSeen", "lastSeen"};
    struct ht_json_keys keys;
    struct ht_json_value found[HT_COUNT_OF(names)];
    struct ht_table_total total = {.hashtag = group->hashtag};
    ht_json_keys_init(&keys, names, HT_COUNT_OF(names));
    ht_json_reader_find(&answer->reader, answer->item, &keys, found);
    total.exists = ht_attribute_u64(&answer->reader, found[0], &total.count) == 0;
    if (ht_attribute_seconds(&answer->reader, found[1], &total.first_seen_s) != 0) {
        total.first_seen_s = 0;
    }
    if (ht_attribute_seconds(&answer->reader, found[2], &total.last_seen_s) != 0) {
        total.last_seen_s = 0;
    }
    bool is_news = !group->is_known || total.count >= group->total.count;
    if (is_news && (total.exists || answer->item.kind == '\0')) {
        group->total = total;
        group->is_known = true;
    }
}

void ht_dynamodb_flush_gather(struct ht_dynamodb_flush *flush)
{
    flush->total_count = 0;
    for (size_t i = 0; i < flush->group_count; i++) {
        if (flush->groups[i].is_known && !flush->groups[i].is_deleted) {
            flush->totals[flush->total_count++] = flush->groups[i].total;
        }
    }
}
