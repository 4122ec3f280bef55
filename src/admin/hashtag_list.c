// SPDX-License-Identifier: MIT
#include "hashtag_list.h"

#include "exchange.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/json/base64.h"
#include "hashtagd/json/writer.h"

#include <stdio.h>
#include <stdlib.h>

const char *const ht_window_names[HT_TALLY_WINDOW_COUNT + 1] = {
    [HT_TALLY_ALL] = "all",
    [HT_TALLY_5M] = "5m",
    [HT_TALLY_1H] = "1h",
    [HT_TALLY_24H] = "24h",
};

/* Cursors: "count:hashtag" in base64url (RFC 4648 section 5) without padding. */

enum { COUNT_DIGITS = 20 };

static int decode_cursor(struct ht_slice text, char plain[HT_CURSOR_BYTES + 4], size_t *length);

void ht_cursor_format(uint64_t count, struct ht_slice tag, char text[HT_CURSOR_BYTES])
{
    char plain[COUNT_DIGITS + 2 + HT_TALLY_TAG_MAX_BYTES];
    int digits = snprintf(plain, sizeof(plain), "%llu:", (unsigned long long)count);
    memcpy(plain + digits, tag.data, tag.length);
    size_t length = ht_base64_encode(ht_slice_make(plain, (size_t)digits + tag.length), text);
    while (length > 0 && text[length - 1] == '=') {
        length--;
    }
    text[length] = '\0';
    for (char *at = text; *at != '\0'; at++) {
        *at = *at == '+' ? '-' : *at == '/' ? '_' : *at;
    }
}

int ht_cursor_parse(struct ht_slice text, uint64_t *count, char *tag, size_t *length)
{
    char plain[HT_CURSOR_BYTES + 4];
    size_t plain_length;
    if (decode_cursor(text, plain, &plain_length) != 0) {
        return HT_EPARSE;
    }
    const char *colon = memchr(plain, ':', plain_length);
    size_t digits = colon == NULL ? 0 : (size_t)(colon - plain);
    size_t rest = colon == NULL ? 0 : plain_length - digits - 1;
    if (ht_slice_to_u64(ht_slice_make(plain, digits), UINT64_MAX, count) != 0 || rest == 0 ||
        rest > HT_TALLY_TAG_MAX_BYTES) {
        return HT_EPARSE;
    }
    memcpy(tag, colon + 1, rest);
    *length = rest;
    return 0;
}

/* Into the usual alphabet, padded, and from there to bytes. */
static int decode_cursor(struct ht_slice text, char plain[HT_CURSOR_BYTES + 4], size_t *length)
{
    char padded[HT_CURSOR_BYTES + 4];
    if (text.length == 0 || text.length >= HT_CURSOR_BYTES) {
        return HT_EPARSE;
    }
    size_t used = 0;
    for (; used < text.length; used++) {
        char letter = text.data[used];
        if (letter == '+' || letter == '/' || letter == '=') { /* not of this alphabet */
            return HT_EPARSE;
        }
        padded[used] = letter == '-' ? '+' : letter == '_' ? '/' : letter;
    }
    while (used % 4 != 0) {
        padded[used++] = '=';
    }
    return ht_base64_decode(ht_slice_make(padded, used), plain, length);
}

/* Lists */

static void format_series(struct ht_tally *tally, struct ht_slice tag,
                          struct ht_json_writer *writer)
{
    uint64_t series[HT_TALLY_SERIES_COUNT] = {0};
    (void)ht_tally_get_series(tally, tag, series);
    ht_json_write_key(writer, "series");
    ht_json_write_array_begin(writer);
    for (size_t i = 0; i < HT_TALLY_SERIES_COUNT; i++) {
        ht_json_write_u64(writer, series[i]);
    }
    ht_json_write_array_end(writer);
}

static void format_row(struct ht_tally *tally, const struct ht_tally_row *row, bool has_series,
                       struct ht_json_writer *writer)
{
    ht_json_write_object_begin(writer);
    ht_json_write_key(writer, "rank");
    ht_json_write_u64(writer, row->rank);
    ht_json_write_key(writer, "hashtag");
    ht_json_write_slice(writer, row->tag);
    ht_json_write_key(writer, "count");
    ht_json_write_u64(writer, row->count);
    ht_json_write_key(writer, "first_seen");
    ht_json_write_i64(writer, row->first_seen_s);
    ht_json_write_key(writer, "last_seen");
    ht_json_write_i64(writer, row->last_seen_s);
    if (has_series) {
        format_series(tally, row->tag, writer);
    }
    ht_json_write_object_end(writer);
}

static void format_next(const struct ht_tally_row *last, bool more, struct ht_json_writer *writer)
{
    ht_json_write_key(writer, "next");
    if (!more || last == NULL) {
        ht_json_write_null(writer);
        return;
    }
    char cursor[HT_CURSOR_BYTES];
    ht_cursor_format(last->count, last->tag, cursor);
    ht_json_write_text(writer, cursor);
}

int ht_list_format(struct ht_tally *tally, const struct ht_list_query *query, struct ht_buffer *out)
{
    struct ht_tally_query asked = {.window = query->window,
                                   .limit = query->limit,
                                   .prefix = query->prefix,
                                   .has_after = query->has_after,
                                   .after_count = query->after_count,
                                   .after_tag = query->after_tag};
    struct ht_tally_row *rows = malloc(query->limit * sizeof(*rows));
    if (rows == NULL) {
        return HT_ENOMEM;
    }
    bool more = false;
    size_t count = ht_tally_top(tally, &asked, rows, &more);
    struct ht_json_writer writer;
    ht_json_writer_init(&writer, out);
    ht_json_write_object_begin(&writer);
    ht_json_write_key(&writer, "window");
    ht_json_write_text(&writer, ht_window_names[query->window]);
    ht_json_write_key(&writer, "total");
    ht_json_write_u64(&writer, ht_tally_total(tally, query->window));
    ht_json_write_key(&writer, "distinct");
    ht_json_write_u64(&writer, ht_tally_distinct(tally, query->window));
    ht_json_write_key(&writer, "hashtags");
    ht_json_write_array_begin(&writer);
    for (size_t i = 0; i < count; i++) {
        format_row(tally, &rows[i], query->has_series, &writer);
    }
    ht_json_write_array_end(&writer);
    format_next(count == 0 ? NULL : &rows[count - 1], more, &writer);
    ht_json_write_object_end(&writer);
    free(rows);
    return ht_json_writer_status(&writer);
}

/* The cache */

void ht_list_cache_init(struct ht_list_cache *cache)
{
    *cache = (struct ht_list_cache){0};
}

void ht_list_cache_finish(struct ht_list_cache *cache)
{
    for (size_t i = 0; i < HT_LIST_CACHE_ENTRIES; i++) {
        ht_http_body_release(cache->entries[i].body);
    }
    ht_list_cache_init(cache);
}

static bool is_fresh(const struct ht_list_entry *entry, const struct ht_list_now *now)
{
    if (entry->durable_version != now->durable_version) {
        return false;
    }
    return entry->version == ht_tally_version(now->tally) ||
           now->now_ms - entry->built_ms < HT_LIST_MAX_AGE_MS;
}

/* The entry of that list, else the one that was not used for longest. */
static struct ht_list_entry *find_entry(struct ht_list_cache *cache, enum ht_tally_window window,
                                        uint32_t limit)
{
    struct ht_list_entry *oldest = &cache->entries[0];
    for (size_t i = 0; i < HT_LIST_CACHE_ENTRIES; i++) {
        struct ht_list_entry *entry = &cache->entries[i];
        if (entry->body != NULL && entry->window == window && entry->limit == limit) {
            return entry;
        }
        if (entry->body == NULL || entry->used_ms < oldest->used_ms) {
            oldest = entry;
        }
    }
    ht_http_body_release(oldest->body);
    *oldest = (struct ht_list_entry){.window = window, .limit = limit};
    return oldest;
}

struct ht_http_body *ht_list_cache_get(struct ht_list_cache *cache, const struct ht_list_now *now,
                                       enum ht_tally_window window, uint32_t limit)
{
    struct ht_list_entry *entry = find_entry(cache, window, limit);
    entry->used_ms = now->now_ms;
    if (entry->body != NULL && is_fresh(entry, now)) {
        cache->hits++;
        return entry->body;
    }
    cache->misses++;
    ht_http_body_release(entry->body);
    entry->body = NULL;
    struct ht_buffer json;
    ht_buffer_init(&json, HT_ADMIN_MAX_ANSWER_BYTES);
    struct ht_list_query query = {.window = window, .limit = limit};
    if (ht_list_format(now->tally, &query, &json) == 0) {
        entry->body = ht_http_body_take(&json);
    }
    ht_buffer_finish(&json);
    entry->version = ht_tally_version(now->tally);
    entry->durable_version = now->durable_version;
    entry->built_ms = now->now_ms;
    return entry->body;
}
