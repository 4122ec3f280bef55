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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flush_is_within_the_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
