// SPDX-License-Identifier: MIT

/* What is told and answered while recent tweets are read again after a start. */

#include "plain_life.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *const one[] = {"one"};
static const char *const fresh[] = {"fresh"};

enum { COUNTED = 1500 };

/* A world whose last life was killed with all counted. */
static struct world *counted_world(uint64_t seed)
{
    struct world *world = world_create(seed, 1);
    struct plain_life life;
    plain_life_begin(&life, world);
    for (uint64_t id = 1; id <= COUNTED; id++) {
        world_add_tweet(world, 0, id, one, 1);
    }
    world_run(world, 10000);
    assert_int_equal(world_count(world, "one"), COUNTED);
    plain_life_crash(&life);
    return world;
}

/* Up to the moment where some is read again, and not all. */
static void begin_in_the_middle(struct plain_life *life, struct world *world,
                                uint32_t flush_interval_ms)
{
    struct ht_count_options options = plain_life_make(life, world);
    options.flush_interval_ms = flush_interval_ms;
    plain_life_start(life, &options);
    while (ht_count_counters(life->count)->remembered < 100) {
        world_run(world, 1);
    }
    assert_in_range(ht_count_counters(life->count)->remembered, 100, 1000);
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

struct flushing {
    struct ht_count_flush request;
    bool is_done;
};

static void on_flushed(struct ht_count_flush *request)
{
    ((struct flushing *)request->user)->is_done = true;
}

static void flush(struct plain_life *life, struct flushing *flushing)
{
    *flushing = (struct flushing){.request = {.done = on_flushed, .user = flushing}};
    ht_count_flush(life->count, &flushing->request);
    assert_false(flushing->is_done);
}

/* However long the interval is: nobody waits for it. */
static void a_hashtag_that_was_just_posted_can_be_deleted(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct world *world = counted_world(seed);
        struct plain_life life;
        begin_in_the_middle(&life, world, seed % 2 == 0 ? 200 : 3600000);
        world_add_tweet(world, 0, COUNTED + 1, fresh, 1);
        world_run(world, 1);
        struct deletion posted;
        struct deletion known;
        struct deletion never;
        delete_tag(&life, &posted, "fresh");
        delete_tag(&life, &known, "one");
        delete_tag(&life, &never, "never");
        world_run(world, 1);
        assert_false(posted.is_done || never.is_done);
        assert_true(world_run_until(world, &posted.is_done, 4000));
        assert_int_equal(posted.request.status, 0);
        assert_true(posted.request.found);
        assert_int_equal(posted.request.count, 1);
        assert_true(world_run_until(world, &known.is_done, 1000));
        assert_int_equal(known.request.count, COUNTED);
        assert_true(world_run_until(world, &never.is_done, 1000));
        assert_int_equal(never.request.status, 0);
        assert_false(never.request.found);
        assert_int_equal(world_count(world, "fresh"), 0);
        delete_tag(&life, &never, "never"); /* as ever: at once */
        world_run(world, 1);
        assert_true(never.is_done && !never.request.found);
        plain_life_end(&life);
        world_destroy(world);
    }
}

static void who_reads_for_long_says_so_of_what_it_does_not_know(void **state)
{
    (void)state;
    struct world *world = counted_world(3);
    struct plain_life life;
    begin_in_the_middle(&life, world, 3600000);
    world->hold_reads = true;
    world_add_tweet(world, 0, COUNTED + 1, fresh, 1);
    struct deletion deletion;
    delete_tag(&life, &deletion, "fresh");
    world_run(world, 4900);
    assert_false(deletion.is_done);
    assert_true(world_run_until(world, &deletion.is_done, 2200));
    assert_int_equal(deletion.request.status, HT_EBUSY);
    assert_non_null(strstr(deletion.request.error.text, "try again"));
    plain_life_crash(&life);
    world_destroy(world);
}

/* The first moments count too: nobody knows which shards there are. */
static void before_the_first_listing_nothing_is_said_not_to_be_there(void **state)
{
    (void)state;
    struct world *world = counted_world(4);
    struct plain_life life;
    world_add_tweet(world, 0, COUNTED + 1, fresh, 1);
    world->fail_lists = 2;
    plain_life_begin(&life, world);
    while (!ht_count_is_loaded(life.count)) {
        world_run(world, 1);
    }
    struct deletion deletion;
    delete_tag(&life, &deletion, "fresh");
    assert_true(world_run_until(world, &deletion.is_done, 4900));
    assert_true(deletion.request.found);
    plain_life_end(&life);
    world_destroy(world);
}

static void the_state_tells_how_far_it_is(void **state)
{
    (void)state;
    struct world *world = counted_world(5);
    struct plain_life life;
    begin_in_the_middle(&life, world, 200);
    const struct ht_health *health = ht_count_health(life.count);
    assert_int_equal(health->state, HT_HEALTH_WORKING);
    assert_non_null(strstr(health->text, "remembering recent tweets after the start: "));
    assert_non_null(strstr(health->text, " of at most 15"));
    world_run(world, 5000);
    assert_int_equal(health->state, HT_HEALTH_WORKING);
    assert_string_equal(health->text, "");
    plain_life_end(&life);
    world_destroy(world);
}

static void trouble_hides_what_is_told_of_it(void **state)
{
    (void)state;
    struct world *world = counted_world(6);
    struct plain_life life;
    begin_in_the_middle(&life, world, 200);
    const struct ht_health *health = ht_count_health(life.count);
    world->fail_reads = 1000;
    world_run(world, 1000);
    assert_int_equal(health->state, HT_HEALTH_WAITING);
    assert_null(strstr(health->text, "remembering"));
    world->fail_reads = 0;
    world_run(world, 30000);
    assert_int_equal(health->state, HT_HEALTH_WORKING);
    assert_string_equal(health->text, "");
    plain_life_end(&life);
    world_destroy(world);
}

static void a_flush_that_comes_too_early_is_told_so(void **state)
{
    (void)state;
    struct world *world = counted_world(7);
    struct plain_life life;
    begin_in_the_middle(&life, world, 3600000);
    world_add_tweet(world, 0, COUNTED + 1, fresh, 1);
    world->hold_reads = true;
    struct flushing flushing;
    flush(&life, &flushing);
    world_run(world, 4900);
    assert_false(flushing.is_done);
    assert_true(world_run_until(world, &flushing.is_done, 200));
    assert_int_equal(flushing.request.status, HT_EBUSY);
    assert_non_null(strstr(flushing.request.error.text, "ry again"));
    plain_life_crash(&life);
    world_destroy(world);
}

static void a_flush_that_finds_all_counted_in_time_is_whole(void **state)
{
    (void)state;
    struct world *world = counted_world(8);
    struct plain_life life;
    begin_in_the_middle(&life, world, 3600000);
    world_add_tweet(world, 0, COUNTED + 1, fresh, 1);
    struct flushing flushing;
    flush(&life, &flushing);
    assert_true(world_run_until(world, &flushing.is_done, 4900));
    assert_int_equal(flushing.request.status, 0);
    assert_int_equal(flushing.request.hashtags, 1);
    assert_int_equal(world_count(world, "fresh"), 1);
    plain_life_end(&life);
    world_destroy(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hashtag_that_was_just_posted_can_be_deleted),
        cmocka_unit_test(who_reads_for_long_says_so_of_what_it_does_not_know),
        cmocka_unit_test(before_the_first_listing_nothing_is_said_not_to_be_there),
        cmocka_unit_test(the_state_tells_how_far_it_is),
        cmocka_unit_test(trouble_hides_what_is_told_of_it),
        cmocka_unit_test(a_flush_that_comes_too_early_is_told_so),
        cmocka_unit_test(a_flush_that_finds_all_counted_in_time_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
