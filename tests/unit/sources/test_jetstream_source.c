// SPDX-License-Identifier: MIT
#include "hashtagd/sources/jetstream_source.h"

#include "fake_sink.h"
#include "fake_websocket.h"

#include "../../support/shared.h"
#include "../../support/zstd_training.h"

#include "hashtagd/base/zstd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* 2026-07-04T14:38:08Z */
#define NOW_MS INT64_C(1783175888000)

static struct world {
    struct ht_manual_clock clock;
    struct ht_timer_queue timers;
    struct ht_random random;
    struct fake_sink sink;
    struct ht_source *source;
    struct ht_jetstream_source_options options;
    bool is_stopped;
} world;

static void on_stopped(void *user)
{
    *(bool *)user = true;
}

/* Lets time pass, with every timer in its order. */
static void pass(uint64_t ms)
{
    while (ms > 0) {
        uint64_t next_ns = ht_timer_queue_next_ns(&world.timers);
        uint64_t step_ms = next_ns / 1000000 + 1;
        step_ms = step_ms < ms ? step_ms : ms;
        ht_manual_clock_advance_ms(&world.clock, step_ms);
        ht_timer_queue_run(&world.timers);
        ms -= step_ms;
    }
}

static void begin(struct ht_slice cursor)
{
    world.source = ht_jetstream_source_create(&world.options);
    assert_non_null(world.source);
    assert_string_equal(world.source->ops->type, "jetstream");
    world.source->ops->start(world.source, &world.sink.sink, cursor);
    pass(10);
}

static void end(void)
{
    world.is_stopped = false;
    world.source->ops->stop(world.source, on_stopped, &world.is_stopped);
    assert_false(world.is_stopped);
    pass(2500);
    assert_true(world.is_stopped);
    assert_false(fake_websocket.is_there);
    world.source->ops->destroy(world.source);
    world.source = NULL;
}

static int make_world(void **state)
{
    (void)state;
    ht_manual_clock_init(&world.clock, 5000000000, NOW_MS);
    ht_timer_queue_init(&world.timers, &world.clock.clock);
    ht_random_init(&world.random, 7);
    fake_sink_init(&world.sink);
    fake_websocket_reset(&world.timers);
    world.options = (struct ht_jetstream_source_options){
        .clock = &world.clock.clock,
        .timers = &world.timers,
        .random = &world.random,
        .accepts_compressed = true,
    };
    return 0;
}

static int finish_world(void **state)
{
    (void)state;
    fake_sink_finish(&world.sink);
    ht_timer_queue_finish(&world.timers);
    return 0;
}

/* A post of number `number`, made `age_ms` before the clock's start. */
static const char *post(unsigned number, int64_t age_ms)
{
    static char text[512];
    snprintf(text, sizeof(text),
             "{\"did\":\"did:plc:a\",\"time_us\":%lld,\"kind\":\"commit\",\"commit\":{\"rev\":"
             "\"3m%u\",\"operation\":\"create\",\"collection\":\"app.bsky.feed.post\",\"rkey\":"
             "\"3k%u\",\"record\":{\"text\":\"#a\"}}}",
             (long long)(NOW_MS - age_ms) * 1000, number, number);
    return text;
}

static void say(const char *text)
{
    fake_websocket_text(text);
    fake_websocket_read_end();
}

static const struct ht_source_connection *connection(void)
{
    return &world.source->connection;
}

static void drop(enum ht_source_end why)
{
    struct ht_websocket_end ended = {.close_code = 1001};
    if (why == HT_SOURCE_END_NETWORK) {
        ended = (struct ht_websocket_end){.code = HT_ECONNECTION, .error_text = "Reset"};
    }
    uint64_t before = connection()->ends[why];
    fake_websocket_end(ended);
    assert_int_equal(connection()->ends[why], before + 1);
}

static void test_first_start_is_live_on_a_public_host(void **state)
{
    (void)state;
    begin(HT_SLICE(""));
    assert_non_null(strstr(fake_websocket.url, ".bsky.network/subscribe?wantedCollections="
                                               "app.bsky.feed.post&maxMessageSizeBytes=1048576"));
    assert_int_equal(strncmp(fake_websocket.url, "wss://jetstream", 15), 0);
    assert_null(strstr(fake_websocket.url, "cursor="));
    assert_null(strstr(fake_websocket.url, "compress="));
    assert_int_equal(connection()->link, HT_SOURCE_LINK_CONNECTING);
    fake_websocket_agree();
    assert_int_equal(connection()->link, HT_SOURCE_LINK_CONNECTED);
    fake_websocket_text(post(1, 300));
    fake_websocket_text(post(2, 200));
    assert_int_equal(world.sink.count, 0);
    fake_websocket_read_end();
    assert_int_equal(world.sink.count, 2);
    struct ht_buffer both;
    ht_buffer_init(&both, 1024);
    ht_buffer_append_format(&both, "%s\n", post(1, 300));
    ht_buffer_append_format(&both, "%s\n", post(2, 200));
    assert_string_equal(world.sink.bytes.data, both.data);
    ht_buffer_finish(&both);
    assert_true(
        ht_slice_equal(fake_sink_cursor(&world.sink), HT_SLICE("jetstream:1:1783175887800000")));
    assert_in_range(connection()->behind_ms, 200, 300);
    assert_true(connection()->received_bytes > 300);
    assert_int_equal(world.source->health.state, HT_HEALTH_WORKING);
    end();
    assert_int_equal(fake_websocket.close_code, 1000);
}

static void test_hosts_take_turns(void **state)
{
    (void)state;
    char urls[8][256];
    begin(HT_SLICE(""));
    for (size_t i = 0; i < 8; i++) {
        memcpy(urls[i], fake_websocket.url, sizeof(urls[i]));
        drop(HT_SOURCE_END_NETWORK);
        assert_int_equal(connection()->link, HT_SOURCE_LINK_WAITING);
        pass(20000);
        assert_true(fake_websocket.is_there);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(urls[i], urls[i + 4]);
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(urls[i], urls[k]);
        }
    }
    end();
}

static void test_the_first_host_is_a_random_one(void **state)
{
    (void)state;
    unsigned seen = 0;
    for (unsigned i = 0; i < 40; i++) {
        begin(HT_SLICE(""));
        seen |= 1u << ((fake_websocket.url[15] - '1') +
                       2 * (strstr(fake_websocket.url, "west") != NULL));
        end();
    }
    assert_int_equal(seen, 15);
}

static void test_an_address_of_ones_own_is_the_only_one(void **state)
{
    (void)state;
    static const char *const follow[] = {"did:plc:aaaa"};
    world.options.url = "ws://me:secret@127.0.0.1:6008/";
    world.options.name = "sky";
    world.options.follow = follow;
    world.options.follow_count = 1;
    begin(HT_SLICE(""));
    assert_string_equal(world.source->name, "sky");
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(fake_websocket.url,
                            "ws://me:secret@127.0.0.1:6008/subscribe?wantedCollections=app.bsky."
                            "feed.post&maxMessageSizeBytes=1048576&wantedDids=did%3Aplc%3Aaaaa");
        drop(HT_SOURCE_END_NETWORK);
        assert_null(strstr(world.source->health.last_error, "secret"));
        pass(20000);
    }
    end();
}

static void test_goes_on_early_elsewhere_and_drops_repeats(void **state)
{
    (void)state;
    char first[256];
    begin(HT_SLICE(""));
    memcpy(first, fake_websocket.url, sizeof(first));
    fake_websocket_agree();
    for (unsigned i = 0; i < 100; i++) {
        fake_websocket_text(post(i, 10000 - 100 * (int64_t)i));
    }
    fake_websocket_read_end();
    pass(15000);
    drop(HT_SOURCE_END_ENDED);
    pass(10);
    assert_true(fake_websocket.is_there); /* at once */
    assert_non_null(strstr(fake_websocket.url, "&cursor=1783175882900000"));
    assert_int_not_equal(strncmp(first, fake_websocket.url, strlen("wss://jetstream1.us-east")), 0);
    fake_websocket_agree();
    for (unsigned i = 50; i < 150; i++) {
        fake_websocket_text(post(i, 10000 - 100 * (int64_t)i));
    }
    fake_websocket_read_end();
    assert_int_equal(world.sink.count, 150);
    assert_int_equal(connection()->repeats, 50);
    assert_true(
        ht_slice_equal(fake_sink_cursor(&world.sink), HT_SLICE("jetstream:1:1783175892900000")));
    /* The same post with another revision or operation is no repeat. */
    say("{\"did\":\"did:plc:a\",\"time_us\":1783175893000000,\"kind\":\"commit\",\"commit\":{"
        "\"rev\":\"3n\",\"operation\":\"update\",\"collection\":\"app.bsky.feed.post\",\"rkey\":"
        "\"3k149\",\"record\":{}}}");
    say("{\"did\":\"did:plc:a\",\"time_us\":1783175893000000,\"kind\":\"commit\",\"commit\":{"
        "\"rev\":\"3o\",\"operation\":\"delete\",\"collection\":\"app.bsky.feed.post\",\"rkey\":"
        "\"3k149\"}}");
    assert_int_equal(world.sink.count, 152);
    assert_int_equal(connection()->gaps, 0);
    end();
}

/* It ends in the middle of a read: what had come counts, and the cursor is behind it. */
static void test_what_came_before_an_end_counts(void **state)
{
    (void)state;
    begin(HT_SLICE(""));
    fake_websocket_agree();
    fake_websocket_text(post(1, 0));
    drop(HT_SOURCE_END_NETWORK);
    assert_int_equal(world.sink.count, 1);
    assert_true(
        ht_slice_equal(fake_sink_cursor(&world.sink), HT_SLICE("jetstream:1:1783175888000000")));
    end();
}

static void test_goes_on_after_a_restart(void **state)
{
    (void)state;
    static const struct {
        const char *cursor;
        const char *asked; /* NULL: no cursor */
        unsigned gaps;
    } cases[] = {
        {"jetstream:1:1783175888000000", "&cursor=1783175883000000", 0},
        {"jetstream:1:1783046289000000", "&cursor=1783046284000000", 0},
        {"jetstream:1:1783046287000000", "&cursor=1783046282000000", 1},
        {"jetstream:1:1783176888000000", NULL, 1},
        {"synthetic:1:4096", NULL, 0},
        {"jetstream:9:1783175888000000", NULL, 0},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        world.clock.now_wall_ms = NOW_MS;
        begin(ht_slice_text(cases[i].cursor));
        assert_true(cases[i].asked != NULL ? strstr(fake_websocket.url, cases[i].asked) != NULL
                                           : strstr(fake_websocket.url, "cursor=") == NULL);
        fake_websocket_agree();
        fake_websocket_bytes(2);
        assert_int_equal(connection()->gaps, cases[i].gaps);
        assert_int_equal(strstr(world.source->health.last_error, "missed") != NULL,
                         cases[i].gaps > 0);
        /* Told once, however often it connects before the first event. */
        drop(HT_SOURCE_END_NETWORK);
        pass(20000);
        fake_websocket_agree();
        assert_int_equal(connection()->gaps, cases[i].gaps);
        end();
    }
}

/* A Jetstream that keeps an hour, asked for ten of them; then one that keeps enough. */
static void test_a_service_that_goes_back_less_far(void **state)
{
    (void)state;
    static const char *const follow[] = {"did:plc:aaaa"};
    begin(HT_SLICE("jetstream:1:1783139888000000"));
    fake_websocket_agree();
    say(post(1, 3600000));
    assert_int_equal(connection()->gaps, 1);
    assert_non_null(strstr(world.source->health.last_error, "goes back less far"));
    assert_int_equal(world.source->health.state, HT_HEALTH_WORKING);
    say(post(2, 0));
    drop(HT_SOURCE_END_NETWORK);
    pass(1000);
    fake_websocket_agree();
    say("{\"kind\":\"no time\"}");
    say(post(3, 4000));
    say(post(4, -100000));
    assert_int_equal(connection()->gaps, 1);
    end();
    world.options.follow = follow; /* who may have been silent for hours */
    world.options.follow_count = 1;
    begin(HT_SLICE("jetstream:1:1783139888000000"));
    fake_websocket_agree();
    say(post(5, 0));
    assert_int_equal(connection()->gaps, 0);
    end();
}

/* Accounts that say nothing for two days, on a service that is there all the time. */
static void test_a_quiet_list_of_accounts_leaves_no_gap(void **state)
{
    (void)state;
    static const char *const follow[] = {"did:plc:aaaa"};
    char cursor[HT_SOURCE_OWN_CURSOR_BYTES + 1] = "";
    world.options.follow = follow;
    world.options.follow_count = 1;
    fake_websocket.date = "Sat, 04 Jul 2026 14:38:08 GMT"; /* NOW_MS */
    begin(HT_SLICE(""));
    fake_websocket_agree();
    say(post(1, 0));
    for (unsigned minute = 0; minute < 48 * 60; minute++) {
        pass(60000);
        fake_websocket_bytes(2); /* a ping */
    }
    assert_int_equal(connection()->connects, 1);
    memcpy(cursor, world.sink.cursor, world.sink.cursor_length);
    end();
    fake_websocket.date = NULL;
    begin(ht_slice_text(cursor));
    fake_websocket_agree();
    assert_int_equal(connection()->gaps, 0);
    long long asked_us = atoll(strstr(fake_websocket.url, "cursor=") + strlen("cursor="));
    long long behind_ms = world.clock.now_wall_ms - asked_us / 1000;
    assert_in_range(behind_ms, 3600000, 3600000 + 700000);
    end();
}

static void test_only_posts_and_ends_of_accounts_are_passed_on(void **state)
{
    (void)state;
    begin(HT_SLICE(""));
    fake_websocket_agree();
    say("{\"did\":\"did:plc:a\",\"time_us\":1783175888000001,\"kind\":\"identity\",\"identity\":{}"
        "}");
    say("{\"did\":\"did:plc:a\",\"time_us\":1783175888000002,\"kind\":\"account\",\"account\":{"
        "\"active\":true}}");
    say("{\"did\":\"did:plc:a\",\"time_us\":1783175888000003,\"kind\":\"commit\",\"commit\":{"
        "\"rev\":\"3n\",\"operation\":\"create\",\"collection\":\"app.bsky.feed.like\",\"rkey\":"
        "\"3k149\"}}");
    say("{\"time_us\":1783175888000004}");
    say("[]");
    assert_int_equal(world.sink.count, 0);
    say("{\"did\":\"did:plc:a\",\"time_us\":1783175888000005,\"kind\":\"account\",\"account\":{"
        "\"active\":false,\"status\":\"deleted\"}}");
    assert_int_equal(world.sink.count, 1);
    assert_true(
        ht_slice_equal(fake_sink_cursor(&world.sink), HT_SLICE("jetstream:1:1783175888000005")));
    /* What is passed over moves it on too. */
    say("{\"time_us\":1783175898000000}");
    drop(HT_SOURCE_END_NETWORK);
    pass(1000);
    assert_non_null(strstr(fake_websocket.url, "&cursor=1783175893000000"));
    assert_int_equal(world.sink.refused, 0);
    end();
}

static void test_broken_events_harm_no_neighbour(void **state)
{
    (void)state;
    begin(HT_SLICE(""));
    fake_websocket_agree();
    fake_websocket_text(post(1, 0));
    fake_websocket_text("{\"did\":\"did:plc:a\",\"time_us\":17831758");
    fake_websocket_text("");
    fake_websocket_text(post(2, 0));
    fake_websocket_text("no JSON at all");
    fake_websocket_text("{\"a\":\"\xff\"}");
    fake_websocket_say(HT_WEBSOCKET_BINARY, HT_SLICE("\x28\xb5\x2f\xfd"));
    fake_websocket_text(post(3, 0));
    fake_websocket_read_end();
    assert_int_equal(world.sink.count, 3);
    assert_int_equal(world.sink.refused, 5);
    assert_string_equal(world.sink.reasons.data,
                        "37 cut_off\n0 cut_off\n14 not_json\n9 bad_utf8\n4 not_json\n");
    end();
}

/* Events of every size up to the limit come whole, and one byte more is refused. */
static void test_large_events(void **state)
{
    (void)state;
    enum { MOST = 1024 * 1024 };
    char *text = malloc(MOST + 2);
    size_t bytes = 0;
    begin(HT_SLICE(""));
    fake_websocket_agree();
    assert_true(fake_websocket.max_message_bytes > MOST);
    for (unsigned i = 0; i < 12; i++) {
        size_t length = i == 11 ? MOST + 1 : MOST - i * 90000;
        int head = snprintf(text, MOST,
                            "{\"did\":\"did:plc:a\",\"kind\":\"commit\",\"commit\":{\"rev\":\"%u\","
                            "\"operation\":\"create\",\"collection\":\"app.bsky.feed.post\","
                            "\"rkey\":\"k\",\"record\":\"",
                            i);
        memset(text + head, 'x', length - (size_t)head);
        memcpy(text + length - 3, "\"}}", 4);
        fake_websocket_text(text);
        bytes += i == 11 ? 0 : length + 1;
    }
    fake_websocket_read_end();
    assert_int_equal(world.sink.count, 11);
    assert_int_equal(world.sink.bytes.length, bytes);
    assert_string_equal(world.sink.reasons.data, "1048577 too_large\n");
    end();
    free(text);
}

static void test_a_full_sink_pauses_the_socket(void **state)
{
    (void)state;
    begin(HT_SLICE(""));
    fake_websocket_agree();
    world.sink.full_at = 2;
    fake_websocket_text(post(1, 0));
    fake_websocket_text(post(2, 0));
    fake_websocket_read_end();
    assert_true(fake_websocket.is_paused);
    assert_int_equal(connection()->link, HT_SOURCE_LINK_PAUSED);
    assert_int_equal(connection()->pauses, 1);
    /* Nothing is read, so silence says nothing. */
    pass(300000);
    assert_int_equal(fake_websocket.pings, 0);
    assert_int_equal(fake_websocket.closes, 0);
    world.sink.full_at = 0;
    world.source->ops->resume(world.source);
    pass(10);
    assert_false(fake_websocket.is_paused);
    assert_int_equal(connection()->link, HT_SOURCE_LINK_CONNECTED);
    say(post(3, -300000));
    assert_int_equal(world.sink.count, 3);
    /* Being held back, the service hangs up: it goes on at the cursor. */
    drop(HT_SOURCE_END_NETWORK);
    pass(1000);
    assert_non_null(strstr(fake_websocket.url, "&cursor=1783176183000000"));
    end();
}

static void test_silence_is_asked_and_then_given_up(void **state)
{
    (void)state;
    begin(HT_SLICE(""));
    fake_websocket_agree();
    say(post(1, 0));
    pass(29000);
    assert_int_equal(fake_websocket.pings, 0);
    pass(1100);
    assert_int_equal(fake_websocket.pings, 1);
    fake_websocket_bytes(2); /* the pong */
    pass(29000);
    assert_int_equal(fake_websocket.pings, 1);
    for (unsigned i = 0; i < 10; i++) { /* the service's own pings keep us quiet */
        fake_websocket_bytes(2);
        pass(20000);
    }
    assert_int_equal(fake_websocket.pings, 1);
    pass(54000);
    assert_int_equal(fake_websocket.pings, 3);
    assert_int_equal(fake_websocket.closes, 0);
    pass(1100);
    assert_int_equal(fake_websocket.closes, 1);
    assert_int_equal(connection()->ends[HT_SOURCE_END_STALLED], 1);
    pass(1000);
    assert_int_equal(fake_websocket.opened, 2);
    assert_non_null(strstr(fake_websocket.url, "&cursor="));
    end();
}

static void test_refusals_have_a_cure(void **state)
{
    (void)state;
    begin(HT_SLICE("jetstream:1:1783175888000000"));
    fake_websocket_end((struct ht_websocket_end){.code = HT_EUNSUPPORTED,
                                                 .status = 404,
                                                 .error_text = "another answer than 101",
                                                 .body = HT_SLICE("404 page not found")});
    assert_int_equal(connection()->ends[HT_SOURCE_END_REFUSED], 1);
    assert_int_equal(world.source->health.state, HT_HEALTH_FAILED);
    assert_non_null(strstr(world.source->health.text, "source.url"));
    pass(10000);
    assert_non_null(strstr(fake_websocket.url, "&cursor="));
    /* A cursor that is not taken would never be: without it, and said. */
    fake_websocket_end((struct ht_websocket_end){.code = HT_EUNSUPPORTED,
                                                 .status = 400,
                                                 .error_text = "another answer than 101",
                                                 .body = HT_SLICE("invalid cursor")});
    assert_int_equal(connection()->gaps, 1);
    pass(20000);
    assert_true(fake_websocket.is_there);
    assert_null(strstr(fake_websocket.url, "cursor="));
    fake_websocket_agree();
    say(post(1, 0));
    assert_int_equal(world.source->health.state, HT_HEALTH_WORKING);
    end();
}

static void test_waits_for_as_long_as_it_is_told(void **state)
{
    (void)state;
    struct ht_http_header headers[] = {HT_HTTP_HEADER("Retry-After", "300")};
    begin(HT_SLICE(""));
    fake_websocket_end((struct ht_websocket_end){.code = HT_EUNSUPPORTED,
                                                 .status = 429,
                                                 .headers = headers,
                                                 .header_count = 1,
                                                 .error_text = "another answer than 101"});
    assert_int_equal(connection()->ends[HT_SOURCE_END_RATE_LIMITED], 1);
    pass(299000);
    assert_int_equal(fake_websocket.opened, 1);
    pass(200000);
    assert_int_equal(fake_websocket.opened, 2);
    end();
}

static void test_an_address_that_is_none(void **state)
{
    (void)state;
    fake_websocket.refuses_to_open = true;
    world.options.url = "ftp://nowhere";
    begin(HT_SLICE(""));
    assert_int_equal(connection()->ends[HT_SOURCE_END_REFUSED], 1);
    assert_int_equal(world.source->health.state, HT_HEALTH_FAILED);
    assert_non_null(strstr(world.source->health.text, "This is no address"));
    end();
}

static void test_stops_in_every_state(void **state)
{
    (void)state;
    begin(HT_SLICE("")); /* connecting */
    end();
    assert_int_equal(fake_websocket.cancels, 1);
    begin(HT_SLICE("")); /* waiting */
    drop(HT_SOURCE_END_NETWORK);
    end();
    begin(HT_SLICE("")); /* paused */
    fake_websocket_agree();
    world.sink.full_at = 1;
    say(post(1, 0));
    assert_true(fake_websocket.is_paused);
    end();
    assert_int_equal(fake_websocket.closes, 1);
    world.source = ht_jetstream_source_create(&world.options); /* never started */
    world.source->ops->destroy(world.source);
}

static void test_very_many_accounts_are_named_in_a_message(void **state)
{
    (void)state;
    static char dids[1000][40];
    static const char *follow[1000];
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(dids[i], sizeof(dids[i]), "did:plc:%024u", i);
        follow[i] = dids[i];
    }
    world.options.follow = follow;
    world.options.follow_count = 1000;
    begin(HT_SLICE(""));
    assert_non_null(strstr(fake_websocket.url, "&requireHello=true"));
    assert_int_equal(fake_websocket.sent_length, 0);
    fake_websocket_agree();
    struct ht_json *root = ht_json_parse(
        ht_slice_make(fake_websocket.sent, fake_websocket.sent_length), 0, NULL, NULL);
    assert_int_equal(ht_json_count(ht_json_find(root, "payload.wantedDids")), 1000);
    ht_json_destroy(root);
    end();
}

/* Says `number` posts as compressed frames, and one that is damaged. */
static void say_compressed(struct ht_slice dictionary, unsigned number)
{
    struct ht_zstd *zstd = ht_zstd_create_with(3, dictionary);
    char frame[2048];
    size_t length = 0;
    assert_non_null(zstd);
    for (unsigned i = 0; i < number; i++) {
        assert_int_equal(
            ht_zstd_pack(zstd, ht_slice_text(post(i, 0)), frame, sizeof(frame), &length), 0);
        assert_true(length < strlen(post(i, 0)) / 2);
        fake_websocket_say(HT_WEBSOCKET_BINARY, ht_slice_make(frame, length));
    }
    fake_websocket_say(HT_WEBSOCKET_BINARY, ht_slice_make(frame, length - 1));
    fake_websocket_text(post(number, 0)); /* a server that cannot compress sends text */
    fake_websocket_read_end();
    ht_zstd_destroy(zstd);
}

static void check_compressed(struct ht_slice dictionary)
{
    world.options.dictionary = dictionary;
    begin(HT_SLICE(""));
    assert_non_null(strstr(fake_websocket.url, "&compress=true"));
    fake_websocket_agree();
    say_compressed(dictionary, 20);
    assert_int_equal(world.sink.count, 21);
    assert_int_equal(world.sink.refused, 1);
    const char *line = world.sink.bytes.data;
    for (unsigned i = 0; i <= 20; i++) {
        const char *expected = post(i, 0);
        assert_int_equal(strncmp(line, expected, strlen(expected)), 0);
        line += strlen(expected) + 1;
    }
    end();
}

static void test_compressed_events(void **state)
{
    (void)state;
    static char bytes[65536];
    size_t length = train_dictionary(HT_JETSTREAM_DICTIONARY_ID, bytes, sizeof(bytes));
    assert_true(length > 0);
    check_compressed(ht_slice_make(bytes, length));
}

static void test_the_published_dictionary(void **state)
{
    (void)state;
    static char bytes[1u << 20];
    char path[4096];
    snprintf(path, sizeof(path), "%s/data/bluesky/jetstream-v1.zdict", shared_root());
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        print_message("SKIPPED: no shared data, see HT_SHARED\n");
        skip();
    }
    size_t length = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    check_compressed(ht_slice_make(bytes, length));
}

static void test_another_dictionary_is_not_used(void **state)
{
    (void)state;
    static char bytes[65536];
    size_t length = train_dictionary(5, bytes, sizeof(bytes));
    const struct ht_slice cases[] = {{bytes, length}, {"no dictionary", 13}, {bytes, 9}, {"", 0}};
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        world.options.dictionary = cases[i];
        begin(HT_SLICE(""));
        assert_null(strstr(fake_websocket.url, "compress"));
        end();
    }
    length = train_dictionary(HT_JETSTREAM_DICTIONARY_ID, bytes, sizeof(bytes));
    world.options.dictionary = ht_slice_make(bytes, length);
    world.options.accepts_compressed = false;
    begin(HT_SLICE(""));
    assert_null(strstr(fake_websocket.url, "compress"));
    end();
    world.options.accepts_compressed = true;
    memset(bytes + 8, 0xff, 40); /* damaged behind its number */
    begin(HT_SLICE(""));
    assert_null(strstr(fake_websocket.url, "compress"));
    end();
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, make_world, finish_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_first_start_is_live_on_a_public_host),
        WORLD_TEST(test_hosts_take_turns),
        WORLD_TEST(test_the_first_host_is_a_random_one),
        WORLD_TEST(test_an_address_of_ones_own_is_the_only_one),
        WORLD_TEST(test_goes_on_early_elsewhere_and_drops_repeats),
        WORLD_TEST(test_what_came_before_an_end_counts),
        WORLD_TEST(test_goes_on_after_a_restart),
        WORLD_TEST(test_a_quiet_list_of_accounts_leaves_no_gap),
        WORLD_TEST(test_a_service_that_goes_back_less_far),
        WORLD_TEST(test_only_posts_and_ends_of_accounts_are_passed_on),
        WORLD_TEST(test_broken_events_harm_no_neighbour),
        WORLD_TEST(test_large_events),
        WORLD_TEST(test_a_full_sink_pauses_the_socket),
        WORLD_TEST(test_silence_is_asked_and_then_given_up),
        WORLD_TEST(test_refusals_have_a_cure),
        WORLD_TEST(test_waits_for_as_long_as_it_is_told),
        WORLD_TEST(test_an_address_that_is_none),
        WORLD_TEST(test_stops_in_every_state),
        WORLD_TEST(test_very_many_accounts_are_named_in_a_message),
        WORLD_TEST(test_compressed_events),
        WORLD_TEST(test_the_published_dictionary),
        WORLD_TEST(test_another_dictionary_is_not_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
