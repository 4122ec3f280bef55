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
    world->items[0].count = COUNTED - DELETED;
    world->is_outdated = true;
}

static void what_another_counted_and_deleted_is_not_written_again(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct life *life = begin(seed);
        struct world *world = life->world;
        world_add_tweet(world, 0, 1, one, 1);
        world_run(world, 2000);
        assert_int_equal(world_count(world, "one"), 1);
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
        assert_true(world->letter_count >= 1); /* its record was read again */
        assert_int_equal(ht_count_pending_hashtags(life->count), 0);
        life_end(life);
    }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_another_counted_and_deleted_is_not_written_again),
        cmocka_unit_test(a_stop_forgets_what_another_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
