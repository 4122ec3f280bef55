// SPDX-License-Identifier: MIT
#include "hashtagd/pipeline/count.h"

#include "plain_life.h"

#include "hashtagd/base/assert.h"

#include "../../support/effort.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

enum { TAGS = 12 };

static const char *const tags[TAGS] = {"one",   "two",   "three", "four", "five",   "six",
                                       "seven", "eight", "nine",  "ten",  "Eleven", "TWELVE"};
/* the same folded */
static const char *const keys[TAGS] = {"one",   "two",   "three", "four", "five",   "six",
                                       "seven", "eight", "nine",  "ten",  "eleven", "twelve"};

/* What an accountant counts, from the records alone: nothing of the program's code is used. */
struct truth {
    uint64_t counts[TAGS];
};

static void add_random_tweet(struct world *world, struct truth *truth, uint64_t id, bool repeat)
{
    const char *chosen[3];
    size_t count = ht_random_below(&world->random, 4);
    unsigned shard = (unsigned)(id % world->shard_count);
    for (size_t i = 0; i < count; i++) {
        size_t tag = ht_random_below(&world->random, TAGS);
        chosen[i] = tags[tag];
        truth->counts[tag]++;
    }
    world_add_tweet(world, shard, id, chosen, count);
    if (repeat) {
        world_add_tweet(world, shard, id, chosen, count);
    }
}

static void assert_exact(const struct world *world, const struct truth *truth)
{
    for (size_t i = 0; i < TAGS; i++) {
        if (world_count(world, keys[i]) != truth->counts[i]) {
            print_error("#%s: stored %ju, truth %ju\n", keys[i],
                        (uintmax_t)world_count(world, keys[i]), (uintmax_t)truth->counts[i]);
        }
        assert_int_equal(world_count(world, keys[i]), truth->counts[i]);
    }
}

static void every_hashtag_is_counted_once(void **state)
{
    (void)state;
    struct world *world = world_create(1, 2);
    struct truth truth = {{0}};
    struct plain_life life;
    plain_life_begin(&life, world);
    for (uint64_t id = 1; id <= 2000; id++) {
        add_random_tweet(world, &truth, id, id % 10 == 0);
        world_run(world, 1);
    }
    world_run(world, 5000);
    assert_exact(world, &truth);
    assert_int_equal(ht_count_counters(life.count)->repeats, 200);
    assert_int_equal(ht_count_counters(life.count)->tweets, 2000);
    struct ht_tally_item item;
    assert_int_equal(ht_tally_get(life.tally, HT_SLICE("one"), &item), 0);
    assert_int_equal(item.counts[HT_TALLY_ALL], truth.counts[0]);
    plain_life_end(&life);
    assert_int_equal(world->budget.used_bytes, 0);
    world_destroy(world);
}

static void crashes_and_faults_leave_counts_exact(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= effort(60, 15); seed++) {
        struct world *world = world_create(seed, 1 + seed % 3);
        struct truth truth = {{0}};
        uint64_t id = 0;
        for (int crashes = 0; crashes < 8; crashes++) {
            struct plain_life life;
            plain_life_begin(&life, world);
            size_t steps = ht_random_below(&world->random, 120);
            for (size_t step = 0; step < steps; step++) {
                id++;
                add_random_tweet(world, &truth, id, ht_random_below(&world->random, 8) == 0);
                uint64_t fault = ht_random_below(&world->random, 60);
                world->fail_flushes += fault == 0;
                world->fail_reads += fault == 1;
                world_run(world, ht_random_below(&world->random, 40));
            }
            plain_life_crash(&life);
        }
        world->fail_flushes = world->fail_reads = 0;
        struct plain_life life;
        plain_life_begin(&life, world);
        world_run(world, 10000);
        plain_life_end(&life);
        assert_exact(world, &truth);
        world_destroy(world);
    }
}

struct deletion {
    struct ht_count_delete request;
    bool is_done;
};

static void on_deleted(struct ht_count_delete *request)
{
    ((struct deletion *)request->user)->is_done = true;
}

static void delete_tag(struct plain_life *life, struct deletion *deletion, const char *tag)
{
    *deletion = (struct deletion){
        .request = {.hashtag = ht_slice_text(tag), .done = on_deleted, .user = deletion}};
    ht_count_delete(life->count, &deletion->request);
    assert_false(deletion->is_done);
}

static void a_deletion_takes_pending_counts_along(void **state)
{
    (void)state;
    struct world *world = world_create(2, 1);
    struct plain_life life;
    plain_life_begin(&life, world);
    world_run(world, 1000);
    world_add_tweet(world, 0, 1, tags, 2);
    world_run(world, 100);
    struct deletion deletion;
    delete_tag(&life, &deletion, "one");
    assert_true(world_run_until(world, &deletion.is_done, 5000));
    assert_int_equal(deletion.request.status, 0);
    assert_true(deletion.request.found);
    assert_int_equal(deletion.request.count, 1);
    assert_string_equal(deletion.request.event_id, "event-0");
    assert_int_equal(world->removals[0].item.count, 1);
    assert_int_equal(world_count(world, "one"), 0);
    assert_int_equal(world_count(world, "two"), 1);
    struct ht_tally_item item;
    assert_int_equal(ht_tally_get(life.tally, HT_SLICE("one"), &item), HT_ENOTFOUND);
    delete_tag(&life, &deletion, "one");
    assert_true(world_run_until(world, &deletion.is_done, 5000));
    assert_false(deletion.request.found);
    plain_life_end(&life);
    world_destroy(world);
}

/* Counts per tag since its last deletion, checked against what was archived: together they are all
 * that ever was. */
static void deletions_and_crashes_lose_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 100; seed < 100 + effort(40, 10); seed++) {
        struct world *world = world_create(seed, 1);
        struct truth truth = {{0}};
        uint64_t id = 0;
        for (int crashes = 0; crashes < 6; crashes++) {
            struct plain_life life;
            plain_life_begin(&life, world);
            static struct deletion deletions[200];
            size_t deletion_count = 0;
            for (size_t step = 0; step < 100; step++) {
                add_random_tweet(world, &truth, ++id, false);
                world->fail_flushes += ht_random_below(&world->random, 50) == 0;
                if (ht_random_below(&world->random, 6) == 0) {
                    delete_tag(&life, &deletions[deletion_count++],
                               keys[ht_random_below(&world->random, TAGS)]);
                }
                world_run(world, ht_random_below(&world->random, 30));
            }
            if (crashes % 2 == 0) {
                plain_life_crash(&life);
            } else {
                plain_life_end(&life);
            }
        }
        world->fail_flushes = 0;
        struct plain_life life;
        plain_life_begin(&life, world);
        world_run(world, 10000);
        plain_life_end(&life);
        for (size_t i = 0; i < TAGS; i++) {
            uint64_t sum = world_count(world, keys[i]);
            for (size_t at = 0; at < world->removal_count; at++) {
                sum += strcmp(world->removals[at].item.tag, keys[i]) == 0
                           ? world->removals[at].item.count
                           : 0;
            }
            assert_int_equal(sum, truth.counts[i]);
        }
        world_destroy(world);
    }
}

static void the_tally_agrees_with_the_table_after_deletions(void **state)
{
    (void)state;
    struct world *world = world_create(77, 1);
    world->delay_max_ms = 300;
    struct truth truth = {{0}};
    struct plain_life life;
    plain_life_begin(&life, world);
    static struct deletion deletions[400];
    size_t deletion_count = 0;
    for (uint64_t id = 1; id < 800; id++) {
        add_random_tweet(world, &truth, id, false);
        if (id % 7 == 0) {
            delete_tag(&life, &deletions[deletion_count++], keys[id % TAGS]);
        }
        world_run(world, 13);
    }
    world_run(world, 10000);
    for (size_t i = 0; i < TAGS; i++) {
        struct ht_tally_item item = {.counts = {0}};
        (void)ht_tally_get(life.tally, ht_slice_text(keys[i]), &item);
        assert_int_equal(item.counts[HT_TALLY_ALL], world_count(world, keys[i]));
        uint64_t in_series = 0;
        for (size_t minute = 0; minute < HT_TALLY_SERIES_COUNT; minute++) {
            in_series += item.series[minute];
        }
        assert_int_equal(in_series, item.counts[HT_TALLY_1H]);
        assert_int_equal(item.counts[HT_TALLY_1H], item.counts[HT_TALLY_ALL]);
    }
    plain_life_end(&life);
    world_destroy(world);
}

static void windows_survive_a_crash(void **state)
{
    (void)state;
    struct world *world = world_create(5, 1);
    struct truth truth = {{0}};
    struct plain_life life;
    plain_life_begin(&life, world);
    for (uint64_t id = 1; id <= 500; id++) {
        add_random_tweet(world, &truth, id, false);
        world_run(world, 1000);
    }
    world_run(world, 5000);
    struct ht_tally_item before[TAGS];
    for (size_t i = 0; i < TAGS; i++) {
        assert_int_equal(ht_tally_get(life.tally, ht_slice_text(keys[i]), &before[i]), 0);
    }
    plain_life_crash(&life);
    plain_life_begin(&life, world);
    world_run(world, 1000);
    for (size_t i = 0; i < TAGS; i++) {
        struct ht_tally_item after;
        assert_int_equal(ht_tally_get(life.tally, ht_slice_text(keys[i]), &after), 0);
        assert_memory_equal(before[i].counts, after.counts, sizeof(after.counts));
        assert_memory_equal(before[i].series, after.series, sizeof(after.series));
    }
    plain_life_end(&life);
    world_destroy(world);
}

static void bad_records_become_dead_letters_and_their_neighbours_count(void **state)
{
    (void)state;
    static const char *const bad[] = {"not json", "{\"id\":1", "[1,2]{",
                                      "{\"id\":9,\"text\":\"\",\"entities\":{\"hashtags\":7}}"};
    struct world *world = world_create(3, 1);
    struct plain_life life;
    plain_life_begin(&life, world);
    world->fail_letters = 2;
    for (size_t i = 0; i < HT_COUNT_OF(bad); i++) {
        world_add_tweet(world, 0, 100 + i, tags, 1);
        world_add_record(world, 0, bad[i]);
    }
    world_add_record(world, 0, "{\"delete\":{\"status\":{\"id\":1,\"id_str\":\"1\"}}}");
    world_add_tweet(world, 0, 200, tags, 1);
    world_run(world, 10000);
    assert_int_equal(world_count(world, "one"), HT_COUNT_OF(bad) + 1);
    assert_int_equal(world->letter_count, HT_COUNT_OF(bad));
    for (size_t i = 0; i < HT_COUNT_OF(bad); i++) {
        assert_non_null(strstr(world->letters.data, bad[i]));
    }
    assert_int_equal(ht_count_counters(life.count)->notices[HT_TWEET_KIND_DELETE], 1);
    plain_life_end(&life);
    world_destroy(world);
}

static void children_wait_for_both_parents(void **state)
{
    (void)state;
    struct world *world = world_create(4, 3);
    (void)snprintf(world->shards[2].parent_id, HT_SHARD_ID_BYTES, "%s", world->shards[0].id);
    (void)snprintf(world->shards[2].adjacent_parent_id, HT_SHARD_ID_BYTES, "%s",
                   world->shards[1].id);
    world->shards[0].closed = true;
    struct plain_life life;
    world_add_tweet(world, 0, 1, tags, 1);
    world_add_tweet(world, 1, 2, tags, 1);
    world_add_tweet(world, 2, 3, tags, 1);
    plain_life_begin(&life, world);
    world_run(world, 5000);
    assert_int_equal(world_count(world, "one"), 2);
    struct ht_count_shard_status status;
    ht_count_shard_get(life.count, 0, &status);
    assert_int_equal(status.state, HT_COUNT_SHARD_FINISHED);
    ht_count_shard_get(life.count, 2, &status);
    assert_int_equal(status.state, HT_COUNT_SHARD_WAITING);
    world->shards[1].closed = true;
    world_run(world, 40000);
    assert_int_equal(world_count(world, "one"), 3);
    /* a finished shard stays finished after a restart */
    plain_life_crash(&life);
    plain_life_begin(&life, world);
    world_run(world, 5000);
    assert_int_equal(world_count(world, "one"), 3);
    ht_count_shard_get(life.count, 1, &status);
    assert_int_equal(status.state, HT_COUNT_SHARD_FINISHED);
    plain_life_end(&life);
    world_destroy(world);
}

static void a_stuck_shard_is_started_again(void **state)
{
    (void)state;
    struct world *world = world_create(6, 1);
    struct plain_life life;
    world->hold_reads = true;
    plain_life_begin(&life, world);
    world_add_tweet(world, 0, 1, tags, 1);
    world_run(world, 50000);
    assert_int_equal(ht_count_counters(life.count)->shard_restarts, 0);
    world_run(world, 20000);
    assert_int_equal(ht_count_counters(life.count)->shard_restarts, 1);
    assert_int_equal(ht_count_health(life.count)->state, HT_HEALTH_WAITING);
    world->hold_reads = false;
    world_run(world, 70000);
    assert_int_equal(world_count(world, "one"), 1);
    assert_int_equal(ht_count_health(life.count)->state, HT_HEALTH_WORKING);
    plain_life_end(&life);
    world_destroy(world);
}

static void a_table_that_refuses_is_told_and_tried_again(void **state)
{
    (void)state;
    struct world *world = world_create(7, 1);
    struct plain_life life;
    plain_life_begin(&life, world);
    world_run(world, 500);
    world->fail_flushes = 1000;
    world_add_tweet(world, 0, 1, tags, 1);
    world_run(world, 3000);
    assert_int_equal(ht_count_health(life.count)->state, HT_HEALTH_WAITING);
    assert_non_null(strstr(ht_count_health(life.count)->text, "the world is full"));
    struct deletion deletion;
    delete_tag(&life, &deletion, "one");
    assert_true(world_run_until(world, &deletion.is_done, 30000));
    assert_int_equal(deletion.request.status, HT_ENOSPC);
    world->fail_flushes = 0;
    world_run(world, 20000);
    assert_int_equal(world_count(world, "one"), 1);
    assert_int_equal(ht_count_health(life.count)->state, HT_HEALTH_WORKING);
    plain_life_end(&life);
    world_destroy(world);
}

static void a_stop_with_a_refusing_table_ends_and_tells(void **state)
{
    (void)state;
    struct world *world = world_create(8, 1);
    struct plain_life life;
    plain_life_begin(&life, world);
    world_run(world, 500);
    world_add_tweet(world, 0, 1, tags, 3);
    world_run(world, 60);
    world->fail_flushes = 1000;
    bool stopped = false;
    ht_count_stop(life.count, world_set_true, &stopped);
    world_run(world, 60000);
    assert_false(stopped);
    assert_true(world->fail_flushes < 1000 - 5);
    ht_count_give_up(life.count);
    assert_false(stopped);
    assert_true(world_run_until(world, &stopped, 1000));
    assert_int_equal(ht_count_pending_hashtags(life.count), 3);
    assert_int_equal(ht_count_waiting_deletions(life.count), 0);
    plain_life_crash(&life);
    world->fail_flushes = 0;
    plain_life_begin(&life, world);
    world_run(world, 2000);
    assert_int_equal(world_count(world, "one"), 1);
    plain_life_end(&life);
    world_destroy(world);
}

static void a_stop_tells_of_deletions_that_it_forgets(void **state)
{
    (void)state;
    struct world *world = world_create(8, 1);
    struct plain_life life;
    plain_life_begin(&life, world);
    world_run(world, 500);
    world_add_tweet(world, 0, 1, tags, 1);
    world_run(world, 3000);
    world->fail_flushes = 1000;
    struct deletion deletion;
    delete_tag(&life, &deletion, "one");
    assert_true(world_run_until(world, &deletion.is_done, 30000));
    assert_int_equal(deletion.request.status, HT_ENOSPC);
    bool stopped = false;
    ht_count_give_up(life.count);
    ht_count_stop(life.count, world_set_true, &stopped);
    assert_true(world_run_until(world, &stopped, 10000));
    assert_int_equal(ht_count_waiting_deletions(life.count), 1);
    plain_life_crash(&life);
    world_destroy(world);
}

static void a_stop_tries_again_until_all_is_written(void **state)
{
    (void)state;
    for (unsigned failures = 1; failures <= 6; failures++) {
        struct world *world = world_create(failures, 1);
        struct plain_life life;
        plain_life_begin(&life, world);
        world_run(world, 500);
        world_add_tweet(world, 0, 1, tags, 1);
        world_run(world, 3000);
        assert_int_equal(world_count(world, "one"), 1);
        world_add_tweet(world, 0, 2, tags + 1, 1);
        world_add_record(world, 0, "{");
        world_run(world, 60);
        struct deletion deletion;
        delete_tag(&life, &deletion, "one");
        world->fail_flushes = world->fail_letters = failures;
        bool stopped = false;
        ht_count_stop(life.count, world_set_true, &stopped);
        assert_true(world_run_until(world, &stopped, 60000));
        assert_int_equal(world->fail_flushes, 0);
        assert_true(deletion.is_done);
        assert_int_equal(world_count(world, "one"), 0);
        assert_int_equal(world_count(world, "two"), 1);
        assert_int_equal(world->letter_count, 1);
        assert_int_equal(ht_count_pending_hashtags(life.count), 0);
        assert_int_equal(ht_count_waiting_deletions(life.count), 0);
        plain_life_crash(&life);
        world_destroy(world);
    }
}

static void a_retry_in_the_air_is_waited_for_at_the_stop(void **state)
{
    (void)state;
    struct world *world = world_create(8, 1);
    struct plain_life life;
    plain_life_begin(&life, world);
    world_run(world, 500);
    world_add_tweet(world, 0, 1, tags, 3);
    world->fail_flushes = 1;
    world->delay_max_ms = 5000;
    while (world->fail_flushes > 0) {
        world_run(world, 10);
    }
    world_run(world, 300); /* the second try has begun */
    bool stopped = false;
    ht_count_give_up(life.count);
    ht_count_stop(life.count, world_set_true, &stopped);
    assert_true(world_run_until(world, &stopped, 60000));
    assert_int_equal(world_count(world, "one"), 1);
    assert_int_equal(ht_count_pending_hashtags(life.count), 0);
    plain_life_crash(&life);
    world_destroy(world);
}

struct flushing {
    struct ht_count_flush request;
    bool is_done;
};

static void on_flushed(struct ht_count_flush *request)
{
    ((struct flushing *)request->user)->is_done = true;
}

static void a_flush_waits_for_what_is_on_the_stream(void **state)
{
    (void)state;
    struct world *world = world_create(9, 2);
    struct plain_life life;
    plain_life_begin(&life, world);
    world_run(world, 500);
    for (uint64_t id = 1; id <= 300; id++) {
        world_add_tweet(world, (unsigned)(id % 2), id, tags, 1);
    }
    struct flushing flushing = {.request = {.done = on_flushed, .user = &flushing}};
    ht_count_flush(life.count, &flushing.request);
    assert_true(world_run_until(world, &flushing.is_done, 8000));
    assert_int_equal(flushing.request.status, 0);
    assert_int_equal(world_count(world, "one"), 300);
    flushing = (struct flushing){.request = {.done = on_flushed, .user = &flushing}};
    ht_count_flush(life.count, &flushing.request);
    assert_true(world_run_until(world, &flushing.is_done, 2000));
    assert_int_equal(flushing.request.hashtags, 0);
    plain_life_end(&life);
    world_destroy(world);
}

/* Before the shards are known nobody can say that all of their records are counted. */
static void a_flush_waits_for_the_first_listing(void **state)
{
    (void)state;
    struct world *world = world_create(9, 1);
    struct plain_life life;
    world->fail_lists = 2;
    world_add_tweet(world, 0, 1, tags, 1);
    plain_life_begin(&life, world);
    world_run(world, 50);
    assert_true(ht_count_is_loaded(life.count));
    struct flushing flushing = {.request = {.done = on_flushed, .user = &flushing}};
    ht_count_flush(life.count, &flushing.request);
    assert_true(world_run_until(world, &flushing.is_done, 4000));
    assert_int_equal(world_count(world, "one"), 1);
    plain_life_end(&life);
    world_destroy(world);
}

/* A table that is out of reach may be so for hours. */
static void a_flush_before_the_table_is_loaded_is_refused_at_once(void **state)
{
    (void)state;
    struct world *world = world_create(9, 1);
    struct plain_life life;
    world->load_status = HT_ECONNECTION;
    plain_life_begin(&life, world);
    struct flushing flushing = {.request = {.done = on_flushed, .user = &flushing}};
    ht_count_flush(life.count, &flushing.request);
    assert_false(flushing.is_done);
    assert_true(world_run_until(world, &flushing.is_done, 1));
    assert_int_equal(flushing.request.status, HT_ECANCELED);
    assert_non_null(strstr(flushing.request.error.text, "try again"));
    world->load_status = 0;
    world_run(world, 30000);
    flushing.is_done = false;
    ht_count_flush(life.count, &flushing.request);
    assert_true(world_run_until(world, &flushing.is_done, 6000));
    assert_int_equal(flushing.request.status, 0);
    plain_life_end(&life);
    world_destroy(world);
}

/* Nothing is read, so that nothing else would wake it; or nobody knows what is to be read. */
static void a_flush_right_behind_the_load_is_answered(void **state)
{
    (void)state;
    for (int reads = 0; reads < 2; reads++) {
        struct world *world = world_create(9, 1);
        struct plain_life life;
        world->fail_lists = 1000;
        struct ht_count_options options = plain_life_make(&life, world);
        options.reads = reads == 1;
        plain_life_start(&life, &options);
        while (!ht_count_is_loaded(life.count)) {
            world_run(world, 1);
        }
        struct flushing flushing = {.request = {.done = on_flushed, .user = &flushing}};
        ht_count_flush(life.count, &flushing.request);
        assert_true(world_run_until(world, &flushing.is_done, 6000));
        assert_int_equal(flushing.request.status, 0);
        plain_life_end(&life);
        world_destroy(world);
    }
}

/* What it waits for may take seconds: until then nothing is to be written again and again. */
static void a_flush_that_waits_for_a_shard_waits_quietly(void **state)
{
    (void)state;
    struct world *world = world_create(9, 2);
    struct plain_life life;
    plain_life_begin(&life, world);
    world_add_tweet(world, 0, 1, tags, 1);
    world_run(world, 500);
    world->hold_reads = true;
    world_add_tweet(world, 0, 2, tags, 1);
    struct flushing flushing = {.request = {.done = on_flushed, .user = &flushing}};
    struct deletion deletion;
    delete_tag(&life, &deletion, "one"); /* lets a flush happen meanwhile */
    ht_count_flush(life.count, &flushing.request);
    size_t before = world->flush_count;
    world_run(world, 4900);
    assert_false(flushing.is_done);
    assert_in_range(world->flush_count - before, 1, 20);
    assert_true(world_run_until(world, &flushing.is_done, 1000));
    assert_int_equal(flushing.request.status, 0);
    plain_life_end(&life);
    world_destroy(world);
}

static void a_table_that_cannot_be_used_is_fatal(void **state)
{
    (void)state;
    struct world *world = world_create(10, 1);
    struct plain_life life;
    world->load_status = HT_ECORRUPT;
    plain_life_begin(&life, world);
    life.may_be_fatal = true;
    world_run(world, 500);
    assert_true(life.is_fatal);
    assert_string_equal(life.fatal.text, "no loading today");
    plain_life_end(&life);
    world_destroy(world);
}

static void a_table_out_of_reach_is_tried_again(void **state)
{
    (void)state;
    struct world *world = world_create(11, 1);
    struct plain_life life;
    world->load_status = HT_ECONNECTION;
    plain_life_begin(&life, world);
    world_add_tweet(world, 0, 1, tags, 1);
    world_run(world, 5000);
    assert_false(life.is_fatal);
    assert_false(ht_count_is_loaded(life.count));
    assert_int_equal(ht_count_health(life.count)->state, HT_HEALTH_WAITING);
    world->load_status = 0;
    world_run(world, 30000);
    assert_true(ht_count_is_loaded(life.count));
    assert_int_equal(world_count(world, "one"), 1);
    plain_life_end(&life);
    world_destroy(world);
}

/* More repeats of one tweet than the window has places: they must not hide the others. */
static void many_repeats_leave_the_window_whole_after_a_crash(void **state)
{
    (void)state;
    for (size_t shown = 0; shown < 200; shown += effort(20, 60)) {
        struct world *world = world_create(14, 1);
        struct plain_life life;
        plain_life_begin(&life, world);
        for (uint64_t id = 1; id <= 1000; id++) {
            world_add_tweet(world, 0, id, tags, 1);
        }
        for (int repeat = 0; repeat < 5000; repeat++) {
            world_add_tweet(world, 0, 1, tags, 1);
        }
        world_run(world, 20000);
        plain_life_crash(&life);
        assert_int_equal(world_count(world, "one"), 1000);
        plain_life_begin(&life, world);
        world_run(world, shown);
        for (uint64_t id = 2; id <= 50; id++) {
            world_add_tweet(world, 0, id, tags, 1);
        }
        world_add_tweet(world, 0, 5000, tags, 1);
        world_run(world, 20000);
        assert_int_equal(world_count(world, "one"), 1001);
        plain_life_end(&life);
        world_destroy(world);
    }
}

static void a_stop_while_the_table_is_loaded_ends(void **state)
{
    (void)state;
    struct world *world = world_create(12, 1);
    struct plain_life life;
    world->delay_max_ms = 50;
    plain_life_begin(&life, world);
    assert_false(ht_count_is_loaded(life.count));
    plain_life_end(&life);
    world_destroy(world);
}

static void a_flush_after_the_stop_is_answered(void **state)
{
    (void)state;
    struct world *world = world_create(13, 1);
    struct plain_life life;
    plain_life_begin(&life, world);
    world_run(world, 500);
    bool stopped = false;
    ht_count_stop(life.count, world_set_true, &stopped);
    assert_true(world_run_until(world, &stopped, 60000));
    struct flushing flushing = {.request = {.done = on_flushed, .user = &flushing}};
    ht_count_flush(life.count, &flushing.request);
    assert_false(flushing.is_done);
    assert_true(world_run_until(world, &flushing.is_done, 10000));
    assert_int_equal(flushing.request.status, HT_ECANCELED);
    plain_life_crash(&life);
    world_destroy(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_hashtag_is_counted_once),
        cmocka_unit_test(crashes_and_faults_leave_counts_exact),
        cmocka_unit_test(a_deletion_takes_pending_counts_along),
        cmocka_unit_test(deletions_and_crashes_lose_nothing),
        cmocka_unit_test(the_tally_agrees_with_the_table_after_deletions),
        cmocka_unit_test(windows_survive_a_crash),
        cmocka_unit_test(bad_records_become_dead_letters_and_their_neighbours_count),
        cmocka_unit_test(children_wait_for_both_parents),
        cmocka_unit_test(a_stuck_shard_is_started_again),
        cmocka_unit_test(a_table_that_refuses_is_told_and_tried_again),
        cmocka_unit_test(a_stop_with_a_refusing_table_ends_and_tells),
        cmocka_unit_test(a_stop_tells_of_deletions_that_it_forgets),
        cmocka_unit_test(a_stop_tries_again_until_all_is_written),
        cmocka_unit_test(a_retry_in_the_air_is_waited_for_at_the_stop),
        cmocka_unit_test(a_flush_waits_for_what_is_on_the_stream),
        cmocka_unit_test(a_flush_waits_for_the_first_listing),
        cmocka_unit_test(a_flush_before_the_table_is_loaded_is_refused_at_once),
        cmocka_unit_test(a_flush_right_behind_the_load_is_answered),
        cmocka_unit_test(a_flush_that_waits_for_a_shard_waits_quietly),
        cmocka_unit_test(a_table_that_cannot_be_used_is_fatal),
        cmocka_unit_test(a_table_out_of_reach_is_tried_again),
        cmocka_unit_test(many_repeats_leave_the_window_whole_after_a_crash),
        cmocka_unit_test(a_stop_while_the_table_is_loaded_ends),
        cmocka_unit_test(a_flush_after_the_stop_is_answered),
    };
    return cmocka_run_group_tests_name("pipeline/count", tests, NULL, NULL);
}
