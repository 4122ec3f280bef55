// SPDX-License-Identifier: MIT

/*
 * A flush, on the worker thread:
 *
 *   begin -> deltas -> checkpoints -> window parts -> deletes -> expired items -> commit
 *
 * Each removal writes its row for the change feed and a deletion into the windows' log. Any failure
 * rolls all of it back.
 */

#include "embedded_table_internal.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/random.h"
#include "hashtagd/json/writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    KEPT_MINUTES = 24 * 60 + 1,
    SWEPT_ITEMS = 20000,  /* looked at in one flush */
    EXPIRED_ITEMS = 1000, /* removed in one flush */
    EVENT_RANDOM_BYTES = 10,
    EVENT_ID_BYTES = 48,
    ITEM_JSON_BYTES = 32 * 1024, /* a hashtag may grow six times by escapes */
};

static int write_all(struct ht_embedded_flush *flush);
static int write_deltas(struct ht_embedded_flush *flush);
static int write_checkpoints(struct ht_embedded_flush *flush);
static int write_parts(struct ht_embedded_flush *flush);
static int delete_asked(struct ht_embedded_flush *flush);
static int delete_expired(struct ht_embedded_flush *flush);
static int sweep(struct ht_embedded_flush *flush, struct ht_buffer *names, size_t *count);
static int delete_item(struct ht_embedded_flush *flush, struct ht_slice hashtag,
                       enum ht_origin origin);
static struct ht_removed_item *add_removed(struct ht_embedded_flush *flush, struct ht_slice hashtag,
                                           sqlite3_stmt *item);
static int write_removal(struct ht_embedded_flush *flush, const struct ht_removed_item *removed);
static int write_part_row(struct ht_embedded_flush *flush, int64_t minute,
                          enum ht_embedded_part_kind kind, struct ht_slice data);

static struct ht_embedded_store *store_of(struct ht_embedded_flush *flush)
{
    return flush->table->store;
}

static int out_of_memory(struct ht_embedded_flush *flush)
{
    return ht_error_set(&flush->error, HT_ENOMEM, "Out of memory for a flush of the table.");
}

void ht_embedded_flush_run(struct ht_job *job)
{
    struct ht_embedded_flush *flush = HT_CONTAINER_OF(job, struct ht_embedded_flush, job);
    struct ht_embedded_store *store = store_of(flush);
    flush->status = ht_embedded_store_check(store, &flush->error);
    if (flush->status != 0) {
        return;
    }
    flush->status = ht_embedded_store_execute(store, HT_EMBEDDED_SQL_BEGIN, &flush->error);
    if (flush->status == 0) {
        flush->status = write_all(flush);
    }
    if (flush->status == 0) {
        flush->status = ht_embedded_store_execute(store, HT_EMBEDDED_SQL_COMMIT, &flush->error);
    }
    if (flush->status != 0) {
        ht_embedded_store_roll_back(store);
        ht_embedded_flush_clear(flush);
    }
}

void ht_embedded_flush_clear(struct ht_embedded_flush *flush)
{
    for (size_t i = 0; i < flush->removed_count; i++) {
        free((char *)(uintptr_t)flush->removed[i].item.hashtag.data);
    }
    free(flush->removed);
    flush->removed = NULL;
    flush->removed_count = 0;
    flush->removed_capacity = 0;
    flush->expired_count = 0;
}

static int write_all(struct ht_embedded_flush *flush)
{
    int status = write_deltas(flush);
    if (status == 0) {
        status = write_checkpoints(flush);
    }
    if (status == 0) {
        status = write_parts(flush);
    }
    if (status == 0) {
        status = delete_asked(flush);
    }
    if (status == 0) {
        status = delete_expired(flush);
    }
    return status;
}

static int compare_deltas(const void *a, const void *b)
{
    const struct ht_delta *const *left = a, *const *right = b;
    return ht_slice_compare((*left)->hashtag, (*right)->hashtag);
}

/* In the order of the table's own tree, so that neighbours meet the same page. NULL where memory is
 * out. */
static const struct ht_delta **sort_deltas(const struct ht_table_flush *request)
{
    const struct ht_delta **sorted = calloc(request->delta_count + 1, sizeof(*sorted));
    for (size_t i = 0; sorted != NULL && i < request->delta_count; i++) {
        sorted[i] = &request->deltas[i];
    }
    if (sorted != NULL) {
        qsort(sorted, request->delta_count, sizeof(*sorted), compare_deltas);
    }
    return sorted;
}

static int write_deltas(struct ht_embedded_flush *flush)
{
    const struct ht_table_flush *request = flush->request;
    struct ht_embedded_store *store = store_of(flush);
    sqlite3_stmt *statement =
        ht_embedded_store_statement(store, HT_EMBEDDED_SQL_ADD, &flush->error);
    if (statement == NULL) {
        return flush->error.code;
    }
    const struct ht_delta **sorted = sort_deltas(request);
    int status = sorted == NULL ? out_of_memory(flush) : 0;
    for (size_t i = 0; status == 0 && i < request->delta_count; i++) {
        const struct ht_delta *delta = sorted[i];
        ht_embedded_bind(statement, 1, delta->hashtag);
        (void)sqlite3_bind_int64(statement, 2, (int64_t)delta->count);
        (void)sqlite3_bind_int64(statement, 3, delta->first_seen_s);
        (void)sqlite3_bind_int64(statement, 4, delta->last_seen_s);
        status = ht_embedded_store_run(store, statement, &flush->error);
    }
    free(sorted);
    return status;
}

static int write_checkpoints(struct ht_embedded_flush *flush)
{
    const struct ht_table_flush *request = flush->request;
    struct ht_embedded_store *store = store_of(flush);
    int status = 0;
    for (size_t i = 0; status == 0 && i < request->checkpoint_count; i++) {
        const struct ht_checkpoint *checkpoint = &request->checkpoints[i];
        const struct ht_position *position = &checkpoint->position;
        sqlite3_stmt *statement =
            ht_embedded_store_statement(store, HT_EMBEDDED_SQL_SET_CHECKPOINT, &flush->error);
        if (statement == NULL) {
            return flush->error.code;
        }
        ht_embedded_bind(statement, 1, ht_slice_text(checkpoint->shard_id));
        (void)sqlite3_bind_int(statement, 2, (int)position->kind);
        ht_embedded_bind(statement, 3, ht_slice_text(position->sequence_number));
        (void)sqlite3_bind_int64(statement, 4, (int64_t)position->sub_sequence);
        (void)sqlite3_bind_int64(statement, 5, (int64_t)position->records);
        (void)sqlite3_bind_int64(statement, 6, position->time_ms);
        status = ht_embedded_store_run(store, statement, &flush->error);
    }
    return status;
}

/* Runs a statement whose only value is a number. */
static int run_with_number(struct ht_embedded_flush *flush, enum ht_embedded_sql which,
                           int64_t number)
{
    sqlite3_stmt *statement = ht_embedded_store_statement(store_of(flush), which, &flush->error);
    if (statement == NULL) {
        return flush->error.code;
    }
    (void)sqlite3_bind_int64(statement, 1, number);
    return ht_embedded_store_run(store_of(flush), statement, &flush->error);
}

static int write_parts(struct ht_embedded_flush *flush)
{
    const struct ht_table_flush *request = flush->request;
    int status =
        run_with_number(flush, HT_EMBEDDED_SQL_PRUNE_PARTS, request->now_s / 60 - KEPT_MINUTES);
    for (size_t i = 0; status == 0 && i < request->part_count; i++) {
        const struct ht_window_part *part = &request->parts[i];
        if (part->replaces) {
            status = run_with_number(flush, HT_EMBEDDED_SQL_REPLACE_PARTS, part->minute);
        }
        if (status == 0 && part->data.length > 0) {
            status = write_part_row(flush, part->minute, HT_EMBEDDED_PART_COUNTS, part->data);
        }
    }
    return status;
}

static int delete_asked(struct ht_embedded_flush *flush)
{
    const struct ht_table_flush *request = flush->request;
    int status = 0;
    for (size_t i = 0; status == 0 && i < request->delete_count; i++) {
        status = flush->table->keeps_windows
                     ? write_part_row(flush, request->now_s / 60, HT_EMBEDDED_PART_DELETION,
                                      request->deletes[i])
                     : delete_item(flush, request->deletes[i], HT_ORIGIN_USER);
    }
    return status;
}

static int delete_expired(struct ht_embedded_flush *flush)
{
    struct ht_buffer names; /* C strings would not do: each is its length, then its bytes */
    size_t count = 0, at = 0, before = flush->removed_count;
    if (flush->table->ttl_s == 0) {
        return 0;
    }
    ht_buffer_init(&names, (size_t)EXPIRED_ITEMS * (HT_TABLE_MAX_KEY_BYTES + sizeof(size_t)));
    int status = sweep(flush, &names, &count);
    for (size_t i = 0; status == 0 && i < count; i++) {
        size_t length;
        memcpy(&length, names.data + at, sizeof(length));
        at += sizeof(length);
        status = delete_item(flush, ht_slice_make(names.data + at, length), HT_ORIGIN_TTL);
        at += length;
    }
    flush->expired_count = flush->removed_count - before;
    ht_buffer_finish(&names);
    return status;
}

/* Looks for expired items, on from where the flush before ended. */
static int sweep(struct ht_embedded_flush *flush, struct ht_buffer *names, size_t *count)
{
    struct ht_embedded_table *table = flush->table;
    int64_t newest_s = flush->request->now_s - (int64_t)table->ttl_s;
    sqlite3_stmt *statement =
        ht_embedded_store_statement(table->store, HT_EMBEDDED_SQL_SWEEP, &flush->error);
    if (statement == NULL) {
        return flush->error.code;
    }
    ht_embedded_bind(statement, 1, ht_buffer_slice(&table->sweep));
    (void)sqlite3_bind_int64(statement, 2, SWEPT_ITEMS);
    int result;
    size_t seen = 0;
    struct ht_slice last = {0};
    while (*count < EXPIRED_ITEMS && (result = sqlite3_step(statement)) == SQLITE_ROW) {
        int64_t last_seen_s = sqlite3_column_int64(statement, 1);
        struct ht_slice name = ht_embedded_column(statement, 0);
        seen++;
        if (last_seen_s > 0 && last_seen_s <= newest_s) {
            (void)ht_buffer_append(names, &name.length, sizeof(name.length));
            (void)ht_buffer_append_slice(names, name);
            ++*count;
        }
        last = name;
        if (seen == SWEPT_ITEMS || *count == EXPIRED_ITEMS) {
            break; /* `last` lives until the next step */
        }
    }
    bool is_end = seen < SWEPT_ITEMS && *count < EXPIRED_ITEMS;
    ht_buffer_clear(&table->sweep);
    int status = is_end ? 0 : ht_buffer_append_slice(&table->sweep, last);
    if (status == 0) {
        status = ht_buffer_status(names);
    }
    sqlite3_reset(statement);
    if (is_end && result != SQLITE_DONE) {
        return ht_embedded_store_error(table->store, result, "read", &flush->error);
    }
    return status == 0 ? 0 : out_of_memory(flush);
}

/* Takes one item out of the table, where it is there. */
static int delete_item(struct ht_embedded_flush *flush, struct ht_slice hashtag,
                       enum ht_origin origin)
{
    struct ht_embedded_store *store = store_of(flush);
    sqlite3_stmt *statement =
        ht_embedded_store_statement(store, HT_EMBEDDED_SQL_TAKE_ITEM, &flush->error);
    if (statement == NULL) {
        return flush->error.code;
    }
    ht_embedded_bind(statement, 1, hashtag);
    int result = sqlite3_step(statement);
    if (result == SQLITE_DONE) {
        sqlite3_reset(statement);
        return 0;
    }
    if (result != SQLITE_ROW) {
        return ht_embedded_store_error(store, result, "write to", &flush->error);
    }
    struct ht_removed_item *removed = add_removed(flush, hashtag, statement);
    int status = removed == NULL ? out_of_memory(flush)
                                 : ht_embedded_store_run(store, statement, &flush->error);
    if (status == 0) {
        removed->origin = origin;
        status = write_removal(flush, removed);
    }
    if (status == 0) {
        status =
            write_part_row(flush, flush->request->now_s / 60, HT_EMBEDDED_PART_DELETION, hashtag);
    }
    return status;
}

/* Ordered by time, as far as the clock is, and unique. */
static size_t format_event_id(int64_t now_s, char *out)
{
    unsigned char bytes[EVENT_RANDOM_BYTES] = {0};
    if (ht_random_secret(bytes, sizeof(bytes)) != 0) {
        return 0;
    }
    int length = snprintf(out, EVENT_ID_BYTES, "%010" PRIx64 "-", (uint64_t)now_s);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        length += snprintf(out + length, EVENT_ID_BYTES - (size_t)length, "%02x", bytes[i]);
    }
    return (size_t)length;
}

static struct ht_removed_item *add_removed(struct ht_embedded_flush *flush, struct ht_slice hashtag,
                                           sqlite3_stmt *item)
{
    if (flush->removed_count == flush->removed_capacity) {
        size_t capacity = flush->removed_capacity == 0 ? 16 : flush->removed_capacity * 2;
        struct ht_removed_item *items = realloc(flush->removed, capacity * sizeof(*items));
        if (items == NULL) {
            return NULL;
        }
        flush->removed = items;
        flush->removed_capacity = capacity;
    }
    struct ht_removed_item *removed = &flush->removed[flush->removed_count];
    char *text = malloc(hashtag.length + EVENT_ID_BYTES);
    size_t id_bytes =
        text == NULL ? 0 : format_event_id(flush->request->now_s, text + hashtag.length);
    if (id_bytes == 0) {
        free(text);
        return NULL;
    }
    memcpy(text, hashtag.data, hashtag.length);
    *removed = (struct ht_removed_item){
        .item.hashtag = ht_slice_make(text, hashtag.length),
        .item.count = (uint64_t)sqlite3_column_int64(item, 0),
        .item.first_seen_s = sqlite3_column_int64(item, 1),
        .item.last_seen_s = sqlite3_column_int64(item, 2),
        .deleted_at_s = flush->request->now_s,
        .event_id = ht_slice_make(text + hashtag.length, id_bytes),
    };
    if (flush->table->ttl_s > 0) {
        removed->item.expires_at_s = removed->item.last_seen_s + (int64_t)flush->table->ttl_s;
    }
    flush->removed_count++;
    return removed;
}

static void write_number(struct ht_json_writer *writer, const char *name, int64_t value)
{
    char digits[24];
    (void)snprintf(digits, sizeof(digits), "%" PRId64, value);
    ht_json_write_key(writer, name);
    ht_json_write_object_begin(writer);
    ht_json_write_key(writer, "N");
    ht_json_write_text(writer, digits);
    ht_json_write_object_end(writer);
}

/* The item as DynamoDB writes it: numbers are strings. */
static int format_item(const struct ht_item *item, struct ht_buffer *json)
{
    struct ht_json_writer writer;
    ht_json_writer_init(&writer, json);
    ht_json_write_object_begin(&writer);
    ht_json_write_key(&writer, "hashtag");
    ht_json_write_object_begin(&writer);
    ht_json_write_key(&writer, "S");
    ht_json_write_slice(&writer, item->hashtag);
    ht_json_write_object_end(&writer);
    write_number(&writer, "htCount", (int64_t)item->count);
    write_number(&writer, "firstSeen", item->first_seen_s);
    write_number(&writer, "lastSeen", item->last_seen_s);
    if (item->expires_at_s > 0) {
        write_number(&writer, "expiresAt", item->expires_at_s);
    }
    ht_json_write_object_end(&writer);
    return ht_json_writer_status(&writer);
}

static int write_removal(struct ht_embedded_flush *flush, const struct ht_removed_item *removed)
{
    const struct ht_item *item = &removed->item;
    struct ht_embedded_store *store = store_of(flush);
    struct ht_buffer json;
    ht_buffer_init(&json, ITEM_JSON_BYTES);
    sqlite3_stmt *statement =
        ht_embedded_store_statement(store, HT_EMBEDDED_SQL_ADD_REMOVAL, &flush->error);
    if (statement == NULL || format_item(item, &json) != 0) {
        ht_buffer_finish(&json);
        return statement == NULL ? flush->error.code : out_of_memory(flush);
    }
    ht_embedded_bind(statement, 1, removed->event_id);
    ht_embedded_bind(statement, 2, item->hashtag);
    (void)sqlite3_bind_int64(statement, 3, (int64_t)item->count);
    (void)sqlite3_bind_int64(statement, 4, item->first_seen_s);
    (void)sqlite3_bind_int64(statement, 5, item->last_seen_s);
    (void)sqlite3_bind_int64(statement, 6, item->expires_at_s);
    (void)sqlite3_bind_int64(statement, 7, removed->deleted_at_s);
    (void)sqlite3_bind_int(statement, 8, (int)removed->origin);
    ht_embedded_bind(statement, 9, ht_buffer_slice(&json));
    int status = ht_embedded_store_run(store, statement, &flush->error);
    ht_buffer_finish(&json);
    return status;
}

static int write_part_row(struct ht_embedded_flush *flush, int64_t minute,
                          enum ht_embedded_part_kind kind, struct ht_slice data)
{
    sqlite3_stmt *statement =
        ht_embedded_store_statement(store_of(flush), HT_EMBEDDED_SQL_ADD_PART, &flush->error);
    if (statement == NULL) {
        return flush->error.code;
    }
    (void)sqlite3_bind_int64(statement, 1, minute);
    (void)sqlite3_bind_int(statement, 2, (int)kind);
    (void)sqlite3_bind_blob64(statement, 3, data.data, data.length, SQLITE_STATIC);
    return ht_embedded_store_run(store_of(flush), statement, &flush->error);
}
