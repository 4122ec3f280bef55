// SPDX-License-Identifier: MIT
#include "table_world.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void lost_answers_at_each_step_change_nothing(void **state)
{
    struct world *world = *state;
    struct flight flight;
    open_loaded(world);
    uint64_t at[SHARDS] = {0, 0};
    for (unsigned lost = 0; lost < 20; lost++) {
        uint64_t to[SHARDS] = {at[0] + 20, at[1] + 30};
        board(world, &flight, at, to, NULL);
        start_flush(world, &flight);
        for (unsigned step = 0; !flight.is_done && step < 1000; step++) {
            (void)ht_timer_queue_run(&world->timers);
            (void)fake_dynamodb_serve(world->fake, step == lost ? FAKE_LOST_AFTER : FAKE_NONE);
            ht_manual_clock_advance_ms(&world->clock, 20);
        }
        assert_true(flight.is_done);
        if (flight.flush.status != 0) { /* the checkpoint's answer */
            assert_int_equal(flush_now(world, &flight), 0);
        }
        assert_counts(world, to);
        memcpy(at, to, sizeof(at));
    }
}

static void throttles_make_it_slower_and_lose_nothing(void **state)
{
    struct world *world = *state;
    struct flight flight;
    struct ht_random chance;
    ht_random_init(&chance, 5);
    open_loaded(world);
    uint64_t at[SHARDS] = {0, 0};
    for (unsigned round = 0; round < 40; round++) {
        uint64_t to[SHARDS] = {at[0] + 30, at[1] + 30};
        board(world, &flight, at, to, NULL);
        start_flush(world, &flight);
        for (unsigned step = 0; !flight.is_done && step < 5000; step++) {
            (void)ht_timer_queue_run(&world->timers);
            struct ht_aws_call *call = fake_aws_next(&world->fake->client);
            bool is_item = call != NULL && strcmp(call->resource, "table " TABLE) == 0;
            bool throttles = is_item && ht_random_below(&chance, 3) == 0;
            (void)fake_dynamodb_serve(world->fake, throttles ? FAKE_THROTTLED : FAKE_NONE);
            ht_manual_clock_advance_ms(&world->clock, 10);
        }
        assert_true(flight.is_done);
        assert_int_equal(flight.flush.status, 0);
        memcpy(at, to, sizeof(at));
    }
    assert_counts(world, at);
    const struct ht_dynamodb_table_counters *counters = ht_dynamodb_table_counters(world->table);
    assert_true(counters->throttled > 50);
    assert_true(counters->window < 60);
    assert_int_equal(world->table->health.state, HT_HEALTH_WORKING);
}

static void a_hot_partition_is_named_and_waited_for(void **state)
{
    struct world *world = *state;
    struct flight flight;
    open_loaded(world);
    board(world, &flight, (uint64_t[]){0, 0}, (uint64_t[]){50, 50}, NULL);
    world->fake->refuses = "ProvisionedThroughputExceededException";
    start_flush(world, &flight);
    pass(world, 1000);
    assert_false(flight.is_done);
    world->fake->refuses = NULL;
    pass(world, 6000);
    assert_true(flight.is_done);
    assert_int_equal(flight.flush.status, 0);
    assert_true(ht_dynamodb_table_counters(world->table)->hot > 0);
    assert_int_equal(world->table->health.state, HT_HEALTH_WORKING);
    assert_non_null(strstr(world->table->health.text, "hot"));
    board(world, &flight, (uint64_t[]){50, 50}, (uint64_t[]){100, 100}, NULL);
    assert_int_equal(flush_now(world, &flight), 0);
    assert_string_equal(world->table->health.text, "");
}

static void without_any_progress_a_try_ends_and_says_why(void **state)
{
    struct world *world = *state;
    struct flight flight;
    open_loaded(world);
    board(world, &flight, (uint64_t[]){0, 0}, (uint64_t[]){50, 50}, NULL);
    world->fake->refuses = "ThrottlingException";
    start_flush(world, &flight);
    pass(world, 9000);
    assert_false(flight.is_done);
    pass(world, 4000);
    assert_true(flight.is_done);
    assert_int_equal(flight.flush.status, HT_EBUSY);
    assert_int_equal(world->table->health.state, HT_HEALTH_WAITING);
    world->fake->refuses = "AccessDeniedException";
    start_flush(world, &flight);
    pass(world, 6000);
    assert_int_equal(flight.flush.status, HT_EPERMISSION);
    assert_int_equal(world->table->health.state, HT_HEALTH_FAILED);
    assert_non_null(strstr(world->table->health.text, "dynamodb:UpdateItem"));
    world->fake->refuses = NULL;
    start_flush(world, &flight);
    pass(world, 6000);
    assert_int_equal(flight.flush.status, 0);
    assert_counts(world, (uint64_t[]){50, 50});
    assert_int_equal(world->table->health.state, HT_HEALTH_WORKING);
}

static void a_load_with_faults_gives_each_item_once(void **state)
{
    struct world *world = *state;
    struct ht_random chance;
    ht_random_init(&chance, 9);
    for (unsigned round = 0; round < 30; round++) {
        for (unsigned tag = 0; tag < TAGS; tag++) {
            fake_dynamodb_put(world->fake, TABLE, "hashtag", tag == 4 ? "alpha" : tag_names[tag],
                              "htCount", "{\"N\":\"3\"}", "m1f", "{\"S\":\"00212\"}", NULL);
        }
        open_table(world);
        for (unsigned step = 0; !world->is_loaded && step < 100000; step++) {
            enum fake_fault fault =
                ht_random_below(&chance, 3) == 0
                    ? (enum fake_fault)ht_random_below(&chance, FAKE_BROKEN_ANSWER + 1)
                    : FAKE_NONE;
            (void)ht_timer_queue_run(&world->timers);
            (void)fake_dynamodb_serve(world->fake, fault);
            ht_manual_clock_advance_ms(&world->clock, 10);
        }
        assert_true(world->is_loaded);
        for (unsigned tag = 0; tag < TAGS; tag++) {
            assert_int_equal(world->loaded_times[tag], tag == 4 ? 0 : 1);
            assert_int_equal(world->marks[1][tag], tag == 4 ? 0 : 12);
        }
        close_table(world);
    }
}

/* The process ends at any point: what was under way may have taken effect or not. */
static void crash(struct world *world, struct ht_random *chance)
{
    while (fake_aws_next(&world->fake->client) != NULL) {
        fake_dynamodb_serve(world->fake,
                            ht_random_below(chance, 2) == 0 ? FAKE_LOST_BEFORE : FAKE_LOST_AFTER);
    }
    /* Nothing of the old process may write any more: its clock runs out, its requests are lost. */
    world->fake->refuses = "ThrottlingException";
    world->table->ops->close(world->table, world_closed, world);
    for (unsigned i = 0; i < 400 && !world->is_closed; i++) {
        ht_manual_clock_advance_ms(&world->clock, 100);
        settle(world);
    }
    assert_true(world->is_closed);
    world->table->ops->destroy(world->table);
    world->table = NULL;
    world->fake->refuses = NULL;
}

static void open_again(struct world *world)
{
    open_table(world);
    for (unsigned i = 0; i < 1000 && !world->is_loaded; i++) {
        ht_manual_clock_advance_ms(&world->clock, 100);
        settle(world);
    }
    assert_true(world->is_loaded);
}

/* What the process before wrote beyond its checkpoint is there already. */
static void assert_counts_with_marks(struct world *world, const uint64_t to[SHARDS])
{
    for (unsigned tag = 0; tag < TAGS; tag++) {
        uint64_t reached[SHARDS];
        for (unsigned shard = 0; shard < SHARDS; shard++) {
            uint64_t mark = world->marks[shard][tag];
            reached[shard] = mark > to[shard] ? mark : to[shard];
        }
        assert_int_equal(stored(world, tag), truth(tag, reached));
    }
}

/* Flushes whose borders differ after each start, any faults, any crash: sums are right. */
static void any_faults_and_crashes_leave_counts_exact(void **state)
{
    struct world *world = *state;
    struct ht_random chance;
    ht_random_init(&chance, 20260102);
    uint64_t at[SHARDS] = {0, 0}, crashes = 0, partial = 0;
    open_loaded(world);
    for (unsigned round = 0; round < 1000; round++) {
        struct flight flight;
        uint64_t to[SHARDS] = {at[0] + ht_random_below(&chance, 20),
                               at[1] + ht_random_below(&chance, 20)};
        /* Sometimes as if no mark had come with the table: then the conditions must find out. */
        bool knows_marks = ht_random_below(&chance, 2) == 0;
        board(world, &flight, at, to, knows_marks ? (const uint64_t(*)[TAGS])world->marks : NULL);
        world->fake->hides_failed_item = ht_random_below(&chance, 2) == 0;
        bool crashes_now = ht_random_below(&chance, 3) == 0;
        unsigned steps = crashes_now ? (unsigned)ht_random_below(&chance, 40) : 20000;
        unsigned one_in = ht_random_below(&chance, 2) == 0 ? 3 : 20;
        start_flush(world, &flight);
        for (unsigned step = 0; step < steps; step++) {
            enum fake_fault fault =
                ht_random_below(&chance, one_in) == 0
                    ? (enum fake_fault)ht_random_below(&chance, FAKE_BROKEN_ANSWER + 1)
                    : FAKE_NONE;
            (void)ht_timer_queue_run(&world->timers);
            (void)fake_dynamodb_serve(world->fake, fault);
            ht_manual_clock_advance_ms(&world->clock, ht_random_below(&chance, 30));
            if (flight.is_done && flight.flush.status == 0) {
                break;
            }
            if (flight.is_done) {
                start_flush(world, &flight);
            }
        }
        if (crashes_now) {
            crashes++;
            partial += ht_dynamodb_table_counters(world->table)->already_counted;
            crash(world, &chance);
            open_again(world);
            memcpy(at, world->checkpoints, sizeof(at));
        } else {
            assert_true(flight.is_done);
            assert_int_equal(flight.flush.status, 0);
            memcpy(at, to, sizeof(at));
            assert_counts_with_marks(world, at);
        }
    }
    assert_true(crashes > 200 && partial > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, table_setup, table_teardown)
        TEST(lost_answers_at_each_step_change_nothing),
        TEST(throttles_make_it_slower_and_lose_nothing),
        TEST(a_hot_partition_is_named_and_waited_for),
        TEST(without_any_progress_a_try_ends_and_says_why),
        TEST(a_load_with_faults_gives_each_item_once),
        TEST(any_faults_and_crashes_leave_counts_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
