// SPDX-License-Identifier: MIT

#include "life.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t ticking_ns(struct ht_clock *clock)
{
    struct ticking_clock *ticking = HT_CONTAINER_OF(clock, struct ticking_clock, clock);
    ticking->manual->now_ns += ticking->tick_ns;
    return ticking->manual->now_ns;
}

static int64_t ticking_wall_ms(struct ht_clock *clock)
{
    return HT_CONTAINER_OF(clock, struct ticking_clock, clock)->manual->now_wall_ms;
}

static const struct ht_clock_ops ticking_ops = {ticking_ns, ticking_wall_ms};

static void on_fatal(void *user, const struct ht_error *error)
{
    (void)user;
    fail_msg("%s", error->text);
}

static int on_touched(void *user, struct ht_slice hashtag, uint64_t count, bool is_removed)
{
    return ht_count_touch(((struct life *)user)->count, hashtag, count, is_removed);
}

void life_begin(struct life *life)
{
    struct ht_tally_options tally = {
        .key = {3, 4}, .minute = life->world->clock.now_wall_ms / 60000, .keep_parts = true};
    life->tally = ht_tally_create(&tally);
    assert_non_null(life->tally);
    life->options.tally = life->tally;
    life->count = ht_count_create(&life->options);
    assert_non_null(life->count);
    ht_count_start(life->count);
}

struct life *life_create(uint64_t seed, size_t shard_count)
{
    struct life *life = calloc(1, sizeof(*life));
    HT_ASSERT(life != NULL);
    struct world *world = life->world = world_create(seed, shard_count);
    life->clock = (struct ticking_clock){{&ticking_ops}, &world->clock, 0};
    world->is_kinesis = true;
    world->on_touched = on_touched;
    world->on_touched_user = life;
    life->options = (struct ht_count_options){.stream = &world->stream,
                                              .table = &world->owners[0].table,
                                              .dead_letters = &world->dead_letters,
                                              .clock = &life->clock.clock,
                                              .timers = &world->timers,
                                              .random = &world->random,
                                              .budget = &world->budget,
                                              .reads = true,
                                              .repeat_window = 100,
                                              .flush_interval_ms = 200,
                                              .start = {.kind = HT_POSITION_TRIM_HORIZON},
                                              .hash_key = {1, 2},
                                              .on_fatal = on_fatal,
                                              .user = life};
    return life;
}

void life_crash(struct life *life)
{
    ht_count_destroy(life->count);
    ht_tally_destroy(life->tally);
    world_crash(life->world);
}

void life_end(struct life *life)
{
    bool stopped = false;
    ht_count_stop(life->count, world_set_true, &stopped);
    assert_true(world_run_until(life->world, &stopped, 60000));
    life_crash(life);
    world_destroy(life->world);
    free(life);
}

uint64_t life_knows(const struct life *life, const char *tag)
{
    return ht_tally_count(life->tally, ht_slice_text(tag));
}

static void on_deleted(struct ht_count_delete *request)
{
    ((struct life *)request->user)->is_answered = true;
}

void life_ask_to_delete(struct life *life, const char *tag)
{
    life->is_answered = false;
    life->deletion =
        (struct ht_count_delete){.hashtag = ht_slice_text(tag), .done = on_deleted, .user = life};
    ht_count_delete(life->count, &life->deletion);
}

enum ht_count_shard_state life_state_of(const struct life *life, const char *id)
{
    for (size_t i = 0; i < ht_count_shard_count(life->count); i++) {
        struct ht_count_shard_status status;
        ht_count_shard_get(life->count, i, &status);
        if (strcmp(status.id, id) == 0) {
            return status.state;
        }
    }
    fail_msg("no shard %s", id);
    return HT_COUNT_SHARD_WAITING;
}
