// SPDX-License-Identifier: MIT
#include "hashtagd/backends/embedded_table.h"

#include "embedded_table_internal.h"

#include "hashtagd/base/assert.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    TABLE_MAGIC = 0x7461626c,
    CHUNK_ITEMS = 8192,
    CHUNK_PARTS = 512,
    CHUNK_CHECKPOINTS = 64,
    CHUNK_TEXT_BYTES = 1024 * 1024,
    MOST_TEXT_BYTES = 256 * 1024 * 1024,
};

static void start_load(struct ht_table *port, struct ht_table_load *load);
static void begin_load(struct ht_embedded_table *table);
static void submit_chunk(struct ht_embedded_chunk *chunk);
static void run_chunk(struct ht_job *job);
static int begin_phase(struct ht_embedded_table *table, struct ht_embedded_chunk *chunk);
static int read_rows(struct ht_embedded_table *table, struct ht_embedded_chunk *chunk);
static int take_row(struct ht_embedded_chunk *chunk, sqlite3_stmt *statement);
static void chunk_done(struct ht_job *job);
static void deliver(struct ht_table_load *load, const struct ht_embedded_chunk *chunk);
static void end_load(struct ht_embedded_table *table, const struct ht_embedded_chunk *chunk);
static void start_flush(struct ht_table *port, struct ht_table_flush *request);
static void flush_done(struct ht_job *job);
static void close_table(struct ht_table *port, void (*on_closed)(void *user), void *user);
static void check_close(struct ht_embedded_table *table);
static void on_close_turn(struct ht_timer *timer);
static void destroy(struct ht_table *port);
static void free_chunk(struct ht_embedded_chunk *chunk);

static const struct ht_table_ops operations = {
    .type = "embedded",
    .load = start_load,
    .flush = start_flush,
    .close = close_table,
    .destroy = destroy,
};

static struct ht_embedded_table *table_from(struct ht_table *port)
{
    struct ht_embedded_table *table = HT_CONTAINER_OF(port, struct ht_embedded_table, table);
    HT_ASSERT(table->magic == TABLE_MAGIC);
    return table;
}

int ht_embedded_table_create(struct ht_table **out, struct ht_embedded_store *store, uint64_t ttl_s,
                             struct ht_error *error)
{
    struct ht_embedded_table *table = calloc(1, sizeof(*table));
    *out = NULL;
    if (table == NULL) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory for the table.");
    }
    table->magic = TABLE_MAGIC;
    table->table.ops = &operations;
    table->table.delta_bytes = sizeof(struct ht_delta *); /* they are sorted */
    table->store = store;
    table->ttl_s = ttl_s;
    ht_health_init(&table->table.health, ht_loop_clock(store->options.loop), HT_HEALTH_STARTING);
    ht_timer_init(&table->close_timer, on_close_turn);
    ht_buffer_init(&table->sweep, HT_TABLE_MAX_KEY_BYTES);
    *out = &table->table;
    return 0;
}

void ht_embedded_table_keep_windows(struct ht_table *port)
{
    struct ht_embedded_table *table = table_from(port);
    HT_ASSERT(table->load == NULL);
    table->keeps_windows = true;
    table->ttl_s = 0;
}

static void start_load(struct ht_table *port, struct ht_table_load *load)
{
    struct ht_embedded_table *table = table_from(port);
    HT_ASSERT(table->load == NULL);
    table->load = load;
    if (table->chunks_running == 0) { /* else when the load before has given them back */
        begin_load(table);
    }
}

static void begin_load(struct ht_embedded_table *table)
{
    table->load_is_over = false;
    table->reader.phase = table->keeps_windows ? HT_EMBEDDED_LOAD_PARTS : HT_EMBEDDED_LOAD_ITEMS;
    table->reader.oldest_minute = table->load->oldest_minute;
    table->reader.has_row = false;
    table->reader.status = 0;
    for (size_t i = 0; i < HT_COUNT_OF(table->chunks); i++) {
        table->chunks[i].table = table;
        ht_buffer_init(&table->chunks[i].text, MOST_TEXT_BYTES);
        submit_chunk(&table->chunks[i]);
    }
}

static void submit_chunk(struct ht_embedded_chunk *chunk)
{
    chunk->table->chunks_running++;
    ht_job_init(&chunk->job, run_chunk, chunk_done);
    ht_worker_submit(chunk->table->store->options.worker, &chunk->job);
}

/* Reads on where the chunk before ended, rows of one phase. */
static void run_chunk(struct ht_job *job)
{
    struct ht_embedded_chunk *chunk = HT_CONTAINER_OF(job, struct ht_embedded_chunk, job);
    struct ht_embedded_table *table = chunk->table;
    int status = table->reader.status;
    chunk->count = 0;
    chunk->phase = HT_EMBEDDED_LOAD_END;
    ht_buffer_clear(&chunk->text);
    if (status == 0) {
        status = ht_embedded_store_check(table->store, &chunk->error);
    }
    while (status == 0 && chunk->count == 0 && table->reader.phase != HT_EMBEDDED_LOAD_END) {
        chunk->phase = table->reader.phase;
        status = begin_phase(table, chunk);
        if (status == 0) {
            status = read_rows(table, chunk);
        }
    }
    if (status == 0 && chunk->count == 0) {
        chunk->phase = HT_EMBEDDED_LOAD_END;
    }
    if (status != 0 && table->reader.statement != NULL) {
        sqlite3_reset(table->reader.statement);
        table->reader.statement = NULL;
    }
    table->reader.status = status;
    chunk->status = status;
}

static int count_items(struct ht_embedded_store *store, struct ht_embedded_chunk *chunk)
{
    sqlite3_stmt *statement =
        ht_embedded_store_statement(store, HT_EMBEDDED_SQL_COUNT_ITEMS, &chunk->error);
    if (statement == NULL) {
        return chunk->error.code;
    }
    int result = sqlite3_step(statement);
    chunk->expected = result == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    return result == SQLITE_ROW ? 0 : ht_embedded_store_error(store, result, "read", &chunk->error);
}

static int make_rows(struct ht_embedded_chunk *chunk)
{
    if (chunk->items == NULL) {
        chunk->items = calloc(CHUNK_ITEMS, sizeof(*chunk->items));
        chunk->checkpoints = calloc(CHUNK_CHECKPOINTS, sizeof(*chunk->checkpoints));
        chunk->parts = calloc(CHUNK_PARTS, sizeof(*chunk->parts));
    }
    bool is_made = chunk->items != NULL && chunk->checkpoints != NULL && chunk->parts != NULL &&
                   ht_buffer_reserve(&chunk->text, CHUNK_TEXT_BYTES) == 0;
    return is_made ? 0
                   : ht_error_set(&chunk->error, HT_ENOMEM, "Out of memory for loading the table.");
}

static int begin_phase(struct ht_embedded_table *table, struct ht_embedded_chunk *chunk)
{
    static const enum ht_embedded_sql statements[] = {
        HT_EMBEDDED_SQL_LOAD_ITEMS, HT_EMBEDDED_SQL_LOAD_CHECKPOINTS, HT_EMBEDDED_SQL_LOAD_PARTS};
    int status = make_rows(chunk);
    if (status != 0 || table->reader.statement != NULL) {
        return status;
    }
    if (chunk->phase == HT_EMBEDDED_LOAD_ITEMS) {
        status = count_items(table->store, chunk);
    }
    if (status == 0) {
        table->reader.statement =
            ht_embedded_store_statement(table->store, statements[chunk->phase], &chunk->error);
        status = table->reader.statement == NULL ? chunk->error.code : 0;
    }
    if (status == 0 && chunk->phase == HT_EMBEDDED_LOAD_PARTS) {
        (void)sqlite3_bind_int64(table->reader.statement, 1, table->reader.oldest_minute);
    }
    return status;
}

/* Fills the chunk up; at the last row the next phase begins. */
static int read_rows(struct ht_embedded_table *table, struct ht_embedded_chunk *chunk)
{
    sqlite3_stmt *statement = table->reader.statement;
    for (;;) {
        int result = table->reader.has_row ? SQLITE_ROW : sqlite3_step(statement);
        table->reader.has_row = false;
        if (result == SQLITE_DONE) {
            sqlite3_reset(statement);
            table->reader.statement = NULL;
            table->reader.phase++;
            return 0;
        }
        if (result != SQLITE_ROW) {
            return ht_embedded_store_error(table->store, result, "read", &chunk->error);
        }
        int status = take_row(chunk, statement);
        if (status == HT_EBUSY) {
            table->reader.has_row = true;
            return 0;
        }
        if (status != 0) {
            return ht_error_set(&chunk->error, status,
                                "A row of the database %s is too large to be read.",
                                table->store->options.path);
        }
    }
}

/* Copies bytes behind those that are there; the memory must not move while rows point to it, so
 * only an empty chunk may grow. HT_EBUSY: no room. */
static int take_text(struct ht_embedded_chunk *chunk, struct ht_slice text, struct ht_slice *copy)
{
    struct ht_buffer *buffer = &chunk->text;
    if (buffer->length + text.length + 1 > buffer->capacity && chunk->count > 0) {
        return HT_EBUSY;
    }
    size_t before = buffer->length;
    int status = ht_buffer_append_slice(buffer, text);
    *copy = ht_slice_make(buffer->data + before, text.length);
    return status;
}

static int take_item(struct ht_embedded_chunk *chunk, sqlite3_stmt *statement)
{
    struct ht_item *item = &chunk->items[chunk->count];
    if (chunk->count == CHUNK_ITEMS) {
        return HT_EBUSY;
    }
    int64_t ttl_s = (int64_t)chunk->table->ttl_s;
    item->count = (uint64_t)sqlite3_column_int64(statement, 1);
    item->first_seen_s = sqlite3_column_int64(statement, 2);
    item->last_seen_s = sqlite3_column_int64(statement, 3);
    item->expires_at_s = ttl_s == 0 ? 0 : item->last_seen_s + ttl_s;
    return take_text(chunk, ht_embedded_column(statement, 0), &item->hashtag);
}

static int take_checkpoint(struct ht_embedded_chunk *chunk, sqlite3_stmt *statement)
{
    if (chunk->count == CHUNK_CHECKPOINTS) {
        return HT_EBUSY;
    }
    struct ht_checkpoint *checkpoint = &chunk->checkpoints[chunk->count];
    struct ht_slice shard = ht_embedded_column(statement, 0);
    struct ht_slice sequence = ht_embedded_column(statement, 2);
    *checkpoint = (struct ht_checkpoint){.position.kind = HT_POSITION_AFTER};
    if (shard.length >= sizeof(checkpoint->shard_id) ||
        sequence.length >= sizeof(checkpoint->position.sequence_number)) {
        return HT_ETOOBIG;
    }
    memcpy(checkpoint->shard_id, shard.data, shard.length);
    memcpy(checkpoint->position.sequence_number, sequence.data, sequence.length);
    checkpoint->position.kind = (enum ht_position_kind)sqlite3_column_int(statement, 1);
    checkpoint->position.sub_sequence = (uint64_t)sqlite3_column_int64(statement, 3);
    checkpoint->position.records = (uint64_t)sqlite3_column_int64(statement, 4);
    checkpoint->position.time_ms = sqlite3_column_int64(statement, 5);
    return 0;
}

static int take_part(struct ht_embedded_chunk *chunk, sqlite3_stmt *statement)
{
    if (chunk->count == CHUNK_PARTS) {
        return HT_EBUSY;
    }
    struct ht_window_part *part = &chunk->parts[chunk->count];
    struct ht_slice data;
    *part = (struct ht_window_part){.minute = sqlite3_column_int64(statement, 0)};
    int status = take_text(chunk, ht_embedded_column(statement, 2), &data);
    if (sqlite3_column_int(statement, 1) == HT_EMBEDDED_PART_DELETION) {
        part->deleted_hashtag = data;
    } else {
        part->data = data;
    }
    return status;
}

static int take_row(struct ht_embedded_chunk *chunk, sqlite3_stmt *statement)
{
    int status = HT_EBUSY;
    switch (chunk->phase) {
    case HT_EMBEDDED_LOAD_ITEMS:
        status = take_item(chunk, statement);
        break;
    case HT_EMBEDDED_LOAD_CHECKPOINTS:
        status = take_checkpoint(chunk, statement);
        break;
    case HT_EMBEDDED_LOAD_PARTS:
        status = take_part(chunk, statement);
        break;
    case HT_EMBEDDED_LOAD_END:
        HT_UNREACHABLE();
    }
    chunk->count += status == 0;
    return status;
}

static void chunk_done(struct ht_job *job)
{
    struct ht_embedded_chunk *chunk = HT_CONTAINER_OF(job, struct ht_embedded_chunk, job);
    struct ht_embedded_table *table = chunk->table;
    table->chunks_running--;
    if (!table->load_is_over && chunk->status == 0 && chunk->phase != HT_EMBEDDED_LOAD_END &&
        !table->is_closing) {
        deliver(table->load, chunk);
        submit_chunk(chunk);
        return;
    }
    if (!table->load_is_over) {
        table->load_is_over = true;
        end_load(table, chunk);
    }
    if (table->chunks_running == 0) {
        free_chunk(&table->chunks[0]);
        free_chunk(&table->chunks[1]);
        if (table->load != NULL) {
            begin_load(table);
        }
    }
    check_close(table);
}

static void deliver(struct ht_table_load *load, const struct ht_embedded_chunk *chunk)
{
    if (chunk->expected > 0 && load->on_expected != NULL) {
        load->on_expected(load, chunk->expected);
    }
    switch (chunk->phase) {
    case HT_EMBEDDED_LOAD_ITEMS:
        load->on_items(load, chunk->items, chunk->count);
        break;
    case HT_EMBEDDED_LOAD_CHECKPOINTS:
        for (size_t i = 0; i < chunk->count; i++) {
            load->on_checkpoint(load, &chunk->checkpoints[i]);
        }
        break;
    case HT_EMBEDDED_LOAD_PARTS:
        for (size_t i = 0; i < chunk->count; i++) {
            load->on_window_part(load, &chunk->parts[i]);
        }
        break;
    case HT_EMBEDDED_LOAD_END:
        break;
    }
}

static void end_load(struct ht_embedded_table *table, const struct ht_embedded_chunk *chunk)
{
    struct ht_table_load *load = table->load;
    table->load = NULL;
    load->status = chunk->status;
    ht_error_clear(&load->error);
    if (chunk->status != 0) {
        load->error = chunk->error;
        ht_health_fail(&table->table.health, HT_HEALTH_FAILED, &chunk->error);
    } else if (table->is_closing) {
        load->status = ht_error_set(&load->error, HT_ECANCELED, "The table is closed.");
    } else {
        ht_health_succeed(&table->table.health);
    }
    load->done(load);
}

static void start_flush(struct ht_table *port, struct ht_table_flush *request)
{
    struct ht_embedded_table *table = table_from(port);
    HT_ASSERT(!table->flush.is_running);
    table->flush.table = table;
    table->flush.is_running = true;
    table->flush.request = request;
    table->flush.status = 0;
    table->flush.expired_count = 0;
    ht_error_clear(&table->flush.error);
    ht_job_init(&table->flush.job, ht_embedded_flush_run, flush_done);
    ht_worker_submit(table->store->options.worker, &table->flush.job);
}

static void flush_done(struct ht_job *job)
{
    struct ht_embedded_flush *flush = HT_CONTAINER_OF(job, struct ht_embedded_flush, job);
    struct ht_embedded_table *table = flush->table;
    struct ht_embedded_store *store = table->store;
    struct ht_table_flush *request = flush->request;
    struct ht_table_counters *counters = &table->table.counters;
    flush->is_running = false;
    request->status = flush->status;
    request->error = flush->error;
    request->removed = flush->removed;
    request->removed_count = flush->status == 0 ? flush->removed_count : 0;
    if (flush->status == 0) {
        counters->flushes++;
        counters->items_written += request->delta_count;
        counters->items_expired += flush->expired_count;
        counters->items_deleted += flush->removed_count - flush->expired_count;
        store->waiting_removals += flush->removed_count;
        ht_health_succeed(&table->table.health);
    } else {
        counters->flush_errors++;
        ht_health_fail(&table->table.health,
                       flush->status == HT_ECORRUPT ? HT_HEALTH_FAILED : HT_HEALTH_WAITING,
                       &flush->error);
    }
    if (request->removed_count > 0 && store->on_removals != NULL) {
        store->on_removals(store->on_removals_user);
    }
    /* A new flush may start in `done`: what this one removed is put aside. */
    struct ht_embedded_flush old = *flush;
    flush->removed = NULL;
    flush->removed_count = 0;
    flush->removed_capacity = 0;
    request->done(request);
    ht_embedded_flush_clear(&old);
    check_close(table);
}

static void close_table(struct ht_table *port, void (*on_closed)(void *user), void *user)
{
    struct ht_embedded_table *table = table_from(port);
    HT_ASSERT(!table->is_closing);
    table->is_closing = true;
    table->on_closed = on_closed;
    table->on_closed_user = user;
    check_close(table);
}

static void check_close(struct ht_embedded_table *table)
{
    if (table->is_closing && table->chunks_running == 0 && !table->flush.is_running) {
        ht_timer_start(ht_loop_timers(table->store->options.loop), &table->close_timer, 0);
    }
}

static void on_close_turn(struct ht_timer *timer)
{
    struct ht_embedded_table *table = HT_CONTAINER_OF(timer, struct ht_embedded_table, close_timer);
    ht_health_set(&table->table.health, HT_HEALTH_STOPPED, "%s", "");
    table->on_closed(table->on_closed_user);
}

static void destroy(struct ht_table *port)
{
    if (port == NULL) {
        return;
    }
    struct ht_embedded_table *table = table_from(port);
    HT_ASSERT(table->chunks_running == 0 && !table->flush.is_running);
    ht_timer_stop(ht_loop_timers(table->store->options.loop), &table->close_timer);
    ht_embedded_flush_clear(&table->flush);
    ht_buffer_finish(&table->sweep);
    table->magic = 0;
    free(table);
}

static void free_chunk(struct ht_embedded_chunk *chunk)
{
    free(chunk->items);
    free(chunk->checkpoints);
    free(chunk->parts);
    ht_buffer_finish(&chunk->text);
    chunk->items = NULL;
    chunk->checkpoints = NULL;
    chunk->parts = NULL;
}
