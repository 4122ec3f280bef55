// SPDX-License-Identifier: MIT
#include "hashtagd/pipeline/count.h"

#include "plain_life.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

/* Also where no flush was due since the minute began. */
static void a_record_counts_in_the_minute_in_which_it_came(void **state)
{
    (void)state;
    struct world *world = world_create(5, 1);
    struct plain_life life;
    struct ht_count_options options = plain_life_make(&life, world);
    options.flush_interval_ms = 600000;
    plain_life_start(&life, &options);
    world_run(world, 90000);
    world_add_tweet(world, 0, 1, (const char *const[]){"one"}, 1);
    world_run(world, 2000);
    uint64_t series[HT_TALLY_SERIES_COUNT];
    assert_int_equal(ht_tally_get_series(life.tally, HT_SLICE("one"), series), 0);
    assert_int_equal(ht_tally_minute(life.tally), world->clock.now_wall_ms / 60000);
    assert_int_equal(series[HT_TALLY_SERIES_COUNT - 1], 1);
    plain_life_end(&life);
    world_destroy(world);
}

/* Flushes that succeed meanwhile do not make it well: nothing is read. */
static void a_stream_that_cannot_be_listed_stays_the_news(void **state)
{
    (void)state;
    struct world *world = world_create(5, 1);
    struct plain_life life;
    struct ht_count_options options = plain_life_make(&life, world);
    options.expires = true;
    world->fail_lists = 1000;
    plain_life_start(&life, &options);
    world_run(world, 5000);
    for (int i = 0; i < 20; i++) {
        world_run(world, 100);
        assert_int_equal(ht_count_health(life.count)->state, HT_HEALTH_WAITING);
    }
    world->fail_lists = 0;
    world_run(world, 20000);
    assert_int_equal(ht_count_health(life.count)->state, HT_HEALTH_WORKING);
    plain_life_end(&life);
    world_destroy(world);
}

/* With a long interval, what is pending must not grow until it is over. */
static void many_hashtags_are_flushed_before_they_fill_the_budget(void **state)
{
    (void)state;
    enum { HASHTAGS = 2000, BUDGET_BYTES = 256 << 10 };
    struct world *world = world_create(6, 1);
    struct plain_life life;
    ht_budget_init(&world->budget, BUDGET_BYTES);
    struct ht_count_options options = plain_life_make(&life, world);
    options.flush_interval_ms = 600000;
    for (uint64_t id = 1; id <= HASHTAGS; id++) {
        char text[WORLD_TAG_BYTES];
        (void)snprintf(text, sizeof(text), "hashtag-number-%d", (int)id);
        world_add_tweet(world, 0, id, (const char *const[]){text}, 1);
    }
    plain_life_start(&life, &options);
    world_run(world, 30000);
    assert_int_equal(ht_tally_distinct(life.tally, HT_TALLY_ALL), HASHTAGS);
    assert_in_range(world->budget.peak_bytes, 1, BUDGET_BYTES);
    plain_life_end(&life);
    world_destroy(world);
}

/* With a long interval, what cannot be read must not grow until it is over; nor while it cannot be
 * written. */
static void many_dead_letters_are_written_before_they_fill_the_budget(void **state)
{
    (void)state;
    enum { RECORDS = 2000, BUDGET_BYTES = 128 << 10 };
    struct world *world = world_create(6, 1);
    struct plain_life life;
    ht_budget_init(&world->budget, BUDGET_BYTES);
    struct ht_count_options options = plain_life_make(&life, world);
    options.flush_interval_ms = 600000;
    for (int i = 1; i <= RECORDS; i++) {
        world_add_record(world, 0, "this is no tweet, but it is long enough to be seen in memory");
    }
    world->fail_letters = 5;
    plain_life_start(&life, &options);
    world_run(world, 60000);
    assert_in_range(world->budget.peak_bytes, BUDGET_BYTES / 2, BUDGET_BYTES);
    plain_life_end(&life);
    assert_int_equal(world->letter_count, RECORDS);
    world_destroy(world);
}

enum { HASHTAGS_MOST = 40 };

/* A tweet with so many hashtags that no other one has. */
static void add_unique(struct world *world, unsigned shard, int id, int count)
{
    char text[HASHTAGS_MOST][WORLD_TAG_BYTES];
    const char *tags[HASHTAGS_MOST];
    for (int i = 0; i < count; i++) {
        (void)snprintf(text[i], sizeof(text[i]), "%dx%d", id, i);
        tags[i] = text[i];
    }
    world_add_tweet(world, shard, (uint64_t)id, tags, (size_t)count);
}

/* What was read is counted no further: it would take many times its size where it is all hashtags. */
static void what_waits_for_a_table_that_fails_stays_within_the_budget(void **state)
{
    (void)state;
    enum { TWEETS = 200, HASHTAGS = 10, BUDGET_BYTES = 96 << 10 };
    struct world *world = world_create(6, 1);
    struct plain_life life;
    ht_budget_init(&world->budget, BUDGET_BYTES);
    struct ht_count_options options = plain_life_make(&life, world);
    for (int id = 1; id <= TWEETS; id++) {
        add_unique(world, 0, id, HASHTAGS);
    }
    world->fail_flushes = 8;
    plain_life_start(&life, &options);
    world_run(world, 10000);
    assert_true(world->fail_flushes > 0);
    assert_in_range(world->budget.peak_bytes, BUDGET_BYTES / 2, BUDGET_BYTES);
    world_run(world, 120000);
    assert_int_equal(ht_tally_distinct(life.tally, HT_TALLY_ALL), TWEETS * HASHTAGS);
    assert_in_range(world->budget.peak_bytes, BUDGET_BYTES / 2, BUDGET_BYTES);
    plain_life_end(&life);
    world_destroy(world);
}

/* Intake and what was read have filled the budget before anything is counted. */
static void what_is_pending_takes_what_others_leave(void **state)
{
    (void)state;
    enum { SHARDS = 4, TWEETS = 36, BUDGET_BYTES = 512 << 10, READ_BYTES = 64 << 10 };
    enum { MOST_BYTES = BUDGET_BYTES + BUDGET_BYTES / 8 + (16 << 10) };
    struct world *world = world_create(6, SHARDS);
    struct plain_life life;
    ht_budget_init(&world->budget, BUDGET_BYTES);
    world->batch_bytes = READ_BYTES;
    struct ht_count_options options = plain_life_make(&life, world);
    for (int id = 1; id <= TWEETS; id++) {
        add_unique(world, 0, id, HASHTAGS_MOST);
    }
    for (unsigned shard = 1; shard < SHARDS; shard++) {
        add_unique(world, shard, TWEETS + (int)shard, 0);
    }
    world->delay_max_ms = 0; /* all are read before the first is counted */
    world->waits_at_tip = true;
    assert_true(ht_budget_reserve_intake(&world->budget, BUDGET_BYTES / 2));
    world->fail_flushes = 8;
    plain_life_start(&life, &options);
    world_run(world, 10000);
    assert_true(world->fail_flushes > 0);
    assert_in_range(world->budget.peak_bytes, BUDGET_BYTES, MOST_BYTES);
    world_run(world, 120000);
    assert_int_equal(ht_tally_distinct(life.tally, HT_TALLY_ALL), TWEETS * HASHTAGS_MOST);
    assert_in_range(world->budget.peak_bytes, BUDGET_BYTES, MOST_BYTES);
    ht_budget_release(&world->budget, BUDGET_BYTES / 2);
    plain_life_end(&life);
    world_destroy(world);
}

/* A read may bring half of the budget, so that it fits beside what is pending. */
static void what_a_read_brings_fits_into_a_small_budget(void **state)
{
    (void)state;
    enum { RECORDS = 20 * WORLD_BATCH_MAX, BUDGET_BYTES = 1 << 20 };
    struct world *world = world_create(6, 1);
    struct plain_life life;
    ht_budget_init(&world->budget, BUDGET_BYTES);
    world->batch_bytes = 4 << 20;
    for (uint64_t id = 1; id <= RECORDS; id++) {
        world_add_tweet(world, 0, id, (const char *const[]){"one"}, 1);
    }
    struct ht_count_options options = plain_life_make(&life, world);
    plain_life_start(&life, &options);
    world_run(world, 15000);
    assert_int_equal(ht_tally_count(life.tally, HT_SLICE("one")), RECORDS);
    assert_in_range(world->budget.peak_bytes, BUDGET_BYTES / 2, BUDGET_BYTES);
    plain_life_end(&life);
    world_destroy(world);
}

/* With room for one read at a time those that wait for their next record must not take the turns. */
static void idle_shards_do_not_slow_one_that_is_behind(void **state)
{
    (void)state;
    enum { RECORDS = 20 * WORLD_BATCH_MAX };
    struct world *world = world_create(6, 5);
    struct plain_life life;
    ht_budget_init(&world->budget, 1 << 20);
    world->waits_at_tip = true;
    for (uint64_t id = 1; id <= RECORDS; id++) {
        world_add_tweet(world, 0, id, (const char *const[]){"one"}, 1);
    }
    struct ht_count_options options = plain_life_make(&life, world);
    plain_life_start(&life, &options);
    world_run(world, 15000);
    assert_int_equal(ht_tally_count(life.tally, HT_SLICE("one")), RECORDS);
    plain_life_end(&life);
    world_destroy(world);
}

/* A service may let a flush wait for as long as it throttles: that is no failure. */
static void a_flush_that_takes_for_ever_does_not_fill_the_memory(void **state)
{
    (void)state;
    struct world *world = world_create(15, 1);
    struct plain_life life;
    ht_budget_init(&world->budget, 4400 << 10);
    struct ht_count_options options = plain_life_make(&life, world);
    plain_life_start(&life, &options);
    world_run(world, 500);
    world->hold_flushes = true;
    char texts[3][16];
    const char *chosen[3] = {texts[0], texts[1], texts[2]};
    for (unsigned id = 1; id <= WORLD_RECORDS_MAX; id++) {
        for (unsigned i = 0; i < 3; i++) {
            (void)snprintf(texts[i], sizeof(texts[i]), "tag%u", id * 3 + i);
        }
        world_add_tweet(world, 0, id, chosen, 3);
    }
    world_run(world, 60000);
    uint64_t records = ht_count_counters(life.count)->records;
    assert_in_range(records, 1000, WORLD_RECORDS_MAX - 1000);
    assert_in_range(world->budget.peak_bytes, 0, world->budget.limit_bytes);
    world_run(world, 60000);
    assert_int_equal(ht_count_counters(life.count)->records, records);
    ht_count_destroy(life.count); /* it has no end that could be waited for */
    ht_tally_destroy(life.tally);
    world_crash(world);
    world_destroy(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_counts_in_the_minute_in_which_it_came),
        cmocka_unit_test(a_stream_that_cannot_be_listed_stays_the_news),
        cmocka_unit_test(many_hashtags_are_flushed_before_they_fill_the_budget),
        cmocka_unit_test(many_dead_letters_are_written_before_they_fill_the_budget),
        cmocka_unit_test(what_waits_for_a_table_that_fails_stays_within_the_budget),
        cmocka_unit_test(what_is_pending_takes_what_others_leave),
        cmocka_unit_test(what_a_read_brings_fits_into_a_small_budget),
        cmocka_unit_test(a_flush_that_takes_for_ever_does_not_fill_the_memory),
        cmocka_unit_test(idle_shards_do_not_slow_one_that_is_behind),
    };
    return cmocka_run_group_tests_name("pipeline/count_shards", tests, NULL, NULL);
}
