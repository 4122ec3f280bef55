// SPDX-License-Identifier: MIT
#include "../../../src/backends/embedded_store_internal.h"

#include "store_fixture.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

/* Opens, expects this failure with these words, closes. */
static void expect_failure(struct fixture *fixture, int status, const char *words)
{
    struct store store;
    store_open(&store, fixture, 0);
    assert_int_equal(store.open_status, status);
    if (strstr(store.open_error.text, words) == NULL ||
        strstr(store.open_error.text, fixture_path(fixture, "hashtagd.db")) == NULL) {
        fail_msg("'%s' does not say '%s'", store.open_error.text, words);
    }
    assert_int_equal(store_count(&store, "tag", 1, 1, "1"), status);
    assert_string_not_equal(store.table->health.text, "");
    store_close(&store);
}

static void test_open_close_open(void **state)
{
    struct fixture *fixture = *state;
    struct store store;
    for (int i = 0; i < 3; i++) {
        store_open(&store, fixture, 0);
        assert_int_equal(store.open_status, 0);
        assert_int_equal(store_count(&store, "tag", 1, 1, "1"), 0);
        store_close(&store);
    }
    assert_int_equal(store_ask(fixture, "SELECT count FROM items"), 3);
    assert_int_equal(store_ask(fixture, "PRAGMA user_version"), 1);
    assert_int_equal(access(fixture_path(fixture, "hashtagd.db-wal"), F_OK), -1);
}

static void test_newer_schema_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct store store;
    store_open(&store, fixture, 0);
    store_close(&store);
    store_sql(fixture, "PRAGMA user_version = 2");
    expect_failure(fixture, HT_EUNSUPPORTED, "newer hashtagd (schema 2, this one knows up to 1)");
    store_sql(fixture, "PRAGMA user_version = 1");
    store_open(&store, fixture, 0);
    assert_int_equal(store.open_status, 0);
    store_close(&store);
}

static void test_database_of_somebody_else_is_refused(void **state)
{
    struct fixture *fixture = *state;
    store_sql(fixture, "CREATE TABLE items (a)");
    expect_failure(fixture, HT_EUNSUPPORTED, "was not made by hashtagd");
}

static void test_no_database_at_all(void **state)
{
    struct fixture *fixture = *state;
    char rubbish[4096];
    memset(rubbish, 'x', sizeof(rubbish));
    fixture_write_file(fixture_path(fixture, "hashtagd.db"), rubbish, sizeof(rubbish));
    expect_failure(fixture, HT_ECORRUPT, "sqlite3");
}

static void test_directory_in_its_place(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(mkdir(fixture_path(fixture, "hashtagd.db"), 0700), 0);
    expect_failure(fixture, HT_EPERMISSION, "unable to open");
}

/* Pages are overwritten one after the other: either it is seen at the start or at the load, or
 * nothing was there; never is it taken for an empty table. */
static void test_damaged_pages_are_seen(void **state)
{
    struct fixture *fixture = *state;
    struct store store;
    size_t length, seen = 0;
    store_open(&store, fixture, 0);
    for (int i = 0; i < 400; i++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "a hashtag that is long enough %d", i);
        assert_int_equal(store_count(&store, name, 1, 1, "1"), 0);
    }
    store_close(&store);
    const char *path = fixture_path(fixture, "hashtagd.db");
    char *file = fixture_read_file(path, &length);
    for (size_t page = 0; page < length; page += 4096) {
        char *damaged = malloc(length);
        assert_non_null(damaged);
        memcpy(damaged, file, length);
        memset(damaged + page, 0xa5, 4096);
        fixture_write_file(fixture_path(fixture, "hashtagd.db"), damaged, length);
        free(damaged);
        store_open(&store, fixture, 0);
        seen += store.open_status != 0;
        assert_true(store.open_status == 0 || store.open_status == HT_ECORRUPT);
        store_close(&store);
    }
    assert_int_equal(seen, length / 4096);
    free(file);
}

static void test_full_disk_at_the_first_start(void **state)
{
    struct fixture *fixture = *state;
    struct store store;
    struct ht_error error;
    char path[128];
    if (!fixture_mount_small(fixture_path(fixture, "small"), 4)) {
        skip();
    }
    (void)snprintf(path, sizeof(path), "%s/hashtagd.db", fixture_path(fixture, "small"));
    struct fixture small = *fixture;
    (void)snprintf(small.directory, sizeof(small.directory), "%s", fixture_path(fixture, "small"));
    store_open(&store, &small, 0);
    ht_error_clear(&error);
    assert_int_equal(store.open_status, HT_ENOSPC);
    assert_non_null(strstr(store.open_error.text, path));
    store_close(&store);
    fixture_unmount(fixture_path(fixture, "small"));
}

static void test_page_cache_follows_the_budget(void **state)
{
    static const struct {
        uint64_t budget_mib, cache_mib;
    } rows[] = {{0, 2}, {1, 2}, {16, 2}, {17, 2}, {64, 8}, {256, 32}, {512, 64}, {1 << 20, 64}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t bytes = ht_embedded_store_cache_bytes(rows[i].budget_mib << 20);
        assert_int_equal(bytes >> 20, rows[i].cache_mib);
    }
}

/* At the start a database of 6 MiB is read whole. */
static void test_no_more_pages_are_kept(void **state)
{
    struct fixture *fixture = *state;
    struct store store;
    int used, highest;
    store_open(&store, fixture, 0);
    store_close(&store);
    store_sql(fixture, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 6000)"
                       " INSERT INTO items SELECT printf('%0900d', i), 1, 1, 1 FROM n");
    store_open(&store, fixture, 0);
    assert_int_equal(store.open_status, 0);
    sqlite3_db_status(store.store->database, SQLITE_DBSTATUS_CACHE_USED, &used, &highest, 0);
    assert_in_range(used, 1 << 20, (2 << 20) + (1 << 18));
    store_close(&store);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_open_close_open),
        CASE(test_newer_schema_is_refused),
        CASE(test_database_of_somebody_else_is_refused),
        CASE(test_no_database_at_all),
        CASE(test_directory_in_its_place),
        CASE(test_damaged_pages_are_seen),
        CASE(test_full_disk_at_the_first_start),
        CASE(test_page_cache_follows_the_budget),
        CASE(test_no_more_pages_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
