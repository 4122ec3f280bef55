// SPDX-License-Identifier: MIT
#pragma once

/**
 * What the tests of the source `mastodon` share: statuses, events and pages, and a world in which it
 * streams. Include it first.
 */

#include "live_world.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/sources/mastodon_source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define TOKEN         "secret-token-5x"
#define TOKEN_LINE    "Authorization: Bearer " TOKEN
#define INSTANCE      "GET /api/v2/instance "
#define STREAM        "GET /api/v1/streaming/public "
#define NEWEST        "GET /api/v1/timelines/public?limit=1 "
#define PAGE          "GET /api/v1/timelines/public?limit=40&min_id="
#define FIRST_PAGE_MS 500

/* Ids as a server's of August 2026, a second apart. */
#define ID(n) ((1785648137LL + (n)) * 1000 * 65536)

/* A status with one hashtag, in static memory of a ring. */
static inline const char *status(long long id, const char *tag, const char *edited)
{
    static char ring[64][256];
    static unsigned next;
    char *text = ring[next++ % 64];
    snprintf(text, sizeof(ring[0]),
             "{\"id\":\"%lld\",\"created_at\":\"2026-08-02T05:22:17.399Z\",\"edited_at\":%s%s%s,"
             "\"uri\":\"https://a.example/%lld\",\"tags\":[{\"name\":\"%s\"}]}",
             id, edited == NULL ? "" : "\"", edited == NULL ? "null" : edited,
             edited == NULL ? "" : "\"", id, tag);
    return text;
}

/* An event with it. */
static inline struct ht_slice event(const char *name, const char *data)
{
    static char ring[64][320];
    static unsigned next;
    char *text = ring[next++ % 64];
    snprintf(text, sizeof(ring[0]), "event: %s\ndata: %s\n\n", name, data);
    return ht_slice_text(text);
}

/* A page of statuses "#t<n>" with the ids n = newest, newest - 1, ... oldest. */
static inline struct ht_slice page(struct ht_buffer *out, int newest, int oldest)
{
    ht_buffer_clear(out);
    ht_buffer_append_byte(out, '[');
    for (int n = newest; n >= oldest; n--) {
        char tag[16];
        snprintf(tag, sizeof(tag), "t%d", n);
        ht_buffer_append_text(out, n == newest ? "" : ",");
        ht_buffer_append_text(out, status(ID(n), tag, NULL));
    }
    ht_buffer_append_byte(out, ']');
    return ht_buffer_slice(out);
}

static inline struct ht_source *make_of(struct live_world *world,
                                        enum ht_mastodon_timeline timeline)
{
    const struct ht_mastodon_source_options options = {.clock = world->clock,
                                                       .timers = world->timers,
                                                       .random = &world->random,
                                                       .client = world->http,
                                                       .url = world->url,
                                                       .access_token = TOKEN,
                                                       .timeline = timeline};
    struct ht_source *source = ht_mastodon_source_create(&options);
    assert_non_null(source);
    return source;
}

static inline struct ht_source *make(struct live_world *world)
{
    return make_of(world, HT_MASTODON_PUBLIC);
}

static inline void expect(struct live_world *world, const char *request, const char *body)
{
    live_world_expect(world, &(struct live_world_exchange){.head_parts = {request, TOKEN_LINE},
                                                           .body = ht_slice_text(body)});
}

static inline void expect_stream(struct live_world *world, struct ht_slice body)
{
    live_world_expect(world, &(struct live_world_exchange){
                                 .head_parts = {STREAM, TOKEN_LINE, "Accept: text/event-stream"},
                                 .body = body,
                                 .ending = LIVE_WORLD_STAYS});
}

static inline bool is_streaming(struct live_world *world)
{
    return world->source->connection.link == HT_SOURCE_LINK_CONNECTED &&
           world->source->connection.received_bytes > 0;
}

static inline void await_streaming(struct live_world *world)
{
    live_world_await(world, is_streaming);
}

static inline bool has_answers(struct live_world *world)
{
    return live_world_expected_count(world) == 0;
}

/* Connects for the first time: where to stream, the stream, the newest status of the timeline. */
static inline void begin(struct live_world *world, const char *newest)
{
    live_world_start(world);
    expect(world, INSTANCE, "{}");
    expect_stream(world, HT_SLICE(":)\n"));
    expect(world, NEWEST, newest);
    live_world_run_source(world, make(world), HT_SLICE(""));
    await_streaming(world);
    live_world_skip(world, FIRST_PAGE_MS);
    live_world_await(world, has_answers);
}

/* Sends one status and waits for it: whatever came before was taken in by then. */
static inline void send_and_await(struct live_world *world, int n, size_t messages)
{
    char tag[16];
    snprintf(tag, sizeof(tag), "t%d", n);
    live_world_send(world, event("update", status(ID(n), tag, NULL)));
    live_world_await_messages(world, messages);
}

static inline void assert_message(const struct live_world *world, size_t number, const char *part)
{
    const char *line = world->sink.bytes.data;
    for (size_t i = 0; i < number; i++) {
        line = strchr(line, '\n') + 1;
    }
    const char *end = strchr(line, '\n');
    char text[512];
    snprintf(text, sizeof(text), "%.*s", (int)(end - line), line);
    if (strstr(text, part) == NULL) {
        fail_msg("message %zu is %s, not %s", number, text, part);
    }
}

static inline void assert_cursor_has(const struct live_world *world, long long id)
{
    char text[HT_SOURCE_CURSOR_BYTES + 1], part[64];
    struct ht_slice cursor = fake_sink_cursor(&world->sink);
    snprintf(text, sizeof(text), "%.*s", (int)cursor.length, cursor.data);
    snprintf(part, sizeof(part), ":%lld:", id);
    if (strstr(text, part) == NULL) {
        fail_msg("cursor %s has no %s", text, part);
    }
}
