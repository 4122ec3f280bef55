// SPDX-License-Identifier: MIT
#include "store_fixture.h"

#include "hashtagd/base/assert.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void on_read(struct ht_changes_read *read)
{
    fixture_stop(read->user);
}

static void start_read(struct store *store, struct ht_changes_read *read, size_t most,
                       uint32_t wait_ms)
{
    *read = (struct ht_changes_read){
        .max_count = most, .wait_ms = wait_ms, .done = on_read, .user = store->fixture};
    read->status = 1;
    store->changes->ops->read(store->changes, read);
    assert_int_equal(read->status, 1);
}

static void run_read(struct store *store, struct ht_changes_read *read)
{
    while (read->status == 1) {
        fixture_run(store->fixture);
    }
}

/* Reads; the names of what came, or "". */
static const char *read_names(struct store *store, size_t most, uint64_t *first, uint64_t *last)
{
    static char names[1024];
    struct ht_changes_read read;
    start_read(store, &read, most, 0);
    run_read(store, &read);
    assert_int_equal(read.status, 0);
    names[0] = '\0';
    for (size_t i = 0; i < read.batch->count; i++) {
        const struct ht_removal *removal = &read.batch->removals[i];
        size_t length = strlen(names);
        (void)snprintf(names + length, sizeof(names) - length, "%.*s ",
                       (int)removal->item.hashtag.length, removal->item.hashtag.data);
        *first = i == 0 ? removal->order : *first;
        assert_true(i == 0 || removal->order > *last);
        *last = removal->order;
    }
    assert_true(read.batch->bytes > 0);
    ht_removal_batch_release(read.batch);
    return names;
}

static void on_commit(struct ht_changes_commit *commit)
{
    fixture_stop(commit->user);
}

static int commit(struct store *store, uint64_t first, uint64_t last)
{
    struct ht_changes_commit request = {.first_order = first,
                                        .last_order = last,
                                        .archived_at_s = 5000,
                                        .object = HT_SLICE("an/object.gz"),
                                        .done = on_commit,
                                        .user = store->fixture,
                                        .status = 1};
    store->changes->ops->commit(store->changes, &request);
    while (request.status == 1) {
        fixture_run(store->fixture);
    }
    return request.status;
}

struct recent {
    struct ht_changes_recent request;
    struct fixture *fixture;
    char text[512];
    size_t count;
};

static void on_recent(struct ht_changes_recent *request)
{
    struct recent *recent = request->user;
    recent->count = request->count;
    for (size_t i = 0; i < request->count && i < 5; i++) {
        const struct ht_archived *archived = &request->archived[i];
        size_t length = strlen(recent->text);
        (void)snprintf(
            recent->text + length, sizeof(recent->text) - length,
            "%.*s %" PRIu64 " in %.*s at %" PRId64 " ", (int)archived->removal.item.hashtag.length,
            archived->removal.item.hashtag.data, archived->removal.item.count,
            (int)archived->object.length, archived->object.data, archived->archived_at_s);
    }
    fixture_stop(recent->fixture);
}

static void look_recent(struct store *store, struct recent *recent, size_t most)
{
    *recent = (struct recent){.fixture = store->fixture};
    recent->request = (struct ht_changes_recent){
        .max_count = most, .done = on_recent, .user = recent, .status = 1};
    store->changes->ops->recent(store->changes, &recent->request);
    while (recent->request.status == 1) {
        fixture_run(store->fixture);
    }
    assert_int_equal(recent->request.status, 0);
}

static void remove_tag(struct store *store, const char *name)
{
    assert_int_equal(store_count(store, name, 3, 100, "1"), 0);
    assert_int_equal(store_delete(store, name, 200), 1);
}

static void test_each_removal_until_it_is_committed(void **state)
{
    struct fixture *fixture = *state;
    struct store store;
    uint64_t first = 0, last = 0;
    store_open(&store, fixture, 0);
    assert_string_equal(read_names(&store, 10, &first, &last), "");
    remove_tag(&store, "a");
    remove_tag(&store, "b");
    remove_tag(&store, "c");
    assert_int_equal(store.changes->counters.waiting, 3);
    assert_string_equal(read_names(&store, 2, &first, &last), "a b ");
    assert_string_equal(read_names(&store, 2, &first, &last), "c ");
    assert_string_equal(read_names(&store, 2, &first, &last), "");
    store_close(&store);
    store_open(&store, fixture, 0); /* nothing was committed: all come again */
    assert_string_equal(read_names(&store, 2, &first, &last), "a b ");
    assert_int_equal(commit(&store, first, last), 0);
    assert_int_equal(store.changes->counters.waiting, 1);
    assert_int_equal(store.changes->counters.removals_committed, 2);
    store_close(&store);
    store_open(&store, fixture, 0);
    remove_tag(&store, "d");
    assert_string_equal(read_names(&store, 10, &first, &last), "c d ");
    assert_int_equal(commit(&store, first, last), 0);
    store_close(&store);
    store_open(&store, fixture, 0);
    assert_string_equal(read_names(&store, 10, &first, &last), "");
    struct recent recent;
    look_recent(&store, &recent, 2);
    assert_string_equal(recent.text, "d 3 in an/object.gz at 5000 c 3 in an/object.gz at 5000 ");
    store_close(&store);
}

static void test_a_removal_is_whole(void **state)
{
    struct fixture *fixture = *state;
    struct store store;
    struct ht_changes_read read;
    char event_id[64];
    store_open(&store, fixture, 60);
    assert_int_equal(store_count(&store, "a \"b\" \xc3\xa4", 3, 100, "1"), 0);
    assert_int_equal(store_delete(&store, "a \"b\" \xc3\xa4", 110), 1);
    for (int i = 0; i < 2; i++) {
        start_read(&store, &read, 10, 0);
        run_read(&store, &read);
        assert_int_equal(read.batch->count, 1);
        const struct ht_removal *removal = &read.batch->removals[0];
        assert_int_equal(removal->item.count, 3);
        assert_int_equal(removal->item.first_seen_s, 100);
        assert_int_equal(removal->item.expires_at_s, 160);
        assert_int_equal(removal->deleted_at_s, 110);
        assert_int_equal(removal->origin, HT_ORIGIN_USER);
        assert_true(ht_slice_equal(
            removal->item_json,
            HT_SLICE("{\"hashtag\":{\"S\":\"a \\\"b\\\" \xc3\xa4\"},\"htCount\":{\"N\":\"3\"},"
                     "\"firstSeen\":{\"N\":\"100\"},\"lastSeen\":{\"N\":\"100\"},"
                     "\"expiresAt\":{\"N\":\"160\"}}")));
        assert_in_range(removal->event_id.length, 20, 60);
        if (i == 1) { /* the same each time it is read */
            assert_memory_equal(event_id, removal->event_id.data, removal->event_id.length);
        }
        memcpy(event_id, removal->event_id.data, removal->event_id.length);
        ht_removal_batch_release(read.batch);
        store_close(&store);
        store_open(&store, fixture, 60);
    }
    store_close(&store);
}

static void test_read_waits_for_a_removal(void **state)
{
    struct fixture *fixture = *state;
    struct store store;
    struct ht_changes_read read;
    store_open(&store, fixture, 0);
    start_read(&store, &read, 10, 60000);
    fixture_run_ms(fixture, 20);
    assert_int_equal(read.status, 1);
    remove_tag(&store, "a");
    run_read(&store, &read);
    assert_int_equal(read.batch->count, 1);
    ht_removal_batch_release(read.batch);
    start_read(&store, &read, 10, 30);
    run_read(&store, &read);
    assert_int_equal(read.batch->count, 0);
    ht_removal_batch_release(read.batch);
    store_close(&store);
}

static void test_wake_and_close_end_a_read(void **state)
{
    struct fixture *fixture = *state;
    struct store store;
    struct ht_changes_read read;
    store_open(&store, fixture, 0);
    start_read(&store, &read, 10, 60000);
    fixture_run_ms(fixture, 5);
    store.changes->ops->wake(store.changes);
    run_read(&store, &read);
    assert_int_equal(read.status, 0);
    assert_int_equal(read.batch->count, 0);
    ht_removal_batch_release(read.batch);
    store.changes->ops->wake(store.changes);
    start_read(&store, &read, 10, 60000);
    fixture_run_ms(fixture, 5);
    store_close(&store);
    assert_int_equal(read.status, HT_ECANCELED);
    assert_null(read.batch);
}

static void test_the_last_thousand_are_kept(void **state)
{
    struct fixture *fixture = *state;
    struct store store;
    struct recent recent;
    uint64_t first = 0, last = 0;
    store_open(&store, fixture, 0);
    store_close(&store);
    store_sql(fixture, "INSERT INTO removals (event_id, hashtag, count, first_seen, last_seen,"
                       " expires_at, deleted_at, origin, item) WITH RECURSIVE n (i) AS"
                       " (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 2500)"
                       " SELECT 'event' || i, 'x', i, 1, 1, 0, 1, 0, '{}' FROM n");
    store_open(&store, fixture, 0);
    for (int i = 0; i < 25; i++) {
        (void)read_names(&store, 100, &first, &last);
        assert_int_equal(commit(&store, first, last), 0);
    }
    look_recent(&store, &recent, 5000);
    assert_int_equal(recent.count, 1000);
    assert_non_null(strstr(recent.text, "x 2500 in"));
    store_close(&store);
    assert_int_equal(store_ask(fixture, "SELECT count(*) FROM removals"), 1000);
}

static void test_failed_commit_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct store store;
    uint64_t first = 0, last = 0;
    store_open(&store, fixture, 0);
    remove_tag(&store, "a");
    assert_string_equal(read_names(&store, 10, &first, &last), "a ");
    store_sql(fixture, "CREATE TRIGGER fault BEFORE UPDATE ON removals BEGIN"
                       " SELECT RAISE(ABORT, 'a fault'); END");
    assert_int_not_equal(commit(&store, first, last), 0);
    assert_int_equal(store.changes->counters.waiting, 1);
    assert_int_equal(store.changes->health.state, HT_HEALTH_WAITING);
    store_sql(fixture, "DROP TRIGGER fault");
    assert_int_equal(commit(&store, first, last), 0);
    assert_int_equal(store.changes->health.state, HT_HEALTH_WORKING);
    store_close(&store);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_each_removal_until_it_is_committed), CASE(test_a_removal_is_whole),
        CASE(test_read_waits_for_a_removal),           CASE(test_wake_and_close_end_a_read),
        CASE(test_the_last_thousand_are_kept),         CASE(test_failed_commit_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
