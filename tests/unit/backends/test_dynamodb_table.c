// SPDX-License-Identifier: MIT
#include "table_world.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void counts_times_marks_and_positions_are_written(void **state)
{
    struct world *world = *state;
    struct flight flight;
    world->ttl_s = 100;
    open_loaded(world);
    board(world, &flight, (uint64_t[]){0, 0}, (uint64_t[]){50, 70}, NULL);
    assert_int_equal(flush_now(world, &flight), 0);
    assert_counts(world, (uint64_t[]){50, 70});
    assert_int_equal(world->fake->conditions_failed, 0);
    assert_string_equal(fake_dynamodb_get(world->fake, TABLE, "alpha", "lastSeen"),
                        "{\"N\":\"1700000070\"}");
    assert_string_equal(fake_dynamodb_get(world->fake, TABLE, "alpha", "expiresAt"),
                        "{\"N\":\"1700000170\"}");
    assert_string_equal(fake_dynamodb_get(world->fake, TABLE, "alpha", "firstSeen"),
                        "{\"N\":\"1700000000\"}");
    assert_non_null(fake_dynamodb_get(world->fake, TABLE, "alpha", "m0"));
    assert_non_null(fake_dynamodb_get(world->fake, TABLE, "alpha", "m1f"));
    assert_string_equal(fake_dynamodb_get(world->fake, LEASES, SHARD_1, "checkpoint"),
                        "{\"S\":\"70\"}");
    assert_int_equal(flight.flush.total_count, TAGS);
    for (size_t i = 0; i < flight.flush.total_count; i++) {
        const struct ht_table_total *total = &flight.flush.totals[i];
        assert_true(total->exists);
        assert_int_equal(total->count, truth(index_of_tag(total->hashtag), (uint64_t[]){50, 70}));
        assert_int_equal(total->first_seen_s, NOW_S);
        assert_int_equal(total->last_seen_s, NOW_S + 70);
    }
    assert_int_equal(world->table->health.state, HT_HEALTH_WORKING);
}

static void the_older_notebooks_items_are_taken_over(void **state)
{
    struct world *world = *state;
    struct flight flight;
    fake_dynamodb_put(world->fake, TABLE, "hashtag", "alpha", "htCount", "{\"N\":\"41\"}", NULL);
    fake_dynamodb_put(world->fake, TABLE, "hashtag", "beta", "htCount", "{\"S\":\"x\"}", NULL);
    open_loaded(world);
    assert_int_equal(world->loaded_counts[0], 41);
    assert_int_equal(world->loaded_times[1], 0);
    assert_int_equal(world->expected, 2);
    assert_int_equal(ht_dynamodb_table_counters(world->table)->items_skipped, 1);
    assert_int_equal(world->window_parts, 1);
    fake_dynamodb_remove(world->fake, TABLE, "beta");
    board(world, &flight, (uint64_t[]){0, 0}, (uint64_t[]){6, 0}, NULL);
    assert_int_equal(flush_now(world, &flight), 0);
    assert_int_equal(stored(world, 0), 41 + truth(0, (uint64_t[]){6, 0}));
}

/* The table counts up to `before`; then (from, 100] is flushed. */
static void flush_over(struct world *world, uint64_t before, uint64_t from)
{
    struct flight flight;
    open_loaded(world);
    board(world, &flight, (uint64_t[]){0, 0}, (uint64_t[]){before, 10}, NULL);
    assert_int_equal(flush_now(world, &flight), 0);
    board(world, &flight, (uint64_t[]){from, 10}, (uint64_t[]){100, 10}, NULL);
    assert_int_equal(flush_now(world, &flight), 0);
    assert_counts(world, (uint64_t[]){before > 100 ? before : 100, 10});
    close_table(world);
    for (unsigned tag = 0; tag < TAGS; tag++) {
        fake_dynamodb_remove(world->fake, TABLE, tag_names[tag]);
    }
    fake_dynamodb_remove(world->fake, LEASES, SHARD_0);
    fake_dynamodb_remove(world->fake, LEASES, SHARD_1);
}

static void a_mark_at_any_border_is_counted_on_from(void **state)
{
    struct world *world = *state;
    static const uint64_t borders[][2] = {{50, 50}, {50, 0},  {50, 49},  {50, 43}, {99, 10},
                                          {100, 0}, {120, 0}, {120, 99}, {1, 0},   {7, 3}};
    for (size_t i = 0; i < HT_COUNT_OF(borders); i++) {
        for (int hides = 0; hides < 2; hides++) {
            world->fake->hides_failed_item = hides == 1;
            flush_over(world, borders[i][0], borders[i][1]);
        }
    }
}

static void a_flush_that_is_tried_again_sends_nothing_twice(void **state)
{
    struct world *world = *state;
    struct flight flight;
    open_loaded(world);
    board(world, &flight, (uint64_t[]){0, 0}, (uint64_t[]){50, 50}, NULL);
    flight.deletes[0] = ht_slice_text("beta");
    flight.flush.delete_count = 1;
    world->window_status = HT_ENOSPC;
    assert_int_equal(flush_now(world, &flight), HT_ENOSPC);
    uint64_t updates = world->fake->updates, deletes = world->fake->deletes;
    assert_int_equal(flush_now(world, &flight), HT_ENOSPC);
    world->window_status = 0;
    assert_int_equal(flush_now(world, &flight), 0);
    assert_int_equal(world->fake->updates, updates);
    assert_int_equal(world->fake->deletes, deletes);
    assert_int_equal(world->window_flushes, 3);
    assert_int_equal(flight.flush.removed_count, 1);
    assert_int_equal(flight.flush.removed[0].item.count, truth(1, (uint64_t[]){50, 50}));
    assert_true(ht_slice_equal(flight.flush.removed[0].item.hashtag, HT_SLICE("beta")));
    assert_null(fake_dynamodb_find(world->fake, TABLE, "beta"));
    assert_int_equal(flight.flush.total_count, TAGS - 1);
}

static void a_deletion_whose_answer_was_lost_is_told_all_the_same(void **state)
{
    struct world *world = *state;
    struct flight flight;
    fake_dynamodb_put(world->fake, TABLE, "hashtag", "alpha", "htCount", "{\"N\":\"9\"}",
                      "lastSeen", "{\"N\":\"55\"}", NULL);
    open_loaded(world);
    board(world, &flight, (uint64_t[]){0, 0}, (uint64_t[]){0, 0}, NULL);
    flight.flush.checkpoint_count = 0;
    flight.deletes[0] = ht_slice_text("alpha");
    flight.deletes[1] = ht_slice_text("beta");
    flight.flush.delete_count = 2;
    start_flush(world, &flight);
    while (!flight.is_done) {
        (void)ht_timer_queue_run(&world->timers);
        struct ht_aws_call *call = fake_aws_next(&world->fake->client);
        bool loses = call != NULL && strcmp(call->operation, "DeleteItem") == 0 &&
                     fake_dynamodb_find(world->fake, TABLE, "alpha") != NULL;
        (void)fake_dynamodb_serve(world->fake, loses ? FAKE_LOST_AFTER : FAKE_NONE);
        ht_manual_clock_advance_ms(&world->clock, 20);
    }
    assert_int_equal(flight.flush.status, 0);
    assert_int_equal(flight.flush.removed_count, 1);
    assert_int_equal(flight.flush.removed[0].item.count, 9);
    assert_int_equal(flight.flush.removed[0].item.last_seen_s, 55);
    assert_int_equal(world->fake->deletes, 1);
    assert_int_equal(world->fake->conditions_failed, 1); /* the second try, which then looked */
}

/* Flushes the records (from, to] of the first shard with a deletion of alpha, whose first DELETE is
 * given up on its way: its body. */
static struct ht_slice delete_with_a_late_request(struct world *world, uint64_t to)
{
    struct flight flight;
    struct ht_slice late = {NULL, 0};
    board(world, &flight, (uint64_t[]){0, 0}, (uint64_t[]){to, 0}, NULL);
    flight.deletes[0] = ht_slice_text("alpha");
    flight.flush.delete_count = 1;
    start_flush(world, &flight);
    while (!flight.is_done) {
        (void)ht_timer_queue_run(&world->timers);
        struct ht_aws_call *call = fake_aws_next(&world->fake->client);
        bool is_late =
            late.data == NULL && call != NULL && strcmp(call->operation, "DeleteItem") == 0;
        if (is_late) {
            late = ht_slice_make(ht_slice_to_text(call->body), call->body.length);
        }
        (void)fake_dynamodb_serve(world->fake, is_late ? FAKE_LOST_BEFORE : FAKE_NONE);
        ht_manual_clock_advance_ms(&world->clock, 20);
    }
    assert_int_equal(flight.flush.status, 0);
    assert_int_equal(flight.flush.removed_count, 1);
    assert_null(fake_dynamodb_find(world->fake, TABLE, "alpha"));
    return late;
}

static void a_deletion_that_comes_late_takes_nothing_of_what_came_since(void **state)
{
    struct world *world = *state;
    static const char *const olds[] = {NULL, "{\"N\":\"55\"}"};
    for (size_t i = 0; i < HT_COUNT_OF(olds); i++) {
        for (uint64_t to = 0; to <= 50; to += 50) { /* without and with a mark */
            struct flight flight;
            fake_dynamodb_put(world->fake, TABLE, "hashtag", "alpha", "htCount", "{\"N\":\"9\"}",
                              olds[i] == NULL ? NULL : "lastSeen", olds[i], NULL);
            open_loaded(world);
            struct ht_slice late = delete_with_a_late_request(world, to);
            board(world, &flight, (uint64_t[]){to, 0}, (uint64_t[]){100, 0}, NULL);
            assert_int_equal(flush_now(world, &flight), 0);
            fake_dynamodb_late_delete(world->fake, late);
            assert_int_equal(stored(world, 0),
                             truth(0, (uint64_t[]){100, 0}) - truth(0, (uint64_t[]){to, 0}));
            free((char *)(uintptr_t)late.data);
            close_table(world);
            for (unsigned tag = 0; tag < TAGS; tag++) {
                fake_dynamodb_remove(world->fake, TABLE, tag_names[tag]);
            }
            fake_dynamodb_remove(world->fake, LEASES, SHARD_0);
            fake_dynamodb_remove(world->fake, LEASES, SHARD_1);
        }
    }
}

static void an_item_that_makes_no_sense_is_deleted_all_the_same(void **state)
{
    struct world *world = *state;
    struct flight flight;
    fake_dynamodb_put(world->fake, TABLE, "hashtag", "alpha", "htCount", "{\"S\":\"x\"}",
                      "lastSeen", "{\"S\":\"yesterday\"}", "m0", "{\"S\":\"no mark\"}", NULL);
    open_loaded(world);
    board(world, &flight, (uint64_t[]){0, 0}, (uint64_t[]){0, 0}, NULL);
    flight.deletes[0] = ht_slice_text("alpha");
    flight.flush.delete_count = 1;
    assert_int_equal(flush_now(world, &flight), 0);
    assert_null(fake_dynamodb_find(world->fake, TABLE, "alpha"));
}

static void a_load_waits_for_the_table_and_for_its_right_key(void **state)
{
    struct world *world = *state;
    world->fake->refuses = "ResourceNotFoundException";
    open_table(world);
    pass(world, 3000);
    assert_int_equal(world->table->health.state, HT_HEALTH_FAILED);
    assert_non_null(strstr(world->table->health.text, "hashtagd setup"));
    world->fake->refuses = NULL;
    world->fake->key_type = "N";
    pass(world, 30000);
    assert_false(world->is_loaded);
    assert_non_null(strstr(world->table->health.text, "another key"));
    world->fake->key_type = NULL;
    pass(world, 30000);
    assert_true(world->is_loaded);
    assert_int_equal(world->table->health.state, HT_HEALTH_WORKING);
}

static void a_windows_log_that_cannot_be_read_yet_is_waited_for(void **state)
{
    struct world *world = *state;
    fake_dynamodb_put(world->fake, TABLE, "hashtag", "alpha", "htCount", "{\"N\":\"9\"}", NULL);
    world->window_load_status = HT_ENOSPC;
    open_table(world);
    pass(world, 5000);
    assert_false(world->is_loaded);
    assert_int_equal(world->table->health.state, HT_HEALTH_WAITING);
    assert_non_null(strstr(world->table->health.text, "disk is full"));
    world->window_load_status = 0;
    pass(world, 16000);
    assert_true(world->is_loaded);
    assert_int_equal(world->load.status, 0);
    assert_int_equal(world->loaded_times[0], 1);
    assert_int_equal(world->window_parts, 1);
    assert_int_equal(world->table->health.state, HT_HEALTH_WORKING);
}

/* A table of many years: the rows of shards that ended long ago are all there. */
static void the_marks_of_the_latest_shards_are_removed_where_many_have_ended(void **state)
{
    struct world *world = *state;
    struct flight flight;
    for (unsigned i = 100; i < 200; i++) {
        char id[32];
        (void)snprintf(id, sizeof(id), "shardId-%012u", i);
        fake_dynamodb_put(world->fake, LEASES, "leaseKey", id, "leaseCounter", "{\"N\":\"1\"}",
                          "checkpoint", "{\"S\":\"SHARD_END\"}", NULL);
    }
    fake_dynamodb_put(world->fake, TABLE, "hashtag", "alpha", "htCount", "{\"N\":\"9\"}", "mb4",
                      "{\"S\":\"0015\"}", "mc5", "{\"S\":\"0015\"}", NULL);
    open_loaded(world);
    pass(world, 16 * 60 * 1000);
    for (uint64_t at = 0; at < 40; at++) {
        board(world, &flight, (uint64_t[]){at * 20, 0}, (uint64_t[]){at * 20 + 20, 0}, NULL);
        assert_int_equal(flush_now(world, &flight), 0);
    }
    assert_null(fake_dynamodb_get(world->fake, TABLE, "alpha", "mb4"));
    assert_null(fake_dynamodb_get(world->fake, TABLE, "alpha", "mc5"));
}

static void refreshes_tell_what_is_there(void **state)
{
    struct world *world = *state;
    struct flight flight;
    fake_dynamodb_put(world->fake, TABLE, "hashtag", "alpha", "htCount", "{\"N\":\"9\"}", NULL);
    open_loaded(world);
    board(world, &flight, (uint64_t[]){0, 0}, (uint64_t[]){0, 0}, NULL);
    const struct ht_slice refreshes[] = {HT_SLICE("alpha"), HT_SLICE("gamma")};
    flight.flush.refreshes = refreshes;
    flight.flush.refresh_count = 2;
    assert_int_equal(flush_now(world, &flight), 0);
    assert_int_equal(flight.flush.total_count, 2);
    assert_true(flight.flush.totals[0].exists);
    assert_int_equal(flight.flush.totals[0].count, 9);
    assert_false(flight.flush.totals[1].exists);
}

static void marks_of_ended_shards_are_removed_after_a_while(void **state)
{
    struct world *world = *state;
    struct flight flight;
    open_loaded(world);
    board(world, &flight, (uint64_t[]){0, 0}, (uint64_t[]){50, 50}, NULL);
    flight.checkpoints[0].position.kind = HT_POSITION_END;
    assert_int_equal(flush_now(world, &flight), 0);
    board(world, &flight, (uint64_t[]){50, 50}, (uint64_t[]){50, 100}, NULL);
    flight.checkpoints[0].position.kind = HT_POSITION_END;
    assert_int_equal(flush_now(world, &flight), 0);
    assert_non_null(fake_dynamodb_get(world->fake, TABLE, "alpha", "m0"));
    pass(world, 16 * 60 * 1000);
    board(world, &flight, (uint64_t[]){50, 100}, (uint64_t[]){50, 150}, NULL);
    flight.checkpoints[0].position.kind = HT_POSITION_END;
    assert_int_equal(flush_now(world, &flight), 0);
    assert_null(fake_dynamodb_get(world->fake, TABLE, "alpha", "m0"));
    assert_non_null(fake_dynamodb_get(world->fake, TABLE, "alpha", "m1f"));
    assert_counts(world, (uint64_t[]){50, 150});
}

/* The clock of a machine on which everything takes long: 2 ms a look. */
static uint64_t slow_ns(struct ht_clock *clock)
{
    struct ht_manual_clock *manual = HT_CONTAINER_OF(clock, struct ht_manual_clock, clock);
    manual->now_ns += 2000000;
    return manual->now_ns;
}

static int64_t slow_wall_ms(struct ht_clock *clock)
{
    return HT_CONTAINER_OF(clock, struct ht_manual_clock, clock)->now_wall_ms;
}

/* What is looked at before the first request must not use up the time of each turn. */
static void a_flush_goes_on_where_a_turn_is_over_at_once(void **state)
{
    static const struct ht_clock_ops slow = {.monotonic_ns = slow_ns, .wall_ms = slow_wall_ms};
    struct world *world = *state;
    struct flight flight;
    open_loaded(world);
    board(world, &flight, (uint64_t[]){0, 0}, (uint64_t[]){50, 50}, NULL);
    world->clock.clock.ops = &slow;
    assert_int_equal(flush_now(world, &flight), 0);
    assert_counts(world, (uint64_t[]){50, 50});
}

static void one_malformed_item_does_not_stop_the_others(void **state)
{
    struct world *world = *state;
    struct flight flight;
    fake_dynamodb_put(world->fake, TABLE, "hashtag", "alpha", "htCount", "{\"N\":\"1\"}", "m0",
                      "{\"S\":\"no mark\"}", NULL);
    open_loaded(world);
    board(world, &flight, (uint64_t[]){0, 0}, (uint64_t[]){50, 0}, NULL);
    assert_int_equal(flush_now(world, &flight), 0);
    assert_int_equal(ht_dynamodb_table_counters(world->table)->refused, 1);
    assert_int_equal(stored(world, 0), 1);
    assert_int_equal(stored(world, 1), truth(1, (uint64_t[]){50, 0}));
    assert_int_equal(world->table->health.errors, 1);
}

/* The positions are another process's: it must not find them taken. */
static void a_process_that_counts_nothing_leaves_positions_alone(void **state)
{
    struct world *world = *state;
    fake_dynamodb_put(world->fake, TABLE, "hashtag", "alpha", "htCount", "{\"N\":\"9\"}", "m0",
                      "{\"S\":\"00250\"}", NULL);
    fake_dynamodb_put(world->fake, LEASES, "leaseKey", SHARD_0, "leaseOwner", "{\"S\":\"other\"}",
                      "leaseCounter", "{\"N\":\"7\"}", "checkpoint", "{\"S\":\"10\"}", NULL);
    world->counts_nothing = true;
    open_loaded(world);
    pass(world, 60000);
    assert_int_equal(world->loaded_counts[0], 9);
    assert_int_equal(world->marks[0][0], 0);
    assert_int_equal(world->table->health.state, HT_HEALTH_WORKING);
    assert_int_equal(fake_dynamodb_number(world->fake, LEASES, SHARD_0, "leaseCounter"), 7);
    close_table(world);
    assert_non_null(fake_dynamodb_get(world->fake, LEASES, SHARD_0, "leaseOwner"));
}

/* Another daemon took the lease of a process that stood still, counted on, and a user deleted there. */
static void what_another_counted_and_deleted_meanwhile_does_not_come_back(void **state)
{
    struct world *world = *state;
    struct flight flight;
    open_loaded(world);
    board(world, &flight, (uint64_t[]){0, 0}, (uint64_t[]){50, 0}, NULL);
    flight.flush.checkpoint_count = 1;
    assert_int_equal(flush_now(world, &flight), 0);
    fake_dynamodb_put(world->fake, LEASES, "leaseKey", SHARD_0, "leaseOwner", "{\"S\":\"other\"}",
                      "leaseCounter", "{\"N\":\"99\"}", "checkpoint", "{\"S\":\"80\"}", NULL);
    for (unsigned tag = 0; tag < TAGS; tag++) {
        fake_dynamodb_remove(world->fake, TABLE, tag_names[tag]);
    }
    uint64_t updates = world->fake->updates;
    ht_manual_clock_advance_ms(&world->clock, 60000);
    board(world, &flight, (uint64_t[]){50, 0}, (uint64_t[]){100, 0}, NULL);
    flight.flush.checkpoint_count = 1;
    start_flush(world, &flight);
    pass(world, 2000);
    assert_true(flight.is_done);
    assert_int_equal(flight.flush.status, HT_EBUSY);
    assert_int_equal(world->fake->updates, updates); /* nothing of it */
    assert_null(fake_dynamodb_find(world->fake, TABLE, "alpha"));
    pass(world, 12000); /* the other one ends without giving it back */
    assert_true(world->table->ops->is_outdated(world->table));
    assert_int_equal(flush_now(world, &flight), HT_EBUSY); /* it is to be forgotten first */
    assert_null(fake_dynamodb_find(world->fake, TABLE, "alpha"));
    board(world, &flight, (uint64_t[]){50, 0}, (uint64_t[]){50, 0}, NULL); /* a position alone */
    flight.flush.checkpoint_count = 1;
    assert_int_equal(flush_now(world, &flight), HT_EBUSY);
    world->is_loaded = false;
    world->table->ops->load(world->table, &world->load);
    pass(world, 1000);
    assert_true(world->is_loaded);
    assert_false(world->table->ops->is_outdated(world->table));
    assert_int_equal(world->checkpoints[0], 80);
    board(world, &flight, (uint64_t[]){80, 0}, (uint64_t[]){100, 0}, NULL);
    flight.flush.checkpoint_count = 1;
    assert_int_equal(flush_now(world, &flight), 0);
    for (unsigned tag = 0; tag < TAGS; tag++) {
        assert_int_equal(stored(world, tag),
                         truth(tag, (uint64_t[]){100, 0}) - truth(tag, (uint64_t[]){80, 0}));
    }
    assert_string_equal(fake_dynamodb_get(world->fake, LEASES, SHARD_0, "checkpoint"),
                        "{\"S\":\"100\"}");
}

static void a_second_load_reads_everything_too(void **state)
{
    struct world *world = *state;
    open_loaded(world);
    for (unsigned tag = 0; tag < TAGS; tag++) {
        fake_dynamodb_put(world->fake, TABLE, "hashtag", tag_names[tag], "htCount", "{\"N\":\"9\"}",
                          NULL);
    }
    world->is_loaded = false;
    world->table->ops->load(world->table, &world->load);
    pass(world, 1000);
    assert_true(world->is_loaded);
    for (unsigned tag = 0; tag < TAGS; tag++) {
        assert_int_equal(world->loaded_counts[tag], 9);
    }
}

/* What others change until it goes on it reads then. */
static void a_load_that_waits_for_a_lease_says_so(void **state)
{
    struct world *world = *state;
    fake_dynamodb_put(world->fake, LEASES, "leaseKey", SHARD_0, "leaseOwner", "{\"S\":\"other\"}",
                      "leaseCounter", "{\"N\":\"7\"}", "checkpoint", "{\"S\":\"10\"}", NULL);
    open_table(world);
    pass(world, 8000);
    assert_false(world->is_loaded);
    assert_true(world->table->ops->is_waiting(world->table));
    fake_dynamodb_put(world->fake, TABLE, "hashtag", "alpha", "htCount", "{\"N\":\"9\"}", NULL);
    world->window_load_status = HT_ENOSPC;
    pass(world, 30000);
    assert_false(world->is_loaded);
    assert_int_equal(world->loaded_counts[0], 9);
    assert_false(world->table->ops->is_waiting(world->table)); /* it has read */
    world->window_load_status = 0;
    pass(world, 30000);
    assert_true(world->is_loaded);
    assert_false(world->table->ops->is_waiting(world->table));
}

static void closing_waits_for_a_flush_but_not_for_ever(void **state)
{
    struct world *world = *state;
    struct flight flight;
    open_loaded(world);
    board(world, &flight, (uint64_t[]){0, 0}, (uint64_t[]){50, 50}, NULL);
    start_flush(world, &flight);
    world->table->ops->close(world->table, world_closed, world);
    settle(world);
    pass(world, 1000);
    assert_true(flight.is_done);
    assert_int_equal(flight.flush.status, 0);
    pass(world, 2000);
    assert_true(world->is_closed);
    assert_null(fake_dynamodb_get(world->fake, LEASES, SHARD_0, "leaseOwner"));
    world->table->ops->destroy(world->table);
    world->table = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, table_setup, table_teardown)
        TEST(counts_times_marks_and_positions_are_written),
        TEST(the_older_notebooks_items_are_taken_over),
        TEST(a_mark_at_any_border_is_counted_on_from),
        TEST(a_flush_that_is_tried_again_sends_nothing_twice),
        TEST(a_deletion_whose_answer_was_lost_is_told_all_the_same),
        TEST(a_deletion_that_comes_late_takes_nothing_of_what_came_since),
        TEST(an_item_that_makes_no_sense_is_deleted_all_the_same),
        TEST(a_load_waits_for_the_table_and_for_its_right_key),
        TEST(a_windows_log_that_cannot_be_read_yet_is_waited_for),
        TEST(the_marks_of_the_latest_shards_are_removed_where_many_have_ended),
        TEST(refreshes_tell_what_is_there),
        TEST(marks_of_ended_shards_are_removed_after_a_while),
        TEST(a_flush_goes_on_where_a_turn_is_over_at_once),
        TEST(one_malformed_item_does_not_stop_the_others),
        TEST(a_process_that_counts_nothing_leaves_positions_alone),
        TEST(what_another_counted_and_deleted_meanwhile_does_not_come_back),
        TEST(a_second_load_reads_everything_too),
        TEST(a_load_that_waits_for_a_lease_says_so),
        TEST(closing_waits_for_a_flush_but_not_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
