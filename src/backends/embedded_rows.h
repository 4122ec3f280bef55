// SPDX-License-Identifier: MIT
#pragma once

/** Rows of the table of removals with their text, read on the worker's thread and used on the
 * loop's. */

#include "embedded_store_internal.h"

#include "hashtagd/base/buffer.h"
#include "hashtagd/pipeline/changes.h"

/** How many delivered removals are kept. */
#define HT_EMBEDDED_KEPT_REMOVALS 1000

/** Zeroed memory is empty, but for ht_embedded_rows_init(). */
struct ht_embedded_rows {
    struct ht_archived *rows; /* owned */
    size_t count, capacity;
    struct ht_buffer text; /* slices hold offsets into it until all rows are there */
};

/** Makes it empty. */
void ht_embedded_rows_init(struct ht_embedded_rows *rows);

/** Takes the rows that `statement`, which has its values, gives, as many as fit into a few megabytes,
 * and resets it. 0 or an error. */
int ht_embedded_rows_read(struct ht_embedded_rows *rows, struct ht_embedded_store *store,
                          sqlite3_stmt *statement, struct ht_error *error) HT_MUST_CHECK;

/** The newest delivered removals, at most `max_count`, newest first. 0 or an error. */
int ht_embedded_rows_read_recent(struct ht_embedded_rows *rows, struct ht_embedded_store *store,
                                 size_t max_count, struct ht_error *error) HT_MUST_CHECK;

/** Frees them. */
void ht_embedded_rows_clear(struct ht_embedded_rows *rows);
