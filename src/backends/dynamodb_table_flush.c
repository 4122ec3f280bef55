// SPDX-License-Identifier: MIT

/*
 * A flush; each phase begins when the one before is confirmed:
 *
 *   start -> pump: PREPARING -> WRITING -> CHECKPOINTS -> DELETING -> WINDOWS -> done
 *
 * The pump runs on a timer, a slice a turn. A try that ends with an error leaves all that is known
 * in place: the same flush, started again, goes on where it was.
 */

#include "dynamodb_table_internal.h"

#include "hashtagd/base/assert.h"

#include <stdlib.h>

enum { MARKS_IN_A_KIB = 14 }; /* about: a mark of a Kinesis shard has 62 bytes */

static bool may_write(struct ht_dynamodb_table *table);
static void run_phase(struct ht_dynamodb_table *table);
static void write_checkpoints(struct ht_dynamodb_table *table);
static void on_checkpoint_written(struct ht_dynamodb_lease_write *write);
static void end_checkpoints(struct ht_dynamodb_table *table);
static void write_windows(struct ht_dynamodb_table *table);
static void on_windows_written(struct ht_table_flush *windows);
static void look_at_progress(struct ht_dynamodb_table *table);
static void finish_try(struct ht_dynamodb_table *table);

void ht_dynamodb_flush_init(struct ht_dynamodb_table *table)
{
    ht_timer_init(&table->pump_timer, ht_dynamodb_flush_pump);
    ht_dynamodb_pace_init(&table->pace);
    table->counters.window = ht_dynamodb_pace_window(&table->pace);
}

void ht_dynamodb_flush_start(struct ht_table *port, struct ht_table_flush *request)
{
    struct ht_dynamodb_table *table = ht_dynamodb_table_from(port);
    struct ht_dynamodb_flush *flush = &table->flush;
    HT_ASSERT(flush->request == NULL && !table->is_closing);
    HT_ASSERT(!table->options.counts_nothing ||
              (request->delta_count == 0 && request->checkpoint_count == 0));
    if (!flush->is_kept || flush->id != request->id) {
        ht_dynamodb_flush_clear(flush);
    }
    flush->request = request;
    flush->status = 0;
    flush->progress_ms = ht_dynamodb_now_ms(table);
    ht_error_clear(&flush->error);
    ht_error_clear(&flush->last_error);
    request->removed = NULL;
    request->removed_count = 0;
    request->totals = NULL;
    request->total_count = 0;
    ht_dynamodb_flush_soon(table, 0);
}

void ht_dynamodb_flush_soon(struct ht_dynamodb_table *table, uint64_t delay_ms)
{
    if (delay_ms == 0 || !ht_timer_is_running(&table->pump_timer)) {
        ht_timer_start(table->options.timers, &table->pump_timer, delay_ms);
    }
}

void ht_dynamodb_flush_stop(struct ht_dynamodb_table *table, int status,
                            const struct ht_error *error)
{
    struct ht_dynamodb_flush *flush = &table->flush;
    if (flush->status == 0) {
        flush->status = status;
        flush->error = *error;
        flush->error.code = status;
    }
}

void ht_dynamodb_flush_pump(struct ht_timer *timer)
{
    struct ht_dynamodb_table *table = HT_CONTAINER_OF(timer, struct ht_dynamodb_table, pump_timer);
    struct ht_dynamodb_flush *flush = &table->flush;
    if (flush->request == NULL) {
        return;
    }
    if (flush->status == 0) {
        look_at_progress(table);
    }
    if (flush->status == 0) {
        run_phase(table);
    }
    bool is_busy =
        table->in_flight > 0 || flush->lease_writes_running > 0 || flush->windows_running;
    if (!is_busy && (flush->status != 0 || flush->phase == HT_DYNAMODB_FINISHED)) {
        finish_try(table);
    } else {
        ht_dynamodb_flush_soon(table, 500); /* looks at the progress, whatever else happens */
    }
}

static void begin(struct ht_dynamodb_table *table)
{
    struct ht_dynamodb_flush *flush = &table->flush;
    flush->is_kept = true;
    flush->id = flush->request->id;
    flush->removed_count = flush->request->delete_count;
    if (ht_dynamodb_flush_reserve(table) != 0) {
        struct ht_error error;
        int status = ht_error_set(&error, HT_ENOMEM, "Out of memory for a flush of the table.");
        flush->is_kept = false;
        ht_dynamodb_flush_stop(table, status, &error);
        return;
    }
    ht_dynamodb_work_begin(table);
}

/* Runs works until all are done; true then. */
static bool run_works(struct ht_dynamodb_table *table, struct ht_dynamodb_works *works,
                      uint64_t until_ns)
{
    if (works->done < works->count) {
        ht_dynamodb_work_run(table, works, until_ns);
    }
    return works->done == works->count;
}

/* A process that stood still, or lost its leases, must not write what it counted before: another has
 * perhaps counted it, and deleted the hashtag since. */
static bool may_write(struct ht_dynamodb_table *table)
{
    struct ht_dynamodb_flush *flush = &table->flush;
    struct ht_error error;
    bool writes = flush->phase == HT_DYNAMODB_WRITING || flush->phase == HT_DYNAMODB_DELETING;
    bool is_asked = writes || flush->phase == HT_DYNAMODB_CHECKPOINTS;
    int status = is_asked && !table->options.counts_nothing
                     ? ht_dynamodb_leases_check(table->leases, &error)
                     : 0;
    if (status == HT_ETIMEDOUT && !writes) {
        status = 0; /* a checkpoint has its own condition */
    }
    if (status == HT_ETIMEDOUT) {
        flush->last_error = error; /* the next renewal tells */
        ht_dynamodb_flush_soon(table, 100);
    } else if (status != 0) {
        ht_dynamodb_flush_stop(table, status, &error);
    }
    return status == 0;
}

static void run_phase(struct ht_dynamodb_table *table)
{
    struct ht_dynamodb_flush *flush = &table->flush;
    uint64_t until_ns = ht_clock_monotonic_ns(table->options.clock) + HT_DYNAMODB_SLICE_NS;
    if (flush->phase == HT_DYNAMODB_PREPARING) {
        if (!flush->is_kept) {
            begin(table);
        }
        if (flush->status != 0 || !ht_dynamodb_flush_prepare(table, until_ns)) {
            ht_dynamodb_flush_soon(table, 0);
            return;
        }
        flush->phase = HT_DYNAMODB_WRITING;
    }
    if (!may_write(table)) {
        return;
    }
    if (flush->phase == HT_DYNAMODB_WRITING && run_works(table, &flush->writes, until_ns)) {
        flush->phase = HT_DYNAMODB_CHECKPOINTS;
    }
    if (flush->phase == HT_DYNAMODB_CHECKPOINTS && flush->lease_writes_running == 0) {
        write_checkpoints(table);
    }
    if (flush->phase == HT_DYNAMODB_DELETING && run_works(table, &flush->deletes, until_ns)) {
        flush->phase = HT_DYNAMODB_WINDOWS;
    }
    if (flush->phase == HT_DYNAMODB_WINDOWS && !flush->windows_running) {
        write_windows(table);
    }
}

static void write_checkpoints(struct ht_dynamodb_table *table)
{
    struct ht_dynamodb_flush *flush = &table->flush;
    const struct ht_table_flush *request = flush->request;
    flush->lease_writes_running = request->checkpoint_count;
    for (size_t i = 0; i < request->checkpoint_count; i++) {
        flush->lease_writes[i] =
            (struct ht_dynamodb_lease_write){.shard_id = request->checkpoints[i].shard_id,
                                             .position = &request->checkpoints[i].position,
                                             .done = on_checkpoint_written,
                                             .user = table};
        ht_dynamodb_leases_write(table->leases, &flush->lease_writes[i]);
    }
    if (request->checkpoint_count == 0) {
        end_checkpoints(table);
    }
}

static void on_checkpoint_written(struct ht_dynamodb_lease_write *write)
{
    struct ht_dynamodb_table *table = write->user;
    table->flush.lease_writes_running--;
    if (write->status != 0) {
        ht_dynamodb_flush_stop(table, write->status, &write->error);
    }
    if (table->flush.lease_writes_running == 0) {
        end_checkpoints(table);
    }
    ht_dynamodb_flush_soon(table, 0);
}

static void end_checkpoints(struct ht_dynamodb_table *table)
{
    struct ht_dynamodb_flush *flush = &table->flush;
    const struct ht_table_flush *request = flush->request;
    if (flush->status != 0) {
        return;
    }
    size_t live = 0;
    for (size_t i = 0; i < request->checkpoint_count; i++) {
        if (request->checkpoints[i].position.kind == HT_POSITION_END) {
            ht_dynamodb_table_note_ended(table, request->checkpoints[i].shard_id);
        } else {
            live++;
        }
    }
    table->counters.live_marks = live;
    if (live > MARKS_IN_A_KIB && !table->warned_of_marks) {
        table->warned_of_marks = true;
        ht_log_warning(table->options.log, "table",
                       "items with a mark of every shard are over 1 KiB and cost two write units",
                       HT_NUMBER("shards", live));
    }
    flush->progress_ms = ht_dynamodb_now_ms(table);
    flush->phase = HT_DYNAMODB_DELETING;
    ht_dynamodb_flush_soon(table, 0);
}

static void no_rest(const struct ht_table_flush *flush, size_t delta,
                    struct ht_slice sequence_number, uint64_t sub_sequence,
                    struct ht_delta_rest *rest)
{
    (void)flush;
    (void)delta;
    (void)sequence_number;
    (void)sub_sequence;
    *rest = (struct ht_delta_rest){0};
}

static void write_windows(struct ht_dynamodb_table *table)
{
    struct ht_dynamodb_flush *flush = &table->flush;
    const struct ht_table_flush *request = flush->request;
    struct ht_table *windows = table->options.windows;
    if (windows == NULL || (request->part_count == 0 && request->delete_count == 0)) {
        flush->phase = HT_DYNAMODB_FINISHED;
        return;
    }
    flush->windows = (struct ht_table_flush){.id = request->id,
                                             .count_after = no_rest,
                                             .deletes = request->deletes,
                                             .delete_count = request->delete_count,
                                             .parts = request->parts,
                                             .part_count = request->part_count,
                                             .now_s = request->now_s,
                                             .done = on_windows_written,
                                             .user = table};
    flush->windows_running = true;
    windows->ops->flush(windows, &flush->windows);
}

static void on_windows_written(struct ht_table_flush *windows)
{
    struct ht_dynamodb_table *table = windows->user;
    table->flush.windows_running = false;
    if (windows->status == 0) {
        table->flush.phase = HT_DYNAMODB_FINISHED;
    } else {
        ht_dynamodb_flush_stop(table, windows->status, &windows->error);
    }
    ht_dynamodb_flush_soon(table, 0);
}

/* Without progress for long whoever waits is told why. */
static void look_at_progress(struct ht_dynamodb_table *table)
{
    struct ht_dynamodb_flush *flush = &table->flush;
    bool writes = flush->phase == HT_DYNAMODB_WRITING || flush->phase == HT_DYNAMODB_DELETING;
    uint64_t since_ms = ht_dynamodb_now_ms(table) - flush->progress_ms;
    if (!writes || since_ms < HT_DYNAMODB_NO_PROGRESS_MS) {
        return;
    }
    struct ht_error error = flush->last_error;
    if (error.code == 0) {
        (void)ht_error_set(&error, HT_ETIMEDOUT,
                           "DynamoDB has not answered for table %s for %d s. It is tried again.",
                           table->options.name, HT_DYNAMODB_NO_PROGRESS_MS / 1000);
    }
    ht_dynamodb_flush_stop(table, error.code, &error);
    ht_dynamodb_work_cancel(table);
}

/* Those that found nothing to delete are left out. */
static size_t gather_removed(struct ht_dynamodb_flush *flush)
{
    size_t count = 0;
    for (size_t i = 0; i < flush->removed_count; i++) {
        if (flush->removed[i].item.hashtag.data != NULL) {
            struct ht_removed_item removed = flush->removed[i];
            flush->removed[i] = (struct ht_removed_item){0};
            flush->removed[count++] = removed;
        }
    }
    return count;
}

static void finish_well(struct ht_dynamodb_table *table, struct ht_table_flush *request)
{
    struct ht_dynamodb_flush *flush = &table->flush;
    struct ht_table_counters *counters = &table->table.counters;
    request->removed_count = gather_removed(flush);
    request->removed = flush->removed;
    ht_dynamodb_flush_gather(flush);
    request->totals = flush->totals;
    request->total_count = flush->total_count;
    counters->flushes++;
    counters->items_written += request->delta_count;
    counters->items_deleted += request->removed_count;
    ht_dynamodb_table_succeed(table);
    if (flush->was_hot && table->table.health.state == HT_HEALTH_WORKING) {
        ht_health_set(
            &table->table.health, HT_HEALTH_WORKING,
            "A partition of table %s is hot: DynamoDB throttles at 1000 writes a second a "
            "partition. Counts are late, none is lost; a longer table.flush_interval_s "
            "folds more into one write.",
            table->options.name);
    }
    flush->is_kept = false; /* its totals are read until the next one starts */
}

static void finish_try(struct ht_dynamodb_table *table)
{
    struct ht_dynamodb_flush *flush = &table->flush;
    struct ht_table_flush *request = flush->request;
    ht_timer_stop(table->options.timers, &table->pump_timer);
    flush->request = NULL;
    request->status = flush->status;
    request->error = flush->error;
    if (flush->status == 0) {
        finish_well(table, request);
    } else {
        table->table.counters.flush_errors++;
        ht_dynamodb_table_fail(table, flush->status, &flush->error);
    }
    request->done(request);
    ht_dynamodb_table_look_at_close(table);
}

void ht_dynamodb_flush_finish(struct ht_dynamodb_table *table)
{
    HT_ASSERT(table->in_flight == 0);
    ht_timer_stop(table->options.timers, &table->pump_timer);
    ht_dynamodb_flush_clear(&table->flush);
    for (size_t i = 0; i < HT_PACE_MOST; i++) {
        struct ht_dynamodb_slot *slot = table->slots[i];
        if (slot != NULL) {
            ht_dynamodb_update_item_finish(&slot->update);
            ht_dynamodb_get_item_finish(&slot->get);
            ht_dynamodb_delete_item_finish(&slot->delete);
            free(slot);
        }
    }
}
