// SPDX-License-Identifier: MIT
#pragma once

/** What the parts on the store share. Functions that take a statement or a database run on the
 * worker thread. */

#include "hashtagd/backends/embedded_store.h"
#include "hashtagd/base/slice.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

/* name, SQL: prepared when first used, finished when the store is closed */
#define HT_EMBEDDED_SQL_MAP(X)                                                                     \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                    \
    X(COMMIT, "COMMIT")                                                                            \
    X(ROLLBACK, "ROLLBACK")                                                                        \
    X(COUNT_ITEMS, "SELECT count(*) FROM items")                                                   \
    X(LOAD_ITEMS, "SELECT hashtag, count, first_seen, last_seen FROM items")                       \
    X(LOAD_CHECKPOINTS, "SELECT shard, kind, sequence, sub_sequence, records, time_ms"             \
                        " FROM checkpoints")                                                       \
    X(LOAD_PARTS, "SELECT minute, kind, data FROM window_parts WHERE minute >= ?1 ORDER BY id")    \
    X(ADD, "INSERT INTO items (hashtag, count, first_seen, last_seen) VALUES (?1, ?2, ?3, ?4)"     \
           " ON CONFLICT (hashtag) DO UPDATE SET count = count + ?2,"                              \
           " first_seen = min(first_seen, ?3), last_seen = max(last_seen, ?4)")                    \
    X(SET_CHECKPOINT, "INSERT OR REPLACE INTO checkpoints"                                         \
                      " (shard, kind, sequence, sub_sequence, records, time_ms)"                   \
                      " VALUES (?1, ?2, ?3, ?4, ?5, ?6)")                                          \
    X(ADD_PART, "INSERT INTO window_parts (minute, kind, data) VALUES (?1, ?2, ?3)")               \
    X(REPLACE_PARTS, "DELETE FROM window_parts WHERE minute = ?1 AND kind = 0")                    \
    X(PRUNE_PARTS, "DELETE FROM window_parts WHERE minute < ?1")                                   \
    X(TAKE_ITEM, "DELETE FROM items WHERE hashtag = ?1"                                            \
                 " RETURNING count, first_seen, last_seen")                                        \
    X(SWEEP, "SELECT hashtag, last_seen FROM items WHERE hashtag > ?1 ORDER BY hashtag LIMIT ?2")  \
    X(ADD_REMOVAL, "INSERT INTO removals (event_id, hashtag, count, first_seen, last_seen,"        \
                   " expires_at, deleted_at, origin, item) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7,"    \
                   " ?8, ?9)")                                                                     \
    X(ADD_DELIVERY, "INSERT INTO removals (event_id, hashtag, count, first_seen, last_seen,"       \
                    " expires_at, deleted_at, origin, item, archived_at, object)"                  \
                    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")                      \
    X(PRUNE_DELIVERIES, "DELETE FROM removals WHERE archived_at IS NOT NULL"                       \
                        " AND id <= (SELECT max(id) FROM removals) - ?1")                          \
    X(READ_REMOVALS, "SELECT * FROM removals WHERE id > ?1 AND archived_at IS NULL"                \
                     " ORDER BY id LIMIT ?2")                                                      \
    X(RECENT_REMOVALS, "SELECT * FROM removals WHERE archived_at IS NOT NULL"                      \
                       " ORDER BY id DESC LIMIT ?2")                                               \
    X(WAITING_REMOVALS, "SELECT count(*) FROM removals WHERE archived_at IS NULL")                 \
    X(COMMIT_REMOVALS, "UPDATE removals SET archived_at = ?3, object = ?4"                         \
                       " WHERE id BETWEEN ?1 AND ?2")                                              \
    X(PRUNE_REMOVALS, "DELETE FROM removals WHERE id <= ?1 AND archived_at IS NOT NULL")

enum ht_embedded_sql {
#define X(name, sql) HT_EMBEDDED_SQL_##name,
    HT_EMBEDDED_SQL_MAP(X)
#undef X
        HT_EMBEDDED_SQL_COUNT,
};

struct ht_embedded_store {
    uint32_t magic;
    /* fixed after create */
    struct ht_embedded_store_options options; /**< path is owned */
    /* the worker's */
    sqlite3 *database;
    sqlite3_stmt *statements[HT_EMBEDDED_SQL_COUNT];
    struct ht_error open_error; /**< why there is no database */
    /* loop thread */
    struct ht_job open_job, close_job;
    bool is_open_done, is_closing, is_closed;
    uint64_t waiting_removals;       /**< not archived yet; set by open_job */
    void (*on_removals)(void *user); /**< the feed's: there are new ones; may be NULL */
    void *on_removals_user;
    void (*on_closed)(void *user);
    void *on_closed_user;
};

/** 0, or the error with which the database was not opened. First thing in each job. */
int ht_embedded_store_check(struct ht_embedded_store *store, struct ht_error *error) HT_MUST_CHECK;

/** The prepared statement, reset and without values. NULL on an error, which is filled. */
sqlite3_stmt *ht_embedded_store_statement(struct ht_embedded_store *store,
                                          enum ht_embedded_sql which,
                                          struct ht_error *error) HT_MUST_CHECK;

/** Runs a statement that gives no row (or whose rows do not matter) and resets it. 0 or an error. */
int ht_embedded_store_run(struct ht_embedded_store *store, sqlite3_stmt *statement,
                          struct ht_error *error) HT_MUST_CHECK;

/** Prepares and runs one without values. */
int ht_embedded_store_execute(struct ht_embedded_store *store, enum ht_embedded_sql which,
                              struct ht_error *error) HT_MUST_CHECK;

/** Ends a transaction that failed, so that the next one can begin. */
void ht_embedded_store_roll_back(struct ht_embedded_store *store);

/** Fills `error` from SQLite's result for what was being done ("write to"); returns the code. */
int ht_embedded_store_error(struct ht_embedded_store *store, int result, const char *verb,
                            struct ht_error *error);

/** Binds bytes that live until the statement has run. */
void ht_embedded_bind(sqlite3_stmt *statement, int index, struct ht_slice text);

/** The bytes of a column; they live until the next step. */
struct ht_slice ht_embedded_column(sqlite3_stmt *statement, int column);
