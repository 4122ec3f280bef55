// SPDX-License-Identifier: MIT
/* Answers of DynamoDB that seldom come: the others must go on, and no count may suffer. */
#include "table_world.h"

#include "hashtagd/backends/dynamodb_leases.h"
#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* Serves what waits until a call of this operation is next. */
static struct ht_aws_call *serve_until(struct world *world, const char *operation)
{
    for (unsigned step = 0; step < 1000; step++) {
        (void)ht_timer_queue_run(&world->timers);
        struct ht_aws_call *call = fake_aws_next(&world->fake->client);
        if (call != NULL && strcmp(call->operation, operation) == 0) {
            return call;
        }
        (void)fake_dynamodb_serve(world->fake, FAKE_NONE);
    }
    fail();
    return NULL;
}

static void refuses_one_item_with(struct world *world, const char *message)
{
    struct flight flight;
    open_loaded(world);
    board(world, &flight, (uint64_t[]){0, 0}, (uint64_t[]){50, 0}, NULL);
    start_flush(world, &flight);
    struct ht_aws_call *call = serve_until(world, "UpdateItem");
    unsigned refused = 0;
    while (refused < TAGS && memmem(call->body.data, call->body.length, tag_names[refused],
                                    strlen(tag_names[refused])) == NULL) {
        refused++;
    }
    assert_in_range(refused, 0, TAGS - 1);
    (void)snprintf(call->failure.message, sizeof(call->failure.message), "%s", message);
    fake_aws_refuse(call, "ValidationException", HT_SLICE(""));
    settle(world);
    assert_true(flight.is_done);
    assert_int_equal(flight.flush.status, 0);
    assert_int_equal(ht_dynamodb_table_counters(world->table)->refused, 1);
    assert_non_null(strstr(world->table->health.last_error, tag_names[refused]));
    for (unsigned tag = 0; tag < TAGS; tag++) {
        assert_int_equal(stored(world, tag), tag == refused ? 0 : truth(tag, flight.to));
    }
}

static void a_count_of_another_type_is_refused_and_the_others_are_counted(void **state)
{
    refuses_one_item_with(*state, "An operand in the update expression has an incorrect data type");
}

static void an_item_that_is_full_is_refused_and_the_others_are_counted(void **state)
{
    refuses_one_item_with(*state, "Item size to update has exceeded the maximum allowed size");
}

static void a_mark_that_is_no_text_is_refused_and_the_others_are_counted(void **state)
{
    struct world *world = *state;
    struct flight flight;
    fake_dynamodb_put(world->fake, TABLE, "hashtag", "alpha", "htCount", "{\"N\":\"1\"}", "m0",
                      "{\"SS\":[\"0015\"]}", NULL);
    open_loaded(world);
    board(world, &flight, (uint64_t[]){0, 0}, (uint64_t[]){50, 0}, NULL);
    assert_int_equal(flush_now(world, &flight), 0);
    assert_int_equal(ht_dynamodb_table_counters(world->table)->refused, 1);
    assert_int_equal(stored(world, 0), 1);
    assert_int_equal(stored(world, 1), truth(1, flight.to));
}

/* The condition failed by a mark; when that is read, the item is gone: all of it counts anew. */
static void an_item_deleted_between_a_condition_and_a_look_is_counted_anew(void **state)
{
    struct world *world = *state;
    struct flight flight;
    open_loaded(world);
    fake_dynamodb_put(world->fake, TABLE, "hashtag", "alpha", "htCount", "{\"N\":\"7\"}", "m0",
                      "{\"S\":\"00299\"}", NULL);
    world->fake->hides_failed_item = true;
    board(world, &flight, (uint64_t[]){0, 0}, (uint64_t[]){50, 0}, NULL);
    start_flush(world, &flight);
    (void)serve_until(world, "GetItem");
    fake_dynamodb_remove(world->fake, TABLE, "alpha");
    settle(world);
    assert_true(flight.is_done);
    assert_int_equal(flight.flush.status, 0);
    assert_counts(world, flight.to);
}

static void a_service_that_never_answers_ends_a_try_and_loses_nothing(void **state)
{
    struct world *world = *state;
    struct flight flight;
    open_loaded(world);
    board(world, &flight, (uint64_t[]){0, 0}, (uint64_t[]){50, 50}, NULL);
    start_flush(world, &flight);
    for (unsigned ms = 0; ms < 12000; ms += 100) {
        ht_manual_clock_advance_ms(&world->clock, 100);
        (void)ht_timer_queue_run(&world->timers);
    }
    while (fake_dynamodb_serve(world->fake, FAKE_LOST_BEFORE)) { /* they were given up */
    }
    settle(world);
    assert_true(flight.is_done);
    assert_int_equal(flight.flush.status, HT_ETIMEDOUT);
    pass(world, 10000);
    assert_int_equal(flush_now(world, &flight), 0);
    assert_counts(world, flight.to);
}

static void a_load_reads_page_after_page_and_gives_each_item_once(void **state)
{
    struct world *world = *state;
    for (unsigned tag = 0; tag < TAGS; tag++) {
        if (tag != 4) { /* its name is escaped in what the model keeps */
            fake_dynamodb_put(world->fake, TABLE, "hashtag", tag_names[tag], "htCount",
                              "{\"N\":\"3\"}", NULL);
        }
    }
    world->fake->items_a_page = 1;
    open_loaded(world);
    assert_true(world->fake->scans > TAGS);
    for (unsigned tag = 0; tag < TAGS; tag++) {
        assert_int_equal(world->loaded_times[tag], tag != 4);
        assert_int_equal(world->loaded_counts[tag], tag == 4 ? 0 : 3);
    }
}

static void a_table_that_is_being_made_is_waited_for(void **state)
{
    struct world *world = *state;
    world->fake->table_status = "CREATING";
    open_table(world);
    pass(world, 5000);
    assert_false(world->is_loaded);
    assert_int_equal(world->table->health.state, HT_HEALTH_WAITING);
    assert_non_null(strstr(world->table->health.text, "is CREATING: waiting until it is ACTIVE"));
    world->fake->table_status = NULL;
    pass(world, 30000);
    assert_true(world->is_loaded);
    assert_int_equal(world->load.status, 0);
}

static void names_out_of_bounds_are_refused(void **state)
{
    struct world *world = *state;
    struct ht_dynamodb_table_options options = {.aws = &world->fake->client, .name = ""};
    struct ht_table *table;
    struct ht_error error;
    char name[257];
    assert_int_equal(ht_dynamodb_table_create(&table, &options, &error), HT_EINVAL);
    memset(name, 'x', 256);
    name[256] = '\0';
    options.name = name;
    assert_int_equal(ht_dynamodb_table_create(&table, &options, &error), HT_EINVAL);
    assert_null(table);
}

static void names_of_leases_out_of_bounds_are_refused(void **state)
{
    struct world *world = *state;
    struct ht_dynamodb_leases *leases;
    char name[257];
    memset(name, 'x', 256);
    name[256] = '\0';
    const struct {
        const char *table, *worker;
    } cases[] = {{"", "me"}, {name, "me"}, {TABLE, ""}, {TABLE, name}};
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        const struct ht_dynamodb_leases_options options = {.aws = &world->fake->client,
                                                           .table_name = cases[i].table,
                                                           .worker_id = cases[i].worker};
        struct ht_error error;
        assert_int_equal(ht_dynamodb_leases_create(&leases, &options, &error), HT_EINVAL);
        assert_null(leases);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, table_setup, table_teardown)
        TEST(a_count_of_another_type_is_refused_and_the_others_are_counted),
        TEST(an_item_that_is_full_is_refused_and_the_others_are_counted),
        TEST(a_mark_that_is_no_text_is_refused_and_the_others_are_counted),
        TEST(an_item_deleted_between_a_condition_and_a_look_is_counted_anew),
        TEST(a_service_that_never_answers_ends_a_try_and_loses_nothing),
        TEST(a_load_reads_page_after_page_and_gives_each_item_once),
        TEST(a_table_that_is_being_made_is_waited_for),
        TEST(names_out_of_bounds_are_refused),
        TEST(names_of_leases_out_of_bounds_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
