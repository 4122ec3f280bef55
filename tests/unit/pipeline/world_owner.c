// SPDX-License-Identifier: MIT
#include "world_ports.h"

#include "hashtagd/base/assert.h"

#include <inttypes.h>
#include <stdio.h>

/*
 * A table without transactions, as DynamoDB is:
 *
 *     table_flush -> write deltas, one by one -> checkpoints -> windows -> deletes -> finish
 *
 * Each write may get lost, or its answer; then the flush fails when the others of its step are
 * done, and what was confirmed is not written again when the same flush comes again.
 */

enum { WRITES_A_STEP = 5, HELD_MS = 20 };

static void write_some(struct world_operation *operation);
static void finish(struct world_owner *owner, struct ht_table_flush *flush);

/* ---- changes that are told ---- */

static struct world_operation *tell_later(struct world *world, const char *tag, uint64_t count);

static void tell_touch(struct world_operation *operation)
{
    struct world *world = operation->world;
    if (world->on_touched != NULL &&
        world->on_touched(world->on_touched_user, ht_slice_text(operation->tag), operation->count,
                          operation->count == 0) == HT_EBUSY) {
        struct world_operation *again = tell_later(world, operation->tag, operation->count);
        ht_timer_start(&world->timers, &again->timer, HELD_MS);
    }
}

static struct world_operation *tell_later(struct world *world, const char *tag, uint64_t count)
{
    struct world_operation *operation = world_answer_later(world, NULL, tell_touch);
    (void)snprintf(operation->tag, sizeof(operation->tag), "%s", tag);
    operation->count = count;
    return operation;
}

static void touch(struct world *world, const struct world_item *item)
{
    (void)tell_later(world, item->tag, item->count);
}

void world_add_outside(struct world *world, const char *tag, uint64_t count)
{
    struct world_item *item = world_item_of(world, ht_slice_text(tag));
    item->count += count;
    touch(world, item);
}

/* The record up to which a shard is checkpointed. */
static uint64_t checkpointed(const struct world *world, unsigned shard)
{
    for (size_t i = 0; i < world->checkpoint_count; i++) {
        const struct ht_checkpoint *checkpoint = &world->checkpoints[i];
        if (world_shard_number(world, checkpoint->shard_id) != shard) {
            continue;
        }
        if (checkpoint->position.kind == HT_POSITION_END) {
            return UINT64_MAX;
        }
        return checkpoint->position.kind == HT_POSITION_AFTER
                   ? world_number(world, ht_slice_text(checkpoint->position.sequence_number),
                                  checkpoint->position.sub_sequence)
                   : 0;
    }
    return 0;
}

bool world_delete_outside(struct world *world, const char *tag)
{
    struct world_item *item = world_item_of(world, ht_slice_text(tag));
    for (unsigned shard = 0; shard < world->shard_count; shard++) {
        if (item->marks[shard] > checkpointed(world, shard)) {
            return false;
        }
    }
    (void)world_remove(world, ht_slice_text(tag), world->clock.now_wall_ms / 1000);
    touch(world, item);
    return true;
}

/* ---- loading ---- */

static void load_marks(struct world *world, struct ht_table_load *load,
                       const struct world_item *item)
{
    for (unsigned shard = 0; shard < world->shard_count; shard++) {
        if (item->marks[shard] <= checkpointed(world, shard)) {
            continue;
        }
        char sequence[64];
        struct ht_mark mark = {.hashtag = ht_slice_text(item->tag),
                               .shard_id = world->shards[shard].id};
        world_place(world, item->marks[shard], sequence, &mark.sub_sequence);
        mark.sequence_number = ht_slice_text(sequence);
        load->on_mark(load, &mark);
    }
}

static void answer_load(struct world_operation *operation)
{
    struct ht_table_load *load = operation->request;
    struct world *world = operation->world;
    for (size_t i = 0; i < world->item_count; i++) {
        if (world->items[i].count > 0) {
            struct ht_item item = world_describe(&world->items[i]);
            load->on_items(load, &item, 1);
        }
    }
    for (size_t i = 0; i < world->checkpoint_count; i++) {
        struct ht_checkpoint checkpoint = world->checkpoints[i];
        if (checkpoint.position.kind == HT_POSITION_END) {
            /* a lease says no more than that */
            checkpoint.position.sequence_number[0] = '\0';
        }
        load->on_checkpoint(load, &checkpoint);
    }
    for (size_t i = 0; i < world->item_count; i++) {
        if (world->items[i].count > 0) {
            load_marks(world, load, &world->items[i]);
        }
    }
    world_load_windows(world, load);
    load->done(load);
}

static void table_load(struct ht_table *table, struct ht_table_load *load)
{
    struct world_owner *owner = HT_CONTAINER_OF(table, struct world_owner, table);
    (void)world_answer_later(owner->world, load, answer_load);
}

/* ---- flushing ---- */

static void table_flush(struct ht_table *table, struct ht_table_flush *flush)
{
    struct world_owner *owner = HT_CONTAINER_OF(table, struct world_owner, table);
    HT_ASSERT(owner->flush == NULL && flush->id >= owner->id);
    HT_ASSERT(flush->delta_count <= WORLD_DELTAS_MAX && flush->delete_count <= WORLD_DELTAS_MAX);
    if (flush->id != owner->id) {
        struct world *world = owner->world;
        *owner = (struct world_owner){.table = owner->table,
                                      .world = world,
                                      .id = flush->id,
                                      .checkpoints_given = owner->checkpoints_given,
                                      .refreshes_given = owner->refreshes_given};
        owner->checkpoints_given += flush->checkpoint_count;
        owner->refreshes_given += flush->refresh_count;
    }
    owner->flush = flush;
    owner->has_failed = false;
    owner->at = 0;
    owner->first = ht_random_below(&owner->world->random, flush->delta_count + 1);
    (void)world_answer_later(owner->world, owner, write_some);
}

/* 0: as it should be, 1: the request is lost, 2: the answer is. */
static unsigned throw_dice(struct world *world)
{
    if (ht_random_below(&world->random, 100) >= world->lost_percent) {
        return 0;
    }
    return 1 + (unsigned)ht_random_below(&world->random, 2);
}

/* One conditional update: only where the mark is before the first record; where it is not, what
 * stands behind the mark. */
static void update_item(struct world_owner *owner, size_t number)
{
    struct world *world = owner->world;
    const struct ht_table_flush *flush = owner->flush;
    const struct ht_delta *delta = &flush->deltas[number];
    struct world_item *item = world_item_of(world, delta->hashtag);
    unsigned shard = world_shard_number(world, flush->checkpoints[delta->shard].shard_id);
    uint64_t first = world_number(world, delta->first_sequence, delta->first_sub_sequence);
    uint64_t last = world_number(world, delta->last_sequence, delta->last_sub_sequence);
    uint64_t count = delta->count;
    uint64_t mark = item->count == 0 ? 0 : item->marks[shard];
    HT_ASSERT(first <= last && count > 0);
    if (mark >= first) {
        char sequence[64];
        uint64_t sub_sequence;
        struct ht_delta_rest rest;
        world_place(world, mark, sequence, &sub_sequence);
        flush->count_after(flush, number, ht_slice_text(sequence), sub_sequence, &rest);
        HT_ASSERT((rest.count == 0) == (last <= mark) && rest.count <= count);
        if (rest.count == 0) {
            return;
        }
        HT_ASSERT(world_number(world, rest.first_sequence, rest.first_sub_sequence) > mark);
        count = rest.count;
    }
    if (item->count == 0) {
        item->first_seen_s = delta->first_seen_s;
    }
    item->count += count;
    item->last_seen_s = delta->last_seen_s;
    item->marks[shard] = last;
    touch(world, item);
}

static void send_late(struct world_owner *owner, size_t number)
{
    struct world *world = owner->world;
    const struct ht_delta *delta = &owner->flush->deltas[number];
    if (world->late_count == HT_COUNT_OF(world->late_writes)) {
        return;
    }
    struct world_late_write *late = &world->late_writes[world->late_count++];
    *late = (struct world_late_write){
        .shard = world_shard_number(world, owner->flush->checkpoints[delta->shard].shard_id),
        .first = world_number(world, delta->first_sequence, delta->first_sub_sequence),
        .last = world_number(world, delta->last_sequence, delta->last_sub_sequence),
        .count = delta->count};
    memcpy(late->tag, world_item_of(world, delta->hashtag)->tag, sizeof(late->tag));
}

void world_arrive_late(struct world *world)
{
    while (world->late_count > 0) {
        const struct world_late_write *late = &world->late_writes[--world->late_count];
        struct world_item *item = world_item_of(world, ht_slice_text(late->tag));
        if (item->count > 0 && item->marks[late->shard] >= late->first) {
            continue;
        }
        item->count += late->count;
        item->marks[late->shard] = late->last;
        touch(world, item);
    }
}

static void write_delta(struct world_owner *owner, size_t number)
{
    struct world *world = owner->world;
    unsigned dice = throw_dice(world);
    if (dice != 1) {
        update_item(owner, number);
    } else {
        send_late(owner, number);
    }
    if (dice != 0) {
        owner->has_failed = true;
        return;
    }
    owner->is_written[number] = true;
    owner->totals[number] = world_item_of(world, owner->flush->deltas[number].hashtag)->count;
    owner->told_at[number] = ++world->confirmations;
}

static void write_checkpoint(struct world_owner *owner, size_t number)
{
    unsigned dice = throw_dice(owner->world);
    if (dice != 1) {
        world_checkpoint(owner->world, &owner->flush->checkpoints[number]);
    }
    owner->has_failed = owner->has_failed || dice != 0;
}

static void write_windows(struct world_owner *owner)
{
    const struct ht_table_flush *flush = owner->flush;
    for (size_t i = 0; i < flush->part_count && !owner->is_logged; i++) {
        world_log_window(owner->world, flush->parts[i].minute, flush->parts[i].replaces,
                         flush->parts[i].data);
    }
    owner->is_logged = true;
}

static void delete_item(struct world_owner *owner, size_t number)
{
    struct world *world = owner->world;
    unsigned dice = throw_dice(world);
    struct ht_slice tag = owner->flush->deletes[number];
    size_t removal = world->removal_count;
    bool is_removed = dice != 1 && world_remove(world, tag, owner->flush->now_s);
    if (is_removed) {
        touch(world, world_item_of(world, tag));
    }
    if (dice != 0) {
        owner->has_failed = true;
        return;
    }
    owner->is_deleted[number] = true;
    if (is_removed) {
        HT_ASSERT(owner->removed_count < HT_COUNT_OF(owner->removed));
        owner->removed[owner->removed_count++] =
            (struct ht_removed_item){.item = world_describe(&world->removals[removal].item),
                                     .origin = HT_ORIGIN_USER,
                                     .deleted_at_s = owner->flush->now_s};
    }
}

/* The write with this number: deltas from a random one on, then checkpoints, windows, deletes. A
 * step begins only when all before it is confirmed. Returns false where nothing is left. */
static bool write_one(struct world_owner *owner, size_t number)
{
    const struct ht_table_flush *flush = owner->flush;
    if (number < flush->delta_count) {
        size_t delta = (number + owner->first) % flush->delta_count;
        if (!owner->is_written[delta]) {
            write_delta(owner, delta);
        }
        return true;
    }
    number -= flush->delta_count;
    if (number == 0 || number == flush->checkpoint_count) {
        if (owner->has_failed) {
            return false;
        }
    }
    if (number < flush->checkpoint_count) {
        write_checkpoint(owner, number);
        return true;
    }
    number -= flush->checkpoint_count;
    write_windows(owner);
    if (number < flush->delete_count) {
        if (!owner->is_deleted[number]) {
            delete_item(owner, number);
        }
        return true;
    }
    return false;
}

static void write_some(struct world_operation *operation)
{
    struct world_owner *owner = operation->request;
    size_t most = 1 + ht_random_below(&owner->world->random, WRITES_A_STEP);
    for (size_t i = 0; i < most; i++) {
        if (!write_one(owner, owner->at++)) {
            struct ht_table_flush *flush = owner->flush;
            owner->flush = NULL;
            finish(owner, flush);
            return;
        }
    }
    (void)world_answer_later(owner->world, owner, write_some);
}

static void tell_total(struct world_owner *owner, struct ht_table_flush *flush, struct ht_slice tag,
                       uint64_t count)
{
    for (size_t i = 0; i < flush->delete_count; i++) {
        if (ht_slice_equal(flush->deletes[i], tag)) {
            return;
        }
    }
    for (size_t i = 0; i < flush->total_count; i++) {
        if (ht_slice_equal(owner->told[i].hashtag, tag)) {
            owner->told[i].count = count;
            owner->told[i].exists = count > 0;
            return;
        }
    }
    struct world_item *item = world_item_of(owner->world, tag);
    owner->told[flush->total_count++] = (struct ht_table_total){.hashtag = ht_slice_text(item->tag),
                                                                .exists = count > 0,
                                                                .count = count,
                                                                .first_seen_s = item->first_seen_s,
                                                                .last_seen_s = item->last_seen_s};
}

/* Of several deltas of one hashtag the one that was confirmed last has the total. */
static uint64_t total_of(const struct world_owner *owner, const struct ht_table_flush *flush,
                         struct ht_slice tag)
{
    uint64_t told_at = 0;
    uint64_t total = 0;
    for (size_t i = 0; i < flush->delta_count; i++) {
        if (ht_slice_equal(flush->deltas[i].hashtag, tag) && owner->told_at[i] > told_at) {
            told_at = owner->told_at[i];
            total = owner->totals[i];
        }
    }
    return total;
}

static void finish(struct world_owner *owner, struct ht_table_flush *flush)
{
    if (owner->has_failed) {
        flush->status = ht_error_set(&flush->error, HT_ETIMEDOUT, "some writes got lost");
        flush->done(flush);
        return;
    }
    for (size_t i = 0; i < flush->delta_count; i++) {
        struct ht_slice tag = flush->deltas[i].hashtag;
        tell_total(owner, flush, tag, total_of(owner, flush, tag));
    }
    for (size_t i = 0; i < flush->refresh_count; i++) {
        struct ht_slice tag = flush->refreshes[i];
        tell_total(owner, flush, tag, world_item_of(owner->world, tag)->count);
    }
    flush->removed = owner->removed;
    flush->removed_count = owner->removed_count;
    flush->totals = owner->told;
    flush->done(flush);
}

const struct ht_table_ops world_owner_ops = {
    .type = "owner", .load = table_load, .flush = table_flush};
