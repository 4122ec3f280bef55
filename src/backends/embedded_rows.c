// SPDX-License-Identifier: MIT
#include "embedded_rows.h"

#include <stdlib.h>

enum {
    MOST_TEXT_BYTES = 64 * 1024 * 1024,
    ENOUGH_TEXT_BYTES = 4 * 1024 * 1024,
};

/* The columns of removals. */
enum column {
    COLUMN_ID,
    COLUMN_EVENT_ID,
    COLUMN_HASHTAG,
    COLUMN_COUNT,
    COLUMN_FIRST_SEEN,
    COLUMN_LAST_SEEN,
    COLUMN_EXPIRES_AT,
    COLUMN_DELETED_AT,
    COLUMN_ORIGIN,
    COLUMN_ITEM,
    COLUMN_ARCHIVED_AT,
    COLUMN_OBJECT,
};

static int take_row(struct ht_embedded_rows *rows, sqlite3_stmt *statement);
static void settle_rows(struct ht_embedded_rows *rows);

void ht_embedded_rows_init(struct ht_embedded_rows *rows)
{
    *rows = (struct ht_embedded_rows){0};
    ht_buffer_init(&rows->text, MOST_TEXT_BYTES);
}

int ht_embedded_rows_read(struct ht_embedded_rows *rows, struct ht_embedded_store *store,
                          sqlite3_stmt *statement, struct ht_error *error)
{
    int result, status = 0;
    while (status == 0 && rows->text.length < ENOUGH_TEXT_BYTES &&
           (result = sqlite3_step(statement)) != SQLITE_DONE) {
        if (result != SQLITE_ROW) {
            status = ht_embedded_store_error(store, result, "read", error);
        } else if (take_row(rows, statement) != 0) {
            status = ht_error_set(error, HT_ENOMEM, "Out of memory for removals.");
        }
    }
    sqlite3_reset(statement);
    settle_rows(rows);
    return status;
}

int ht_embedded_rows_read_recent(struct ht_embedded_rows *rows, struct ht_embedded_store *store,
                                 size_t max_count, struct ht_error *error)
{
    sqlite3_stmt *statement =
        ht_embedded_store_statement(store, HT_EMBEDDED_SQL_RECENT_REMOVALS, error);
    if (statement == NULL) {
        return error->code;
    }
    size_t most = max_count < HT_EMBEDDED_KEPT_REMOVALS ? max_count : HT_EMBEDDED_KEPT_REMOVALS;
    (void)sqlite3_bind_int64(statement, 2, (int64_t)most);
    return ht_embedded_rows_read(rows, store, statement, error);
}

/* Copies the bytes of a column; `data` is an offset until settle_rows(). */
static struct ht_slice take_text(struct ht_embedded_rows *rows, sqlite3_stmt *statement,
                                 enum column column)
{
    size_t offset = rows->text.length;
    struct ht_slice bytes = ht_embedded_column(statement, (int)column);
    (void)ht_buffer_append_slice(&rows->text, bytes);
    return (struct ht_slice){(const char *)(uintptr_t)offset, bytes.length};
}

static int take_row(struct ht_embedded_rows *rows, sqlite3_stmt *statement)
{
    if (rows->count == rows->capacity) {
        size_t capacity = rows->capacity == 0 ? 32 : rows->capacity * 2;
        struct ht_archived *grown = realloc(rows->rows, capacity * sizeof(*grown));
        if (grown == NULL) {
            return HT_ENOMEM;
        }
        rows->rows = grown;
        rows->capacity = capacity;
    }
    rows->rows[rows->count++] = (struct ht_archived){
        .removal.order = (uint64_t)sqlite3_column_int64(statement, COLUMN_ID),
        .removal.event_id = take_text(rows, statement, COLUMN_EVENT_ID),
        .removal.item.hashtag = take_text(rows, statement, COLUMN_HASHTAG),
        .removal.item.count = (uint64_t)sqlite3_column_int64(statement, COLUMN_COUNT),
        .removal.item.first_seen_s = sqlite3_column_int64(statement, COLUMN_FIRST_SEEN),
        .removal.item.last_seen_s = sqlite3_column_int64(statement, COLUMN_LAST_SEEN),
        .removal.item.expires_at_s = sqlite3_column_int64(statement, COLUMN_EXPIRES_AT),
        .removal.deleted_at_s = sqlite3_column_int64(statement, COLUMN_DELETED_AT),
        .removal.origin = (enum ht_origin)sqlite3_column_int(statement, COLUMN_ORIGIN),
        .removal.item_json = take_text(rows, statement, COLUMN_ITEM),
        .archived_at_s = sqlite3_column_int64(statement, COLUMN_ARCHIVED_AT),
        .object = take_text(rows, statement, COLUMN_OBJECT),
    };
    return ht_buffer_status(&rows->text);
}

static void settle_slice(struct ht_slice *slice, const char *text)
{
    slice->data = text == NULL ? "" : text + (uintptr_t)slice->data;
}

static void settle_rows(struct ht_embedded_rows *rows)
{
    const char *text = rows->text.data;
    for (size_t i = 0; i < rows->count; i++) {
        settle_slice(&rows->rows[i].removal.event_id, text);
        settle_slice(&rows->rows[i].removal.item.hashtag, text);
        settle_slice(&rows->rows[i].removal.item_json, text);
        settle_slice(&rows->rows[i].object, text);
    }
}

void ht_embedded_rows_clear(struct ht_embedded_rows *rows)
{
    free(rows->rows);
    ht_buffer_finish(&rows->text);
    *rows = (struct ht_embedded_rows){0};
}
