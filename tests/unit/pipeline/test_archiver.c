// SPDX-License-Identifier: MIT
#include "hashtagd/pipeline/archiver.h"

#include "../tally/failing_memory.h"
#include "world.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

static void remove_item(struct world *world, const char *tag, uint64_t count)
{
    struct world_removal *removal = &world->removals[world->removal_count];
    *removal = (struct world_removal){.item = {.count = count, .first_seen_s = 5, .last_seen_s = 6},
                                      .deleted_at_s = 7};
    (void)snprintf(removal->item.tag, sizeof(removal->item.tag), "%s", tag);
    (void)snprintf(removal->event_id, sizeof(removal->event_id), "event-%zu", world->removal_count);
    world->removal_count++;
}

static struct ht_archiver *begin(struct world *world)
{
    struct ht_archiver_options options = {.changes = &world->changes,
                                          .archive = &world->archive,
                                          .clock = &world->clock.clock,
                                          .timers = &world->timers,
                                          .random = &world->random,
                                          .budget = &world->budget};
    struct ht_archiver *archiver = ht_archiver_create(&options);
    assert_non_null(archiver);
    ht_archiver_start(archiver);
    return archiver;
}

static void end(struct world *world, struct ht_archiver *archiver)
{
    bool stopped = false;
    ht_archiver_stop(archiver, world_set_true, &stopped);
    assert_false(stopped);
    assert_true(world_run_until(world, &stopped, 60000));
    ht_archiver_destroy(archiver);
    assert_int_equal(world->budget.used_bytes, 0);
    world_crash(world);
}

/* The number in "event-N" of a line. */
static size_t event_of(const char *line)
{
    const char *at = strstr(line, "event-");
    assert_non_null(at);
    return (size_t)strtoul(at + 6, NULL, 10);
}

static void a_line_has_the_members_of_the_contract(void **state)
{
    (void)state;
    struct world *world = world_create(1, 1);
    struct ht_archiver *archiver = begin(world);
    remove_item(world, "a\"b", 12);
    world_run(world, 3000);
    assert_int_equal(world->line_count, 1);
    assert_string_equal(world->lines[0],
                        "{\"event_id\":\"event-0\",\"hashtag\":\"a\\\"b\",\"count\":12,"
                        "\"first_seen\":5,\"last_seen\":6,\"deleted_at\":7,\"origin\":\"user\","
                        "\"item\":{\"hashtag\":{\"S\":\"x\"}}}");
    assert_int_equal(world->removals_committed, 1);
    end(world, archiver);
    world_destroy(world);
}

static void faults_repeat_lines_but_keep_their_order(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct world *world = world_create(seed, 1);
        for (int lives = 0; lives < 4; lives++) {
            struct ht_archiver *archiver = begin(world);
            for (int step = 0; step < 60; step++) {
                remove_item(world, "tag", 1);
                world->fail_appends += ht_random_below(&world->random, 10) == 0;
                world->fail_commits += ht_random_below(&world->random, 10) == 0;
                world_run(world, ht_random_below(&world->random, 200));
            }
            world->fail_appends = world->fail_commits = 0;
            end(world, archiver);
        }
        assert_int_equal(world->removals_committed, world->removal_count);
        /* the first appearance of each event is in order and none is missing */
        size_t next = 0;
        for (size_t i = 0; i < world->line_count; i++) {
            size_t event = event_of(world->lines[i]);
            assert_true(event <= next);
            next += event == next;
        }
        assert_int_equal(next, world->removal_count);
        world_destroy(world);
    }
}

static void a_crash_repeats_what_was_not_committed(void **state)
{
    (void)state;
    struct world *world = world_create(3, 1);
    struct ht_archiver *archiver = begin(world);
    remove_item(world, "one", 1);
    world->fail_commits = 1000;
    world_run(world, 5000);
    assert_int_equal(world->line_count, 1);
    assert_int_equal(world->removals_committed, 0);
    bool stopped = false;
    ht_archiver_stop(archiver, world_set_true, &stopped);
    world_run(world, 60000);
    assert_false(stopped);
    assert_true(world->fail_commits < 1000 - 5);
    ht_archiver_give_up(archiver);
    assert_false(stopped);
    assert_true(world_run_until(world, &stopped, 5000));
    ht_archiver_destroy(archiver);
    world_crash(world);
    world->fail_commits = 0;
    archiver = begin(world);
    world_run(world, 5000);
    assert_int_equal(world->line_count, 2);
    assert_string_equal(world->lines[0], world->lines[1]);
    assert_int_equal(world->removals_committed, 1);
    end(world, archiver);
    world_destroy(world);
}

struct flushing {
    struct ht_archiver_flush request;
    bool is_done;
};

static void on_flushed(struct ht_archiver_flush *request)
{
    ((struct flushing *)request->user)->is_done = true;
}

static void a_flush_ends_when_all_removed_before_is_durable(void **state)
{
    (void)state;
    struct world *world = world_create(4, 1);
    struct ht_archiver *archiver = begin(world);
    world_run(world, 700);
    for (int i = 0; i < 100; i++) {
        remove_item(world, "x", 1);
    }
    struct flushing flushing = {.request = {.done = on_flushed, .user = &flushing}};
    ht_archiver_flush(archiver, &flushing.request);
    assert_false(flushing.is_done);
    assert_true(world_run_until(world, &flushing.is_done, 5000));
    assert_int_equal(flushing.request.status, 0);
    assert_int_equal(flushing.request.archived, 100);
    assert_int_equal(world->removals_committed, 100);
    flushing = (struct flushing){.request = {.done = on_flushed, .user = &flushing}};
    ht_archiver_flush(archiver, &flushing.request);
    assert_true(world_run_until(world, &flushing.is_done, 500));
    assert_int_equal(flushing.request.archived, 0);
    end(world, archiver);
    world_destroy(world);
}

static void a_flush_is_told_of_a_failure(void **state)
{
    (void)state;
    struct world *world = world_create(5, 1);
    struct ht_archiver *archiver = begin(world);
    world->fail_appends = 1000;
    remove_item(world, "x", 1);
    struct flushing flushing = {.request = {.done = on_flushed, .user = &flushing}};
    ht_archiver_flush(archiver, &flushing.request);
    assert_true(world_run_until(world, &flushing.is_done, 5000));
    assert_int_equal(flushing.request.status, HT_ENOSPC);
    assert_int_equal(ht_archiver_health(archiver)->state, HT_HEALTH_WAITING);
    world->fail_appends = 0;
    world_run(world, 60000);
    assert_int_equal(world->removals_committed, 1);
    assert_int_equal(ht_archiver_health(archiver)->state, HT_HEALTH_WORKING);
    end(world, archiver);
    world_destroy(world);
}

static void a_stop_answers_the_flush_that_waits(void **state)
{
    (void)state;
    for (int removals = 0; removals < 2; removals++) {
        struct world *world = world_create(7, 1);
        struct ht_archiver *archiver = begin(world);
        world_run(world, 500);
        if (removals > 0) {
            remove_item(world, "x", 1);
        }
        struct flushing flushing = {.request = {.done = on_flushed, .user = &flushing}};
        ht_archiver_flush(archiver, &flushing.request);
        end(world, archiver);
        assert_true(flushing.is_done);
        assert_int_equal(flushing.request.status, 0);
        assert_int_equal(flushing.request.archived, removals);
        world_destroy(world);
    }
}

static void a_stop_that_leaves_something_tells_the_flush(void **state)
{
    (void)state;
    struct world *world = world_create(8, 1);
    struct ht_archiver *archiver = begin(world);
    world_run(world, 500);
    remove_item(world, "x", 1);
    world->fail_appends = 1000;
    struct flushing flushing = {.request = {.done = on_flushed, .user = &flushing}};
    ht_archiver_flush(archiver, &flushing.request);
    ht_archiver_give_up(archiver);
    end(world, archiver);
    assert_true(flushing.is_done);
    assert_int_not_equal(flushing.request.status, 0);
    assert_int_equal(world->removals_committed, 0);
    world_destroy(world);
}

static void a_stop_tries_again_until_all_is_archived(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct world *world = world_create(seed, 1);
        struct ht_archiver *archiver = begin(world);
        world_run(world, 500);
        for (int i = 0; i < 5; i++) {
            remove_item(world, "x", 1);
            world_run(world, ht_random_below(&world->random, 100));
        }
        world->fail_appends = (unsigned)ht_random_below(&world->random, 4);
        world->fail_commits = (unsigned)ht_random_below(&world->random, 4);
        world->fail_changes = (unsigned)ht_random_below(&world->random, 4);
        end(world, archiver);
        assert_int_equal(world->removals_committed, 5);
        world_destroy(world);
    }
}

/* The last try is at once, not when the back-off of half a minute is over. */
static void giving_up_takes_no_time(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        struct world *world = world_create(11, 1);
        struct ht_archiver *archiver = begin(world);
        world_run(world, 500);
        world->fail_appends = kind == 0 ? 1000 : 0;
        world->fail_commits = kind == 1 ? 1000 : 0;
        world->fail_changes = kind == 2 ? 1000 : 0;
        remove_item(world, "x", 1);
        bool stopped = false;
        ht_archiver_stop(archiver, world_set_true, &stopped);
        world_run(world, 120000);
        assert_false(stopped);
        ht_archiver_give_up(archiver);
        assert_false(stopped);
        assert_true(world_run_until(world, &stopped, 2000));
        ht_archiver_destroy(archiver);
        assert_int_equal(world->budget.used_bytes, 0);
        world_crash(world);
        world_destroy(world);
    }
}

static void a_flush_after_the_stop_is_answered(void **state)
{
    (void)state;
    struct world *world = world_create(9, 1);
    struct ht_archiver *archiver = begin(world);
    bool stopped = false;
    ht_archiver_stop(archiver, world_set_true, &stopped);
    assert_true(world_run_until(world, &stopped, 60000));
    struct flushing flushing = {.request = {.done = on_flushed, .user = &flushing}};
    ht_archiver_flush(archiver, &flushing.request);
    assert_false(flushing.is_done);
    assert_true(world_run_until(world, &flushing.is_done, 5000));
    assert_int_equal(flushing.request.status, HT_ECANCELED);
    ht_archiver_destroy(archiver);
    world_crash(world);
    world_destroy(world);
}

struct heard {
    size_t read, archived;
    char last_object[32];
};

static void on_record(void *user, const struct ht_archiver_record *record)
{
    struct heard *heard = user;
    heard->read += !record->archived;
    heard->archived += record->archived;
    (void)snprintf(heard->last_object, sizeof(heard->last_object), "%.*s",
                   (int)record->object.length,
                   record->object.data == NULL ? "" : record->object.data);
}

static void the_latest_are_remembered_and_told(void **state)
{
    (void)state;
    struct world *world = world_create(6, 1);
    struct ht_archiver *archiver = begin(world);
    struct heard heard = {0};
    ht_archiver_listen(archiver, on_record, &heard);
    for (int i = 0; i < 1200; i++) {
        remove_item(world, "x", 1);
    }
    world_run(world, 30000);
    assert_int_equal(heard.read, 1200);
    assert_int_equal(heard.archived, 1200);
    struct heard recent = {0};
    ht_archiver_recent(archiver, 5000, on_record, &recent);
    assert_int_equal(recent.archived, HT_ARCHIVER_RECENT_MAX);
    recent = (struct heard){0};
    ht_archiver_recent(archiver, 1, on_record, &recent);
    assert_string_equal(recent.last_object, "object-1200");
    end(world, archiver);
    world_destroy(world);
}

static void a_feed_that_can_be_read_again_is_well_again(void **state)
{
    (void)state;
    struct world *world = world_create(31, 1);
    struct ht_archiver *archiver = begin(world);
    world_run(world, 2000);
    world->fail_changes = 100;
    world_run(world, 3600 * 1000);
    assert_int_equal(world->fail_changes, 0);
    world->fail_changes = 1;
    world_run(world, 1500);
    assert_int_equal(ht_archiver_health(archiver)->state, HT_HEALTH_WAITING);
    world_run(world, 40000);
    /* nothing was removed meanwhile: the reading alone shows it */
    assert_int_equal(ht_archiver_health(archiver)->state, HT_HEALTH_WORKING);
    remove_item(world, "one", 1);
    world_run(world, 5000);
    assert_int_equal(world->removals_committed, 1);
    end(world, archiver);
    world_destroy(world);
}

static void slow_commits_take_what_waits_along(void **state)
{
    (void)state;
    struct world *world = world_create(32, 1);
    struct ht_archiver *archiver = begin(world);
    world->commit_ms = 2000;
    for (size_t i = 0; i < 90; i++) {
        remove_item(world, "one", 1);
        world_run(world, 50);
    }
    world_run(world, 10000);
    assert_int_equal(world->removals_committed, 90);
    assert_in_range(world->commit_count, 2, 8);
    end(world, archiver);
    world_destroy(world);
}

/* What stands between the stage and the world's change feed. */
static struct feed {
    const struct ht_changes_ops *world;
    struct ht_changes_ops ops;
    void (*done)(struct ht_changes_read *read);
    size_t allocations; /* of the next batch that go well; SIZE_MAX: all */
    bool has_failed;
} feed;

static void on_changes_read(struct ht_changes_read *read)
{
    read->done = feed.done;
    if (read->status != 0 || read->batch->count == 0) {
        feed.done(read);
        return;
    }
    (void)failing_memory_set(feed.allocations);
    feed.done(read);
    feed.has_failed = failing_memory_set(SIZE_MAX) || feed.has_failed;
    feed.allocations = SIZE_MAX;
}

static void read_changes(struct ht_changes *changes, struct ht_changes_read *read)
{
    feed.done = read->done;
    read->done = on_changes_read;
    feed.world->read(changes, read);
}

/* Begins with a feed of whose next batch so many allocations go well. */
static struct ht_archiver *begin_with(struct world *world, size_t allocations)
{
    feed = (struct feed){
        .world = world->changes.ops, .ops = *world->changes.ops, .allocations = allocations};
    feed.ops.read = read_changes;
    world->changes.ops = &feed.ops;
    return begin(world);
}

/* What memory was out for is archived before what comes behind it, also where somebody hurries. */
static void no_deletion_is_lost_for_want_of_memory(void **state)
{
    (void)state;
    /* the shipment, its lines; what follows is the world's */
    for (size_t allocations = 0; allocations < 2; allocations++) {
        struct world *world = world_create(allocations + 1, 1);
        struct ht_archiver *archiver = begin_with(world, allocations);
        remove_item(world, "x", 1);
        world_run(world, 200);
        remove_item(world, "x", 1);
        struct flushing flushing = {.request = {.done = on_flushed, .user = &flushing}};
        ht_archiver_flush(archiver, &flushing.request);
        assert_true(world_run_until(world, &flushing.is_done, 20000));
        assert_true(feed.has_failed);
        world_run(world, 20000);
        assert_int_equal(ht_archiver_health(archiver)->state, HT_HEALTH_WORKING);
        assert_int_equal(world->removals_committed, 2);
        assert_int_equal(world->line_count, 2);
        assert_non_null(strstr(world->lines[0], "event-0"));
        end(world, archiver);
        world_destroy(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_the_members_of_the_contract),
        cmocka_unit_test(faults_repeat_lines_but_keep_their_order),
        cmocka_unit_test(a_crash_repeats_what_was_not_committed),
        cmocka_unit_test(a_flush_ends_when_all_removed_before_is_durable),
        cmocka_unit_test(a_flush_is_told_of_a_failure),
        cmocka_unit_test(a_stop_answers_the_flush_that_waits),
        cmocka_unit_test(a_stop_that_leaves_something_tells_the_flush),
        cmocka_unit_test(a_stop_tries_again_until_all_is_archived),
        cmocka_unit_test(no_deletion_is_lost_for_want_of_memory),
        cmocka_unit_test(giving_up_takes_no_time),
        cmocka_unit_test(a_flush_after_the_stop_is_answered),
        cmocka_unit_test(the_latest_are_remembered_and_told),
        cmocka_unit_test(a_feed_that_can_be_read_again_is_well_again),
        cmocka_unit_test(slow_commits_take_what_waits_along),
    };
    return cmocka_run_group_tests_name("pipeline/archiver", tests, NULL, NULL);
}
