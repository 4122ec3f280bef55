// SPDX-License-Identifier: MIT

/* What the stage does with shards that are split, merged, lost and forgotten. */

#include "life.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const one[] = {"one"};

static void with_counting_switched_off_only_wishes_are_served(void **state)
{
    (void)state;
    struct life *life = life_create(7, 1);
    struct world *world = life->world;
    life->options.reads = false;
    world_add_outside(world, "one", 3);
    world_add_tweet(world, 0, 1, one, 1);
    life_begin(life);
    world_run(world, 5000);
    assert_true(ht_count_is_loaded(life->count));
    assert_int_equal(life_knows(life, "one"), 3);
    assert_int_equal(ht_count_shard_count(life->count), 0);
    assert_int_equal(ht_count_health(life->count)->state, HT_HEALTH_IDLE);
    assert_string_equal(ht_count_health(life->count)->text, "counting is switched off");
    world_add_outside(world, "one", 2);
    world_run(world, 1000);
    assert_int_equal(life_knows(life, "one"), 5);
    assert_int_equal(ht_count_health(life->count)->state, HT_HEALTH_IDLE);
    life_ask_to_delete(life, "one");
    assert_true(world_run_until(world, &life->is_answered, 5000));
    assert_true(life->deletion.found);
    assert_int_equal(life->deletion.count, 5);
    life_end(life);
}

/* How the shards of a test hang together, and which of them get the tweets again. */
static void repeats_across(struct life *life, bool with_crash)
{
    struct world *world = life->world;
    for (uint64_t id = 1; id <= 60; id++) {
        world_add_tweet(world, (unsigned)(id % 2), id, one, 1);
    }
    life_begin(life);
    world_run(world, 3000);
    unsigned left = world_add_shard(world, 0, -1);
    unsigned right = world_add_shard(world, 0, -1);
    unsigned merged = world_add_shard(world, (int)right, 1);
    world_run(world, 3000);
    if (with_crash) {
        life_crash(life);
        life_begin(life);
    }
    world_run(world, 35000);
    for (uint64_t id = 1; id <= 60; id++) {
        world_add_tweet(world, id % 2 == 0 ? left : merged, id, one, 1);
        world_add_tweet(world, merged, id, one, 1);
    }
    world_run(world, 3000);
    assert_int_equal(world_count(world, "one"), 60);
    assert_int_equal(life_state_of(life, world->shards[0].id), HT_COUNT_SHARD_FINISHED);
    assert_int_equal(life_state_of(life, world->shards[merged].id), HT_COUNT_SHARD_READING);
}

static void a_repeat_across_a_split_and_a_merge_is_dropped(void **state)
{
    (void)state;
    struct life *life = life_create(8, 2);
    repeats_across(life, false);
    life_end(life);
}

static void a_repeat_across_a_split_and_a_crash_is_dropped(void **state)
{
    (void)state;
    struct life *life = life_create(9, 2);
    repeats_across(life, true);
    life_end(life);
}

static void children_are_read_while_flushes_fail(void **state)
{
    (void)state;
    struct life *life = life_create(10, 1);
    struct world *world = life->world;
    life_begin(life);
    world->lost_percent = 100;
    uint64_t id = 0;
    unsigned shard = 0;
    for (size_t generation = 0; generation < 5; generation++) {
        for (size_t i = 0; i < 100; i++) {
            world_add_tweet(world, shard, ++id, one, 1);
        }
        (void)world_add_shard(world, (int)shard, -1);
        shard = world_add_shard(world, (int)shard, -1);
        world_run(world, 500);
    }
    assert_int_equal(ht_count_health(life->count)->state, HT_HEALTH_WAITING);
    world->lost_percent = 0;
    world_run(world, 60000);
    assert_int_equal(world_count(world, "one"), id);
    assert_int_equal(ht_count_health(life->count)->state, HT_HEALTH_WORKING);
    life_end(life);
}

/* Months of splits: what was read out and is not listed any more costs nothing. */
static void finished_shards_are_forgotten(void **state)
{
    (void)state;
    struct life *life = life_create(11, 1);
    struct world *world = life->world;
    life_begin(life);
    uint64_t id = 0;
    for (unsigned shard = 0; shard < WORLD_SHARDS_MAX - 1; shard++) {
        world_add_tweet(world, shard, ++id, one, 1);
        world_run(world, 1000);
        (void)world_add_shard(world, (int)shard, -1);
        world_run(world, 1000);
        for (unsigned old = 0; old < shard; old++) {
            world->is_unlisted[old] = true;
        }
        world_run(world, 31000);
        assert_in_range(ht_count_shard_count(life->count), 2, 3);
    }
    assert_int_equal(world_count(world, "one"), id);
    life_end(life);
}

static void only_shards_that_moved_are_checkpointed(void **state)
{
    (void)state;
    struct life *life = life_create(12, 8);
    struct world *world = life->world;
    life_begin(life);
    world_run(world, 2000);
    size_t before = world->owners[0].checkpoints_given;
    for (uint64_t id = 1; id <= 5; id++) {
        world_add_tweet(world, 3, id, one, 1);
        world_run(world, 1000);
    }
    assert_in_range(world->owners[0].checkpoints_given - before, 5, 13);
    before = world->owners[0].checkpoints_given;
    world_run(world, 10000);
    assert_int_equal(world->owners[0].checkpoints_given, before);
    life_end(life);
}

static void a_shard_that_is_gone_does_not_hold_its_children_back(void **state)
{
    (void)state;
    struct life *life = life_create(13, 1);
    struct world *world = life->world;
    life_begin(life);
    world_add_tweet(world, 0, 1, one, 1);
    world_run(world, 2000);
    unsigned child = world_add_shard(world, 0, -1);
    world->lost_shard = 1;
    world_add_tweet(world, child, 2, one, 1);
    world_run(world, 40000);
    assert_int_equal(world_count(world, "one"), 1);
    world->is_unlisted[0] = true;
    world_run(world, 60000);
    assert_int_equal(world_count(world, "one"), 2);
    life_end(life);
}

static uint64_t digits_of(const char *sequence)
{
    size_t length = strlen(sequence);
    return length < 20 ? 0 : strtoull(sequence + length - 20, NULL, 10);
}

/* Three records have one sequence number here. */
static void checkpoints_name_a_record_one_and_a_half_windows_back(void **state)
{
    (void)state;
    struct life *life = life_create(14, 1);
    struct world *world = life->world;
    for (int round = 0; round < 3; round++) {
        life_begin(life);
        for (uint64_t id = 0; id < 500; id++) {
            world_add_tweet(world, 0, 1000 * (uint64_t)(round + 1) + id, one, 1);
        }
        world_run(world, 5000);
        const struct ht_position *position = &world->checkpoints[0].position;
        uint64_t back = digits_of(position->sequence_number) - digits_of(position->warm_sequence);
        assert_in_range(back * 3, 150, 180);
        life_crash(life);
    }
    life_begin(life);
    world_run(world, 3000);
    for (uint64_t id = 400; id < 500; id++) {
        world_add_tweet(world, 0, 3000 + id, one, 1);
    }
    world_run(world, 3000);
    assert_int_equal(world_count(world, "one"), 1500);
    life_end(life);
}

static void a_shard_that_fails_is_not_hidden_by_the_others(void **state)
{
    (void)state;
    struct life *life = life_create(17, 3);
    struct world *world = life->world;
    life_begin(life);
    world_run(world, 1000);
    assert_int_equal(ht_count_health(life->count)->state, HT_HEALTH_WORKING);
    world->lost_shard = 2;
    world_run(world, 1000);
    for (uint64_t id = 1; id <= 200; id++) {
        world_add_tweet(world, id % 2 == 0 ? 0 : 2, id, one, 1);
        world_run(world, 100);
        assert_int_equal(ht_count_health(life->count)->state, HT_HEALTH_WAITING);
    }
    world_run(world, 1000);
    assert_int_equal(world_count(world, "one"), 200);
    assert_non_null(strstr(ht_count_health(life->count)->text, "no such shard"));
    world->lost_shard = 0;
    world_run(world, 15000);
    assert_int_equal(ht_count_health(life->count)->state, HT_HEALTH_WORKING);
    life_end(life);
}

/* Nobody else will count what a child took before it was met. */
static void children_of_shards_that_are_followed_begin_at_their_first_record(void **state)
{
    (void)state;
    for (int with_crash = 0; with_crash < 2; with_crash++) {
        struct life *life = life_create(18, 1);
        struct world *world = life->world;
        life->options.start.kind = HT_POSITION_LATEST;
        world_add_tweet(world, 0, 1, one, 1);
        life_begin(life);
        world_run(world, 3000);
        assert_int_equal(world_count(world, "one"), 0);
        world_add_tweet(world, 0, 2, one, 1);
        world_run(world, 3000);
        assert_int_equal(world_count(world, "one"), 1);
        if (with_crash == 1) {
            life_crash(life);
        }
        unsigned child = world_add_shard(world, 0, -1);
        world_add_tweet(world, child, 3, one, 1);
        if (with_crash == 1) {
            life_begin(life);
        }
        world_run(world, 40000);
        assert_int_equal(world_count(world, "one"), 2);
        life_end(life);
    }
}

/* Of two splits while the program was away only the first has a parent with a checkpoint. */
static void grandchildren_of_shards_that_are_followed_begin_at_their_first_record(void **state)
{
    (void)state;
    struct life *life = life_create(18, 1);
    struct world *world = life->world;
    life->options.start.kind = HT_POSITION_LATEST;
    life_begin(life);
    world_run(world, 3000);
    world_add_tweet(world, 0, 1, one, 1);
    world_run(world, 3000);
    assert_int_equal(world_count(world, "one"), 1);
    life_crash(life);
    unsigned child = world_add_shard(world, 0, -1);
    world_add_tweet(world, child, 2, one, 1);
    unsigned grandchild = world_add_shard(world, (int)child, -1);
    world_add_tweet(world, grandchild, 3, one, 1);
    life_begin(life);
    world_run(world, 40000);
    assert_int_equal(world_count(world, "one"), 3);
    life_end(life);
}

/* What comes while the program is away is behind the place where it began. */
static void a_quiet_shard_that_began_at_the_tip_loses_nothing_in_a_crash(void **state)
{
    (void)state;
    for (int is_kinesis = 0; is_kinesis < 2; is_kinesis++) {
        struct life *life = life_create(20, 2);
        struct world *world = life->world;
        world->is_kinesis = is_kinesis == 1;
        life->options.start.kind = HT_POSITION_LATEST;
        world_add_tweet(world, 0, 1, one, 1);
        world_run(world, 1000);
        life_begin(life);
        world_run(world, 5000);
        assert_int_equal(world_count(world, "one"), 0);
        life_crash(life);
        world_run(world, 1000);
        world_add_tweet(world, 0, 2, one, 1);
        world_add_tweet(world, 1, 3, one, 1);
        world_run(world, 1000);
        life_begin(life);
        world_run(world, 5000);
        assert_int_equal(world_count(world, "one"), 2);
        life_end(life);
    }
}

/* Each of them would find room if it asked alone. */
static void many_shards_that_are_behind_share_a_small_budget(void **state)
{
    (void)state;
    enum { SHARE_BYTES = (5 << 20) / 2 / WORLD_SHARDS_MAX };
    struct life *life = life_create(19, WORLD_SHARDS_MAX);
    struct world *world = life->world;
    ht_budget_init(&world->budget, 5 << 20);
    world->batch_bytes = 4 << 20;
    for (uint64_t id = 1; id <= 60 * WORLD_SHARDS_MAX; id++) {
        world_add_tweet(world, (unsigned)(id % WORLD_SHARDS_MAX), id, one, 1);
    }
    life_begin(life);
    world_run(world, 30000);
    assert_int_equal(world_count(world, "one"), 60 * WORLD_SHARDS_MAX);
    assert_in_range(world->budget.peak_bytes, 2 << 20, (5 << 20) + SHARE_BYTES);
    life_end(life);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_counting_switched_off_only_wishes_are_served),
        cmocka_unit_test(a_repeat_across_a_split_and_a_merge_is_dropped),
        cmocka_unit_test(a_repeat_across_a_split_and_a_crash_is_dropped),
        cmocka_unit_test(children_are_read_while_flushes_fail),
        cmocka_unit_test(finished_shards_are_forgotten),
        cmocka_unit_test(only_shards_that_moved_are_checkpointed),
        cmocka_unit_test(a_shard_that_is_gone_does_not_hold_its_children_back),
        cmocka_unit_test(checkpoints_name_a_record_one_and_a_half_windows_back),
        cmocka_unit_test(a_shard_that_fails_is_not_hidden_by_the_others),
        cmocka_unit_test(children_of_shards_that_are_followed_begin_at_their_first_record),
        cmocka_unit_test(grandchildren_of_shards_that_are_followed_begin_at_their_first_record),
        cmocka_unit_test(a_quiet_shard_that_began_at_the_tip_loses_nothing_in_a_crash),
        cmocka_unit_test(many_shards_that_are_behind_share_a_small_budget),
    };
    return cmocka_run_group_tests_name("pipeline/count_lineage", tests, NULL, NULL);
}
