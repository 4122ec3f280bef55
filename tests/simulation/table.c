// SPDX-License-Identifier: MIT
#include "plain.h"

#include "hashtagd/base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * What both tables have: items, checkpoints, the log of the windows, what a load tells. And the
 * transactional one, whose flush happens as a whole or not at all.
 */

enum { DAY_MINUTES = 24 * 60 };

struct plain_item *plain_item(struct plain_world *world, struct ht_slice hashtag)
{
    uint32_t number = sim_truth_number(world->world.truth, hashtag);
    if (number >= world->item_capacity) {
        size_t capacity = number < 128 ? 256 : (size_t)number * 2;
        world->items = realloc(world->items, capacity * sizeof(*world->items));
        HT_ASSERT(world->items != NULL);
        memset(&world->items[world->item_capacity], 0,
               (capacity - world->item_capacity) * sizeof(*world->items));
        world->item_capacity = capacity;
    }
    return &world->items[number];
}

struct ht_item plain_describe(const struct plain_item *item, struct ht_slice hashtag)
{
    return (struct ht_item){.hashtag = hashtag,
                            .count = item->count,
                            .first_seen_s = item->first_seen_s,
                            .last_seen_s = item->last_seen_s,
                            .expires_at_s = item->expires_at_s};
}

static struct plain_removal *add_removal(struct plain_world *world)
{
    if (world->removal_count == world->removal_capacity) {
        world->removal_capacity = world->removal_capacity == 0 ? 256 : world->removal_capacity * 2;
        world->removals =
            realloc(world->removals, world->removal_capacity * sizeof(*world->removals));
        HT_ASSERT(world->removals != NULL);
    }
    return &world->removals[world->removal_count++];
}

static void add_window(struct plain_world *world, int64_t minute, char kind, struct ht_slice data)
{
    if (world->window_count == world->window_capacity) {
        world->window_capacity = world->window_capacity == 0 ? 256 : world->window_capacity * 2;
        world->windows = realloc(world->windows, world->window_capacity * sizeof(*world->windows));
        HT_ASSERT(world->windows != NULL);
    }
    struct plain_window *window = &world->windows[world->window_count++];
    *window = (struct plain_window){.minute = minute,
                                    .kind = kind,
                                    .length = (uint32_t)data.length,
                                    .data = malloc(data.length + 1)};
    HT_ASSERT(window->data != NULL);
    memcpy(window->data, data.length == 0 ? "" : data.data, data.length);
}

void plain_window(struct plain_world *world, const struct ht_window_part *part)
{
    add_window(world, part->minute, part->replaces ? 1 : 0, part->data);
}

bool plain_remove(struct plain_world *world, struct ht_slice hashtag, int64_t now_s,
                  enum ht_origin origin)
{
    struct plain_item *item = plain_item(world, hashtag);
    if (item->count == 0) {
        return false;
    }
    struct plain_removal *removal = add_removal(world);
    *removal = (struct plain_removal){.hashtag = ht_slice_to_text(hashtag),
                                      .length = hashtag.length,
                                      .deleted_at_s = now_s,
                                      .origin = origin};
    HT_ASSERT(removal->hashtag != NULL);
    removal->item = plain_describe(item, ht_slice_make(removal->hashtag, hashtag.length));
    char event_id[64];
    (void)snprintf(event_id, sizeof(event_id), "event-%" PRIu64, ++world->events);
    removal->event_id = ht_slice_to_text(ht_slice_text(event_id));
    HT_ASSERT(removal->event_id != NULL);
    item->count = 0;
    item->version++;
    if (item->marks != NULL) {
        memset(item->marks, 0, SIM_SHARDS_MAX * sizeof(*item->marks));
    }
    add_window(world, now_s / 60, 2, hashtag);
    sim_truth_removal(world->world.truth, &removal->item, now_s, ht_slice_text(removal->event_id));
    plain_feed_wake(world);
    return true;
}

void plain_checkpoint(struct plain_world *world, const struct ht_checkpoint *checkpoint)
{
    unsigned shard = plain_shard(world, checkpoint->shard_id);
    world->checkpoints[shard] = *checkpoint;
    world->has_checkpoint[shard] = true;
    sim_truth_checkpoint(world->world.truth, shard,
                         plain_passed(world, shard, &checkpoint->position),
                         checkpoint->position.kind == HT_POSITION_END);
}

/* ---- loading ---- */

static void load_marks(struct plain_world *world, struct ht_table_load *load, uint32_t number)
{
    const struct plain_item *item = &world->items[number];
    const struct sim_hashtag *hashtag = &world->world.truth->hashtags[number];
    for (unsigned shard = 0; item->marks != NULL && shard < world->shard_count; shard++) {
        if (item->marks[shard] <= world->world.truth->shards[shard].checkpointed) {
            continue;
        }
        char sequence[64];
        struct ht_mark mark = {.hashtag = ht_slice_make(hashtag->text, hashtag->length),
                               .shard_id = world->shards[shard].info.id};
        plain_sequence(world, shard, item->marks[shard], sequence, &mark.sub_sequence);
        mark.sequence_number = ht_slice_text(sequence);
        load->on_mark(load, &mark);
    }
}

static void load_items(struct plain_world *world, struct ht_table_load *load, bool wants_marks)
{
    const struct sim_truth *truth = world->world.truth;
    for (uint32_t i = 0; i < truth->hashtag_count && i < world->item_capacity; i++) {
        if (world->items[i].count == 0) {
            continue;
        }
        if (wants_marks) {
            load_marks(world, load, i);
            continue;
        }
        struct ht_item item = plain_describe(
            &world->items[i], ht_slice_make(truth->hashtags[i].text, truth->hashtags[i].length));
        load->on_items(load, &item, 1);
    }
}

static void load_windows(struct plain_world *world, struct ht_table_load *load)
{
    for (size_t i = 0; i < world->window_count; i++) {
        const struct plain_window *window = &world->windows[i];
        if (window->minute < load->oldest_minute) {
            continue;
        }
        struct ht_window_part part = {.minute = window->minute, .replaces = window->kind == 1};
        *(window->kind == 2 ? &part.deleted_hashtag : &part.data) =
            ht_slice_make(window->data, window->length);
        load->on_window_part(load, &part);
    }
}

void plain_load(struct plain_world *world, struct ht_table_load *load)
{
    load_items(world, load, false);
    for (unsigned i = 0; i < world->shard_count; i++) {
        if (world->has_checkpoint[i]) {
            struct ht_checkpoint checkpoint = world->checkpoints[i];
            if (world->is_marks && checkpoint.position.kind == HT_POSITION_END) {
                checkpoint.position.sequence_number[0] = '\0'; /* a lease says no more than that */
            }
            load->on_checkpoint(load, &checkpoint);
        }
    }
    if (world->is_marks) {
        load_items(world, load, true);
    }
    load_windows(world, load);
}

void plain_table_finish(struct plain_world *world)
{
    for (size_t i = 0; i < world->item_capacity; i++) {
        free(world->items[i].marks);
    }
    for (size_t i = 0; i < world->window_count; i++) {
        free(world->windows[i].data);
    }
    free(world->items);
    free(world->windows);
}

/* ---- the transactional table ---- */

static void load_answer(struct plain_request *request, int code, const struct ht_error *error)
{
    struct ht_table_load *load = request->user;
    load->status = code;
    load->error = *error;
    if (code == 0) {
        plain_load(request->world, load);
    }
    load->done(load);
}

static const struct plain_kind load_kind = {.name = "load", .answer = load_answer};

static void table_load(struct ht_table *table, struct ht_table_load *load)
{
    struct plain_side *side = HT_CONTAINER_OF(table, struct plain_side, table);
    (void)plain_start(side, &load_kind, PLAIN_TABLE, load);
}

static void apply_delta(struct plain_world *world, const struct ht_delta *delta)
{
    struct plain_item *item = plain_item(world, delta->hashtag);
    if (item->count == 0) {
        item->first_seen_s = delta->first_seen_s;
        item->last_seen_s = delta->last_seen_s;
    }
    item->first_seen_s =
        item->first_seen_s < delta->first_seen_s ? item->first_seen_s : delta->first_seen_s;
    item->last_seen_s =
        item->last_seen_s > delta->last_seen_s ? item->last_seen_s : delta->last_seen_s;
    item->count += delta->count;
    item->version++;
    uint32_t ttl_s = world->world.options.ttl_s;
    item->expires_at_s = ttl_s == 0 ? 0 : item->last_seen_s + ttl_s;
    sim_truth_item(world->world.truth, delta->hashtag, item->count, 0);
}

static void expire(struct plain_world *world, int64_t now_s)
{
    const struct sim_truth *truth = world->world.truth;
    for (uint32_t i = 0; i < world->item_capacity; i++) {
        const struct plain_item *item = &world->items[i];
        if (item->count > 0 && item->expires_at_s > 0 && item->expires_at_s <= now_s) {
            struct ht_slice tag = ht_slice_make(truth->hashtags[i].text, truth->hashtags[i].length);
            (void)plain_remove(world, tag, now_s, HT_ORIGIN_TTL);
        }
    }
}

static void flush_effect(struct plain_request *request)
{
    struct plain_world *world = request->world;
    const struct ht_table_flush *flush = request->user;
    request->numbers[0] = world->removal_count;
    for (size_t i = 0; i < flush->delta_count; i++) {
        apply_delta(world, &flush->deltas[i]);
    }
    for (size_t i = 0; i < flush->checkpoint_count; i++) {
        plain_checkpoint(world, &flush->checkpoints[i]);
    }
    for (size_t i = 0; i < flush->part_count; i++) {
        plain_window(world, &flush->parts[i]);
    }
    for (size_t i = 0; i < flush->delete_count; i++) {
        (void)plain_remove(world, flush->deletes[i], flush->now_s, HT_ORIGIN_USER);
    }
    if (world->world.options.ttl_s > 0) {
        expire(world, flush->now_s);
    }
    request->numbers[1] = world->removal_count;
}

/* What was removed by one flush. */
static void list_removed(struct plain_side *side, const struct plain_request *request,
                         struct ht_table_flush *flush)
{
    flush->removed_count = request->numbers[1] - request->numbers[0];
    free(side->removed);
    side->removed = calloc(flush->removed_count + 1, sizeof(*side->removed));
    HT_ASSERT(side->removed != NULL);
    for (size_t i = 0; i < flush->removed_count; i++) {
        const struct plain_removal *removal = &side->world->removals[request->numbers[0] + i];
        side->removed[i] = (struct ht_removed_item){.item = removal->item,
                                                    .origin = removal->origin,
                                                    .deleted_at_s = removal->deleted_at_s,
                                                    .event_id = ht_slice_text(removal->event_id)};
    }
    flush->removed = side->removed;
}

static void flush_answer(struct plain_request *request, int code, const struct ht_error *error)
{
    struct ht_table_flush *flush = request->user;
    flush->status = code;
    flush->error = *error;
    if (code == 0) {
        list_removed(request->side, request, flush);
    }
    flush->done(flush);
}

static const struct plain_kind flush_kind = {
    .name = "flush", .effect = flush_effect, .answer = flush_answer, .is_write = true};

static void table_flush(struct ht_table *table, struct ht_table_flush *flush)
{
    struct plain_side *side = HT_CONTAINER_OF(table, struct plain_side, table);
    (void)plain_start(side, &flush_kind, PLAIN_TABLE, flush);
}

void plain_transactional_open(struct plain_side *side)
{
    static const struct ht_table_ops ops = {
        .type = "simulated", .load = table_load, .flush = table_flush};
    side->table = (struct ht_table){.ops = &ops};
    ht_health_init(&side->table.health, &side->process->clock, HT_HEALTH_WORKING);
}
