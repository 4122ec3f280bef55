// SPDX-License-Identifier: MIT

/* What the count stage does with a table that has no transactions and that others write too, and
 * with shards that are split and merged. */

#include "hashtagd/pipeline/count.h"

#include "world.h"

#include "hashtagd/base/assert.h"

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

/* Time passes with each look at it, so that slices of time end. */
struct ticking_clock {
    struct ht_clock clock;
    struct ht_manual_clock *manual;
    uint64_t tick_ns;
};

struct life {
    struct world *world;
    struct ticking_clock clock;
    struct ht_tally *tally;
    struct ht_count *count;
    struct ht_count_options options;
    struct ht_count_delete deletion;
    bool is_answered;
};

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

static void on_touched(void *user, struct ht_slice hashtag, uint64_t count, bool is_removed)
{
    ht_count_touch(((struct life *)user)->count, hashtag, count, is_removed);
}

static void begin(struct life *life)
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

static struct life *life_create(uint64_t seed, size_t shard_count)
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

static void crash(struct life *life)
{
    ht_count_destroy(life->count);
    ht_tally_destroy(life->tally);
    world_crash(life->world);
}

static void end(struct life *life)
{
    bool stopped = false;
    ht_count_stop(life->count, world_set_true, &stopped);
    assert_true(world_run_until(life->world, &stopped, 60000));
    crash(life);
    world_destroy(life->world);
    free(life);
}

static uint64_t known(const struct life *life, const char *tag)
{
    return ht_tally_count(life->tally, ht_slice_text(tag));
}

static void on_deleted(struct ht_count_delete *request)
{
    ((struct life *)request->user)->is_answered = true;
}

static void ask_to_delete(struct life *life, const char *tag)
{
    life->is_answered = false;
    life->deletion =
        (struct ht_count_delete){.hashtag = ht_slice_text(tag), .done = on_deleted, .user = life};
    ht_count_delete(life->count, &life->deletion);
}

static enum ht_count_shard_state state_of(const struct life *life, const char *id)
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

static void a_deletion_whose_answer_got_lost_is_answered_from_the_tally(void **state)
{
    (void)state;
    struct life *life = life_create(1, 1);
    struct world *world = life->world;
    begin(life);
    for (uint64_t id = 1; id <= 5; id++) {
        world_add_tweet(world, 0, id, one, 1);
    }
    world_run(world, 2000);
    assert_int_equal(world_count(world, "one"), 5);
    ask_to_delete(life, "one");
    /* somebody else was faster: the deletion finds nothing, as after a lost answer */
    assert_true(world_delete_outside(world, "one"));
    assert_true(world_run_until(world, &life->is_answered, 5000));
    assert_int_equal(life->deletion.status, 0);
    assert_true(life->deletion.found);
    assert_int_equal(life->deletion.count, 5);
    assert_string_equal(life->deletion.event_id, "");
    assert_in_range(world->clock.now_wall_ms / 1000 - life->deletion.deleted_at_s, 0, 5);
    assert_int_equal(known(life, "one"), 0);
    ask_to_delete(life, "one");
    assert_true(world_run_until(world, &life->is_answered, 5000));
    assert_false(life->deletion.found);
    end(life);
}

static void what_others_write_is_seen_after_the_next_flush(void **state)
{
    (void)state;
    struct life *life = life_create(2, 1);
    struct world *world = life->world;
    begin(life);
    world_add_tweet(world, 0, 1, one, 1);
    world_run(world, 2000);
    assert_int_equal(world->owners[0].refreshes_given, 0);
    world_add_outside(world, "one", 41);
    world_add_outside(world, "other", 7);
    world_run(world, 1000);
    assert_int_equal(known(life, "one"), 42);
    assert_int_equal(known(life, "other"), 7);
    assert_int_equal(world->owners[0].refreshes_given, 2);
    assert_int_equal(ht_count_counters(life->count)->refreshes, 2);
    assert_int_equal(ht_count_counters(life->count)->corrections, 2);
    /* without a word of the feed, the total of the next write tells it */
    world->on_touched = NULL;
    world_add_outside(world, "one", 8);
    world_run(world, 1000);
    assert_int_equal(known(life, "one"), 42);
    world_add_tweet(world, 0, 2, one, 1);
    world_run(world, 1000);
    assert_int_equal(known(life, "one"), 51);
    struct ht_tally_item item;
    assert_int_equal(ht_tally_get(life->tally, HT_SLICE("one"), &item), 0);
    assert_int_equal(item.counts[HT_TALLY_1H], 2);
    end(life);
}

static void what_others_remove_vanishes_and_comes_back_with_what_is_pending(void **state)
{
    (void)state;
    struct life *life = life_create(3, 1);
    struct world *world = life->world;
    begin(life);
    world_add_tweet(world, 0, 1, one, 1);
    world_add_tweet(world, 0, 2, two, 1);
    world_run(world, 2000);
    assert_true(world_delete_outside(world, "one"));
    world_run(world, 1000);
    assert_int_equal(known(life, "one"), 0);
    assert_int_equal(ht_tally_total(life->tally, HT_TALLY_ALL), 1);
    assert_true(world_delete_outside(world, "two"));
    world_add_tweet(world, 0, 3, two, 1);
    world_run(world, 2000);
    assert_int_equal(known(life, "two"), 1);
    assert_int_equal(world_count(world, "two"), 1);
    end(life);
}

static void own_writes_that_pass_by_are_no_news(void **state)
{
    (void)state;
    struct life *life = life_create(4, 1);
    struct world *world = life->world;
    begin(life);
    for (uint64_t id = 1; id <= 500; id++) {
        world_add_tweet(world, 0, id, id % 2 == 0 ? one : two, 1);
        world_run(world, 5);
    }
    world_run(world, 2000);
    ask_to_delete(life, "one");
    assert_true(world_run_until(world, &life->is_answered, 5000));
    world_run(world, 2000);
    assert_int_equal(ht_count_counters(life->count)->refreshes, 0);
    assert_int_equal(ht_count_counters(life->count)->corrections, 0);
    end(life);
}

static void touches_are_bounded_and_named_once(void **state)
{
    (void)state;
    struct life *life = life_create(5, 1);
    begin(life);
    world_run(life->world, 500);
    char tag[16];
    for (size_t i = 0; i < 60000; i++) {
        (void)snprintf(tag, sizeof(tag), "tag%zu", i / 2);
        ht_count_touch(life->count, ht_slice_text(tag), 1, false);
        ht_count_touch(life->count, ht_slice_text(tag), 0, true);
    }
    assert_int_equal(ht_count_counters(life->count)->touches_dropped, 20000);
    crash(life);
    world_destroy(life->world);
    free(life);
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
    begin(life);
    world_run(world, 1000);
    ask_to_delete(life, "one");
    world_run(world, 3000);
    assert_false(life->is_answered);
    assert_int_equal(world_count(world, "one"), 9);
    assert_true(world_run_until(world, &life->is_answered, 5000));
    assert_int_equal(life->deletion.status, HT_EBUSY);
    world->hold_reads = false;
    world_run(world, 100000);
    assert_int_equal(ht_count_counters(life->count)->marked, 9);
    assert_int_equal(known(life, "one"), 9);
    ask_to_delete(life, "one");
    assert_true(world_run_until(world, &life->is_answered, 5000));
    assert_int_equal(life->deletion.status, 0);
    assert_int_equal(life->deletion.count, 9);
    crash(life);
    begin(life);
    world_run(world, 3000);
    assert_int_equal(world_count(world, "one"), 0);
    end(life);
}

static void with_counting_switched_off_only_wishes_are_served(void **state)
{
    (void)state;
    struct life *life = life_create(7, 1);
    struct world *world = life->world;
    life->options.reads = false;
    world_add_outside(world, "one", 3);
    world_add_tweet(world, 0, 1, one, 1);
    begin(life);
    world_run(world, 5000);
    assert_true(ht_count_is_loaded(life->count));
    assert_int_equal(known(life, "one"), 3);
    assert_int_equal(ht_count_shard_count(life->count), 0);
    assert_int_equal(ht_count_health(life->count)->state, HT_HEALTH_IDLE);
    assert_string_equal(ht_count_health(life->count)->text, "counting is switched off");
    world_add_outside(world, "one", 2);
    world_run(world, 1000);
    assert_int_equal(known(life, "one"), 5);
    assert_int_equal(ht_count_health(life->count)->state, HT_HEALTH_IDLE);
    ask_to_delete(life, "one");
    assert_true(world_run_until(world, &life->is_answered, 5000));
    assert_true(life->deletion.found);
    assert_int_equal(life->deletion.count, 5);
    end(life);
}

/* How the shards of a test hang together, and which of them get the tweets again. */
static void repeats_across(struct life *life, bool with_crash)
{
    struct world *world = life->world;
    for (uint64_t id = 1; id <= 60; id++) {
        world_add_tweet(world, (unsigned)(id % 2), id, one, 1);
    }
    begin(life);
    world_run(world, 3000);
    unsigned left = world_add_shard(world, 0, -1);
    unsigned right = world_add_shard(world, 0, -1);
    unsigned merged = world_add_shard(world, (int)right, 1);
    world_run(world, 3000);
    if (with_crash) {
        crash(life);
        begin(life);
    }
    world_run(world, 35000);
    for (uint64_t id = 1; id <= 60; id++) {
        world_add_tweet(world, id % 2 == 0 ? left : merged, id, one, 1);
        world_add_tweet(world, merged, id, one, 1);
    }
    world_run(world, 3000);
    assert_int_equal(world_count(world, "one"), 60);
    assert_int_equal(state_of(life, world->shards[0].id), HT_COUNT_SHARD_FINISHED);
    assert_int_equal(state_of(life, world->shards[merged].id), HT_COUNT_SHARD_READING);
}

static void a_repeat_across_a_split_and_a_merge_is_dropped(void **state)
{
    (void)state;
    struct life *life = life_create(8, 2);
    repeats_across(life, false);
    end(life);
}

static void a_repeat_across_a_split_and_a_crash_is_dropped(void **state)
{
    (void)state;
    struct life *life = life_create(9, 2);
    repeats_across(life, true);
    end(life);
}

static void children_are_read_while_flushes_fail(void **state)
{
    (void)state;
    struct life *life = life_create(10, 1);
    struct world *world = life->world;
    begin(life);
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
    end(life);
}

/* Months of splits: what was read out and is not listed any more costs nothing. */
static void finished_shards_are_forgotten(void **state)
{
    (void)state;
    struct life *life = life_create(11, 1);
    struct world *world = life->world;
    begin(life);
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
    end(life);
}

static void only_shards_that_moved_are_checkpointed(void **state)
{
    (void)state;
    struct life *life = life_create(12, 8);
    struct world *world = life->world;
    begin(life);
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
    end(life);
}

static void a_shard_that_is_gone_does_not_hold_its_children_back(void **state)
{
    (void)state;
    struct life *life = life_create(13, 1);
    struct world *world = life->world;
    begin(life);
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
    end(life);
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
        begin(life);
        for (uint64_t id = 0; id < 500; id++) {
            world_add_tweet(world, 0, 1000 * (uint64_t)(round + 1) + id, one, 1);
        }
        world_run(world, 5000);
        const struct ht_position *position = &world->checkpoints[0].position;
        uint64_t back = digits_of(position->sequence_number) - digits_of(position->warm_sequence);
        assert_in_range(back * 3, 150, 180);
        crash(life);
    }
    begin(life);
    world_run(world, 3000);
    for (uint64_t id = 400; id < 500; id++) {
        world_add_tweet(world, 0, 3000 + id, one, 1);
    }
    world_run(world, 3000);
    assert_int_equal(world_count(world, "one"), 1500);
    end(life);
}

static void large_flushes_board_and_land_in_slices(void **state)
{
    (void)state;
    struct life *life = life_create(15, 1);
    struct world *world = life->world;
    life->clock.tick_ns = 600000;
    begin(life);
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
        assert_int_equal(known(life, texts[0]), 1);
        world_add_outside(world, texts[0], i);
    }
    for (uint64_t id = 0; id < 1500; id++) {
        (void)snprintf(texts[0], sizeof(texts[0]), "tag%u", (unsigned)id);
        world_add_tweet(world, 0, 1000 + id, chosen, 1);
    }
    world_run(world, 30000);
    for (size_t i = 0; i < 1500; i++) {
        (void)snprintf(texts[0], sizeof(texts[0]), "tag%zu", i);
        assert_int_equal(known(life, texts[0]), i + 2);
    }
    end(life);
}

/* The total does not know what was counted while it was on its way. */
static void a_total_is_met_by_what_was_counted_meanwhile(void **state)
{
    (void)state;
    struct life *life = life_create(16, 1);
    struct world *world = life->world;
    begin(life);
    world_run(world, 1000);
    world->on_touched = NULL;
    world_add_outside(world, "one", 10);
    world->delay_max_ms = 1000;
    uint64_t sum = 0;
    for (uint64_t id = 1; known(life, "one") < 11; id++) {
        world_add_tweet(world, 0, id, one, 1);
        sum++;
        world_run(world, 20);
    }
    world->delay_max_ms = 0;
    for (size_t i = 0; i < 1000 && known(life, "one") < 10 + sum; i++) {
        world_run(world, 1);
    }
    assert_int_equal(known(life, "one"), 10 + sum);
    end(life);
}

static void a_shard_that_fails_is_not_hidden_by_the_others(void **state)
{
    (void)state;
    struct life *life = life_create(17, 3);
    struct world *world = life->world;
    begin(life);
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
    end(life);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deletion_whose_answer_got_lost_is_answered_from_the_tally),
        cmocka_unit_test(what_others_write_is_seen_after_the_next_flush),
        cmocka_unit_test(what_others_remove_vanishes_and_comes_back_with_what_is_pending),
        cmocka_unit_test(own_writes_that_pass_by_are_no_news),
        cmocka_unit_test(touches_are_bounded_and_named_once),
        cmocka_unit_test(a_deletion_waits_for_what_the_table_has_counted_already),
        cmocka_unit_test(with_counting_switched_off_only_wishes_are_served),
        cmocka_unit_test(a_repeat_across_a_split_and_a_merge_is_dropped),
        cmocka_unit_test(a_repeat_across_a_split_and_a_crash_is_dropped),
        cmocka_unit_test(children_are_read_while_flushes_fail),
        cmocka_unit_test(finished_shards_are_forgotten),
        cmocka_unit_test(only_shards_that_moved_are_checkpointed),
        cmocka_unit_test(a_shard_that_is_gone_does_not_hold_its_children_back),
        cmocka_unit_test(checkpoints_name_a_record_one_and_a_half_windows_back),
        cmocka_unit_test(large_flushes_board_and_land_in_slices),
        cmocka_unit_test(a_total_is_met_by_what_was_counted_meanwhile),
        cmocka_unit_test(a_shard_that_fails_is_not_hidden_by_the_others),
    };
    return cmocka_run_group_tests_name("pipeline/count_marked", tests, NULL, NULL);
}
