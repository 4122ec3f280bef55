// SPDX-License-Identifier: MIT

/* Another process had the shards for a while. */

#include "life.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { DELETED = 30, COUNTED = 40, ALL = 60 };

static const char *const one[] = {"one"};
static const char *const both[] = {"one", "gone"};

static struct life *begin(uint64_t seed)
{
    struct life *life = life_create(seed, 1);
    life->world->is_kinesis = false;
    life->options.table = &life->world->table;
    life_begin(life);
    world_run(life->world, 2000);
    return life;
}

/* It counts up to record COUNTED, and removes what it has at DELETED. */
static void let_another_count(struct world *world)
{
    struct ht_checkpoint checkpoint = {.position.kind = HT_POSITION_AFTER};
    memcpy(checkpoint.shard_id, world->shards[0].id, sizeof(checkpoint.shard_id));
    for (size_t i = 0; i < world->checkpoint_count; i++) {
        checkpoint = world->checkpoints[i];
    }
    ht_position_after(&checkpoint.position, HT_SLICE("40"), 0);
    world->checkpoint_count = 0;
    world->checkpoints[world->checkpoint_count++] = checkpoint;
    for (size_t i = 0; i < world->item_count; i++) {
        world->items[i].count = 0;
    }
    world->items[0].count = COUNTED - DELETED;
    world->is_outdated = true;
}

static void what_another_counted_and_deleted_is_not_written_again(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct life *life = begin(seed);
        struct world *world = life->world;
        world_add_tweet(world, 0, 1, both, 2);
        world_run(world, 2000);
        assert_int_equal(world_count(world, "one"), 1);
        assert_int_equal(life_knows(life, "gone"), 1);
        world->fail_flushes = 1000; /* the table refuses, as when the leases are another's */
        for (uint64_t id = 2; id <= ALL - 10; id++) {
            world_add_tweet(world, 0, id, one, 1);
        }
        world_add_record(world, 0, "no tweet");
        world_run(world, 3000);
        assert_true(ht_count_pending_hashtags(life->count) > 0);
        life_ask_to_delete(life, "one");
        let_another_count(world);
        world->fail_flushes = 0;
        assert_true(world_run_until(world, &life->is_answered, 20000));
        assert_int_not_equal(life->deletion.status, 0);
        world_run(world, seed); /* in the middle of it */
        for (uint64_t id = ALL - 9; id < ALL; id++) {
            world_add_tweet(world, 0, id, one, 1);
        }
        world_run(world, 20000);
        assert_int_equal(ht_count_counters(life->count)->reloads, 1);
        assert_true(ht_count_is_loaded(life->count));
        assert_int_equal(ht_count_health(life->count)->state, HT_HEALTH_WORKING);
        assert_int_equal(world_count(world, "one"), ALL - 1 - DELETED);
        assert_int_equal(life_knows(life, "one"), ALL - 1 - DELETED);
        assert_int_equal(life_knows(life, "gone"), 0);
        assert_true(world->letter_count >= 1); /* its record was read again */
        assert_int_equal(ht_count_pending_hashtags(life->count), 0);
        life_end(life);
    }
}

static void who_has_nothing_to_write_loads_anew_too(void **state)
{
    (void)state;
    struct life *life = begin(1);
    struct world *world = life->world;
    world_add_tweet(world, 0, 1, one, 1);
    world_run(world, 2000);
    size_t flushes = world->flush_count;
    world->items[0].count = 5;
    world->is_outdated = true;
    world_run(world, 20000);
    assert_int_equal(world->flush_count, flushes);
    assert_int_equal(ht_count_counters(life->count)->reloads, 1);
    assert_int_equal(life_knows(life, "one"), 5);
    life_end(life);
}

static void a_stop_forgets_what_another_counted(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct life *life = begin(seed);
        struct world *world = life->world;
        world->fail_flushes = 1000;
        for (uint64_t id = 1; id <= ALL; id++) {
            world_add_tweet(world, 0, id, one, 1);
        }
        world_run(world, 3000);
        let_another_count(world);
        world->fail_flushes = 0;
        life_end(life); /* asserts that it comes to its end */
    }
}

/* The table of the world, but it says what another did at the moment that the test chooses. */
static unsigned outdated_answers;

static bool is_outdated_now(struct ht_table *table)
{
    (void)table;
    return outdated_answers > 0 && outdated_answers-- > 0;
}

static struct life *begin_with_answers(uint64_t seed, struct ht_table_ops *ops)
{
    struct life *life = life_create(seed, 1);
    *ops = *life->world->table.ops;
    ops->is_outdated = is_outdated_now;
    life->world->table.ops = ops;
    life->world->is_kinesis = false;
    life->options.table = &life->world->table;
    for (uint64_t id = 1; id <= ALL; id++) {
        world_add_tweet(life->world, 0, id, one, 1);
    }
    return life;
}

static void what_was_overtaken_while_it_was_loaded_is_loaded_again(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct ht_table_ops ops;
        struct life *life = begin_with_answers(seed, &ops);
        outdated_answers = 2; /* the first load, and the second one too */
        life_begin(life);
        world_run(life->world, 20000);
        assert_int_equal(outdated_answers, 0);
        assert_int_equal(ht_count_counters(life->count)->reloads, 2);
        assert_int_equal(ht_count_health(life->count)->state, HT_HEALTH_WORKING);
        assert_int_equal(world_count(life->world, "one"), ALL);
        assert_int_equal(life_knows(life, "one"), ALL);
        life_end(life);
    }
}

/* Nothing is counted and nothing written: what is shown would be old for ever. */
static void who_counts_nothing_sees_that_another_did(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct life *life = begin(seed);
        struct world *world = life->world;
        for (uint64_t id = 1; id <= ALL; id++) {
            world_add_tweet(world, 0, id, one, 1);
        }
        world_run(world, 5000);
        assert_int_equal(life_knows(life, "one"), ALL);
        size_t flushes = world->flush_count;
        let_another_count(world);
        world_run(world, 20000);
        assert_int_equal(ht_count_counters(life->count)->reloads, 1);
        assert_int_equal(life_knows(life, "one"), ALL - DELETED);
        assert_int_equal(world_count(world, "one"), ALL - DELETED);
        assert_true(world->flush_count > flushes);
        life_end(life);
    }
}

/* The list of the shards is on its way when all begins anew: its answer must not be lost. */
static void an_answer_of_the_listing_may_come_in_the_middle(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct ht_table_ops ops;
        struct life *life = begin_with_answers(seed, &ops);
        life->world->delay_max_ms = 2000;
        life_begin(life);
        while (!ht_count_is_loaded(life->count)) {
            world_run(life->world, 10);
        }
        outdated_answers = 1;
        world_run(life->world, 60000);
        assert_int_equal(ht_count_counters(life->count)->reloads, 1);
        assert_int_equal(ht_count_health(life->count)->state, HT_HEALTH_WORKING);
        assert_int_equal(world_count(life->world, "one"), ALL);
        life->world->delay_max_ms = 20;
        life_end(life);
    }
}

static void what_a_load_that_failed_brought_is_not_there_twice(void **state)
{
    (void)state;
    struct life *life = begin(1);
    struct world *world = life->world;
    struct ht_tally_item item;
    for (uint64_t id = 1; id <= ALL; id++) {
        world_add_tweet(world, 0, id, one, 1);
    }
    world_run(world, 5000);
    life_crash(life);
    world->load_status = HT_EBUSY;
    life_begin(life);
    world_run(world, 5000);
    assert_false(ht_count_is_loaded(life->count));
    world->load_status = 0;
    world_run(world, 20000);
    assert_int_equal(ht_tally_get(life->tally, HT_SLICE("one"), &item), 0);
    assert_int_equal(item.counts[HT_TALLY_ALL], ALL);
    assert_int_equal(item.counts[HT_TALLY_24H], ALL);
    life_end(life);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_another_counted_and_deleted_is_not_written_again),
        cmocka_unit_test(who_has_nothing_to_write_loads_anew_too),
        cmocka_unit_test(a_stop_forgets_what_another_counted),
        cmocka_unit_test(what_was_overtaken_while_it_was_loaded_is_loaded_again),
        cmocka_unit_test(who_counts_nothing_sees_that_another_did),
        cmocka_unit_test(an_answer_of_the_listing_may_come_in_the_middle),
        cmocka_unit_test(what_a_load_that_failed_brought_is_not_there_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
