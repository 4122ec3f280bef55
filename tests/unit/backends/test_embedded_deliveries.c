// SPDX-License-Identifier: MIT
#include "../../../src/backends/embedded_deliveries.h"

#include "store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* A store with deliveries on it. */
struct place {
    struct fixture *fixture;
    struct store store;
    struct ht_embedded_deliveries *deliveries;
    char names[256];
    size_t count;
    bool is_done;
};

static void open_place(struct place *place, struct fixture *fixture)
{
    struct ht_error error;
    *place = (struct place){.fixture = fixture};
    store_open(&place->store, fixture, 0);
    assert_int_equal(ht_embedded_deliveries_create(&place->deliveries, place->store.store, &error),
                     0);
}

static void close_place(struct place *place)
{
    ht_embedded_deliveries_destroy(place->deliveries);
    store_close(&place->store);
}

static void on_added(struct ht_deliveries_add *add)
{
    struct place *place = add->user;
    place->is_done = true;
    fixture_stop(place->fixture);
}

static int add(struct place *place, const struct ht_removal *removals, size_t count)
{
    const struct ht_removal *pointers[1200];
    struct ht_deliveries_add request = {.removals = pointers,
                                        .count = count,
                                        .archived_at_s = 5000,
                                        .object = HT_SLICE("an/object"),
                                        .done = on_added,
                                        .user = place};
    for (size_t i = 0; i < count; i++) {
        pointers[i] = &removals[i];
    }
    place->is_done = false;
    ht_embedded_deliveries_add(place->deliveries, &request);
    assert_false(place->is_done);
    while (!place->is_done) {
        fixture_run(place->fixture);
    }
    return request.status;
}

static void on_recent(struct ht_changes_recent *recent)
{
    struct place *place = recent->user;
    place->count = recent->count;
    place->names[0] = '\0';
    for (size_t i = 0; i < recent->count && i < 3; i++) {
        const struct ht_archived *archived = &recent->archived[i];
        size_t length = strlen(place->names);
        (void)snprintf(place->names + length, sizeof(place->names) - length, "%.*s %.*s %d %d;",
                       (int)archived->removal.item.hashtag.length,
                       archived->removal.item.hashtag.data, (int)archived->object.length,
                       archived->object.data, (int)archived->archived_at_s,
                       (int)archived->removal.origin);
    }
    place->is_done = true;
    fixture_stop(place->fixture);
}

static int look(struct place *place, size_t max_count)
{
    struct ht_changes_recent recent = {.max_count = max_count, .done = on_recent, .user = place};
    place->is_done = false;
    ht_embedded_deliveries_recent(place->deliveries, &recent);
    assert_false(place->is_done);
    while (!place->is_done) {
        fixture_run(place->fixture);
    }
    return recent.status;
}

static struct ht_removal removal_of(const char *name)
{
    return (struct ht_removal){.event_id = HT_SLICE("event"),
                               .item = {.hashtag = ht_slice_text(name), .count = 3},
                               .deleted_at_s = 4000,
                               .origin = HT_ORIGIN_TTL,
                               .item_json = HT_SLICE("{}")};
}

static void deliveries_are_there_after_a_restart_newest_first(void **state)
{
    struct place place;
    struct ht_removal removals[] = {removal_of("a"), removal_of("b \"c\"")};
    open_place(&place, *state);
    assert_int_equal(look(&place, 10), 0);
    assert_int_equal(place.count, 0);
    assert_int_equal(add(&place, removals, 2), 0);
    close_place(&place);
    open_place(&place, *state);
    assert_int_equal(look(&place, 10), 0);
    assert_string_equal(place.names, "b \"c\" an/object 5000 1;a an/object 5000 1;");
    assert_int_equal(look(&place, 1), 0);
    assert_int_equal(place.count, 1);
    close_place(&place);
}

static void the_last_thousand_are_kept(void **state)
{
    struct place place;
    struct ht_removal removals[1200];
    open_place(&place, *state);
    for (size_t i = 0; i < 1200; i++) {
        removals[i] = removal_of(i == 1199 ? "last" : "x");
    }
    assert_int_equal(add(&place, removals, 1200), 0);
    assert_int_equal(add(&place, removals, 100), 0);
    assert_int_equal(look(&place, 5000), 0);
    assert_int_equal(place.count, 1000);
    close_place(&place);
    assert_int_equal(store_ask(*state, "SELECT count(*) FROM removals"), 1000);
}

static void removals_that_wait_in_the_embedded_feed_stay(void **state)
{
    struct place place;
    struct ht_removal removals[1200];
    open_place(&place, *state);
    assert_int_equal(store_count(&place.store, "w", 3, 100, "1"), 0);
    assert_int_equal(store_delete(&place.store, "w", 200), 1);
    for (size_t i = 0; i < 1200; i++) {
        removals[i] = removal_of("x");
    }
    assert_int_equal(add(&place, removals, 1200), 0);
    close_place(&place);
    assert_int_equal(store_ask(*state, "SELECT count(*) FROM removals WHERE archived_at IS NULL"),
                     1);
}

static void a_fault_is_told_and_nothing_is_kept(void **state)
{
    struct place place;
    struct ht_removal removals[] = {removal_of("a"), removal_of("b")};
    open_place(&place, *state);
    store_sql(*state, "CREATE TRIGGER fault BEFORE INSERT ON removals WHEN new.hashtag = 'b' BEGIN"
                      " SELECT RAISE(ABORT, 'a fault'); END");
    assert_int_not_equal(add(&place, removals, 2), 0);
    assert_int_equal(look(&place, 10), 0);
    assert_int_equal(place.count, 0);
    store_sql(*state, "DROP TRIGGER fault");
    assert_int_equal(add(&place, removals, 2), 0);
    close_place(&place);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CASE(deliveries_are_there_after_a_restart_newest_first),
        CASE(the_last_thousand_are_kept),
        CASE(removals_that_wait_in_the_embedded_feed_stay),
        CASE(a_fault_is_told_and_nothing_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
