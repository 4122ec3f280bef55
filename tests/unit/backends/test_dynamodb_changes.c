// SPDX-License-Identifier: MIT
#include "change_world.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* -- reading -------------------------------------------------------------------------------------- */

static void removals_come_in_order_and_everything_else_is_passed_over(void **state)
{
    struct world *world = *state;
    struct model_shard *shard = world_shard(world, "shardId-1", "");
    world_count(world, shard, "a", 1);
    world_remove(world, shard, "a");
    world_count(world, shard, "b", 7);
    world_remove(world, shard, "b");
    world_open(world);
    world_drain(world);
    assert_string_equal(world->got, "a b ");
    assert_string_equal(world->touched, "a=1 a- b=7 b- ");
    assert_int_equal(world->changes->counters.removals_read, 2);
    assert_int_equal(world->changes->counters.records_read, 4);
    assert_int_equal(world->changes->counters.waiting, 2);
    assert_int_equal(world->changes->health.state, HT_HEALTH_WORKING);
    assert_string_equal(world->changes->ops->type, "dynamodb");
}

static void a_batch_holds_what_was_asked_for_and_the_rest_stays_ready(void **state)
{
    struct world *world = *state;
    struct model_shard *shard = world_shard(world, "shardId-1", "");
    for (int i = 0; i < 25; i++) {
        world_remove(world, shard, "x");
    }
    world_open(world);
    assert_int_equal(world_read(world, 10, 0), 10);
    size_t polls = shard->polls;
    world_run(world, 5000); /* nobody reads: nothing is asked */
    assert_int_equal(shard->polls, polls);
    assert_int_equal(world_read(world, 10, 0), 10);
    assert_int_equal(world_read(world, 10, 0), 5);
    assert_int_equal(shard->polls, polls);
    assert_int_equal(world_read(world, 10, 0), 0);
}

static void a_read_waits_for_a_removal_and_no_longer(void **state)
{
    struct world *world = *state;
    struct model_shard *shard = world_shard(world, "shardId-1", "");
    world_open(world);
    uint64_t before_ns = world->clock.now_ns;
    assert_int_equal(world_read(world, 10, 3000), 0);
    assert_in_range((world->clock.now_ns - before_ns) / 1000000, 3000, 3002);
    world_remove(world, shard, "a");
    before_ns = world->clock.now_ns;
    assert_int_equal(world_read(world, 10, 3000), 1);
    assert_in_range((world->clock.now_ns - before_ns) / 1000000, 0, 1100);
}

static void wake_ends_a_read_and_the_next_asks_at_once(void **state)
{
    struct world *world = *state;
    struct model_shard *shard = world_shard(world, "shardId-1", "");
    struct world_reading waiting;
    world_open(world);
    (void)world_read(world, 10, 5000); /* idle by now: once a second */
    world_start_read(world, &waiting, 10, 60000);
    world_run(world, 2000);
    world_remove(world, shard, "a");
    world->changes->ops->wake(world->changes);
    assert_false(waiting.is_done);
    world_run(world, 1);
    assert_true(waiting.is_done);
    assert_int_equal(waiting.read.status, 0);
    assert_int_equal(waiting.read.batch->count, 0);
    ht_removal_batch_release(waiting.read.batch);
    uint64_t before_ns = world->clock.now_ns;
    assert_int_equal(world_read(world, 10, 0), 1);
    assert_in_range((world->clock.now_ns - before_ns) / 1000000, 0, 10);
}

static void close_ends_a_read(void **state)
{
    struct world *world = *state;
    struct world_reading waiting;
    (void)world_shard(world, "shardId-1", "");
    world_open(world);
    world_start_read(world, &waiting, 10, 60000);
    world_run(world, 10);
    world_close(world);
    assert_true(waiting.is_done);
    assert_int_equal(waiting.read.status, HT_ECANCELED);
    assert_null(waiting.read.batch);
}

static void close_at_any_moment_of_the_start_is_clean(void **state)
{
    struct world *world = *state;
    (void)world_shard(world, "shardId-1", "");
    for (uint64_t ms = 0; ms < 12; ms++) {
        struct world_reading waiting;
        world_open(world);
        world_start_read(world, &waiting, 10, 60000);
        world_run(world, ms);
        world_close(world);
        assert_true(waiting.is_done);
    }
}

static void idle_shards_are_asked_once_a_second_and_busy_ones_four_times(void **state)
{
    struct world *world = *state;
    struct model_shard *shard = world_shard(world, "shardId-1", "");
    world_open(world);
    (void)world_read(world, 10, 10000);
    size_t polls = shard->polls;
    (void)world_read(world, 10, 10000);
    assert_in_range(shard->polls - polls, 9, 11);
    polls = shard->polls;
    for (int i = 0; i < 40; i++) {
        world_count(world, shard, "a", 1);
        (void)world_read(world, 10, 250);
    }
    assert_in_range(shard->polls - polls, 30, 45);
}

static void several_shards_are_read_at_the_same_time(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 20; i++) {
        char id[32];
        (void)snprintf(id, sizeof(id), "shardId-%02d", i);
        world_remove(world, world_shard(world, id, ""), "x");
    }
    world_open(world);
    world_drain(world);
    assert_int_equal(strlen(world->got), 40);
    assert_in_range(world->most_at_once, 2, 4);
}

/* -- positions ------------------------------------------------------------------------------------ */

static void a_restart_repeats_what_was_not_committed(void **state)
{
    struct world *world = *state;
    struct model_shard *shard = world_shard(world, "shardId-1", "");
    for (const char *tag = "abcdef"; *tag != '\0'; tag++) {
        char name[2] = {*tag, '\0'};
        world_remove(world, shard, name);
    }
    world_open(world);
    world_drain(world);
    assert_string_equal(world->got, "a b c d e f ");
    assert_int_equal(world_commit(world, 4), 0);
    assert_string_equal(world_row(world, "shardId-1"), "103");
    world_close(world);
    world->got[0] = '\0';
    world_open(world);
    world_drain(world);
    assert_string_equal(world->got, "e f ");
    assert_int_equal(world_commit(world, 0), 0);
    world_close(world);
    world->got[0] = '\0';
    world_open(world);
    world_drain(world);
    assert_string_equal(world->got, "");
}

static void a_commit_moves_only_over_the_contiguous_prefix(void **state)
{
    struct world *world = *state;
    struct model_shard *one = world_shard(world, "shardId-1", "");
    struct model_shard *two = world_shard(world, "shardId-2", "");
    world_remove(world, one, "a");
    world_remove(world, one, "b");
    world_open(world);
    world_drain(world);
    world_remove(world, two, "c");
    world_remove(world, two, "d");
    world_count(world, two, "x", 1);
    world_drain(world);
    assert_string_equal(world->got, "a b c d ");
    assert_int_equal(world_commit(world, 1), 0);
    assert_string_equal(world_row(world, "shardId-1"), "100");
    assert_string_equal(world_row(world, "shardId-2"), "");
    assert_int_equal(world_commit(world, 3), 0);
    assert_string_equal(world_row(world, "shardId-1"), "101");
    assert_string_equal(world_row(world, "shardId-2"), "102");
    world_run(world, 20000);
    assert_string_equal(world_row(world, "shardId-2"), "102"); /* d is not archived */
    assert_int_equal(world_commit(world, 4), 0);
    assert_string_equal(world_row(world, "shardId-2"), "104"); /* and what was passed over */
    assert_int_equal(world->changes->counters.removals_committed, 4);
    assert_int_equal(world->changes->counters.waiting, 0);
}

static void what_was_passed_over_moves_the_position_now_and_then(void **state)
{
    struct world *world = *state;
    struct model_shard *shard = world_shard(world, "shardId-1", "");
    world_open(world);
    for (int i = 0; i < 80; i++) { /* 20 seconds */
        world_count(world, shard, "a", 1);
        (void)world_read(world, 10, 250);
    }
    assert_in_range(world->save_count, 3, 5);
    world_close(world);
    assert_string_equal(world_row(world, "shardId-1"), "179");
    world->touched_count = 0;
    world_open(world);
    world_drain(world);
    assert_int_equal(world->touched_count, 0);
}

static void an_ended_shard_is_remembered_as_ended(void **state)
{
    struct world *world = *state;
    struct model_shard *parent = world_shard(world, "shardId-1", "");
    struct model_shard *child = world_shard(world, "shardId-2", "shardId-1");
    world_remove(world, parent, "a");
    parent->is_closed = true;
    world_remove(world, child, "b");
    world_open(world);
    world_drain(world);
    assert_int_equal(world_commit(world, 0), 0);
    assert_string_equal(world_row(world, "shardId-1"), "END 100");
    assert_string_equal(world_row(world, "shardId-2"), "101");
    world_close(world);
    size_t polls = parent->polls;
    world_open(world);
    world_drain(world);
    assert_int_equal(parent->polls, polls);
    assert_string_equal(world->got, "a b ");
}

static void on_closing_commit(struct ht_changes_commit *commit)
{
    struct world *world = commit->user;
    assert_false(world->is_closed);
    world->first_order = commit->last_order + 1;
}

static void close_waits_for_a_commit(void **state)
{
    struct world *world = *state;
    struct model_shard *shard = world_shard(world, "shardId-1", "");
    world_remove(world, shard, "a");
    world_remove(world, shard, "b");
    world_count(world, shard, "x", 1);
    world_open(world);
    world_drain(world);
    struct ht_changes_commit commit = {
        .first_order = 1, .last_order = 1, .done = on_closing_commit, .user = world};
    world->changes->ops->commit(world->changes, &commit);
    world_close(world);
    assert_int_equal(commit.status, 0);
    assert_int_equal(world->first_order, 2);
    assert_string_equal(world_row(world, "shardId-1"), "100");
}

static void close_does_not_wait_for_rows_that_cannot_be_written(void **state)
{
    struct world *world = *state;
    world_count(world, world_shard(world, "shardId-1", ""), "x", 1);
    world->saves_fail = true;
    world_open(world);
    (void)world_read(world, 10, 1000);
    world_close(world);
    assert_string_equal(world_row(world, "shardId-1"), "");
}

static void a_commit_that_fails_can_be_tried_again(void **state)
{
    struct world *world = *state;
    world_remove(world, world_shard(world, "shardId-1", ""), "a");
    world_open(world);
    world_drain(world);
    world->saves_fail = true;
    assert_int_equal(world_commit(world, 0), HT_EBUSY);
    assert_int_equal(world->changes->counters.removals_committed, 0);
    world->saves_fail = false;
    assert_int_equal(world_commit(world, 0), 0);
    assert_string_equal(world_row(world, "shardId-1"), "100");
}

static void rows_of_shards_that_are_gone_are_removed(void **state)
{
    struct world *world = *state;
    struct model_shard *parent = world_shard(world, "shardId-1", "");
    (void)world_shard(world, "shardId-2", "shardId-1");
    world_remove(world, parent, "a");
    parent->is_closed = true;
    world_open(world);
    world_drain(world);
    assert_int_equal(world_commit(world, 0), 0);
    parent->is_gone = true;
    (void)world_read(world, 10, 65000);
    assert_string_equal(world_row(world, "shardId-1"), "END 100"); /* one listing can be wrong */
    (void)world_read(world, 10, 65000);
    assert_string_equal(world_row(world, "shardId-1"), "");
    (void)world_read(world, 10, 65000);
    assert_string_equal(world_row(world, "shardId-1"), "");
    assert_int_equal(world->forgotten, 1);
    assert_int_equal(world->changes->counters.gaps, 0);
}

/* -- any order of things -------------------------------------------------------------------------- */

/* The shards that live now split, roll over or take changes, while the feed reads, commits and is
 * started again; each removal comes, and of one hashtag in order. */
static void live_a_while(struct world *world, uint64_t seed)
{
    struct ht_random random;
    char expected[8192] = "";
    char id[32];
    unsigned removals = 0;
    ht_random_init(&random, seed);
    struct model_shard *shard = world_shard(world, "shardId-000", "");
    world_open(world);
    for (int step = 0; step < 120; step++) {
        switch (ht_random_below(&random, 8)) {
        case 0:
            shard->is_closed = true;
            (void)snprintf(id, sizeof(id), "shardId-%03zu", world->shard_count);
            shard = world_shard(world, id, shard->id);
            break;
        case 1:
            world_close(world);
            world->got[0] = '\0'; /* what was not committed comes again */
            world_open(world);
            break;
        case 2:
            if (world->last_order >= world->first_order) {
                assert_int_equal(world_commit(world, 0), 0);
            }
            break;
        case 3:
            world_fail(world, "GetRecords", "InternalServerError", HT_EIO,
                       (unsigned)ht_random_below(&random, 3));
            break;
        case 4:
        case 5:
            world_count(world, shard, "x", 1);
            break;
        default:
            (void)snprintf(id, sizeof(id), "r%03u", removals++);
            world_remove(world, shard, id);
            (void)snprintf(expected + strlen(expected), sizeof(expected) - strlen(expected), "%s ",
                           id);
            break;
        }
        (void)world_read(world, 3, (uint32_t)ht_random_below(&random, 3000) + 1);
    }
    for (int i = 0; i < 30; i++) {
        (void)world_read(world, 500, 2000);
    }
    /* since the last start everything that was not committed then came, to the very end, in order */
    size_t length = strlen(world->got), whole = strlen(expected);
    assert_true(length <= whole);
    assert_string_equal(world->got, expected + (whole - length));
    assert_int_equal(world->changes->counters.gaps, 0);
    if (world->last_order >= world->first_order) {
        assert_int_equal(world_commit(world, 0), 0);
    }
    world_close(world);
    world->got[0] = '\0';
    world_open(world);
    (void)world_read(world, 500, 20000);
    assert_string_equal(world->got, "");
    world_close(world);
}

static void whatever_happens_each_removal_comes_in_order(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        void *world = NULL;
        assert_int_equal(world_setup(&world), 0);
        live_a_while(world, seed);
        assert_int_equal(world_teardown(&world), 0);
    }
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        CASE(removals_come_in_order_and_everything_else_is_passed_over),
        CASE(a_batch_holds_what_was_asked_for_and_the_rest_stays_ready),
        CASE(a_read_waits_for_a_removal_and_no_longer),
        CASE(wake_ends_a_read_and_the_next_asks_at_once),
        CASE(close_ends_a_read),
        CASE(close_at_any_moment_of_the_start_is_clean),
        CASE(idle_shards_are_asked_once_a_second_and_busy_ones_four_times),
        CASE(several_shards_are_read_at_the_same_time),
        CASE(a_restart_repeats_what_was_not_committed),
        CASE(a_commit_moves_only_over_the_contiguous_prefix),
        CASE(what_was_passed_over_moves_the_position_now_and_then),
        CASE(an_ended_shard_is_remembered_as_ended),
        CASE(close_waits_for_a_commit),
        CASE(close_does_not_wait_for_rows_that_cannot_be_written),
        CASE(a_commit_that_fails_can_be_tried_again),
        CASE(rows_of_shards_that_are_gone_are_removed),
        cmocka_unit_test(whatever_happens_each_removal_comes_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
