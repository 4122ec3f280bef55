// SPDX-License-Identifier: MIT

/* What the stage does with a table that has no transactions and that others write too. */

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
static const char *const two[] = {"two"};

static void a_deletion_whose_answer_got_lost_is_answered_from_the_tally(void **state)
{
    (void)state;
    struct life *life = life_create(1, 1);
    struct world *world = life->world;
    life_begin(life);
    for (uint64_t id = 1; id <= 5; id++) {
        world_add_tweet(world, 0, id, one, 1);
    }
    world_run(world, 2000);
    assert_int_equal(world_count(world, "one"), 5);
    life_ask_to_delete(life, "one");
    /* somebody else was faster: the deletion finds nothing, as after a lost answer */
    assert_true(world_delete_outside(world, "one"));
    assert_true(world_run_until(world, &life->is_answered, 5000));
    assert_int_equal(life->deletion.status, 0);
    assert_true(life->deletion.found);
    assert_int_equal(life->deletion.count, 5);
    assert_string_equal(life->deletion.event_id, "");
    assert_in_range(world->clock.now_wall_ms / 1000 - life->deletion.deleted_at_s, 0, 5);
    assert_int_equal(life_knows(life, "one"), 0);
    life_ask_to_delete(life, "one");
    assert_true(world_run_until(world, &life->is_answered, 5000));
    assert_false(life->deletion.found);
    life_end(life);
}

static void what_others_write_is_seen_after_the_next_flush(void **state)
{
    (void)state;
    struct life *life = life_create(2, 1);
    struct world *world = life->world;
    life_begin(life);
    world_add_tweet(world, 0, 1, one, 1);
    world_run(world, 2000);
    assert_int_equal(world->owners[0].refreshes_given, 0);
    world_add_outside(world, "one", 41);
    world_add_outside(world, "other", 7);
    world_run(world, 1000);
    assert_int_equal(life_knows(life, "one"), 42);
    assert_int_equal(life_knows(life, "other"), 7);
    assert_int_equal(world->owners[0].refreshes_given, 2);
    assert_int_equal(ht_count_counters(life->count)->refreshes, 2);
    assert_int_equal(ht_count_counters(life->count)->corrections, 2);
    /* without a word of the feed, the total of the next write tells it */
    world->on_touched = NULL;
    world_add_outside(world, "one", 8);
    world_run(world, 1000);
    assert_int_equal(life_knows(life, "one"), 42);
    world_add_tweet(world, 0, 2, one, 1);
    world_run(world, 1000);
    assert_int_equal(life_knows(life, "one"), 51);
    struct ht_tally_item item;
    assert_int_equal(ht_tally_get(life->tally, HT_SLICE("one"), &item), 0);
    assert_int_equal(item.counts[HT_TALLY_1H], 2);
    life_end(life);
}

static void what_others_remove_vanishes_and_comes_back_with_what_is_pending(void **state)
{
    (void)state;
    struct life *life = life_create(3, 1);
    struct world *world = life->world;
    life_begin(life);
    world_add_tweet(world, 0, 1, one, 1);
    world_add_tweet(world, 0, 2, two, 1);
    world_run(world, 2000);
    assert_true(world_delete_outside(world, "one"));
    world_run(world, 1000);
    assert_int_equal(life_knows(life, "one"), 0);
    assert_int_equal(ht_tally_total(life->tally, HT_TALLY_ALL), 1);
    assert_true(world_delete_outside(world, "two"));
    world_add_tweet(world, 0, 3, two, 1);
    world_run(world, 2000);
    assert_int_equal(life_knows(life, "two"), 1);
    assert_int_equal(world_count(world, "two"), 1);
    life_end(life);
}

static void what_only_the_table_knows_can_be_deleted(void **state)
{
    (void)state;
    struct life *life = life_create(6, 1);
    struct world *world = life->world;
    world->on_touched = NULL;
    life->options.reads = false;
    life_begin(life);
    world_run(world, 1000);
    world_add_outside(world, "other", 7);
    life_ask_to_delete(life, "other");
    assert_true(world_run_until(world, &life->is_answered, 5000));
    assert_int_equal(life->deletion.status, 0);
    assert_true(life->deletion.found);
    assert_int_equal(life->deletion.count, 7);
    assert_int_equal(world_count(world, "other"), 0);
    life_ask_to_delete(life, "other");
    assert_true(world_run_until(world, &life->is_answered, 5000));
    assert_int_equal(life->deletion.status, 0);
    assert_false(life->deletion.found);
    life_end(life);
}

static void own_writes_that_pass_by_are_no_news(void **state)
{
    (void)state;
    struct life *life = life_create(4, 1);
    struct world *world = life->world;
    life_begin(life);
    for (uint64_t id = 1; id <= 500; id++) {
        world_add_tweet(world, 0, id, id % 2 == 0 ? one : two, 1);
        world_run(world, 5);
    }
    world_run(world, 2000);
    life_ask_to_delete(life, "one");
    assert_true(world_run_until(world, &life->is_answered, 5000));
    world_run(world, 2000);
    assert_int_equal(ht_count_counters(life->count)->refreshes, 0);
    assert_int_equal(ht_count_counters(life->count)->corrections, 0);
    life_end(life);
}

static int touch(struct life *life, size_t number)
{
    char tag[16];
    (void)snprintf(tag, sizeof(tag), "tag%zu", number);
    return ht_count_touch(life->count, ht_slice_text(tag), 1, false);
}

static void touches_are_bounded_and_named_once(void **state)
{
    (void)state;
    struct life *life = life_create(5, 1);
    struct ht_budget *budget = &life->world->budget;
    budget->limit_bytes = (size_t)256 << 20;
    life_begin(life);
    world_run(life->world, 500);
    size_t before = budget->used_bytes;
    for (size_t i = 0; i < 60000; i++) {
        assert_int_equal(touch(life, i / 2), i / 2 < 20000 ? 0 : HT_EBUSY);
    }
    assert_int_equal(touch(life, 0), 0); /* it is among them */
    assert_int_equal(ht_count_counters(life->count)->touches_held, 20000);
    assert_true(budget->used_bytes > before + 20000 * 24);
    struct world *world = life->world;
    life_crash(life);
    assert_int_equal(budget->used_bytes, 0);
    world_destroy(world);
    free(life);
}

static void a_load_that_waits_holds_no_feed(void **state)
{
    (void)state;
    struct life *life = life_create(6, 1);
    struct world *world = life->world;
    world->is_waiting = true;
    world->is_kinesis = false;
    life->options.table = &world->table;
    world->budget.limit_bytes = (size_t)256 << 20;
    life_begin(life);
    size_t before = world->budget.used_bytes;
    for (size_t i = 0; i < 30000; i++) {
        assert_int_equal(touch(life, i), 0);
    }
    assert_int_equal(world->budget.used_bytes, before);
    world->is_waiting = false; /* it reads: from here on each matters */
    for (size_t i = 0; i <= 20000; i++) {
        assert_int_equal(touch(life, i), i < 20000 ? 0 : HT_EBUSY);
    }
    assert_false(ht_count_is_loaded(life->count));
    life_crash(life);
    world_destroy(world);
    free(life);
}

/* So small a budget that some dozens of changes fill their share of it. */
static struct life *create_narrow(uint64_t seed)
{
    struct life *life = life_create(seed, 1);
    life->world->budget.limit_bytes = 1 << 20;
    life->world->owners[0].table.delta_bytes = 2048;
    return life;
}

/* How many touches from `number` on are taken before one is refused. */
static size_t fill(struct life *life, size_t number)
{
    size_t taken = 0;
    while (touch(life, number + taken) == 0) {
        assert_true(++taken < 1000);
    }
    return taken;
}

static void the_memory_of_touches_is_a_share_of_the_budget(void **state)
{
    (void)state;
    struct life *life = create_narrow(17);
    life_begin(life);
    world_run(life->world, 500);
    size_t before = life->world->budget.used_bytes;
    size_t taken = fill(life, 0);
    assert_in_range(life->world->budget.used_bytes - before, 256 << 10, 260 << 10);
    world_run(life->world, 1000);
    assert_int_equal(life->world->budget.used_bytes, before);
    life->world->budget.limit_bytes = 8 << 20;
    assert_true(fill(life, 1000) > taken + 100);
    life_end(life);
}

/* The interval is a minute: flushes come at once where changes are held. */
static void what_is_held_is_shown_in_the_end(void **state)
{
    (void)state;
    struct life *life = create_narrow(18);
    struct world *world = life->world;
    life->options.flush_interval_ms = 60000;
    life_begin(life);
    world_run(world, 500);
    char tag[16];
    for (size_t i = 0; i < 600; i++) {
        (void)snprintf(tag, sizeof(tag), "tag%zu", i);
        world_add_outside(world, tag, 1 + i);
    }
    world_run(world, 5000);
    assert_true(ht_count_counters(life->count)->touches_held > 0);
    size_t shown = 0;
    for (size_t i = 0; i < 600; i++) {
        (void)snprintf(tag, sizeof(tag), "tag%zu", i);
        shown += life_knows(life, tag) == 1 + i;
    }
    assert_true(shown > 540); /* the last ones fill no flush and wait for the interval */
    world_run(world, 60000);
    for (size_t i = 0; i < 600; i++) {
        (void)snprintf(tag, sizeof(tag), "tag%zu", i);
        assert_int_equal(life_knows(life, tag), 1 + i);
    }
    life_end(life);
}

static void a_stage_that_stops_holds_nobody(void **state)
{
    (void)state;
    struct life *life = create_narrow(20);
    life_begin(life);
    world_run(life->world, 500);
    size_t taken = fill(life, 0);
    bool stopped = false;
    ht_count_stop(life->count, world_set_true, &stopped);
    assert_int_equal(touch(life, taken), 0);
    assert_true(world_run_until(life->world, &stopped, 60000));
    struct world *world = life->world;
    life_crash(life);
    assert_int_equal(world->budget.used_bytes, 0);
    world_destroy(world);
    free(life);
}

static void a_hashtag_that_is_too_long_to_be_shown_is_no_news(void **state)
{
    (void)state;
    struct life *life = create_narrow(21);
    life_begin(life);
    world_run(life->world, 500);
    static char longest[HT_TALLY_TAG_MAX_BYTES + 1];
    memset(longest, 'x', sizeof(longest));
    assert_int_equal(ht_count_touch(life->count, ht_slice_make(longest, sizeof(longest)), 1, false),
                     0);
    assert_int_equal(ht_count_touch(life->count, HT_SLICE(""), 1, false), 0);
    (void)fill(life, 0);
    assert_int_equal(ht_count_touch(life->count, ht_slice_make(longest, sizeof(longest)), 1, false),
                     0);
    life_end(life);
}

/* The item is ahead of the checkpoint: were it deleted at once, a crash would bring it back. */
static void a_deletion_waits_for_what_the_table_has_counted_already(void **state)
{
    (void)state;
    struct life *life = life_create(6, 1);
    struct world *world = life->world;
    for (uint64_t id = 1; id <= 9; id++) {
        world_add_tweet(world, 0, id, one, 1);
    }
    world_add_outside(world, "one", 9);
    world->items[0].marks[0] = 9;
    world->hold_reads = true;
    life_begin(life);
    world_run(world, 1000);
    life_ask_to_delete(life, "one");
    world_run(world, 3000);
    assert_false(life->is_answered);
    assert_int_equal(world_count(world, "one"), 9);
    assert_true(world_run_until(world, &life->is_answered, 5000));
    assert_int_equal(life->deletion.status, HT_EBUSY);
    world->hold_reads = false;
    world_run(world, 100000);
    assert_int_equal(ht_count_counters(life->count)->marked, 9);
    assert_int_equal(life_knows(life, "one"), 9);
    life_ask_to_delete(life, "one");
    assert_true(world_run_until(world, &life->is_answered, 5000));
    assert_int_equal(life->deletion.status, 0);
    assert_int_equal(life->deletion.count, 9);
    life_crash(life);
    life_begin(life);
    world_run(world, 3000);
    assert_int_equal(world_count(world, "one"), 0);
    life_end(life);
}

static void large_flushes_board_and_land_in_slices(void **state)
{
    (void)state;
    struct life *life = life_create(15, 1);
    struct world *world = life->world;
    life->clock.tick_ns = 600000;
    life_begin(life);
    char texts[3][16];
    const char *chosen[3] = {texts[0], texts[1], texts[2]};
    for (uint64_t id = 0; id < 500; id++) {
        for (size_t i = 0; i < 3; i++) {
            (void)snprintf(texts[i], sizeof(texts[i]), "tag%u", (unsigned)(id * 3 + i));
        }
        world_add_tweet(world, 0, 1 + id, chosen, 3);
    }
    world_run(world, 20000);
    world->on_touched = NULL;
    for (size_t i = 0; i < 1500; i++) {
        (void)snprintf(texts[0], sizeof(texts[0]), "tag%zu", i);
        assert_int_equal(world_count(world, texts[0]), 1);
        assert_int_equal(life_knows(life, texts[0]), 1);
        world_add_outside(world, texts[0], i);
    }
    for (uint64_t id = 0; id < 1500; id++) {
        (void)snprintf(texts[0], sizeof(texts[0]), "tag%u", (unsigned)id);
        world_add_tweet(world, 0, 1000 + id, chosen, 1);
    }
    world_run(world, 30000);
    for (size_t i = 0; i < 1500; i++) {
        (void)snprintf(texts[0], sizeof(texts[0]), "tag%zu", i);
        assert_int_equal(life_knows(life, texts[0]), i + 2);
    }
    life_end(life);
}

/* The total does not know what was counted while it was on its way. */
static void a_total_is_met_by_what_was_counted_meanwhile(void **state)
{
    (void)state;
    struct life *life = life_create(16, 1);
    struct world *world = life->world;
    life_begin(life);
    world_run(world, 1000);
    world->on_touched = NULL;
    world_add_outside(world, "one", 10);
    world->delay_max_ms = 1000;
    uint64_t sum = 0;
    for (uint64_t id = 1; life_knows(life, "one") < 11; id++) {
        world_add_tweet(world, 0, id, one, 1);
        sum++;
        world_run(world, 20);
    }
    world->delay_max_ms = 0;
    for (size_t i = 0; i < 1000 && life_knows(life, "one") < 10 + sum; i++) {
        world_run(world, 1);
    }
    assert_int_equal(life_knows(life, "one"), 10 + sum);
    life_end(life);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deletion_whose_answer_got_lost_is_answered_from_the_tally),
        cmocka_unit_test(what_others_write_is_seen_after_the_next_flush),
        cmocka_unit_test(what_others_remove_vanishes_and_comes_back_with_what_is_pending),
        cmocka_unit_test(what_only_the_table_knows_can_be_deleted),
        cmocka_unit_test(own_writes_that_pass_by_are_no_news),
        cmocka_unit_test(touches_are_bounded_and_named_once),
        cmocka_unit_test(a_load_that_waits_holds_no_feed),
        cmocka_unit_test(the_memory_of_touches_is_a_share_of_the_budget),
        cmocka_unit_test(what_is_held_is_shown_in_the_end),
        cmocka_unit_test(a_stage_that_stops_holds_nobody),
        cmocka_unit_test(a_hashtag_that_is_too_long_to_be_shown_is_no_news),
        cmocka_unit_test(a_deletion_waits_for_what_the_table_has_counted_already),
        cmocka_unit_test(large_flushes_board_and_land_in_slices),
        cmocka_unit_test(a_total_is_met_by_what_was_counted_meanwhile),
    };
    return cmocka_run_group_tests_name("pipeline/count_totals", tests, NULL, NULL);
}
