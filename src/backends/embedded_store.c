// SPDX-License-Identifier: MIT
#include "hashtagd/backends/embedded_store.h"

#include "embedded_store_internal.h"
#include "files.h"

#include "hashtagd/base/assert.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum {
    STORE_MAGIC = 0x73716c69,
    SCHEMA_VERSION = 1,
    APPLICATION_ID = 0x68746764, /* "htgd" */
    BUSY_WAIT_MS = 5000,
    CHECK_UP_TO_BYTES = 8 * 1024 * 1024,
};

static void run_open(struct ht_job *job);
static int sync_log(struct ht_embedded_store *store, struct ht_error *error);
static int open_database(struct ht_embedded_store *store, struct ht_error *error);
static int configure(struct ht_embedded_store *store, struct ht_error *error);
static int check_schema(struct ht_embedded_store *store, struct ht_error *error);
static int make_schema(struct ht_embedded_store *store, struct ht_error *error);
static int quick_check(struct ht_embedded_store *store, struct ht_error *error);
static int read_waiting(struct ht_embedded_store *store, struct ht_error *error);
static void open_done(struct ht_job *job);
static void run_close(struct ht_job *job);
static void close_done(struct ht_job *job);
static void close_database(struct ht_embedded_store *store);

static const char *const statement_texts[] = {
#define X(name, sql) sql,
    HT_EMBEDDED_SQL_MAP(X)
#undef X
};

/* Items are kept in the order of their names: a flush is sorted and a load reads on and on.
 * A part of kind 1 says that the hashtag in `data` was deleted at this point of the log. */
static const char schema[] =
    "BEGIN;"
    "CREATE TABLE items (hashtag TEXT PRIMARY KEY, count INTEGER NOT NULL,"
    " first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE checkpoints (shard TEXT PRIMARY KEY, kind INTEGER NOT NULL,"
    " sequence TEXT NOT NULL, sub_sequence INTEGER NOT NULL, records INTEGER NOT NULL,"
    " time_ms INTEGER NOT NULL);"
    "CREATE TABLE window_parts (id INTEGER PRIMARY KEY, minute INTEGER NOT NULL,"
    " kind INTEGER NOT NULL, data BLOB NOT NULL);"
    "CREATE INDEX window_parts_by_minute ON window_parts (minute);"
    "CREATE TABLE removals (id INTEGER PRIMARY KEY, event_id TEXT NOT NULL, hashtag TEXT NOT NULL,"
    " count INTEGER NOT NULL, first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL,"
    " expires_at INTEGER NOT NULL, deleted_at INTEGER NOT NULL, origin INTEGER NOT NULL,"
    " item TEXT NOT NULL, archived_at INTEGER, object TEXT);"
    "PRAGMA application_id = 1752459108;"
    "PRAGMA user_version = 1;"
    "COMMIT;";

int ht_embedded_store_create(struct ht_embedded_store **out,
                             const struct ht_embedded_store_options *options,
                             struct ht_error *error)
{
    struct ht_embedded_store *store = calloc(1, sizeof(*store));
    char *path = strdup(options->path);
    *out = NULL;
    if (store == NULL || path == NULL) {
        free(store);
        free(path);
        return ht_error_set(error, HT_ENOMEM, "Out of memory for the database.");
    }
    store->magic = STORE_MAGIC;
    store->options = *options;
    store->options.path = path;
    ht_job_init(&store->open_job, run_open, open_done);
    ht_worker_submit(options->worker, &store->open_job);
    *out = store;
    return 0;
}

static void run_open(struct ht_job *job)
{
    struct ht_embedded_store *store = HT_CONTAINER_OF(job, struct ht_embedded_store, open_job);
    struct ht_error *error = &store->open_error;
    int status = sync_log(store, error);
    if (status == 0) {
        status = open_database(store, error);
    }
    if (status == 0) {
        status = configure(store, error);
    }
    if (status == 0) {
        status = check_schema(store, error);
    }
    if (status == 0) {
        status = quick_check(store, error);
    }
    if (status == 0) {
        status = read_waiting(store, error);
    }
    if (status != 0) {
        close_database(store);
    }
}

/* SQLite takes every whole transaction in its log for durable. Where the writer was killed before
 * its sync the last one is not, and parts of the stream may go because it is counted in it. */
static int sync_log(struct ht_embedded_store *store, struct ht_error *error)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof(path), "%s-wal", store->options.path);
    if (length < 0 || (size_t)length >= sizeof(path)) {
        return ht_error_set(error, HT_EINVAL, "The path %s is too long.", store->options.path);
    }
    return ht_files_sync_content(path, error);
}

static int open_database(struct ht_embedded_store *store, struct ht_error *error)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int result = sqlite3_open_v2(store->options.path, &store->database, flags, NULL);
    if (result == SQLITE_OK) {
        sqlite3_extended_result_codes(store->database, 1);
        sqlite3_busy_timeout(store->database, BUSY_WAIT_MS);
    }
    return result == SQLITE_OK ? 0 : ht_embedded_store_error(store, result, "open", error);
}

static int execute_text(struct ht_embedded_store *store, const char *sql, struct ht_error *error)
{
    int result = sqlite3_exec(store->database, sql, NULL, NULL, NULL);
    return result == SQLITE_OK ? 0 : ht_embedded_store_error(store, result, "open", error);
}

uint64_t ht_embedded_store_cache_bytes(uint64_t budget_bytes)
{
    uint64_t bytes = budget_bytes / HT_EMBEDDED_CACHE_SHARE;

    if (bytes < HT_EMBEDDED_CACHE_MIN_BYTES) {
        return HT_EMBEDDED_CACHE_MIN_BYTES;
    }
    return bytes < HT_EMBEDDED_CACHE_MAX_BYTES ? bytes : HT_EMBEDDED_CACHE_MAX_BYTES;
}

/* The log is copied into the database when it has 64 MiB: pages that many flushes change are then
 * copied once. SQLite takes a negative size of the cache for one in KiB. */
static int configure(struct ht_embedded_store *store, struct ht_error *error)
{
    char cache[64];
    int status = execute_text(store,
                              "PRAGMA journal_mode = WAL;"
                              "PRAGMA synchronous = FULL;"
                              "PRAGMA wal_autocheckpoint = 16384;"
                              "PRAGMA journal_size_limit = 67108864;"
                              "PRAGMA temp_store = MEMORY;",
                              error);
    (void)snprintf(cache, sizeof(cache), "PRAGMA cache_size = -%" PRIu64,
                   ht_embedded_store_cache_bytes(store->options.budget_bytes) / 1024);
    return status != 0 ? status : execute_text(store, cache, error);
}

/* The number that a statement of one row gives. */
static int ask_number(struct ht_embedded_store *store, const char *sql, int64_t *number,
                      struct ht_error *error)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(store->database, sql, -1, &statement, NULL);
    if (result == SQLITE_OK) {
        result = sqlite3_step(statement);
    }
    if (result == SQLITE_ROW) {
        *number = sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    return result == SQLITE_ROW ? 0 : ht_embedded_store_error(store, result, "read", error);
}

static int check_schema(struct ht_embedded_store *store, struct ht_error *error)
{
    int64_t version = 0, application = 0, objects = 0;
    int status = ask_number(store, "PRAGMA user_version", &version, error);
    if (status == 0) {
        status = ask_number(store, "PRAGMA application_id", &application, error);
    }
    if (status == 0) {
        status = ask_number(store, "SELECT count(*) FROM sqlite_schema", &objects, error);
    }
    if (status != 0) {
        return status;
    }
    if (version == 0 && application == 0 && objects == 0) {
        return make_schema(store, error);
    }
    if (application != APPLICATION_ID || version < 1) {
        return ht_error_set(error, HT_EUNSUPPORTED,
                            "The database %s was not made by hashtagd: move it away or choose "
                            "another data.dir.",
                            store->options.path);
    }
    if (version > SCHEMA_VERSION) {
        return ht_error_set(error, HT_EUNSUPPORTED,
                            "The database %s was written by a newer hashtagd (schema %" PRId64
                            ", this one knows up to %d): run that version or choose another "
                            "data.dir.",
                            store->options.path, version, SCHEMA_VERSION);
    }
    return 0;
}

static int make_schema(struct ht_embedded_store *store, struct ht_error *error)
{
    int status = execute_text(store, schema, error);
    if (status != 0) {
        ht_embedded_store_roll_back(store);
    }
    return status;
}

/* Only where it takes no time; damage in a large database shows when it is loaded. */
static int quick_check(struct ht_embedded_store *store, struct ht_error *error)
{
    sqlite3_stmt *statement = NULL;
    struct stat info;
    int status = 0;
    if (stat(store->options.path, &info) != 0 || info.st_size > CHECK_UP_TO_BYTES) {
        return 0;
    }
    int result = sqlite3_prepare_v2(store->database, "PRAGMA quick_check(1)", -1, &statement, NULL);
    if (result == SQLITE_OK) {
        result = sqlite3_step(statement);
    }
    if (result != SQLITE_ROW) {
        status = ht_embedded_store_error(store, result, "check", error);
    } else if (!ht_slice_equal(ht_embedded_column(statement, 0), HT_SLICE("ok"))) {
        status = ht_embedded_store_error(store, SQLITE_CORRUPT, "check", error);
    }
    sqlite3_finalize(statement);
    return status;
}

static int read_waiting(struct ht_embedded_store *store, struct ht_error *error)
{
    sqlite3_stmt *statement =
        ht_embedded_store_statement(store, HT_EMBEDDED_SQL_WAITING_REMOVALS, error);
    if (statement == NULL) {
        return error->code;
    }
    int result = sqlite3_step(statement);
    if (result == SQLITE_ROW) {
        store->waiting_removals = (uint64_t)sqlite3_column_int64(statement, 0);
    }
    sqlite3_reset(statement);
    return result == SQLITE_ROW ? 0 : ht_embedded_store_error(store, result, "read", error);
}

static void open_done(struct ht_job *job)
{
    struct ht_embedded_store *store = HT_CONTAINER_OF(job, struct ht_embedded_store, open_job);
    store->is_open_done = true;
    if (store->options.on_opened != NULL) {
        store->options.on_opened(store->options.user, store->open_error.code, &store->open_error);
    }
}

void ht_embedded_store_close(struct ht_embedded_store *store, void (*on_closed)(void *user),
                             void *user)
{
    HT_ASSERT(store->magic == STORE_MAGIC && !store->is_closing);
    store->is_closing = true;
    store->on_closed = on_closed;
    store->on_closed_user = user;
    ht_job_init(&store->close_job, run_close, close_done);
    ht_worker_submit(store->options.worker, &store->close_job);
}

static void run_close(struct ht_job *job)
{
    close_database(HT_CONTAINER_OF(job, struct ht_embedded_store, close_job));
}

static void close_done(struct ht_job *job)
{
    struct ht_embedded_store *store = HT_CONTAINER_OF(job, struct ht_embedded_store, close_job);
    store->is_closed = true;
    store->on_closed(store->on_closed_user);
}

static void close_database(struct ht_embedded_store *store)
{
    for (size_t i = 0; i < HT_EMBEDDED_SQL_COUNT; i++) {
        sqlite3_finalize(store->statements[i]);
        store->statements[i] = NULL;
    }
    if (store->database != NULL && sqlite3_close(store->database) != SQLITE_OK) {
        ht_log_warning(store->options.log, "table", "database not closed cleanly",
                       HT_TEXT("error", sqlite3_errmsg(store->database)));
    }
    store->database = NULL;
}

void ht_embedded_store_destroy(struct ht_embedded_store *store)
{
    if (store != NULL) {
        HT_ASSERT(store->magic == STORE_MAGIC && store->is_closed);
        store->magic = 0;
        free((char *)(uintptr_t)store->options.path);
        free(store);
    }
}

int ht_embedded_store_check(struct ht_embedded_store *store, struct ht_error *error)
{
    if (store->database != NULL) {
        return 0;
    }
    *error = store->open_error;
    return error->code;
}

sqlite3_stmt *ht_embedded_store_statement(struct ht_embedded_store *store,
                                          enum ht_embedded_sql which, struct ht_error *error)
{
    sqlite3_stmt **statement = &store->statements[which];
    if (*statement == NULL) {
        int result = sqlite3_prepare_v3(store->database, statement_texts[which], -1,
                                        SQLITE_PREPARE_PERSISTENT, statement, NULL);
        if (result != SQLITE_OK) {
            *statement = NULL;
            ht_embedded_store_error(store, result, "read", error);
        }
        return *statement;
    }
    sqlite3_reset(*statement);
    sqlite3_clear_bindings(*statement);
    return *statement;
}

int ht_embedded_store_run(struct ht_embedded_store *store, sqlite3_stmt *statement,
                          struct ht_error *error)
{
    int result = sqlite3_step(statement);
    if (result != SQLITE_DONE && result != SQLITE_ROW) {
        ht_embedded_store_error(store, result, "write to", error);
        sqlite3_reset(statement);
        return error->code;
    }
    sqlite3_reset(statement);
    return 0;
}

int ht_embedded_store_execute(struct ht_embedded_store *store, enum ht_embedded_sql which,
                              struct ht_error *error)
{
    sqlite3_stmt *statement = ht_embedded_store_statement(store, which, error);
    return statement == NULL ? error->code : ht_embedded_store_run(store, statement, error);
}

void ht_embedded_store_roll_back(struct ht_embedded_store *store)
{
    struct ht_error ignored;
    for (size_t i = 0; i < HT_EMBEDDED_SQL_COUNT; i++) {
        sqlite3_reset(store->statements[i]);
    }
    if (sqlite3_get_autocommit(store->database) == 0 &&
        ht_embedded_store_execute(store, HT_EMBEDDED_SQL_ROLLBACK, &ignored) != 0) {
        ht_log_warning(store->options.log, "table", "roll-back failed",
                       HT_TEXT("error", ignored.text));
    }
}

static int report_damage(struct ht_embedded_store *store, const char *words, struct ht_error *error)
{
    const char *path = store->options.path;
    return ht_error_set(
        error, HT_ECORRUPT,
        "The database %s is damaged (%s). Restore the whole data directory from a back-up; or "
        "save what can be read: sqlite3 %s .recover | sqlite3 new.db, and put new.db in its "
        "place without the -wal file; or move the whole directory away, to start empty.",
        path, words, path);
}

static int report_full(struct ht_embedded_store *store, const char *verb, const char *words,
                       struct ht_error *error)
{
    return ht_error_set(error, HT_ENOSPC,
                        "Cannot %s the database %s: %s. Free some space there; a running hashtagd "
                        "goes on by itself as soon as there is room.",
                        verb, store->options.path, words);
}

/* What the system said, where SQLite only says that it failed. */
static int system_error(struct ht_embedded_store *store, int result)
{
    int kind = result & 0xff;
    bool is_told = kind == SQLITE_IOERR || kind == SQLITE_CANTOPEN;
    return is_told && store->database != NULL ? sqlite3_system_errno(store->database) : 0;
}

static bool is_lack_of_room(struct ht_embedded_store *store, int result)
{
    int number = system_error(store, result);
    return number == ENOSPC || number == EDQUOT || number == EFBIG;
}

static bool is_lack_of_descriptors(struct ht_embedded_store *store, int result)
{
    int number = system_error(store, result);
    return number == EMFILE || number == ENFILE;
}

int ht_embedded_store_error(struct ht_embedded_store *store, int result, const char *verb,
                            struct ht_error *error)
{
    const char *path = store->options.path, *words = sqlite3_errstr(result);
    if (store->database != NULL && sqlite3_errcode(store->database) != SQLITE_OK) {
        words = sqlite3_errmsg(store->database);
    }
    if (is_lack_of_room(store, result)) {
        return report_full(store, verb, strerror(ENOSPC), error);
    }
    if (is_lack_of_descriptors(store, result)) {
        return ht_error_set(error, HT_EIO,
                            "Cannot %s the database %s: %s. Raise the limit of open files (ulimit "
                            "-n, LimitNOFILE).",
                            verb, path, strerror(EMFILE));
    }
    switch (result & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return report_damage(store, words, error);
    case SQLITE_FULL:
        return report_full(store, verb, words, error);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ht_error_set(error, HT_EBUSY,
                            "Cannot %s the database %s: another program has it locked (%s). Close "
                            "that program; it is tried again.",
                            verb, path, words);
    case SQLITE_NOMEM:
        return ht_error_set(error, HT_ENOMEM, "Out of memory for the database %s.", path);
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_READONLY:
        return ht_error_set(
            error, HT_EPERMISSION,
            "Cannot %s the database %s: %s. Give the user that runs hashtagd access "
            "to the file and its directory, or choose another data.dir.",
            verb, path, words);
    default:
        return ht_error_set(error, HT_EIO, "Cannot %s the database %s: %s.", verb, path, words);
    }
}

void ht_embedded_bind(sqlite3_stmt *statement, int index, struct ht_slice text)
{
    /* No memory is needed for static bytes, and the statement and index are right. */
    (void)sqlite3_bind_text64(statement, index, text.data == NULL ? "" : text.data, text.length,
                              SQLITE_STATIC, SQLITE_UTF8);
}

struct ht_slice ht_embedded_column(sqlite3_stmt *statement, int column)
{
    const void *bytes = sqlite3_column_blob(statement, column);
    return ht_slice_make(bytes == NULL ? "" : bytes,
                         (size_t)sqlite3_column_bytes(statement, column));
}

const char *ht_embedded_store_library_version(void)
{
    return sqlite3_libversion();
}
