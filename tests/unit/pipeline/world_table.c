// SPDX-License-Identifier: MIT
#include "world_ports.h"

#include "hashtagd/base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct world_item *world_item_of(struct world *world, struct ht_slice tag)
{
    for (size_t i = 0; i < world->item_count; i++) {
        if (ht_slice_equal(ht_slice_text(world->items[i].tag), tag)) {
            return &world->items[i];
        }
    }
    HT_ASSERT(world->item_count < WORLD_ITEMS_MAX && tag.length < WORLD_TAG_BYTES);
    struct world_item *item = &world->items[world->item_count++];
    *item = (struct world_item){.count = 0};
    memcpy(item->tag, tag.data, tag.length);
    return item;
}

struct ht_item world_describe(const struct world_item *item)
{
    return (struct ht_item){.hashtag = ht_slice_text(item->tag),
                            .count = item->count,
                            .first_seen_s = item->first_seen_s,
                            .last_seen_s = item->last_seen_s};
}

/* ---- loading ---- */

void world_load_windows(struct world *world, struct ht_table_load *load)
{
    const char *at = world->window_log.data;
    const char *end = at == NULL ? NULL : at + world->window_log.length;
    while (at < end) {
        int64_t minute;
        uint32_t length;
        memcpy(&minute, at, sizeof(minute));
        char kind = at[sizeof(minute)];
        memcpy(&length, at + sizeof(minute) + 1, sizeof(length));
        at += sizeof(minute) + 1 + sizeof(length);
        struct ht_window_part part = {.minute = minute, .replaces = kind == 1};
        *(kind == 2 ? &part.deleted_hashtag : &part.data) = ht_slice_make(at, length);
        load->on_window_part(load, &part);
        at += length;
    }
}

static void answer_load(struct world_operation *operation)
{
    struct ht_table_load *load = operation->request;
    struct world *world = operation->world;
    world->is_outdated = false;
    for (size_t i = 0; i < world->item_count; i++) {
        if (world->items[i].count > 0) {
            struct ht_item item = world_describe(&world->items[i]);
            load->on_items(load, &item, 1);
        }
    }
    for (size_t i = 0; i < world->checkpoint_count; i++) {
        load->on_checkpoint(load, &world->checkpoints[i]);
    }
    world_load_windows(world, load);
    if (world->load_status != 0) { /* at its end */
        load->status = ht_error_set(&load->error, world->load_status, "no loading today");
    }
    load->done(load);
}

static void table_load(struct ht_table *table, struct ht_table_load *load)
{
    world_answer_later(HT_CONTAINER_OF(table, struct world, table), load, answer_load);
}

/* ---- flushing ---- */

void world_log_window(struct world *world, int64_t minute, char kind, struct ht_slice data)
{
    uint32_t length = (uint32_t)data.length;
    (void)ht_buffer_append(&world->window_log, &minute, sizeof(minute));
    (void)ht_buffer_append_byte(&world->window_log, kind);
    (void)ht_buffer_append(&world->window_log, &length, sizeof(length));
    (void)ht_buffer_append_slice(&world->window_log, data);
}

static void apply_delta(struct world *world, const struct ht_delta *delta)
{
    struct world_item *item = world_item_of(world, delta->hashtag);
    if (item->count == 0) {
        item->first_seen_s = delta->first_seen_s;
    }
    item->count += delta->count;
    item->last_seen_s = delta->last_seen_s;
}

void world_checkpoint(struct world *world, const struct ht_checkpoint *checkpoint)
{
    for (size_t i = 0; i < world->checkpoint_count; i++) {
        if (strcmp(world->checkpoints[i].shard_id, checkpoint->shard_id) == 0) {
            world->checkpoints[i] = *checkpoint;
            return;
        }
    }
    HT_ASSERT(world->checkpoint_count < WORLD_SHARDS_MAX);
    world->checkpoints[world->checkpoint_count++] = *checkpoint;
}

static void drop_late(struct world *world, const char *tag)
{
    for (size_t i = 0; i < world->late_count;) {
        if (strcmp(world->late_writes[i].tag, tag) == 0) {
            world->late_writes[i] = world->late_writes[--world->late_count];
        } else {
            i++;
        }
    }
}

bool world_remove(struct world *world, struct ht_slice tag, int64_t now_s)
{
    struct world_item *item = world_item_of(world, tag);
    if (item->count == 0) {
        return false;
    }
    HT_ASSERT(world->removal_count < WORLD_REMOVALS_MAX);
    struct world_removal *removal = &world->removals[world->removal_count];
    *removal = (struct world_removal){.item = *item, .deleted_at_s = now_s};
    (void)snprintf(removal->event_id, sizeof(removal->event_id), "event-%zu", world->removal_count);
    world->removal_count++;
    item->count = 0;
    memset(item->marks, 0, sizeof(item->marks));
    drop_late(world, item->tag);
    world_log_window(world, now_s / 60, 2, tag);
    return true;
}

/* What was removed by one flush, for the answer. */
static struct ht_removed_item *list_removed(struct world *world, size_t first)
{
    size_t count = world->removal_count - first;
    struct ht_removed_item *removed = calloc(count + 1, sizeof(*removed));
    HT_ASSERT(removed != NULL);
    for (size_t i = 0; i < count; i++) {
        struct world_removal *removal = &world->removals[first + i];
        removed[i] = (struct ht_removed_item){.item = world_describe(&removal->item),
                                              .origin = HT_ORIGIN_USER,
                                              .deleted_at_s = removal->deleted_at_s,
                                              .event_id = ht_slice_text(removal->event_id)};
    }
    return removed;
}

static void answer_flush(struct world_operation *operation)
{
    struct ht_table_flush *flush = operation->request;
    struct world *world = operation->world;
    if (world->is_outdated || world_takes_fault(&world->fail_flushes)) {
        world_fail(&flush->status, &flush->error, "flush");
        flush->done(flush);
        return;
    }
    size_t first = world->removal_count;
    for (size_t i = 0; i < flush->delta_count; i++) {
        apply_delta(world, &flush->deltas[i]);
    }
    for (size_t i = 0; i < flush->checkpoint_count; i++) {
        world_checkpoint(world, &flush->checkpoints[i]);
    }
    for (size_t i = 0; i < flush->part_count; i++) {
        world_log_window(world, flush->parts[i].minute, flush->parts[i].replaces,
                         flush->parts[i].data);
    }
    for (size_t i = 0; i < flush->delete_count; i++) {
        (void)world_remove(world, flush->deletes[i], flush->now_s);
    }
    flush->removed_count = world->removal_count - first;
    flush->removed = list_removed(world, first);
    void *removed = (void *)(uintptr_t)flush->removed;
    flush->done(flush);
    free(removed);
}

static void table_flush(struct ht_table *table, struct ht_table_flush *flush)
{
    struct world *world = HT_CONTAINER_OF(table, struct world, table);
    world->flush_count++;
    if (!world->hold_flushes) {
        world_answer_later(world, flush, answer_flush);
    }
}

static bool table_is_outdated(struct ht_table *table)
{
    return HT_CONTAINER_OF(table, struct world, table)->is_outdated;
}

static bool table_is_waiting(struct ht_table *table)
{
    return HT_CONTAINER_OF(table, struct world, table)->is_waiting;
}

const struct ht_table_ops world_table_ops = {.type = "world",
                                             .load = table_load,
                                             .is_outdated = table_is_outdated,
                                             .is_waiting = table_is_waiting,
                                             .flush = table_flush};

/* ---- the change feed ---- */

enum { FEED_BATCH_MAX = 16 };

struct feed_batch {
    struct ht_removal_batch batch;
    struct ht_removal removals[FEED_BATCH_MAX];
};

static void release_removals(struct ht_removal_batch *batch)
{
    free(batch);
}

static void answer_changes_read(struct world_operation *operation)
{
    struct ht_changes_read *read = operation->request;
    struct world *world = operation->world;
    if (world_takes_fault(&world->fail_changes)) {
        world_fail(&read->status, &read->error, "reading the feed");
        read->done(read);
        return;
    }
    struct feed_batch *made = calloc(1, sizeof(*made));
    HT_ASSERT(made != NULL);
    made->batch = (struct ht_removal_batch){
        .removals = made->removals, .bytes = sizeof(*made), .release = release_removals};
    while (world->removals_read < world->removal_count && made->batch.count < FEED_BATCH_MAX &&
           made->batch.count < read->max_count) {
        struct world_removal *removal = &world->removals[world->removals_read++];
        made->removals[made->batch.count++] =
            (struct ht_removal){.order = world->removals_read,
                                .event_id = ht_slice_text(removal->event_id),
                                .item = world_describe(&removal->item),
                                .deleted_at_s = removal->deleted_at_s,
                                .origin = HT_ORIGIN_USER,
                                .item_json = HT_SLICE("{\"hashtag\":{\"S\":\"x\"}}")};
    }
    read->batch = &made->batch;
    read->done(read);
}

void world_changes_due(struct ht_timer *timer)
{
    struct world *world = HT_CONTAINER_OF(timer, struct world, changes_timer);
    struct ht_changes_read *read = world->waiting_changes_read;
    world->waiting_changes_read = NULL;
    world_answer_later(world, read, answer_changes_read);
}

static void changes_read(struct ht_changes *changes, struct ht_changes_read *read)
{
    struct world *world = HT_CONTAINER_OF(changes, struct world, changes);
    world->waiting_changes_read = read;
    bool has_some = world->removals_read < world->removal_count;
    ht_timer_start(&world->timers, &world->changes_timer, has_some ? 0 : read->wait_ms);
}

static void changes_wake(struct ht_changes *changes)
{
    struct world *world = HT_CONTAINER_OF(changes, struct world, changes);
    if (world->waiting_changes_read != NULL) {
        ht_timer_start(&world->timers, &world->changes_timer, 0);
    }
}

static void answer_commit(struct world_operation *operation)
{
    struct ht_changes_commit *commit = operation->request;
    struct world *world = operation->world;
    if (world_takes_fault(&world->fail_commits)) {
        world_fail(&commit->status, &commit->error, "commit");
    } else {
        HT_ASSERT(commit->first_order == world->removals_committed + 1);
        world->removals_committed = commit->last_order;
    }
    commit->done(commit);
}

static void changes_commit(struct ht_changes *changes, struct ht_changes_commit *commit)
{
    struct world *world = HT_CONTAINER_OF(changes, struct world, changes);
    struct world_operation *operation = world_answer_later(world, commit, answer_commit);
    world->commit_count++;
    if (world->commit_ms > 0) {
        ht_timer_start(&world->timers, &operation->timer, world->commit_ms);
    }
}

static void answer_recent(struct world_operation *operation)
{
    struct ht_changes_recent *recent = operation->request;
    recent->done(recent);
}

static void changes_recent(struct ht_changes *changes, struct ht_changes_recent *recent)
{
    world_answer_later(HT_CONTAINER_OF(changes, struct world, changes), recent, answer_recent);
}

const struct ht_changes_ops world_changes_ops = {.type = "world",
                                                 .read = changes_read,
                                                 .wake = changes_wake,
                                                 .commit = changes_commit,
                                                 .recent = changes_recent};
