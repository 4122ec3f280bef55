// SPDX-License-Identifier: MIT
#include "fake_parts.h"

#include "hashtagd/base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct ht_source_ops source_ops = {.type = "none"};
static const struct ht_stream_ops stream_ops = {.type = "embedded"};
static const struct ht_table_ops table_ops = {.type = "embedded"};
static const struct ht_changes_ops changes_ops = {.type = "embedded"};
static const struct ht_archive_ops archive_ops = {.type = "directory"};
static const struct ht_dead_letters_ops dead_letters_ops = {0};

static void make_ports(struct fake_parts *parts)
{
    struct ht_clock *clock = ht_loop_clock(parts->loop);
    ht_source_init(&parts->source, &source_ops, "fake", clock);
    parts->stream.ops = &stream_ops;
    parts->table.ops = &table_ops;
    parts->changes.ops = &changes_ops;
    parts->archive.ops = &archive_ops;
    parts->dead_letters.ops = &dead_letters_ops;
    ht_health_init(&parts->source.health, clock, HT_HEALTH_OFF);
    ht_health_init(&parts->stream.health, clock, HT_HEALTH_WORKING);
    ht_health_init(&parts->table.health, clock, HT_HEALTH_WORKING);
    ht_health_init(&parts->changes.health, clock, HT_HEALTH_IDLE);
    ht_health_init(&parts->archive.health, clock, HT_HEALTH_IDLE);
    ht_health_init(&parts->dead_letters.health, clock, HT_HEALTH_STARTING);
    ht_budget_init(&parts->budget, 1 << 20);
}

static void make_stages(struct fake_parts *parts)
{
    struct ht_clock *clock = ht_loop_clock(parts->loop);
    struct ht_timer_queue *timers = ht_loop_timers(parts->loop);
    ht_health_init(&parts->count.health, clock, HT_HEALTH_WORKING);
    ht_health_init(&parts->ingest.health, clock, HT_HEALTH_WORKING);
    ht_health_init(&parts->archiver.health, clock, HT_HEALTH_IDLE);
    parts->count.timers = parts->ingest.timers = parts->archiver.timers = timers;
    parts->count.is_loaded = true;
    parts->count.shard_count = 2;
    parts->count.shards[0] =
        (struct ht_count_shard_status){"shard-0", HT_COUNT_SHARD_READING, "42", 5, 1500, 250};
    parts->count.shards[1] =
        (struct ht_count_shard_status){"shard-1", HT_COUNT_SHARD_WAITING, "", 2, 500, 100};
}

void fake_parts_start(struct fake_parts *parts, const struct fake_options *options)
{
    static const struct fake_options usual;
    options = options == NULL ? &usual : options;
    struct ht_error error;
    memset(parts, 0, sizeof(*parts));
    assert_int_equal(ht_loop_create(&parts->loop, NULL, &error), 0);
    assert_int_equal(ht_http_client_create(&parts->client, parts->loop, &error), 0);
    struct ht_clock *clock = ht_loop_clock(parts->loop);
    struct ht_tally_options tally = {.key = {1, 2}, .minute = ht_clock_wall_s(clock) / 60};
    parts->tally = ht_tally_create(&tally);
    make_ports(parts);
    make_stages(parts);
    parts->libraries[0] = (struct ht_admin_library){"libuv", "1.2.3"};
    bool archives = !options->archives_nothing;
    struct ht_admin_context context = {.loop = parts->loop,
                                       .clock = clock,
                                       .timers = ht_loop_timers(parts->loop),
                                       .log = options->log,
                                       .tally = parts->tally,
                                       .source = &parts->source,
                                       .ingest = &parts->ingest,
                                       .stream = &parts->stream,
                                       .count = &parts->count,
                                       .table = &parts->table,
                                       .dead_letters = &parts->dead_letters,
                                       .changes = archives ? &parts->changes : NULL,
                                       .archiver = archives ? &parts->archiver : NULL,
                                       .archive = archives ? &parts->archive : NULL,
                                       .budget = &parts->budget,
                                       .ttl_s = options->ttl_s,
                                       .started_at_s = 1000,
                                       .version = "1.2.3",
                                       .libraries = parts->libraries,
                                       .library_count = 1};
    parts->admin = ht_admin_create(&context);
    assert_non_null(parts->admin);
    struct ht_admin_listen listen = {.token = options->token};
    (void)snprintf(listen.address.host, sizeof(listen.address.host), "%s",
                   options->host == NULL ? "127.0.0.1" : options->host);
    if (ht_admin_listen(parts->admin, &listen, &error) != 0) {
        fail_msg("%s", error.text);
    }
}

/* One transfer. */
struct asking {
    struct fake_parts *parts;
    struct fake_answer answer;
    bool is_done;
};

static void copy_header(const struct ht_http_result *result, const char *name, char *text,
                        size_t size)
{
    struct ht_slice value = ht_http_header_find(result->headers, result->header_count, name);
    (void)snprintf(text, size, "%.*s", (int)value.length, value.length == 0 ? "" : value.data);
}

static void on_done(void *user, struct ht_http_result *result)
{
    struct asking *asking = user;
    struct fake_answer *answer = &asking->answer;
    if (result->code != 0) {
        fail_msg("%s", result->error_text);
    }
    answer->status = result->status;
    copy_header(result, "Content-Type", answer->type, sizeof(answer->type));
    copy_header(result, "ETag", answer->etag, sizeof(answer->etag));
    copy_header(result, "Allow", answer->allow, sizeof(answer->allow));
    copy_header(result, "WWW-Authenticate", answer->authenticate, sizeof(answer->authenticate));
    copy_header(result, "Content-Encoding", answer->encoding, sizeof(answer->encoding));
    copy_header(result, "Cache-Control", answer->cache, sizeof(answer->cache));
    copy_header(result, "Retry-After", answer->retry, sizeof(answer->retry));
    answer->has_policy =
        ht_http_header_find(result->headers, result->header_count, "Content-Security-Policy")
            .length > 0;
    answer->length = result->body.length;
    answer->body = ht_buffer_take(&result->body);
    asking->is_done = true;
    ht_loop_stop(asking->parts->loop);
}

struct fake_answer fake_parts_ask(struct fake_parts *parts, const struct fake_request *request)
{
    char url[512];
    (void)snprintf(url, sizeof(url), "%s%s", ht_admin_url(parts->admin), request->path);
    struct ht_http_header headers[3];
    size_t count = 0;
    for (; count < HT_COUNT_OF(headers) && request->headers[count][0] != NULL; count++) {
        headers[count] = (struct ht_http_header){ht_slice_text(request->headers[count][0]),
                                                 ht_slice_text(request->headers[count][1])};
    }
    struct asking asking = {.parts = parts};
    struct ht_http_transfer_options options = {.method = request->method,
                                               .url = url,
                                               .headers = headers,
                                               .header_count = count,
                                               .body = ht_slice_text(request->body),
                                               .timeout_ms = 20000,
                                               .max_response_bytes = 1 << 24,
                                               .on_done = on_done,
                                               .user = &asking};
    struct ht_error error;
    if (ht_http_transfer_start(parts->client, &options, NULL, &error) != 0) {
        fail_msg("%s", error.text);
    }
    while (!asking.is_done) {
        ht_loop_run(parts->loop);
    }
    return asking.answer;
}

struct fake_answer fake_parts_get(struct fake_parts *parts, const char *path, int status)
{
    struct fake_answer answer = fake_parts_ask(parts, &(struct fake_request){.path = path});
    if (answer.status != status) {
        fail_msg("%s: %d %s", path, answer.status, answer.body);
    }
    return answer;
}

void fake_answer_finish(struct fake_answer *answer)
{
    free(answer->body);
    answer->body = NULL;
}

void fake_parts_add(struct fake_parts *parts, const char *tag, uint32_t count)
{
    int64_t minute = ht_tally_minute(parts->tally);
    struct ht_tally_add add = {
        .tag = ht_slice_text(tag), .minute = minute, .seen_s = minute * 60, .count = count};
    assert_int_equal(ht_tally_add(parts->tally, &add), 0);
}

struct pause {
    struct ht_timer timer;
    struct ht_loop *loop;
};

static void on_pause_over(struct ht_timer *timer)
{
    ht_loop_stop(HT_CONTAINER_OF(timer, struct pause, timer)->loop);
}

void fake_parts_run(struct fake_parts *parts, uint64_t ms)
{
    struct pause pause = {.loop = parts->loop};
    ht_timer_init(&pause.timer, on_pause_over);
    ht_timer_start(ht_loop_timers(parts->loop), &pause.timer, ms);
    ht_loop_run(parts->loop);
    ht_timer_stop(ht_loop_timers(parts->loop), &pause.timer);
}

static void on_closed(void *user)
{
    struct fake_parts *parts = user;
    parts->is_closed = true;
    ht_loop_stop(parts->loop);
}

void fake_parts_finish(struct fake_parts *parts)
{
    ht_http_client_close(parts->client, on_closed, parts);
    while (!parts->is_closed) {
        ht_loop_run(parts->loop);
    }
    if (parts->admin != NULL) {
        parts->is_closed = false;
        ht_admin_close(parts->admin, 1000, on_closed, parts);
        while (!parts->is_closed) {
            ht_loop_run(parts->loop);
        }
    }
    ht_loop_destroy(parts->loop);
    ht_tally_destroy(parts->tally);
}

void fake_assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("no %s in:\n%s", part, text);
    }
}
