// SPDX-License-Identifier: MIT
#include "store_fixture.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void on_opened(void *user, int status, const struct ht_error *error)
{
    struct store *store = user;
    store->open_status = status;
    store->open_error = *error;
    fixture_stop(store->fixture);
}

void store_open(struct store *store, struct fixture *fixture, uint64_t ttl_s)
{
    struct ht_embedded_store_options options = {
        .loop = fixture->loop,
        .worker = fixture->worker,
        .log = &fixture->log,
        .path = fixture_path(fixture, "hashtagd.db"),
        .on_opened = on_opened,
        .user = store,
    };
    struct ht_error error;
    *store = (struct store){.fixture = fixture, .open_status = 1};
    assert_int_equal(ht_embedded_store_create(&store->store, &options, &error), 0);
    assert_int_equal(ht_embedded_table_create(&store->table, store->store, ttl_s, &error), 0);
    assert_int_equal(ht_embedded_changes_create(&store->changes, store->store, &error), 0);
    while (store->open_status == 1) {
        fixture_run(fixture);
    }
}

static void on_closed(void *user)
{
    struct store *store = user;
    store->closed_count++;
    fixture_stop(store->fixture);
}

void store_close(struct store *store)
{
    store->table->ops->close(store->table, on_closed, store);
    store->changes->ops->close(store->changes, on_closed, store);
    while (store->closed_count < 2) {
        fixture_run(store->fixture);
    }
    store->table->ops->destroy(store->table);
    store->changes->ops->destroy(store->changes);
    ht_embedded_store_close(store->store, on_closed, store);
    while (store->closed_count < 3) {
        fixture_run(store->fixture);
    }
    ht_embedded_store_destroy(store->store);
}

void store_sql(struct fixture *fixture, const char *sql)
{
    sqlite3 *database;
    assert_int_equal(sqlite3_open(fixture_path(fixture, "hashtagd.db"), &database), SQLITE_OK);
    char *words = NULL;
    if (sqlite3_exec(database, sql, NULL, NULL, &words) != SQLITE_OK) {
        fail_msg("%s", words);
    }
    sqlite3_close(database);
}

int64_t store_ask(struct fixture *fixture, const char *sql)
{
    sqlite3 *database;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open(fixture_path(fixture, "hashtagd.db"), &database), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return number;
}

static void on_flush(struct ht_table_flush *flush)
{
    struct store *store = flush->user;
    fixture_stop(store->fixture);
}

int store_flush(struct store *store, struct ht_table_flush *flush)
{
    if (flush->done == NULL) {
        flush->done = on_flush;
    }
    flush->user = store;
    flush->status = 1;
    store->table->ops->flush(store->table, flush);
    while (flush->status == 1) {
        fixture_run(store->fixture);
    }
    return flush->status;
}

int store_count(struct store *store, const char *hashtag, uint64_t count, int64_t at_s,
                const char *sequence)
{
    struct ht_delta delta = {.hashtag = ht_slice_text(hashtag),
                             .count = count,
                             .first_seen_s = at_s,
                             .last_seen_s = at_s,
                             .first_sequence = ht_slice_text(sequence),
                             .last_sequence = ht_slice_text(sequence)};
    struct ht_checkpoint checkpoint = {.shard_id = "shard"};
    ht_position_after(&checkpoint.position, ht_slice_text(sequence), 0);
    struct ht_table_flush flush = {.deltas = &delta,
                                   .delta_count = 1,
                                   .checkpoints = &checkpoint,
                                   .checkpoint_count = 1,
                                   .now_s = at_s};
    return store_flush(store, &flush);
}

size_t store_delete(struct store *store, const char *hashtag, int64_t at_s)
{
    struct ht_slice name = ht_slice_text(hashtag);
    struct ht_table_flush flush = {.deletes = &name, .delete_count = 1, .now_s = at_s};
    assert_int_equal(store_flush(store, &flush), 0);
    return flush.removed_count;
}
