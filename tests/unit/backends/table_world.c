// SPDX-License-Identifier: MIT
#include "table_world.h"

#include "hashtagd/base/assert.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

const char *const tag_names[TAGS] = {"alpha", "beta", "gamma", "delta", "\"quoted\"", "zeta"};
static const char *const shard_ids[SHARDS] = {SHARD_0, SHARD_1};

unsigned tag_of(uint64_t record)
{
    return (unsigned)((record * 7 + record / 3) % TAGS);
}

unsigned index_of_tag(struct ht_slice name)
{
    for (unsigned i = 0; i < TAGS; i++) {
        if (ht_slice_equal(name, ht_slice_text(tag_names[i]))) {
            return i;
        }
    }
    fail();
    return 0;
}

static unsigned index_of_shard(const char *shard_id)
{
    return strcmp(shard_id, SHARD_1) == 0;
}

static void on_items(struct ht_table_load *load, const struct ht_item *items, size_t count)
{
    struct world *world = load->user;
    for (size_t i = 0; i < count; i++) {
        unsigned tag = index_of_tag(items[i].hashtag);
        world->loaded_counts[tag] = items[i].count;
        world->loaded_times[tag]++;
    }
}

static void on_checkpoint(struct ht_table_load *load, const struct ht_checkpoint *checkpoint)
{
    struct world *world = load->user;
    world->checkpoints[index_of_shard(checkpoint->shard_id)] =
        strtoull(checkpoint->position.sequence_number, NULL, 10);
}

static void on_mark(struct ht_table_load *load, const struct ht_mark *mark)
{
    struct world *world = load->user;
    unsigned tag = index_of_tag(mark->hashtag);
    assert_true(world->loaded_times[tag] == 1);
    assert_int_equal(ht_slice_to_u64(mark->sequence_number, UINT64_MAX,
                                     &world->marks[index_of_shard(mark->shard_id)][tag]),
                     0);
}

static void on_expected(struct ht_table_load *load, uint64_t count)
{
    ((struct world *)load->user)->expected = count;
}

static void on_window_part(struct ht_table_load *load, const struct ht_window_part *part)
{
    (void)part;
    ((struct world *)load->user)->window_parts++;
}

static void on_loaded(struct ht_table_load *load)
{
    ((struct world *)load->user)->is_loaded = true;
}

void world_closed(void *user)
{
    ((struct world *)user)->is_closed = true;
}

/* The windows' table: answers at once, with a part that it had. */
static void load_windows(struct ht_table *table, struct ht_table_load *load)
{
    struct world *world = HT_CONTAINER_OF(table, struct world, windows);
    struct ht_window_part part = {.minute = 1, .data = HT_SLICE("x")};
    load->status = world->window_load_status;
    if (load->status == 0) {
        load->on_window_part(load, &part);
    } else {
        (void)ht_error_set(&load->error, load->status, "The disk is full.");
    }
    load->done(load);
}

static void flush_windows(struct ht_table *table, struct ht_table_flush *flush)
{
    struct world *world = HT_CONTAINER_OF(table, struct world, windows);
    world->window_flushes++;
    flush->status = world->window_status;
    flush->done(flush);
}

static const struct ht_table_ops window_operations = {
    .type = "windows", .load = load_windows, .flush = flush_windows};

void open_table(struct world *world)
{
    struct ht_dynamodb_table_options options = {
        .aws = &world->fake->client,
        .clock = &world->clock.clock,
        .timers = &world->timers,
        .random = &world->random,
        .name = TABLE,
        .leases = LEASES,
        .worker_id = "me",
        .ttl_s = world->ttl_s,
        .hash_key = {1, 2},
        .counts_nothing = world->counts_nothing,
        .windows = &world->windows,
    };
    world->is_loaded = false;
    world->is_closed = false;
    memset(world->marks, 0, sizeof(world->marks));
    memset(world->loaded_counts, 0, sizeof(world->loaded_counts));
    memset(world->loaded_times, 0, sizeof(world->loaded_times));
    memset(world->checkpoints, 0, sizeof(world->checkpoints));
    world->load = (struct ht_table_load){.on_expected = on_expected,
                                         .on_items = on_items,
                                         .on_checkpoint = on_checkpoint,
                                         .on_mark = on_mark,
                                         .on_window_part = on_window_part,
                                         .done = on_loaded,
                                         .user = world};
    assert_int_equal(ht_dynamodb_table_create(&world->table, &options, NULL), 0);
    world->table->ops->load(world->table, &world->load);
}

int table_setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    world->fake = calloc(1, sizeof(*world->fake));
    fake_dynamodb_init(world->fake);
    ht_manual_clock_init(&world->clock, 1000000000, (int64_t)NOW_S * 1000);
    ht_timer_queue_init(&world->timers, &world->clock.clock);
    ht_random_init(&world->random, 1);
    world->windows.ops = &window_operations;
    *state = world;
    return 0;
}

void settle(struct world *world)
{
    while (ht_timer_queue_run(&world->timers) > 0 || fake_dynamodb_serve(world->fake, FAKE_NONE)) {
    }
}

void pass(struct world *world, uint64_t ms)
{
    for (uint64_t at = 0; at < ms; at += 50) {
        ht_manual_clock_advance_ms(&world->clock, 50);
        settle(world);
    }
}

void close_table(struct world *world)
{
    world->table->ops->close(world->table, world_closed, world);
    pass(world, 11000);
    assert_true(world->is_closed);
    world->table->ops->destroy(world->table);
    world->table = NULL;
}

int table_teardown(void **state)
{
    struct world *world = *state;
    if (world->table != NULL) {
        close_table(world);
    }
    ht_timer_queue_finish(&world->timers);
    fake_dynamodb_finish(world->fake);
    free(world->fake);
    free(world);
    return 0;
}

static void on_flushed(struct ht_table_flush *flush)
{
    ((struct flight *)flush->user)->is_done = true;
}

/* Records of the delta behind a place. */
static void count_after(const struct ht_table_flush *flush, size_t delta,
                        struct ht_slice sequence_number, uint64_t sub_sequence,
                        struct ht_delta_rest *rest)
{
    struct flight *flight =
        HT_CONTAINER_OF((struct ht_table_flush *)(uintptr_t)flush, struct flight, flush);
    uint64_t place;
    (void)sub_sequence;
    assert_int_equal(ht_slice_to_u64(sequence_number, UINT64_MAX, &place), 0);
    *rest = (struct ht_delta_rest){0};
    unsigned shard = flight->shards[delta];
    for (uint64_t n = flight->to[shard]; n > flight->from[shard] && n > place; n--) {
        if (tag_of(n) == flight->tags[delta]) {
            rest->count++;
            (void)snprintf(flight->rest_sequence, sizeof(flight->rest_sequence), "%" PRIu64, n);
            rest->first_sequence = ht_slice_text(flight->rest_sequence);
        }
    }
}

static void add_delta(struct flight *flight, unsigned shard, unsigned tag,
                      const uint64_t marks[SHARDS][TAGS])
{
    struct ht_table_flush *flush = &flight->flush;
    struct ht_delta *delta = &flight->deltas[flush->delta_count];
    char(*texts)[24] = flight->sequences[flush->delta_count];
    *delta = (struct ht_delta){.hashtag = ht_slice_text(tag_names[tag]),
                               .shard = shard,
                               .first_seen_s = NOW_S + (int64_t)flight->from[shard],
                               .last_seen_s = NOW_S + (int64_t)flight->to[shard]};
    for (uint64_t n = flight->from[shard] + 1; n <= flight->to[shard]; n++) {
        if (tag_of(n) != tag || (marks != NULL && n <= marks[shard][tag])) {
            continue;
        }
        if (delta->count++ == 0) {
            (void)snprintf(texts[0], sizeof(texts[0]), "%" PRIu64, n);
        }
        (void)snprintf(texts[1], sizeof(texts[1]), "%" PRIu64, n);
    }
    if (delta->count > 0) {
        delta->first_sequence = ht_slice_text(texts[0]);
        delta->last_sequence = ht_slice_text(texts[1]);
        flight->tags[flush->delta_count] = tag;
        flight->shards[flush->delta_count] = shard;
        flush->delta_count++;
    }
}

void board(struct world *world, struct flight *flight, const uint64_t from[SHARDS],
           const uint64_t to[SHARDS], const uint64_t marks[SHARDS][TAGS])
{
    *flight = (struct flight){.world = world};
    flight->flush = (struct ht_table_flush){.id = ++world->next_id,
                                            .count_after = count_after,
                                            .deltas = flight->deltas,
                                            .checkpoints = flight->checkpoints,
                                            .checkpoint_count = SHARDS,
                                            .deletes = flight->deletes,
                                            .now_s = NOW_S,
                                            .done = on_flushed,
                                            .user = flight};
    for (unsigned shard = 0; shard < SHARDS; shard++) {
        char text[24];
        flight->from[shard] = from[shard];
        flight->to[shard] = to[shard];
        (void)snprintf(flight->checkpoints[shard].shard_id, HT_SHARD_ID_BYTES, "%s",
                       shard_ids[shard]);
        (void)snprintf(text, sizeof(text), "%" PRIu64, to[shard]);
        ht_position_after(&flight->checkpoints[shard].position, ht_slice_text(text), 0);
        for (unsigned tag = 0; tag < TAGS; tag++) {
            add_delta(flight, shard, tag, marks);
        }
    }
}

void start_flush(struct world *world, struct flight *flight)
{
    flight->is_done = false;
    world->table->ops->flush(world->table, &flight->flush);
}

int flush_now(struct world *world, struct flight *flight)
{
    start_flush(world, flight);
    settle(world);
    assert_true(flight->is_done);
    return flight->flush.status;
}

uint64_t truth(unsigned tag, const uint64_t to[SHARDS])
{
    uint64_t count = 0;
    for (unsigned shard = 0; shard < SHARDS; shard++) {
        for (uint64_t n = 1; n <= to[shard]; n++) {
            count += tag_of(n) == tag;
        }
    }
    return count;
}

uint64_t stored(struct world *world, unsigned tag)
{
    /* the model keeps texts as JSON has them, unescaped in its key */
    return fake_dynamodb_number(world->fake, TABLE, tag_names[tag], "htCount");
}

void assert_counts(struct world *world, const uint64_t to[SHARDS])
{
    for (unsigned tag = 0; tag < TAGS; tag++) {
        assert_int_equal(stored(world, tag), truth(tag, to));
    }
}

void open_loaded(struct world *world)
{
    open_table(world);
    settle(world);
    assert_true(world->is_loaded);
    assert_int_equal(world->load.status, 0);
}
