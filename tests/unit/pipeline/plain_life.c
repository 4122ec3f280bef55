// SPDX-License-Identifier: MIT

#include "plain_life.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void on_fatal(void *user, const struct ht_error *error)
{
    struct plain_life *life = user;
    life->is_fatal = true;
    life->fatal = *error;
    if (!life->may_be_fatal) {
        fail_msg("%s", error->text);
    }
}

struct ht_count_options plain_life_make(struct plain_life *life, struct world *world)
{
    struct ht_tally_options tally = {
        .key = {3, 4}, .minute = world->clock.now_wall_ms / 60000, .keep_parts = true};
    *life = (struct plain_life){.world = world, .tally = ht_tally_create(&tally)};
    assert_non_null(life->tally);
    return (struct ht_count_options){.stream = &world->stream,
                                     .table = &world->table,
                                     .dead_letters = &world->dead_letters,
                                     .tally = life->tally,
                                     .clock = &world->clock.clock,
                                     .timers = &world->timers,
                                     .random = &world->random,
                                     .budget = &world->budget,
                                     .reads = true,
                                     .repeat_window = 1000,
                                     .flush_interval_ms = 200,
                                     .start = {.kind = HT_POSITION_TRIM_HORIZON},
                                     .hash_key = {1, 2},
                                     .on_fatal = on_fatal,
                                     .user = life};
}

void plain_life_start(struct plain_life *life, const struct ht_count_options *options)
{
    life->count = ht_count_create(options);
    assert_non_null(life->count);
    ht_count_start(life->count);
}

void plain_life_begin(struct plain_life *life, struct world *world)
{
    struct ht_count_options options = plain_life_make(life, world);
    plain_life_start(life, &options);
}

void plain_life_crash(struct plain_life *life)
{
    ht_count_destroy(life->count);
    ht_tally_destroy(life->tally);
    world_crash(life->world);
}

void plain_life_end(struct plain_life *life)
{
    bool stopped = false;
    ht_count_stop(life->count, world_set_true, &stopped);
    assert_false(stopped);
    assert_true(world_run_until(life->world, &stopped, 60000));
    plain_life_crash(life);
}
