// SPDX-License-Identifier: MIT
#include "hashtagd/pipeline/count.h"

#include "life.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

/* What writing takes is reserved as soon as something is counted. */
static void a_flush_is_within_the_budget(void **state)
{
    enum { TAGS = 300, ADAPTER_BYTES = 200 };
    (void)state;
    struct life *life = life_create(8, 1);
    struct world *world = life->world;
    world->owners[0].table.delta_bytes = ADAPTER_BYTES;
    life->options.flush_interval_ms = 60000;
    life_begin(life);
    world_run(world, 500);
    for (uint64_t id = 1; id <= TAGS; id++) {
        char name[16];
        const char *const one[] = {name};
        (void)snprintf(name, sizeof(name), "tag%d", (int)id);
        world_add_tweet(world, 0, id, one, 1);
    }
    world_run(world, 5000);
    assert_int_equal(ht_count_pending_hashtags(life->count), TAGS);
    size_t collected = world->budget.used_bytes;
    assert_true(collected > TAGS * (sizeof(struct ht_delta) + sizeof(uint32_t) + ADAPTER_BYTES));
    world_run(world, 60000);
    assert_int_equal(ht_count_pending_hashtags(life->count), 0);
    assert_int_equal(world_count(world, "tag1"), 1);
    assert_true(world->budget.used_bytes < collected / 2);
    life_end(life);
}

/* Who ends a process must be able to say what is lost: those on their way, and those behind them. */
static void deletions_that_wait_are_counted(void **state)
{
    (void)state;
    struct life *life = life_create(9, 1);
    struct world *world = life->world;
    static const char *const one[] = {"one"};
    life->options.table = &world->table;
    world->is_kinesis = false;
    life_begin(life);
    world_add_tweet(world, 0, 1, one, 1);
    world_run(world, 2000);
    assert_int_equal(ht_count_waiting_deletions(life->count), 0);
    world->fail_flushes = 1000;
    life_ask_to_delete(life, "one");
    assert_int_equal(ht_count_waiting_deletions(life->count), 1);
    world_run(world, 500);
    assert_int_equal(ht_count_waiting_deletions(life->count), 1);
    world->fail_flushes = 0;
    world_run(world, 30000); /* it was answered with an error, and is tried all the same */
    assert_true(life->is_answered);
    assert_int_equal(world_count(world, "one"), 0);
    assert_int_equal(ht_count_waiting_deletions(life->count), 0);
    life_end(life);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flush_is_within_the_budget),
        cmocka_unit_test(deletions_that_wait_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
