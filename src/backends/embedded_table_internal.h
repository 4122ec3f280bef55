// SPDX-License-Identifier: MIT
#pragma once

/** The parts of the embedded table: port and loading (embedded_table.c), the transaction of a flush
 * (embedded_table_flush.c). */

#include "hashtagd/backends/embedded_table.h"
#include "hashtagd/base/buffer.h"

#include "embedded_store_internal.h"

/** What a window part's row is. */
enum ht_embedded_part_kind {
    HT_EMBEDDED_PART_COUNTS,
    HT_EMBEDDED_PART_DELETION, /**< `data` is the hashtag */
};

struct ht_embedded_table;

/** A flush on its way. */
struct ht_embedded_flush {
    struct ht_job job;
    struct ht_embedded_table *table;
    bool is_running;
    struct ht_table_flush *request; /**< the caller's; deltas and the rest are read from there */
    /* out */
    int status;
    struct ht_error error;
    struct ht_removed_item *removed; /**< each hashtag is one piece of memory with its event_id */
    size_t removed_count, removed_capacity;
    size_t expired_count;
};

/** Which rows a load reads at the moment. */
enum ht_embedded_load_phase {
    HT_EMBEDDED_LOAD_ITEMS,
    HT_EMBEDDED_LOAD_CHECKPOINTS,
    HT_EMBEDDED_LOAD_PARTS,
    HT_EMBEDDED_LOAD_END,
};

/** Rows of one phase on their way to the loop. */
struct ht_embedded_chunk {
    struct ht_job job;
    struct ht_embedded_table *table;
    enum ht_embedded_load_phase phase; /**< of the rows; END: it is over */
    int status;
    struct ht_error error;
    uint64_t expected; /**< items in all; told with the first chunk */
    size_t count;
    struct ht_item *items; /**< the rows of ITEMS */
    struct ht_checkpoint *checkpoints;
    struct ht_window_part *parts;
    struct ht_buffer text; /**< the bytes that the rows point to */
};

struct ht_embedded_table {
    struct ht_table table; /**< first: what callers see */
    uint32_t magic;
    struct ht_embedded_store *store;
    uint64_t ttl_s;
    bool keeps_windows; /**< and nothing else: the items are in another table */
    struct ht_embedded_flush flush;
    /* load: two chunks take turns, so that one is read while the other is taken in */
    struct ht_table_load *load;
    struct ht_embedded_chunk chunks[2];
    size_t chunks_running;
    bool load_is_over;
    struct { /* the worker's */
        enum ht_embedded_load_phase phase;
        sqlite3_stmt *statement; /**< NULL between phases */
        int64_t oldest_minute;   /**< of window parts */
        bool has_row;            /**< it stands on a row that no chunk has yet */
        int status;              /**< of the first error */
    } reader;
    struct ht_buffer
        sweep; /**< the worker's: the hashtag up to which was looked for expired ones */
    /* close */
    struct ht_timer close_timer;
    bool is_closing;
    void (*on_closed)(void *user);
    void *on_closed_user;
};

/** Worker: the whole transaction. */
void ht_embedded_flush_run(struct ht_job *job);

/** Frees what the flush says of removed items. */
void ht_embedded_flush_clear(struct ht_embedded_flush *flush);
