// SPDX-License-Identifier: MIT
#include "http_stream.h"

#include "line_reader.h"
#include "live_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define WAITING HT_SOURCE_LINK_WAITING

/* A source that reads lines. */
struct chirp {
    struct ht_live live; /* first */
    struct live_world *world;
    struct ht_http_stream *stream;
    struct ht_line_reader reader;
    char url[128];
    struct ht_slice body;
    bool accepts_compressed;
    unsigned overs;
};

static struct chirp *from_live(const struct ht_live *live)
{
    return (struct chirp *)(uintptr_t)live;
}

static void on_line(void *user, struct ht_slice line)
{
    struct chirp *chirp = user;
    if (ht_slice_equal(line, HT_SLICE("{\"bye\":1}"))) {
        struct ht_error error;
        ht_error_set(&error, HT_ECONNECTION, "told to go");
        ht_live_give_up(&chirp->live, HT_SOURCE_END_TOLD, &error);
        return;
    }
    ht_live_message(&chirp->live, line);
}

static void on_bad(void *user, struct ht_slice bytes, const char *reason)
{
    struct chirp *chirp = user;
    ht_live_refuse(&chirp->live, bytes, reason);
}

static void on_piece(void *user, struct ht_slice piece)
{
    struct chirp *chirp = user;
    assert_int_equal(ht_line_reader_feed(&chirp->reader, piece), 0);
}

static void on_over(void *user)
{
    struct chirp *chirp = user;
    chirp->overs++;
    chirp->stream = NULL;
    ht_line_reader_end(&chirp->reader);
}

static const char *cure(void *user, int status, struct ht_slice body)
{
    (void)user;
    return status == 403 && body.length > 0 ? "ask the service for more" : NULL;
}

static void on_connect(struct ht_live *live)
{
    struct chirp *chirp = from_live(live);
    static const struct ht_http_header headers[] = {
        HT_HTTP_HEADER("Authorization", "Bearer token-of-secrets"),
        HT_HTTP_HEADER("Accept", "application/json"),
    };
    const struct ht_http_stream_options options = {
        .client = chirp->world->http,
        .url = chirp->url,
        .headers = headers,
        .header_count = 2,
        .body = chirp->body,
        .accepts_compressed = chirp->accepts_compressed,
        .what = "the stream of chirps",
        .cure = cure,
        .on_piece = on_piece,
        .on_over = on_over,
        .user = chirp,
    };
    chirp->stream = ht_http_stream_open(live, &options);
}

static void on_close(struct ht_live *live)
{
    ht_http_stream_close(from_live(live)->stream);
}

static void on_pause(struct ht_live *live)
{
    ht_http_stream_pause(from_live(live)->stream);
}

static void on_resume(struct ht_live *live)
{
    ht_http_stream_resume(from_live(live)->stream);
}

static void on_destroy(struct ht_live *live)
{
    struct chirp *chirp = from_live(live);
    ht_line_reader_finish(&chirp->reader);
    ht_live_finish(live);
    free(chirp);
}

static struct chirp *start(struct live_world *world)
{
    static const struct ht_live_ops ops = {
        .service = "Chirp",
        .connect = on_connect,
        .close = on_close,
        .pause = on_pause,
        .resume = on_resume,
        .destroy = on_destroy,
    };
    static const struct ht_line_reader_events events = {on_line, on_bad};
    struct chirp *chirp = calloc(1, sizeof(*chirp));
    assert_non_null(chirp);
    const struct ht_live_options options = {
        .type = "chirp",
        .name = "other",
        .clock = world->clock,
        .timers = world->timers,
        .random = &world->random,
        .stall_timeout_ms = 25000,
    };
    ht_live_init(&chirp->live, &ops, &options);
    ht_line_reader_init(&chirp->reader, &events, chirp, HT_LINE_FRAMING_LINES, 1u << 20);
    chirp->world = world;
    snprintf(chirp->url, sizeof(chirp->url), "%s/chirps", world->url);
    return chirp;
}

static struct chirp *run(struct live_world *world)
{
    struct chirp *chirp = start(world);
    live_world_run_source(world, &chirp->live.source, HT_SLICE(""));
    return chirp;
}

static void expect_seen(struct live_world *world, const char *seen)
{
    struct ht_slice bytes = ht_buffer_slice(&world->sink.bytes);
    if (!ht_slice_equal(bytes, ht_slice_text(seen))) {
        fail_msg("%.*s", (int)bytes.length, bytes.data);
    }
}

static void test_a_stream_is_read_as_it_comes(void **state)
{
    (void)state;
    struct live_world world = {0};
    live_world_start(&world);
    live_world_expect(&world, &(struct live_world_exchange){
                                  .head_parts = {"GET /chirps HTTP/1.1", "Accept: application/json",
                                                 "Authorization: Bearer token-of-secrets"},
                                  .missing_part = "Accept-Encoding",
                                  .body = HT_SLICE("{\"a\":1}\r\n\r\n{\"b\":2}\r\n"),
                                  .piece_bytes = 1,
                                  .ending = LIVE_WORLD_STAYS});
    struct chirp *chirp = run(&world);
    const struct ht_source_connection *connection = &chirp->live.source.connection;
    live_world_await_messages(&world, 2);
    assert_int_equal(connection->link, HT_SOURCE_LINK_CONNECTED);
    live_world_send(&world, HT_SLICE("\r\n"));
    live_world_send(&world, HT_SLICE("{\"c\":3}\r\n{\"d\""));
    live_world_await_messages(&world, 3);
    expect_seen(&world, "{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n");
    assert_int_equal(connection->received_bytes, 20 + 2 + 13);
    live_world_stop_source(&world);
    assert_int_equal(chirp->overs, 1);
    assert_int_equal(world.sink.refused, 0);
    live_world_finish(&world);
}

/* Without it a signature of another path would be sent. */
static void test_a_path_is_sent_as_it_stands(void **state)
{
    (void)state;
    struct live_world world = {0};
    live_world_start(&world);
    live_world_expect(&world, &(struct live_world_exchange){
                                  .head_parts = {"GET /a/./b/../chirps?x=/../y HTTP/1.1"},
                                  .body = HT_SLICE("{\"a\":1}\r\n"),
                                  .ending = LIVE_WORLD_STAYS});
    struct chirp *chirp = start(&world);
    snprintf(chirp->url, sizeof(chirp->url), "%s/a/./b/../chirps?x=/../y", world.url);
    live_world_run_source(&world, &chirp->live.source, HT_SLICE(""));
    live_world_await_messages(&world, 1);
    live_world_finish(&world);
}

static void test_a_request_with_a_body_and_a_compressed_answer(void **state)
{
    (void)state;
    struct live_world world = {0};
    live_world_start(&world);
    live_world_expect(&world, &(struct live_world_exchange){
                                  .head_parts = {"POST /chirps", "Accept-Encoding: ", "gzip"},
                                  .body_part = "track=a",
                                  .body = HT_SLICE("{\"a\":1}\r\n{\"b\":2}\r\n"),
                                  .is_gzip = true,
                                  .piece_bytes = 3,
                                  .ending = LIVE_WORLD_STAYS});
    struct chirp *chirp = start(&world);
    chirp->accepts_compressed = true;
    chirp->body = HT_SLICE("track=a");
    live_world_run_source(&world, &chirp->live.source, HT_SLICE(""));
    live_world_await_messages(&world, 2);
    assert_int_equal(chirp->live.source.connection.received_bytes, 18); /* decoded */
    live_world_finish(&world);
}

static void test_each_way_to_end_is_told_apart(void **state)
{
    (void)state;
    static const struct {
        enum live_world_ending ending;
        enum ht_source_end end;
        const char *text;
    } rows[] = {
        {LIVE_WORLD_ENDS, HT_SOURCE_END_ENDED, "Chirp: the service ended the stream; connecting"},
        {LIVE_WORLD_CUT, HT_SOURCE_END_NETWORK, "Chirp: the stream of chirps: "},
        {LIVE_WORLD_RESET, HT_SOURCE_END_NETWORK, "Chirp: the stream of chirps: "},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct live_world world = {0};
        live_world_start(&world);
        live_world_expect(&world,
                          &(struct live_world_exchange){.body = HT_SLICE("{\"a\":1}\r\n{\"cut"),
                                                        .ending = LIVE_WORLD_STAYS});
        live_world_expect(&world, &(struct live_world_exchange){.body = HT_SLICE("{\"b\":2}\r\n"),
                                                                .ending = LIVE_WORLD_STAYS});
        struct chirp *chirp = run(&world);
        live_world_await_messages(&world, 1);
        live_world_cut(&world, rows[i].ending);
        live_world_await_messages(&world, 2); /* opened again at once */
        expect_seen(&world, "{\"a\":1}\n{\"b\":2}\n");
        assert_true(ht_slice_equal(ht_buffer_slice(&world.sink.reasons), HT_SLICE("5 cut_off\n")));
        assert_int_equal(chirp->live.source.connection.ends[rows[i].end], 1);
        assert_int_equal(ht_source_reconnects(&chirp->live.source), 1);
        assert_int_equal(chirp->live.source.connection.connects, 2);
        if (strncmp(chirp->live.source.health.last_error, rows[i].text, strlen(rows[i].text)) !=
            0) {
            fail_msg("%s", chirp->live.source.health.last_error);
        }
        live_world_finish(&world);
    }
}

static void test_statuses(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *headers, *body;
        enum ht_source_end end;
        unsigned wait_s; /* at least */
        const char *text;
    } rows[] = {
        {401, NULL, "{\"errors\":[{\"code\":32,\"message\":\"Could not authenticate you.\"}]}",
         HT_SOURCE_END_REFUSED, 5,
         "Chirp: the stream of chirps: answered with 401 Unauthorized: Could not authenticate you. "
         "(code 32); check the token or keys, and the clock of this machine; next try at "},
        {403, NULL, "{\"title\":\"Client Forbidden\",\"detail\":\"No.\"}", HT_SOURCE_END_REFUSED, 5,
         "Chirp: the stream of chirps: answered with 403 Forbidden: Client Forbidden: No.; ask the "
         "service for more; next try at "},
        {404, NULL, "", HT_SOURCE_END_REFUSED, 5,
         "Chirp: the stream of chirps: answered with 404 Not Found; check source.url; next try "
         "at "},
        {420, NULL, "Exceeded connection limit for user\n", HT_SOURCE_END_RATE_LIMITED, 60,
         "Chirp: the stream of chirps: answered with 420 Enhance Your Calm: Exceeded connection "
         "limit for "
         "user; next try at "},
        {429, "Retry-After: 100\r\n", "", HT_SOURCE_END_RATE_LIMITED, 100,
         "Chirp: the stream of chirps: answered with 429 Too Many Requests; next try at "},
        {429, NULL,
         "{\"title\":\"ConnectionException\",\"detail\":\"This stream is currently at the maximum "
         "allowed connection limit.\",\"connection_issue\":\"TooManyConnections\"}",
         HT_SOURCE_END_TOO_MANY, 60,
         "Chirp: the stream of chirps: answered with 429 Too Many Requests: ConnectionException: "
         "This stream is currently at the maximum allowed connection limit. (TooManyConnections); "
         "next try at "},
        {503, NULL,
         "<html><head><title>x</title></head><body><h1>Over  capacity</h1>\n</body></html>",
         HT_SOURCE_END_HTTP_ERROR, 5,
         "Chirp: the stream of chirps: answered with 503 Service Unavailable: Over capacity; next "
         "try at "},
        {302, "Location: http://elsewhere/\r\n", "", HT_SOURCE_END_HTTP_ERROR, 5,
         "Chirp: the stream of chirps: answered with 302 Found; redirects are not followed: check "
         "source.url; next try at "},
        {400, NULL, "you sent Bearer token-of-secrets", HT_SOURCE_END_REFUSED, 5,
         "Chirp: the stream of chirps: answered with 400 Bad Request: you sent Bearer "
         "****************; next try at "},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct live_world world = {0};
        live_world_start(&world);
        live_world_expect(&world,
                          &(struct live_world_exchange){.status = rows[i].status,
                                                        .headers = rows[i].headers,
                                                        .body = ht_slice_text(rows[i].body)});
        struct chirp *chirp = run(&world);
        live_world_await_link(&world, WAITING);
        const struct ht_source *source = &chirp->live.source;
        assert_int_equal(source->connection.ends[rows[i].end], 1);
        assert_int_equal(source->connection.connects, 0);
        assert_int_equal(source->health.state, rows[i].end == HT_SOURCE_END_REFUSED
                                                   ? HT_HEALTH_FAILED
                                                   : HT_HEALTH_WAITING);
        if (strncmp(source->health.text, rows[i].text, strlen(rows[i].text)) != 0) {
            fail_msg("%s", source->health.text);
        }
        int64_t wait_s = source->connection.next_try_s - ht_clock_wall_s(world.clock);
        assert_in_range(wait_s, rows[i].wait_s - 1, rows[i].wait_s * 5 / 4 + 1);
        live_world_finish(&world);
    }
}

static void test_it_is_held_back_and_nothing_piles_up(void **state)
{
    (void)state;
    enum { LINE = 32, BODY = 1 << 20, REPEATS = 64 };
    struct ht_buffer body;
    ht_buffer_init(&body, BODY);
    for (unsigned i = 0; i < BODY / LINE; i++) {
        ht_buffer_append_text(&body, "{\"flood\":\"abcdefghijklmnopqr\"}\r\n");
    }
    size_t messages = BODY / LINE * (REPEATS + 1);
    struct live_world world = {0};
    live_world_start(&world);
    world.sink.full_at = 1;
    live_world_expect(&world, &(struct live_world_exchange){.body = ht_buffer_slice(&body),
                                                            .piece_bytes = 65536,
                                                            .repeats = REPEATS,
                                                            .ending = LIVE_WORLD_STAYS});
    struct chirp *chirp = run(&world);
    live_world_await_link(&world, HT_SOURCE_LINK_PAUSED);
    size_t before = world.sink.count;
    live_world_run_for(&world, 100);
    assert_int_equal(world.sink.count, before);
    assert_true(before <= 65536 / LINE);
    assert_true(world.sent_bytes < 32u << 20); /* the kernel's buffers, not ours */
    live_world_skip(&world, 100000);
    live_world_run_for(&world, 20);
    assert_int_equal(ht_source_reconnects(&chirp->live.source), 0);
    world.sink.full_at = 0;
    chirp->live.source.ops->resume(&chirp->live.source);
    assert_int_equal(world.sink.count, before); /* never from inside resume */
    live_world_await_messages(&world, messages);
    assert_int_equal(world.sink.count, messages);
    assert_int_equal(chirp->live.source.connection.pauses, 1);
    live_world_finish(&world);
    ht_buffer_finish(&body);
}

/* A few kilobytes that become one line without an end, and a message behind it. */
static void test_a_line_that_inflates_without_end_is_dropped(void **state)
{
    (void)state;
    enum { BYTES = 24 << 20 };
    struct ht_buffer body;
    ht_buffer_init(&body, BYTES + 64);
    assert_int_equal(ht_buffer_reserve(&body, BYTES + 64), 0);
    memset(body.data, '[', BYTES);
    body.length = BYTES;
    ht_buffer_append_text(&body, "\r\n{\"a\":1}\r\n");
    struct live_world world = {0};
    live_world_start(&world);
    live_world_expect(&world, &(struct live_world_exchange){.body = ht_buffer_slice(&body),
                                                            .is_gzip = true,
                                                            .ending = LIVE_WORLD_STAYS});
    struct chirp *chirp = start(&world);
    chirp->accepts_compressed = true;
    live_world_run_source(&world, &chirp->live.source, HT_SLICE(""));
    live_world_await_messages(&world, 1);
    assert_true(world.sent_bytes < BYTES / 500);
    assert_true(chirp->reader.rest.capacity <= 2u << 20);
    assert_true(
        ht_slice_equal(ht_buffer_slice(&world.sink.reasons), HT_SLICE("1048576 too_large\n")));
    live_world_finish(&world);
    ht_buffer_finish(&body);
}

#define PACKED_LINES 500000

struct other_work {
    struct ht_timer timer;
    struct live_world *world;
    unsigned turns; /* between the first message and the last */
};

static void on_other_work(struct ht_timer *timer)
{
    struct other_work *work = HT_CONTAINER_OF(timer, struct other_work, timer);
    size_t count = work->world->sink.count;
    work->turns += count > 0 && count < PACKED_LINES;
    ht_timer_start(work->world->timers, timer, 0);
}

/* Two MB of lines come in about 2 kB. */
static void test_much_of_few_packed_bytes_takes_several_turns(void **state)
{
    (void)state;
    struct live_world world = {0};
    struct other_work work = {.world = &world};
    struct ht_buffer body;
    ht_buffer_init(&body, PACKED_LINES * 4);
    for (size_t i = 0; i < PACKED_LINES; i++) {
        ht_buffer_append_text(&body, "{}\r\n");
    }
    live_world_start(&world);
    live_world_expect(&world, &(struct live_world_exchange){.body = ht_buffer_slice(&body),
                                                            .is_gzip = true,
                                                            .ending = LIVE_WORLD_STAYS});
    ht_timer_init(&work.timer, on_other_work);
    ht_timer_start(world.timers, &work.timer, 0);
    struct chirp *chirp = start(&world);
    chirp->accepts_compressed = true;
    live_world_run_source(&world, &chirp->live.source, HT_SLICE(""));
    live_world_await_messages(&world, PACKED_LINES);
    assert_true(work.turns >= 6);
    assert_int_equal(chirp->live.source.connection.pauses, 0);
    ht_timer_stop(world.timers, &work.timer);
    live_world_finish(&world);
    ht_buffer_finish(&body);
}

static void test_a_stalled_stream_is_opened_again(void **state)
{
    (void)state;
    struct live_world world = {0};
    live_world_start(&world);
    live_world_expect(&world, &(struct live_world_exchange){.body = HT_SLICE("\r\n"),
                                                            .ending = LIVE_WORLD_STAYS});
    live_world_expect(&world, &(struct live_world_exchange){.ending = LIVE_WORLD_STAYS});
    struct chirp *chirp = run(&world);
    live_world_await_link(&world, HT_SOURCE_LINK_CONNECTED);
    live_world_run_for(&world, 20);
    live_world_skip(&world, 26000);
    live_world_await_requests(&world, 2);
    assert_int_equal(chirp->live.source.connection.ends[HT_SOURCE_END_STALLED], 1);
    live_world_finish(&world);
}

static void test_nobody_answers(void **state)
{
    (void)state;
    struct live_world world = {0};
    live_world_start(&world);
    live_world_expect(&world, &(struct live_world_exchange){.is_silent = true});
    struct chirp *chirp = run(&world);
    live_world_await_requests(&world, 1);
    live_world_skip(&world, 31000);
    live_world_await_link(&world, WAITING);
    assert_int_equal(chirp->live.source.connection.ends[HT_SOURCE_END_NETWORK], 1);
    assert_non_null(strstr(chirp->live.source.health.text,
                           "Chirp: the stream of chirps: no answer came in 30 s; next try at "));
    live_world_finish(&world);
}

static void test_an_error_without_an_end_is_read_for_a_while(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct live_world world = {0};
        live_world_start(&world);
        /* a flood; or a few bytes and silence */
        live_world_expect(&world, &(struct live_world_exchange){.status = 503,
                                                                .body = HT_SLICE("busy "),
                                                                .repeats = i == 0 ? 100000 : 0,
                                                                .ending = LIVE_WORLD_STAYS});
        struct chirp *chirp = run(&world);
        if (i == 1) {
            live_world_await_requests(&world, 1);
            live_world_run_for(&world, 20);
            live_world_skip(&world, 6000);
        }
        live_world_await_link(&world, WAITING);
        assert_non_null(strstr(chirp->live.source.health.text, "503 Service Unavailable: busy"));
        assert_true(world.sent_bytes < 100000);
        live_world_finish(&world);
    }
}

/* The last attempt that a limit allowed may stream for days: then its reset is long past. */
static void test_a_reset_counts_from_when_it_was_told(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct live_world world = {0};
        char headers[128];
        live_world_start(&world);
        snprintf(headers, sizeof(headers),
                 "x-rate-limit-remaining: 0\r\nx-rate-limit-reset: %lld\r\n",
                 (long long)ht_clock_wall_s(world.clock) + 20);
        live_world_expect(&world, &(struct live_world_exchange){.headers = headers,
                                                                .body = HT_SLICE("{\"a\":1}\r\n"),
                                                                .ending = LIVE_WORLD_STAYS});
        struct chirp *chirp = run(&world);
        live_world_await_messages(&world, 1);
        live_world_skip(&world, i == 0 ? 12000 : 21000);
        live_world_cut(&world, LIVE_WORLD_ENDS);
        if (i == 0) {
            live_world_await_link(&world, WAITING);
            const struct ht_source_connection *connection = &chirp->live.source.connection;
            assert_in_range(connection->next_try_s - connection->since_s, 1, 9);
        } else {
            live_world_expect(&world, &(struct live_world_exchange){.ending = LIVE_WORLD_STAYS});
            live_world_await_requests(&world, 2); /* at once */
        }
        live_world_finish(&world);
    }
}

static void test_giving_up_in_the_middle_of_a_piece(void **state)
{
    (void)state;
    struct live_world world = {0};
    live_world_start(&world);
    live_world_expect(&world, &(struct live_world_exchange){
                                  .body = HT_SLICE("{\"a\":1}\r\n{\"bye\":1}\r\n{\"b\":2}\r\n"),
                                  .ending = LIVE_WORLD_STAYS});
    live_world_expect(&world, &(struct live_world_exchange){.ending = LIVE_WORLD_STAYS});
    struct chirp *chirp = run(&world);
    live_world_await_requests(&world, 2);
    expect_seen(&world, "{\"a\":1}\n");
    assert_int_equal(chirp->live.source.connection.ends[HT_SOURCE_END_TOLD], 1);
    assert_string_equal(chirp->live.source.health.last_error,
                        "Chirp: told to go; connecting again");
    live_world_finish(&world);
}

static bool is_refused(struct live_world *world)
{
    return world->source->connection.ends[HT_SOURCE_END_REFUSED] == 1;
}

static void test_what_cannot_be_asked_is_told(void **state)
{
    (void)state;
    struct live_world world = {0};
    live_world_start(&world);
    struct chirp *chirp = start(&world);
    snprintf(chirp->url, sizeof(chirp->url), "http://127.0.0.1:1/none");
    live_world_run_source(&world, &chirp->live.source, HT_SLICE(""));
    live_world_await_link(&world, WAITING);
    assert_int_equal(chirp->live.source.connection.ends[HT_SOURCE_END_NETWORK], 1);
    snprintf(chirp->url, sizeof(chirp->url), "gopher://x/");
    live_world_skip(&world, 1000);
    live_world_await(&world, is_refused);
    assert_int_equal(chirp->live.source.health.state, HT_HEALTH_FAILED);
    live_world_finish(&world);
}

static void test_stopping_while_a_request_is_under_way(void **state)
{
    (void)state;
    struct live_world world = {0};
    live_world_start(&world);
    run(&world);
    live_world_finish(&world); /* before the first turn */

    live_world_start(&world);
    live_world_expect(&world, &(struct live_world_exchange){.is_silent = true});
    run(&world);
    live_world_await_requests(&world, 1);
    live_world_finish(&world);

    live_world_start(&world);
    live_world_expect(&world, &(struct live_world_exchange){.status = 503,
                                                            .body = HT_SLICE("x"),
                                                            .ending = LIVE_WORLD_STAYS});
    run(&world);
    live_world_await_requests(&world, 1);
    live_world_run_for(&world, 10);
    live_world_finish(&world);
}

static const struct {
    int status;
    struct ht_http_header headers[4];
    size_t count;
    uint64_t wait_ms;
    int64_t limit, remaining, reset_s;
} limit_rows[] = {
    {200, {{{0}, {0}}}, 0, 0, -1, -1, 0},
    {503, {HT_HTTP_HEADER("retry-after", "7")}, 1, 7000, -1, -1, 0},
    {503, {HT_HTTP_HEADER("Retry-After", "0")}, 1, 0, -1, -1, 0},
    {503, {HT_HTTP_HEADER("Retry-After", "901")}, 1, 900000, -1, -1, 0},
    {503, {HT_HTTP_HEADER("Retry-After", "99999999999999999999999")}, 1, 0, -1, -1, 0},
    {503, {HT_HTTP_HEADER("Retry-After", "-1")}, 1, 0, -1, -1, 0},
    {503, {HT_HTTP_HEADER("Retry-After", "")}, 1, 0, -1, -1, 0},
    {503, {HT_HTTP_HEADER("Retry-After", "Tue, 14 Nov 2023 22:13:50 GMT")}, 1, 30000, -1, -1, 0},
    {503, {HT_HTTP_HEADER("Retry-After", "Tue, 14 Nov 2023 22:13:10 GMT")}, 1, 0, -1, -1, 0},
    {503, {HT_HTTP_HEADER("Retry-After", "Mon, 14 Nov 2033 22:13:10 GMT")}, 1, 900000, -1, -1, 0},
    {503, {HT_HTTP_HEADER("Retry-After", "Tue, 14 ovD 2033 22:13:10 GMT")}, 1, 0, -1, -1, 0},
    {503,
     {HT_HTTP_HEADER("Retry-After", "tomorrow, at noon or so, if you please")},
     1,
     0,
     -1,
     -1,
     0},
    {200,
     {HT_HTTP_HEADER("x-rate-limit-limit", "50"), HT_HTTP_HEADER("x-rate-limit-remaining", "49"),
      HT_HTTP_HEADER("x-rate-limit-reset", "1700000100")},
     3,
     0,
     50,
     49,
     1700000100},
    {200,
     {HT_HTTP_HEADER("x-rate-limit-limit", "50"), HT_HTTP_HEADER("x-rate-limit-remaining", "0"),
      HT_HTTP_HEADER("x-rate-limit-reset", "1700000100")},
     3,
     100000,
     50,
     0,
     1700000100},
    {429,
     {HT_HTTP_HEADER("x-rate-limit-reset", "1700000100"), HT_HTTP_HEADER("retry-after", "5")},
     2,
     100000,
     -1,
     -1,
     1700000100},
    {429,
     {HT_HTTP_HEADER("x-rate-limit-reset", "1700000003"), HT_HTTP_HEADER("retry-after", "5")},
     2,
     5000,
     -1,
     -1,
     1700000003},
    {429,
     {HT_HTTP_HEADER("x-rate-limit-limit", "50"), HT_HTTP_HEADER("x-rate-limit-remaining", "49"),
      HT_HTTP_HEADER("x-rate-limit-reset", "1700000100")},
     3,
     0,
     50,
     49,
     1700000100},
    {429, {HT_HTTP_HEADER("x-rate-limit-reset", "1600000000")}, 1, 0, -1, -1, 1600000000},
    {429, {HT_HTTP_HEADER("x-rate-limit-reset", "9223372036854775807")}, 1, 0, -1, -1, 0},
    {429,
     {HT_HTTP_HEADER("x-rate-limit-reset", "9223372036854775")},
     1,
     900000,
     -1,
     -1,
     9223372036854775},
    {429, {HT_HTTP_HEADER("x-rate-limit-reset", "soon")}, 1, 0, -1, -1, 0},
    {429,
     {HT_HTTP_HEADER("X-RateLimit-Limit", "300"), HT_HTTP_HEADER("X-RateLimit-Remaining", "0"),
      HT_HTTP_HEADER("X-RateLimit-Reset", "2023-11-14T22:15:00.123456Z")},
     3,
     101000,
     300,
     0,
     1700000101},
    {429,
     {HT_HTTP_HEADER("x-ratelimit-reset", "2023-11-14T22:15:00Z")},
     1,
     100000,
     -1,
     -1,
     1700000100},
    {429, {HT_HTTP_HEADER("x-ratelimit-reset", "2023-11-14T22:13:00Z")}, 1, 0, -1, -1, 1699999980},
    {429,
     {HT_HTTP_HEADER("x-ratelimit-reset", "9999-12-31T23:59:59Z")},
     1,
     900000,
     -1,
     -1,
     253402300799},
    {429, {HT_HTTP_HEADER("x-ratelimit-reset", "2023-11-14T22:15")}, 1, 0, -1, -1, 0},
};

static void test_limits(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(limit_rows) / sizeof(limit_rows[0]); i++) {
        static const struct ht_live_ops ops = {.service = "Chirp"};
        struct ht_manual_clock clock;
        struct ht_timer_queue timers;
        struct ht_live live;
        ht_manual_clock_init(&clock, 0, 1700000000000);
        ht_timer_queue_init(&timers, &clock.clock);
        const struct ht_live_options options = {
            .type = "chirp", .clock = &clock.clock, .timers = &timers};
        ht_live_init(&live, &ops, &options);
        uint64_t wait_ms = ht_http_stream_note_limits(&live, limit_rows[i].status,
                                                      limit_rows[i].headers, limit_rows[i].count);
        if (wait_ms != limit_rows[i].wait_ms) {
            fail_msg("row %zu: %llu", i, (unsigned long long)wait_ms);
        }
        assert_int_equal(live.source.connection.rate_limit, limit_rows[i].limit);
        assert_int_equal(live.source.connection.rate_remaining, limit_rows[i].remaining);
        assert_int_equal(live.source.connection.rate_reset_s, limit_rows[i].reset_s);
        ht_live_finish(&live);
        ht_timer_queue_finish(&timers);
    }
}

static void test_every_status_has_a_meaning(void **state)
{
    (void)state;
    static const int refused[] = {400, 401, 403, 404, 406, 410, 413, 416, 422};
    for (int status = 201; status < 600; status++) {
        enum ht_source_end expected = HT_SOURCE_END_HTTP_ERROR;
        for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
            expected = refused[i] == status ? HT_SOURCE_END_REFUSED : expected;
        }
        if (status == 420 || status == 429) {
            expected = HT_SOURCE_END_RATE_LIMITED;
            assert_int_equal(ht_http_stream_end_of(
                                 status, HT_SLICE("{\"connection_issue\":\"TooManyConnections\"}")),
                             HT_SOURCE_END_TOO_MANY);
        }
        assert_int_equal(ht_http_stream_end_of(status, HT_SLICE("{}")), expected);
        assert_int_equal(ht_http_stream_end_of(status, (struct ht_slice){0}), expected);
    }
}

static void test_short_answers_are_explained(void **state)
{
    (void)state;
    static const struct {
        int code, status;
        const char *error_text, *body;
        enum ht_source_end end;
        const char *text;
    } rows[] = {
        {0, 403, "", "{\"error\":\"This action is outside the authorized scopes\"}",
         HT_SOURCE_END_REFUSED,
         "the rules: answered with 403 Forbidden: This action is outside the authorized scopes; "
         "the "
         "account or token may not do this: check its rights and plan"},
        {HT_ECONNECTION, 0, "Could not resolve host", "", HT_SOURCE_END_NETWORK,
         "the rules: Could not resolve host"},
        {HT_EPERMISSION, 0, "certificate", "", HT_SOURCE_END_NETWORK, "the rules: certificate"},
        {HT_EINVAL, 0, "bad URL", "", HT_SOURCE_END_REFUSED,
         "the rules: bad URL; check source.url"},
        {HT_ETOOBIG, 500, "too big", "x", HT_SOURCE_END_HTTP_ERROR,
         "the rules: answered with 500 Internal Server Error: x"},
        {HT_ETOOBIG, 200, "too big", "", HT_SOURCE_END_PROTOCOL, "the rules: too big"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ht_http_result result = {
            .code = rows[i].code, .status = rows[i].status, .error_text = rows[i].error_text};
        enum ht_source_end end = HT_SOURCE_END_COUNT;
        struct ht_error error = {0};
        ht_buffer_init(&result.body, 1000);
        ht_buffer_append_text(&result.body, rows[i].body);
        ht_http_stream_explain("the rules", &result, &end, &error);
        assert_int_equal(end, rows[i].end);
        assert_string_equal(error.text, rows[i].text);
        assert_int_not_equal(error.code, 0);
        ht_buffer_finish(&result.body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_stream_is_read_as_it_comes),
        cmocka_unit_test(test_a_path_is_sent_as_it_stands),
        cmocka_unit_test(test_a_request_with_a_body_and_a_compressed_answer),
        cmocka_unit_test(test_each_way_to_end_is_told_apart),
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_it_is_held_back_and_nothing_piles_up),
        cmocka_unit_test(test_a_line_that_inflates_without_end_is_dropped),
        cmocka_unit_test(test_much_of_few_packed_bytes_takes_several_turns),
        cmocka_unit_test(test_a_stalled_stream_is_opened_again),
        cmocka_unit_test(test_nobody_answers),
        cmocka_unit_test(test_an_error_without_an_end_is_read_for_a_while),
        cmocka_unit_test(test_a_reset_counts_from_when_it_was_told),
        cmocka_unit_test(test_giving_up_in_the_middle_of_a_piece),
        cmocka_unit_test(test_what_cannot_be_asked_is_told),
        cmocka_unit_test(test_stopping_while_a_request_is_under_way),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_every_status_has_a_meaning),
        cmocka_unit_test(test_short_answers_are_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
