// SPDX-License-Identifier: MIT
#include "live.h"

#include "fake_sink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define START_WALL_MS 1700000000000
#define STALL_MS      20000

/* A source whose service is the test: what it was asked is counted. */
struct bench {
    struct ht_live live; /* first */
    struct ht_manual_clock clock;
    struct ht_timer_queue timers;
    struct ht_random random;
    struct fake_sink sink;
    struct ht_source *source;
    unsigned connects, closes, pauses, resumes, destroys, stops;
    char cursor[64], given_cursor[64];
};

static struct bench *from_live(const struct ht_live *live)
{
    return (struct bench *)(uintptr_t)live;
}

static void on_connect(struct ht_live *live)
{
    from_live(live)->connects++;
}

static void on_close(struct ht_live *live)
{
    from_live(live)->closes++;
}

static void on_pause(struct ht_live *live)
{
    from_live(live)->pauses++;
}

static void on_resume(struct ht_live *live)
{
    from_live(live)->resumes++;
}

static size_t get_cursor(const struct ht_live *live, char text[HT_SOURCE_OWN_CURSOR_BYTES])
{
    const struct bench *bench = from_live(live);
    memcpy(text, bench->cursor, strlen(bench->cursor));
    return strlen(bench->cursor);
}

static void set_cursor(struct ht_live *live, struct ht_slice cursor)
{
    struct bench *bench = from_live(live);
    assert_int_equal(bench->connects, 0);
    snprintf(bench->given_cursor, sizeof(bench->given_cursor), "%.*s", (int)cursor.length,
             cursor.data);
}

static void on_destroy(struct ht_live *live)
{
    from_live(live)->destroys++;
    ht_live_finish(live);
}

static void on_stopped(void *user)
{
    struct bench *bench = user;
    bench->stops++;
}

static const struct ht_live_ops ops = {
    .service = "Chirp",
    .connect = on_connect,
    .close = on_close,
    .pause = on_pause,
    .resume = on_resume,
    .cursor = get_cursor,
    .set_cursor = set_cursor,
    .destroy = on_destroy,
};

static void bench_init(struct bench *bench)
{
    *bench = (struct bench){0};
    ht_manual_clock_init(&bench->clock, 1000000000, START_WALL_MS);
    ht_timer_queue_init(&bench->timers, &bench->clock.clock);
    ht_random_init(&bench->random, 1);
    fake_sink_init(&bench->sink);
    const struct ht_live_options options = {
        .type = "chirp",
        .clock = &bench->clock.clock,
        .timers = &bench->timers,
        .random = &bench->random,
        .stall_timeout_ms = STALL_MS,
    };
    ht_live_init(&bench->live, &ops, &options);
    bench->source = &bench->live.source;
}

static void pass(struct bench *bench, uint64_t ms)
{
    ht_manual_clock_advance_ms(&bench->clock, ms);
    ht_timer_queue_run(&bench->timers);
}

static void bench_start(struct bench *bench)
{
    bench_init(bench);
    bench->source->ops->start(bench->source, &bench->sink.sink, HT_SLICE(""));
    assert_int_equal(bench->connects, 0); /* never from inside start */
    pass(bench, 0);
    assert_int_equal(bench->connects, 1);
}

static void bench_connect(struct bench *bench)
{
    bench_start(bench);
    ht_live_connected(&bench->live);
}

static void end_as(struct bench *bench, enum ht_source_end end, const char *text)
{
    struct ht_error error;
    ht_error_set(&error, HT_ECONNECTION, "%s", text);
    const struct ht_live_end how = {.end = end, .error = &error};
    ht_live_ended(&bench->live, &how);
}

static void bench_finish(struct bench *bench)
{
    if (bench->stops == 0) {
        bench->source->ops->stop(bench->source, on_stopped, bench);
        if (bench->live.is_attempting) {
            end_as(bench, HT_SOURCE_END_ENDED, "stopped");
        }
        assert_int_equal(bench->stops, 0); /* never from inside stop */
        pass(bench, 0);
    }
    assert_int_equal(bench->stops, 1);
    assert_int_equal(bench->source->connection.link, HT_SOURCE_LINK_CLOSED);
    assert_int_equal(bench->source->health.state, HT_HEALTH_STOPPED);
    pass(bench, 3600000);
    bench->source->ops->destroy(bench->source);
    assert_int_equal(bench->destroys, 1);
    fake_sink_finish(&bench->sink);
    ht_timer_queue_finish(&bench->timers);
}

static void bring(struct bench *bench, const char *message)
{
    ht_live_received(&bench->live, strlen(message));
    ht_live_message(&bench->live, ht_slice_text(message));
    ht_live_deliver(&bench->live);
}

static void expect_seen(struct bench *bench, const char *seen)
{
    assert_true(ht_slice_equal(ht_buffer_slice(&bench->sink.bytes), ht_slice_text(seen)));
}

static void expect_state(struct bench *bench, enum ht_source_link link, enum ht_health_state state,
                         const char *text)
{
    assert_int_equal(bench->source->connection.link, link);
    assert_int_equal(bench->source->health.state, state);
    assert_string_equal(bench->source->health.text, text);
}

static void test_a_life_without_trouble(void **state)
{
    (void)state;
    struct bench bench;
    bench_start(&bench);
    const struct ht_source_connection *connection = &bench.source->connection;
    assert_string_equal(bench.source->name, "chirp");
    assert_string_equal(bench.source->ops->type, "chirp");
    expect_state(&bench, HT_SOURCE_LINK_CONNECTING, HT_HEALTH_STARTING, "connecting to Chirp");
    pass(&bench, 1000);
    ht_live_connected(&bench.live);
    expect_state(&bench, HT_SOURCE_LINK_CONNECTED, HT_HEALTH_WORKING, "");
    assert_int_equal(connection->since_s, START_WALL_MS / 1000 + 1);
    assert_int_equal(connection->connects, 1);
    assert_int_equal(connection->last_byte_s, 0);
    pass(&bench, 1000);
    snprintf(bench.cursor, sizeof(bench.cursor), "at 7");
    ht_live_received(&bench.live, 20);
    ht_live_message(&bench.live, HT_SLICE("{\"a\":1}"));
    ht_live_message(&bench.live, HT_SLICE("{\"b\":2}"));
    assert_int_equal(bench.sink.count, 0);
    ht_live_note_time(&bench.live, START_WALL_MS + 500);
    ht_live_deliver(&bench.live);
    expect_seen(&bench, "{\"a\":1}\n{\"b\":2}\n");
    assert_true(ht_slice_equal(fake_sink_cursor(&bench.sink), HT_SLICE("at 7")));
    assert_int_equal(connection->received_bytes, 20);
    assert_int_equal(connection->last_byte_s, START_WALL_MS / 1000 + 2);
    assert_int_equal(connection->last_message_s, START_WALL_MS / 1000 + 2);
    assert_int_equal(connection->behind_ms, 1500);
    assert_int_equal(bench.source->messages.total, 2);
    assert_int_equal(bench.source->position, 2);
    assert_int_equal(ht_source_reconnects(bench.source), 0);
    bench_finish(&bench);
}

static void test_it_goes_on_where_it_stopped(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.source->ops->start(bench.source, &bench.sink.sink, HT_SLICE("at 5"));
    assert_string_equal(bench.given_cursor, "at 5");
    bench_finish(&bench);
}

static void test_it_goes_on_alone_where_several_stopped(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.source->ops->start(bench.source, &bench.sink.sink, HT_SLICE("many\nx at 4\nchirp at 6"));
    assert_string_equal(bench.given_cursor, "at 6");
    bench_finish(&bench);
}

static void test_a_failed_attempt_waits_and_says_so(void **state)
{
    (void)state;
    struct bench bench;
    bench_start(&bench);
    const struct ht_source_connection *connection = &bench.source->connection;
    end_as(&bench, HT_SOURCE_END_HTTP_ERROR, "the stream: answered with 503 Service Unavailable");
    assert_int_equal(bench.source->health.state, HT_HEALTH_WAITING);
    int64_t wait_s = connection->next_try_s - START_WALL_MS / 1000;
    assert_in_range(wait_s, 5, 7);
    char text[200];
    /* START_WALL_MS is 22:13:20 of its day */
    snprintf(text, sizeof(text),
             "Chirp: the stream: answered with 503 Service Unavailable; next try at 22:13:%d UTC",
             20 + (int)wait_s);
    expect_state(&bench, HT_SOURCE_LINK_WAITING, HT_HEALTH_WAITING, text);
    assert_int_equal(connection->ends[HT_SOURCE_END_HTTP_ERROR], 1);
    pass(&bench, 4999);
    assert_int_equal(bench.connects, 1);
    pass(&bench, 1300);
    assert_int_equal(bench.connects, 2);
    /* the next try keeps the text: it says why */
    expect_state(&bench, HT_SOURCE_LINK_CONNECTING, HT_HEALTH_WAITING, text);
    assert_int_equal(connection->next_try_s, 0);
    ht_live_connected(&bench.live);
    expect_state(&bench, HT_SOURCE_LINK_CONNECTED, HT_HEALTH_WORKING, "");
    bench_finish(&bench);
}

static void test_who_refuses_for_good_makes_it_failed(void **state)
{
    (void)state;
    struct bench bench;
    bench_start(&bench);
    for (unsigned i = 1; i <= 8; i++) {
        end_as(&bench, HT_SOURCE_END_REFUSED, "answered with 401 Unauthorized");
        assert_int_equal(bench.source->health.state, HT_HEALTH_FAILED);
        assert_int_equal(bench.source->connection.link, HT_SOURCE_LINK_WAITING);
        pass(&bench, 400000);
        assert_int_equal(bench.connects, i + 1);
        assert_int_equal(bench.source->health.state, HT_HEALTH_FAILED);
    }
    assert_non_null(strstr(bench.source->health.text, "; next try at "));
    ht_live_connected(&bench.live);
    assert_int_equal(bench.source->health.state, HT_HEALTH_WORKING);
    bench_finish(&bench);
}

static void test_a_stream_that_ends_is_opened_again_at_once(void **state)
{
    (void)state;
    struct bench bench;
    bench_connect(&bench);
    pass(&bench, 15000);
    bring(&bench, "{}");
    const struct ht_live_end how = {.end = HT_SOURCE_END_ENDED};
    ht_live_ended(&bench.live, &how);
    expect_state(&bench, HT_SOURCE_LINK_WAITING, HT_HEALTH_WAITING,
                 "Chirp: the service ended the stream; connecting again");
    assert_int_equal(bench.connects, 1);
    pass(&bench, 0);
    assert_int_equal(bench.connects, 2);
    bench_finish(&bench);
}

static void test_pain_21_silence_is_a_stall(void **state)
{
    (void)state;
    struct bench bench;
    bench_connect(&bench);
    pass(&bench, STALL_MS - 1);
    ht_live_received(&bench.live, 2); /* a keep-alive */
    pass(&bench, 1);
    pass(&bench, STALL_MS - 2);
    assert_int_equal(bench.closes, 0);
    pass(&bench, 1);
    assert_int_equal(bench.closes, 1);
    assert_int_equal(bench.source->connection.ends[HT_SOURCE_END_STALLED], 0);
    bring(&bench, "{}"); /* too late */
    end_as(&bench, HT_SOURCE_END_NETWORK, "canceled");
    expect_seen(&bench, "");
    assert_int_equal(bench.source->connection.ends[HT_SOURCE_END_STALLED], 1);
    assert_int_equal(bench.source->connection.ends[HT_SOURCE_END_NETWORK], 0);
    assert_string_equal(bench.source->health.text,
                        "Chirp: no byte came for 20 s; connecting again");
    bench_finish(&bench);
}

static void test_a_full_sink_holds_the_service_back(void **state)
{
    (void)state;
    struct bench bench;
    bench_connect(&bench);
    bench.sink.full_at = 1;
    bring(&bench, "{}");
    expect_state(&bench, HT_SOURCE_LINK_PAUSED, HT_HEALTH_PAUSED,
                 "holds Chirp back until there is room behind it");
    assert_int_equal(bench.pauses, 1);
    bring(&bench, "[]"); /* was read already: not lost */
    assert_int_equal(bench.pauses, 1);
    assert_int_equal(bench.source->connection.pauses, 1);
    expect_seen(&bench, "{}\n[]\n");
    pass(&bench, STALL_MS);
    pass(&bench, 10 * STALL_MS);
    assert_int_equal(bench.closes, 0); /* its silence is our doing */
    pass(&bench, STALL_MS / 2);
    bench.sink.full_at = 0;
    bench.source->ops->resume(bench.source);
    assert_int_equal(bench.resumes, 1);
    expect_state(&bench, HT_SOURCE_LINK_CONNECTED, HT_HEALTH_WORKING, "");
    pass(&bench, STALL_MS / 2);
    pass(&bench, STALL_MS / 2 - 1);
    assert_int_equal(bench.closes, 0); /* the silence begins anew */
    pass(&bench, 1);
    assert_int_equal(bench.closes, 1);
    bench_finish(&bench);
}

static void test_a_full_sink_outlives_the_connection(void **state)
{
    (void)state;
    struct bench bench;
    bench_connect(&bench);
    bench.sink.full_at = 1;
    bring(&bench, "{}");
    end_as(&bench, HT_SOURCE_END_NETWORK, "connection reset by peer");
    assert_int_equal(bench.source->health.state, HT_HEALTH_WAITING);
    pass(&bench, 0);
    assert_int_equal(bench.connects, 2);
    ht_live_connected(&bench.live);
    assert_int_equal(bench.pauses, 2);
    assert_int_equal(bench.source->connection.link, HT_SOURCE_LINK_PAUSED);
    end_as(&bench, HT_SOURCE_END_NETWORK, "connection reset by peer");
    bench.source->ops->resume(bench.source); /* while it waits */
    assert_int_equal(bench.resumes, 0);
    pass(&bench, 1000);
    ht_live_connected(&bench.live);
    assert_int_equal(bench.pauses, 2);
    assert_int_equal(bench.source->connection.link, HT_SOURCE_LINK_CONNECTED);
    bench_finish(&bench);
}

static void test_giving_up_delivers_what_came_before(void **state)
{
    (void)state;
    struct bench bench;
    bench_connect(&bench);
    struct ht_error error;
    ht_error_set(&error, HT_ECONNECTION, "disconnected: shutdown");
    ht_live_received(&bench.live, 10);
    ht_live_message(&bench.live, HT_SLICE("{}"));
    ht_live_give_up(&bench.live, HT_SOURCE_END_TOLD, &error);
    ht_error_clear(&error);
    assert_int_equal(bench.closes, 1);
    expect_seen(&bench, "{}\n"); /* at once: its bytes go away with the close */
    ht_live_message(&bench.live, HT_SLICE("[]"));
    ht_live_deliver(&bench.live);
    ht_live_give_up(&bench.live, HT_SOURCE_END_REFUSED, &error); /* the first reason counts */
    assert_int_equal(bench.closes, 1);
    expect_seen(&bench, "{}\n");
    end_as(&bench, HT_SOURCE_END_NETWORK, "canceled");
    expect_state(&bench, HT_SOURCE_LINK_WAITING, HT_HEALTH_WAITING,
                 "Chirp: disconnected: shutdown; connecting again");
    assert_int_equal(bench.source->connection.ends[HT_SOURCE_END_TOLD], 1);
    pass(&bench, 0);
    ht_live_connected(&bench.live);
    end_as(&bench, HT_SOURCE_END_NETWORK, "reset"); /* the old reason is forgotten */
    assert_int_equal(bench.source->connection.ends[HT_SOURCE_END_NETWORK], 1);
    bench_finish(&bench);
}

static void test_refusals_ask_the_sink_too(void **state)
{
    (void)state;
    struct bench bench;
    bench_connect(&bench);
    bench.sink.full_at = 1;
    bring(&bench, "{}");
    bench.source->ops->resume(bench.source);
    ht_live_refuse(&bench.live, HT_SLICE("rubbish"), "too_large");
    ht_live_deliver(&bench.live);
    assert_int_equal(bench.sink.refused, 1);
    assert_int_equal(bench.pauses, 2);
    assert_int_equal(bench.sink.count, 1);
    bench_finish(&bench);
}

static void test_an_attempt_that_cannot_begin(void **state)
{
    (void)state;
    struct bench bench;
    bench_start(&bench);
    struct ht_error error;
    ht_error_set(&error, HT_ENOMEM, "out of memory for a request");
    ht_live_fail(&bench.live, HT_SOURCE_END_NETWORK, &error);
    ht_error_clear(&error);
    assert_int_equal(bench.source->connection.link, HT_SOURCE_LINK_CONNECTING);
    pass(&bench, 0);
    expect_state(&bench, HT_SOURCE_LINK_WAITING, HT_HEALTH_WAITING,
                 "Chirp: out of memory for a request; next try at 22:13:21 UTC");
    bench_finish(&bench);
}

static void test_a_long_error_keeps_the_time_of_the_next_try(void **state)
{
    (void)state;
    for (size_t length = 400; length < HT_ERROR_TEXT_BYTES; length++) {
        char text[HT_ERROR_TEXT_BYTES + 4];
        struct bench bench;
        bench_start(&bench);
        size_t at = length % 3;
        memset(text, 'x', at);
        for (; at + 3 <= length; at += 3) {
            memcpy(text + at, "\u20ac", 3);
        }
        text[at] = '\0';
        end_as(&bench, HT_SOURCE_END_RATE_LIMITED, text);
        const char *seen = bench.source->health.text;
        assert_non_null(strstr(seen, "; next try at "));
        const char *dots = strstr(seen, "...;");
        assert_true(dots == NULL || memcmp(dots - 3, "\u20ac", 3) == 0);
        bench_finish(&bench);
    }
}

static void test_stopping_at_any_moment_is_quick(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench); /* never started */
    bench_finish(&bench);

    bench_start(&bench); /* while it connects */
    bench.source->ops->stop(bench.source, on_stopped, &bench);
    assert_int_equal(bench.closes, 1);
    ht_live_connected(&bench.live); /* crossed on the way */
    bring(&bench, "{}");
    assert_int_equal(bench.source->health.state, HT_HEALTH_STOPPED);
    pass(&bench, 100);
    assert_int_equal(bench.stops, 0);
    end_as(&bench, HT_SOURCE_END_NETWORK, "canceled");
    pass(&bench, 0);
    expect_seen(&bench, "");
    assert_int_equal(ht_source_reconnects(bench.source), 0);
    bench_finish(&bench);

    bench_start(&bench); /* while it waits */
    end_as(&bench, HT_SOURCE_END_RATE_LIMITED, "answered with 429");
    bench.source->ops->stop(bench.source, on_stopped, &bench);
    pass(&bench, 0);
    assert_int_equal(bench.closes, 0);
    bench_finish(&bench);

    bench_connect(&bench); /* while it is held back */
    bench.sink.full_at = 1;
    bring(&bench, "{}");
    bench.source->ops->stop(bench.source, on_stopped, &bench);
    assert_int_equal(bench.closes, 1);
    bench.source->ops->resume(bench.source);
    assert_int_equal(bench.resumes, 0);
    end_as(&bench, HT_SOURCE_END_NETWORK, "canceled");
    pass(&bench, 0);
    bench_finish(&bench);

    bench_start(&bench); /* while an attempt that cannot begin is about to be told */
    struct ht_error error;
    ht_error_set(&error, HT_ENOMEM, "out of memory");
    ht_live_fail(&bench.live, HT_SOURCE_END_NETWORK, &error);
    bench.source->ops->stop(bench.source, on_stopped, &bench);
    pass(&bench, 0);
    pass(&bench, 0);
    assert_int_equal(ht_source_reconnects(bench.source), 0);
    bench_finish(&bench);

    bench_connect(&bench); /* while it is closed for a stall */
    pass(&bench, STALL_MS);
    bench.source->ops->stop(bench.source, on_stopped, &bench);
    assert_int_equal(bench.closes, 1);
    end_as(&bench, HT_SOURCE_END_NETWORK, "canceled");
    pass(&bench, 0);
    bench_finish(&bench);
}

static void test_many_messages_in_one_piece(void **state)
{
    (void)state;
    struct bench bench;
    bench_connect(&bench);
    for (unsigned round = 0; round < 2; round++) {
        ht_live_received(&bench.live, 65536);
        for (unsigned i = 0; i < 16000; i++) {
            ht_live_message(&bench.live, HT_SLICE("{}"));
        }
        ht_live_deliver(&bench.live);
    }
    assert_int_equal(bench.sink.count, 32000);
    bench_finish(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_life_without_trouble),
        cmocka_unit_test(test_it_goes_on_where_it_stopped),
        cmocka_unit_test(test_it_goes_on_alone_where_several_stopped),
        cmocka_unit_test(test_a_failed_attempt_waits_and_says_so),
        cmocka_unit_test(test_who_refuses_for_good_makes_it_failed),
        cmocka_unit_test(test_a_stream_that_ends_is_opened_again_at_once),
        cmocka_unit_test(test_pain_21_silence_is_a_stall),
        cmocka_unit_test(test_a_full_sink_holds_the_service_back),
        cmocka_unit_test(test_a_full_sink_outlives_the_connection),
        cmocka_unit_test(test_giving_up_delivers_what_came_before),
        cmocka_unit_test(test_refusals_ask_the_sink_too),
        cmocka_unit_test(test_an_attempt_that_cannot_begin),
        cmocka_unit_test(test_a_long_error_keeps_the_time_of_the_next_try),
        cmocka_unit_test(test_stopping_at_any_moment_is_quick),
        cmocka_unit_test(test_many_messages_in_one_piece),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
