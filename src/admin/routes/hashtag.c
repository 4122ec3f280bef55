// SPDX-License-Identifier: MIT
#include "../admin_internal.h"
#include "../routes.h"

/* In the order of docs/http.md. */
static const enum ht_tally_window windows[] = {HT_TALLY_ALL, HT_TALLY_24H, HT_TALLY_1H,
                                               HT_TALLY_5M};

static void write_windows(const struct ht_tally_item *item, struct ht_json_writer *writer)
{
    ht_json_write_key(writer, "windows");
    ht_json_write_object_begin(writer);
    for (size_t i = 0; i < HT_TALLY_WINDOW_COUNT; i++) {
        ht_json_write_key(writer, ht_window_names[windows[i]]);
        ht_json_write_u64(writer, item->counts[windows[i]]);
    }
    ht_json_write_object_end(writer);
    ht_json_write_key(writer, "ranks");
    ht_json_write_object_begin(writer);
    for (size_t i = 0; i < HT_TALLY_WINDOW_COUNT; i++) {
        ht_json_write_key(writer, ht_window_names[windows[i]]);
        if (item->ranks[windows[i]] == 0) {
            ht_json_write_null(writer);
        } else {
            ht_json_write_u64(writer, item->ranks[windows[i]]);
        }
    }
    ht_json_write_object_end(writer);
}

/* Counts of equal steps, oldest first. */
struct series {
    const char *name;
    const uint64_t *counts;
    size_t count;
    int64_t step_s;
    int64_t until_s; /* the end of the last step */
};

/* The running minute is the last step: it ends when the minute is over. */
static void write_series(const struct series *series, struct ht_json_writer *writer)
{
    ht_json_write_key(writer, series->name);
    ht_json_write_object_begin(writer);
    ht_json_write_key(writer, "step");
    ht_json_write_i64(writer, series->step_s);
    ht_json_write_key(writer, "until");
    ht_json_write_i64(writer, series->until_s);
    ht_json_write_key(writer, "counts");
    ht_json_write_array_begin(writer);
    for (size_t i = 0; i < series->count; i++) {
        ht_json_write_u64(writer, series->counts[i]);
    }
    ht_json_write_array_end(writer);
    ht_json_write_object_end(writer);
}

static void write_item(const struct ht_admin_context *context, const struct ht_tally_item *item,
                       struct ht_json_writer *writer)
{
    ht_json_write_object_begin(writer);
    ht_json_write_key(writer, "hashtag");
    ht_json_write_slice(writer, item->tag);
    ht_json_write_key(writer, "count");
    ht_json_write_u64(writer, item->counts[HT_TALLY_ALL]);
    ht_json_write_key(writer, "first_seen");
    ht_json_write_i64(writer, item->first_seen_s);
    ht_json_write_key(writer, "last_seen");
    ht_json_write_i64(writer, item->last_seen_s);
    ht_json_write_key(writer, "expires_at");
    if (context->ttl_s == 0) {
        ht_json_write_null(writer);
    } else {
        ht_json_write_i64(writer, item->last_seen_s + (int64_t)context->ttl_s);
    }
    write_windows(item, writer);
    int64_t until_s = (ht_tally_minute(context->tally) + 1) * 60;
    struct series minutes = {"series", item->series, HT_TALLY_SERIES_COUNT,
                             HT_TALLY_SERIES_MINUTES * 60, until_s};
    struct series day = {"series_24h", item->series_24h, HT_TALLY_SERIES_24H_COUNT,
                         HT_TALLY_SERIES_24H_MINUTES * 60, until_s};
    write_series(&minutes, writer);
    write_series(&day, writer);
    ht_json_write_object_end(writer);
}

void ht_route_hashtag(struct ht_admin_exchange *exchange)
{
    const struct ht_admin_context *context = &exchange->admin->context;
    char tag[HT_FOLD_BYTES_MAX];
    size_t length;
    if (!ht_exchange_is_loaded(exchange) || !ht_exchange_read_tag(exchange, tag, &length)) {
        return;
    }
    struct ht_tally_item item;
    if (ht_tally_get(context->tally, ht_slice_make(tag, length), &item) != 0) {
        ht_exchange_answer_no_hashtag(exchange, ht_slice_make(tag, length));
        return;
    }
    struct ht_buffer json;
    ht_buffer_init(&json, HT_ADMIN_MAX_ANSWER_BYTES);
    struct ht_json_writer writer;
    ht_json_writer_init(&writer, &json);
    write_item(context, &item, &writer);
    ht_exchange_answer_json(exchange, 200, &json);
}
