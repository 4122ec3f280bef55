// SPDX-License-Identifier: MIT

/*
 * Loading; a failure anywhere waits and tries that step again, so no item comes twice:
 *
 *   DescribeTable: is it there, is its key ours -> leases: checkpoints (where this process counts)
 *     -> Scan, segments side by side, page by page: items, then their marks -> windows' log -> done
 */

#include "dynamodb_table_internal.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/backoff.h"

#include <stdio.h>

enum {
    PAGE_ITEMS = 1000, /* one turn takes in one page */
    CHUNK_ITEMS = 128,
    KEY_MAX_BYTES = 64 * 1024, /* twice the longest key, each byte escaped */
};

static const struct ht_backoff backoff = {.base_ms = 500, .max_ms = 15000};

static void on_timer(struct ht_timer *timer);
static void on_described(struct ht_dynamodb_describe_table *op);
static void on_checkpoint(struct ht_dynamodb_leases_load *load,
                          const struct ht_checkpoint *checkpoint);
static void on_leases_loaded(struct ht_dynamodb_leases_load *load);
static void load_leases(struct ht_dynamodb_table *table);
static void start_scan(struct ht_dynamodb_table *table);
static void on_segment_due(struct ht_timer *timer);
static void on_page(struct ht_dynamodb_scan *op);
static void take_items(struct ht_dynamodb_table *table, struct ht_dynamodb_scan *op);
static void take_marks(struct ht_dynamodb_table *table, struct ht_dynamodb_scan *op);
static void load_windows(struct ht_dynamodb_table *table);
static void on_windows_loaded(struct ht_table_load *windows);
static void end_load(struct ht_dynamodb_table *table, int status, const struct ht_error *error);

void ht_dynamodb_load_start(struct ht_table *port, struct ht_table_load *load)
{
    struct ht_dynamodb_table *table = ht_dynamodb_table_from(port);
    struct ht_dynamodb_loading *loading = &table->loading;
    HT_ASSERT(loading->phase == HT_DYNAMODB_LOAD_NONE || loading->phase == HT_DYNAMODB_LOAD_END);
    HT_ASSERT(loading->request == NULL && table->flush.request == NULL);
    if (loading->phase == HT_DYNAMODB_LOAD_NONE) {
        ht_timer_init(&loading->timer, on_timer);
    }
    for (uint32_t i = 0; i < HT_DYNAMODB_SEGMENTS; i++) {
        struct ht_dynamodb_segment *segment = &loading->segments[i];
        if (loading->phase == HT_DYNAMODB_LOAD_NONE) {
            segment->table = table;
            ht_buffer_init(&segment->key, KEY_MAX_BYTES);
            ht_timer_init(&segment->timer, on_segment_due);
        }
        ht_buffer_clear(&segment->key);
        segment->is_done = false;
        segment->failures = 0;
    }
    ht_dynamodb_flush_clear(&table->flush);
    loading->request = load;
    loading->phase = HT_DYNAMODB_LOAD_DESCRIBE;
    loading->failures = 0;
    loading->has_window_parts = false;
    table->counters.live_marks = 0;
    ht_timer_start(table->options.timers, &loading->timer, 0);
}

/* The turn after an answer: describes, or goes on to the windows. */
static void on_timer(struct ht_timer *timer)
{
    struct ht_dynamodb_table *table =
        HT_CONTAINER_OF(timer, struct ht_dynamodb_table, loading.timer);
    struct ht_dynamodb_loading *loading = &table->loading;
    if (loading->phase == HT_DYNAMODB_LOAD_WINDOWS) {
        load_windows(table);
        return;
    }
    if (loading->phase != HT_DYNAMODB_LOAD_DESCRIBE) {
        return;
    }
    loading->describe = (struct ht_dynamodb_describe_table){.table_name = table->options.name,
                                                            .resource = table->resource,
                                                            .done = on_described,
                                                            .user = table};
    loading->is_describing = true;
    ht_dynamodb_describe_table_start(table->options.aws, &loading->describe);
}

/* What is wrong with the table, in `error`; 0: nothing. */
static int judge(const struct ht_dynamodb_table *table,
                 const struct ht_dynamodb_table_description *found, struct ht_error *error)
{
    bool is_usable = strcmp(found->status, "ACTIVE") == 0 || strcmp(found->status, "UPDATING") == 0;
    if (strcmp(found->key_name, "hashtag") != 0 || strcmp(found->key_type, "S") != 0 ||
        found->has_sort_key) {
        return ht_error_set(error, HT_EINVAL,
                            "Table %s has another key ('%s' of type %s%s) than 'hashtag' of type S "
                            "without a sort key: name another table (table.name), or remove this "
                            "one and run 'hashtagd setup'.",
                            table->options.name, found->key_name, found->key_type,
                            found->has_sort_key ? ", with a sort key" : "");
    }
    return is_usable ? 0
                     : ht_error_set(error, HT_EBUSY, "Table %s is %s: waiting until it is ACTIVE.",
                                    table->options.name, found->status);
}

static void on_described(struct ht_dynamodb_describe_table *op)
{
    struct ht_dynamodb_table *table = op->user;
    struct ht_dynamodb_loading *loading = &table->loading;
    struct ht_error error;
    int status = op->status;
    loading->is_describing = false;
    if (loading->phase != HT_DYNAMODB_LOAD_DESCRIBE) {
        ht_dynamodb_table_look_at_close(table);
        return;
    }
    if (status != 0) {
        ht_dynamodb_table_explain(table, &op->call, status, &error);
    } else {
        status = judge(table, &op->table, &error);
    }
    if (status != 0) {
        ht_dynamodb_table_fail(table, status, &error);
        ht_timer_start(table->options.timers, &loading->timer,
                       ht_backoff_ms(&backoff, ++loading->failures, table->options.random));
        return;
    }
    if (op->table.item_count > 0 && loading->request->on_expected != NULL) {
        loading->request->on_expected(loading->request, op->table.item_count);
    }
    ht_health_set(&table->table.health, HT_HEALTH_STARTING, "%s", "");
    if (table->options.counts_nothing) {
        start_scan(table);
    } else {
        load_leases(table);
    }
}

static void load_leases(struct ht_dynamodb_table *table)
{
    struct ht_dynamodb_loading *loading = &table->loading;
    loading->phase = HT_DYNAMODB_LOAD_LEASES;
    loading->leases_running = true;
    loading->leases = (struct ht_dynamodb_leases_load){
        .on_checkpoint = on_checkpoint, .done = on_leases_loaded, .user = table};
    ht_dynamodb_leases_load(table->leases, &loading->leases);
}

static void on_checkpoint(struct ht_dynamodb_leases_load *load,
                          const struct ht_checkpoint *checkpoint)
{
    struct ht_dynamodb_table *table = load->user;
    struct ht_table_load *request = table->loading.request;
    if (checkpoint->position.kind == HT_POSITION_END) {
        ht_dynamodb_table_note_ended(table, checkpoint->shard_id);
    } else {
        table->counters.live_marks++;
    }
    request->on_checkpoint(request, checkpoint);
}

static void on_leases_loaded(struct ht_dynamodb_leases_load *load)
{
    struct ht_dynamodb_table *table = load->user;
    struct ht_dynamodb_loading *loading = &table->loading;
    loading->leases_running = false;
    if (loading->phase != HT_DYNAMODB_LOAD_LEASES || load->status != 0) {
        ht_dynamodb_table_look_at_close(table);
        return;
    }
    start_scan(table);
}

static void start_scan(struct ht_dynamodb_table *table)
{
    struct ht_dynamodb_loading *loading = &table->loading;
    loading->phase = HT_DYNAMODB_LOAD_SCAN;
    for (size_t i = 0; i < HT_DYNAMODB_SEGMENTS; i++) {
        ht_timer_start(table->options.timers, &loading->segments[i].timer, 0);
    }
}

static void on_segment_due(struct ht_timer *timer)
{
    struct ht_dynamodb_segment *segment = HT_CONTAINER_OF(timer, struct ht_dynamodb_segment, timer);
    struct ht_dynamodb_table *table = segment->table;
    struct ht_dynamodb_scan *scan = &segment->scan;
    if (table->loading.phase != HT_DYNAMODB_LOAD_SCAN) {
        return;
    }
    segment->is_running = true;
    scan->table_name = table->options.name;
    scan->resource = table->resource;
    scan->segment = (uint32_t)(segment - table->loading.segments);
    scan->segment_count = HT_DYNAMODB_SEGMENTS;
    scan->limit = PAGE_ITEMS;
    scan->start_key = ht_buffer_slice(&segment->key);
    scan->done = on_page;
    scan->user = segment;
    table->counters.requests++;
    ht_dynamodb_scan_start(table->options.aws, scan);
}

static bool all_done(const struct ht_dynamodb_loading *loading)
{
    for (size_t i = 0; i < HT_DYNAMODB_SEGMENTS; i++) {
        if (!loading->segments[i].is_done) {
            return false;
        }
    }
    return true;
}

static void on_page_failed(struct ht_dynamodb_segment *segment, const struct ht_aws_call *call,
                           int status)
{
    struct ht_dynamodb_table *table = segment->table;
    struct ht_error error;
    ht_dynamodb_table_explain(table, call, status, &error);
    ht_dynamodb_table_fail(table, status, &error);
    ht_timer_start(table->options.timers, &segment->timer,
                   ht_backoff_ms(&backoff, ++segment->failures, table->options.random));
}

static void on_page(struct ht_dynamodb_scan *op)
{
    struct ht_dynamodb_segment *segment = op->user;
    struct ht_dynamodb_table *table = segment->table;
    struct ht_dynamodb_loading *loading = &table->loading;
    int status = op->status;
    segment->is_running = false;
    if (loading->phase != HT_DYNAMODB_LOAD_SCAN) {
        ht_dynamodb_table_look_at_close(table);
        return;
    }
    if (status == 0) { /* first of all: then the page cannot come twice */
        status = ht_buffer_reserve(&segment->key, op->last_key.length);
    }
    if (status != 0) {
        on_page_failed(segment, &op->call, status);
        return;
    }
    segment->failures = 0;
    ht_buffer_clear(&segment->key);
    (void)ht_buffer_append_slice(&segment->key, op->last_key);
    ht_health_set(&table->table.health, HT_HEALTH_STARTING, "%s", "");
    take_items(table, op);
    take_marks(table, op);
    segment->is_done = op->last_key.length == 0;
    if (!segment->is_done) {
        ht_timer_start(table->options.timers, &segment->timer, 0);
    } else if (all_done(loading)) {
        loading->phase = HT_DYNAMODB_LOAD_WINDOWS;
        ht_timer_start(table->options.timers, &loading->timer, 0);
    }
}

static void take_items(struct ht_dynamodb_table *table, struct ht_dynamodb_scan *op)
{
    struct ht_table_load *request = table->loading.request;
    struct ht_item items[CHUNK_ITEMS];
    size_t count = 0;
    struct ht_json_walk walk = ht_json_walk(&op->reader, op->items);
    while (ht_json_walk_next(&walk)) {
        if (ht_dynamodb_item_read(&op->reader, walk.value, &op->texts, &items[count]) != 0) {
            table->counters.items_skipped++;
        } else if (++count == CHUNK_ITEMS) {
            request->on_items(request, items, count);
            count = 0;
        }
    }
    if (count > 0) {
        request->on_items(request, items, count);
    }
}

/* Whether a mark is ahead of its shard's checkpoint. */
static bool is_ahead(const struct ht_dynamodb_table *table, const struct ht_mark *mark)
{
    struct ht_position position;
    if (!ht_dynamodb_leases_find(table->leases, mark->shard_id, &position)) {
        return true;
    }
    if (position.kind == HT_POSITION_AFTER || position.kind == HT_POSITION_BEFORE) {
        return ht_sequence_compare_sub(mark->sequence_number, mark->sub_sequence,
                                       ht_slice_text(position.sequence_number),
                                       position.sub_sequence) > 0;
    }
    return position.kind != HT_POSITION_END;
}

static void take_mark(struct ht_dynamodb_table *table, const struct ht_dynamodb_scan *op,
                      const struct ht_json_walk *member, struct ht_slice hashtag)
{
    struct ht_table_load *request = table->loading.request;
    char shard_id[HT_SHARD_ID_BYTES];
    struct ht_json_value inner;
    struct ht_slice key = ht_json_reader_raw(&op->reader, member->key);
    if (!ht_mark_shard(ht_slice_make(key.data + 1, key.length - 2), shard_id) ||
        ht_attribute_get(&op->reader, member->value, &inner) != HT_ATTRIBUTE_S) {
        return;
    }
    struct ht_slice raw = ht_json_reader_raw(&op->reader, inner);
    struct ht_mark mark = {.hashtag = hashtag, .shard_id = shard_id};
    if (ht_mark_read(ht_slice_make(raw.data + 1, raw.length - 2), &mark.sequence_number,
                     &mark.sub_sequence) &&
        is_ahead(table, &mark)) {
        request->on_mark(request, &mark);
    }
}

static void take_marks(struct ht_dynamodb_table *table, struct ht_dynamodb_scan *op)
{
    if (table->loading.request->on_mark == NULL || table->options.counts_nothing) {
        return;
    }
    struct ht_json_walk walk = ht_json_walk(&op->reader, op->items);
    ht_buffer_clear(&op->texts); /* has room for all texts again */
    while (ht_json_walk_next(&walk)) {
        struct ht_item item;
        if (ht_dynamodb_item_read(&op->reader, walk.value, &op->texts, &item) != 0) {
            continue;
        }
        struct ht_json_walk member = ht_json_walk(&op->reader, walk.value);
        while (ht_json_walk_next(&member)) {
            take_mark(table, op, &member, item.hashtag);
        }
    }
}

static void skip_items(struct ht_table_load *load, const struct ht_item *items, size_t count)
{
    (void)load;
    (void)items;
    (void)count;
}

static void skip_checkpoint(struct ht_table_load *load, const struct ht_checkpoint *checkpoint)
{
    (void)load;
    (void)checkpoint;
}

static void on_window_part(struct ht_table_load *windows, const struct ht_window_part *part)
{
    struct ht_dynamodb_table *table = windows->user;
    struct ht_table_load *request = table->loading.request;
    if (request != NULL) {
        table->loading.has_window_parts = true;
        request->on_window_part(request, part);
    }
}

static void load_windows(struct ht_dynamodb_table *table)
{
    struct ht_dynamodb_loading *loading = &table->loading;
    struct ht_table *windows = table->options.windows;
    if (table->counters.items_skipped > 0) {
        ht_log_warning(table->options.log, "table", "items without a valid htCount left alone",
                       HT_TEXT("table", table->options.name),
                       HT_NUMBER("items", table->counters.items_skipped));
    }
    if (windows == NULL) {
        end_load(table, 0, NULL);
        return;
    }
    loading->windows = (struct ht_table_load){.oldest_minute = loading->request->oldest_minute,
                                              .on_items = skip_items,
                                              .on_checkpoint = skip_checkpoint,
                                              .on_window_part = on_window_part,
                                              .done = on_windows_loaded,
                                              .user = table};
    loading->windows_running = true;
    windows->ops->load(windows, &loading->windows);
}

static void on_windows_loaded(struct ht_table_load *windows)
{
    struct ht_dynamodb_table *table = windows->user;
    struct ht_dynamodb_loading *loading = &table->loading;
    bool is_passing = windows->status == HT_EBUSY || windows->status == HT_ENOSPC ||
                      windows->status == HT_EPERMISSION;
    loading->windows_running = false;
    if (loading->request != NULL && is_passing && !loading->has_window_parts) {
        /* parts that came must not come again, and items neither: only this step is tried again */
        ht_dynamodb_table_fail(table, windows->status, &windows->error);
        ht_timer_start(table->options.timers, &loading->timer,
                       ht_backoff_ms(&backoff, ++loading->failures, table->options.random));
    } else if (loading->request != NULL) {
        end_load(table, windows->status == 0 || !is_passing ? windows->status : HT_EIO,
                 &windows->error);
    }
    ht_dynamodb_table_look_at_close(table);
}

static void end_load(struct ht_dynamodb_table *table, int status, const struct ht_error *error)
{
    struct ht_dynamodb_loading *loading = &table->loading;
    struct ht_table_load *request = loading->request;
    loading->phase = HT_DYNAMODB_LOAD_END;
    loading->request = NULL;
    request->status = status;
    if (status == 0) {
        ht_error_clear(&request->error);
        ht_dynamodb_table_succeed(table);
    } else {
        request->error = *error;
    }
    request->done(request);
}

void ht_dynamodb_load_stop(struct ht_dynamodb_table *table)
{
    struct ht_dynamodb_loading *loading = &table->loading;
    if (loading->request == NULL) {
        return;
    }
    ht_timer_stop(table->options.timers, &loading->timer);
    if (loading->is_describing) {
        ht_dynamodb_describe_table_cancel(&loading->describe);
    }
    for (size_t i = 0; i < HT_DYNAMODB_SEGMENTS; i++) {
        ht_timer_stop(table->options.timers, &loading->segments[i].timer);
        if (loading->segments[i].is_running) {
            ht_dynamodb_scan_cancel(&loading->segments[i].scan);
        }
    }
    struct ht_error error;
    int status = ht_error_set(&error, HT_ECANCELED, "The table is closed.");
    end_load(table, status, &error);
}

bool ht_dynamodb_load_is_busy(const struct ht_dynamodb_table *table)
{
    const struct ht_dynamodb_loading *loading = &table->loading;
    bool is_busy = loading->is_describing || loading->windows_running;
    for (size_t i = 0; i < HT_DYNAMODB_SEGMENTS; i++) {
        is_busy = is_busy || loading->segments[i].is_running;
    }
    return is_busy;
}

void ht_dynamodb_load_finish(struct ht_dynamodb_table *table)
{
    struct ht_dynamodb_loading *loading = &table->loading;
    ht_timer_stop(table->options.timers, &loading->timer);
    for (size_t i = 0; i < HT_DYNAMODB_SEGMENTS; i++) {
        ht_timer_stop(table->options.timers, &loading->segments[i].timer);
        ht_buffer_finish(&loading->segments[i].key);
        ht_dynamodb_scan_finish(&loading->segments[i].scan);
    }
}
