// SPDX-License-Identifier: MIT
#include "../../support/json_memory.h"
#include "mastodon_world.h"

#include "hashtagd/base/assert.h"

static void test_streams_where_the_server_says(void **state)
{
    (void)state;
    static const struct {
        const char *before, *behind; /* the world's address in the answer */
        int status;
        const char *stream;
    } cases[] = {
        {"{\"configuration\":{\"urls\":{\"streaming\":\"ws://", "/elsewhere\"}}}", 200,
         "GET /elsewhere/api/v1/streaming/public "},
        {"{\"error\":\"Not Found ", "\"}", 404, STREAM},
        {"<html>", "", 200, STREAM},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct live_world world = {0};
        struct ht_buffer answer;
        ht_buffer_init(&answer, 4096);
        live_world_start(&world);
        ht_buffer_append_format(&answer, "%s%s%s", cases[i].before, world.url + strlen("http://"),
                                cases[i].behind);
        live_world_expect(&world, &(struct live_world_exchange){.head_parts = {INSTANCE},
                                                                .status = cases[i].status,
                                                                .body = ht_buffer_slice(&answer)});
        ht_buffer_finish(&answer);
        live_world_expect(&world, &(struct live_world_exchange){.head_parts = {cases[i].stream},
                                                                .body = HT_SLICE(":)\n"),
                                                                .ending = LIVE_WORLD_STAYS});
        live_world_run_source(&world, make(&world), HT_SLICE(""));
        live_world_await_link(&world, HT_SOURCE_LINK_CONNECTED);
        live_world_finish(&world);
    }
}

static bool is_waiting_again(struct live_world *world)
{
    return world->source->connection.link == HT_SOURCE_LINK_WAITING;
}

/* There are servers that send back what they got. */
#define ECHO "{\"error\":\"What is " TOKEN "?\"}"

static void test_asks_again_where_to_stream_after_a_failure(void **state)
{
    (void)state;
    static const struct {
        int instance_status, stream_status; /* stream 0: not reached */
        enum ht_source_end end;
        enum ht_health_state health;
        const char *text;
    } cases[] = {
        {503, 0, HT_SOURCE_END_HTTP_ERROR, HT_HEALTH_WAITING, "503"},
        {401, 0, HT_SOURCE_END_REFUSED, HT_HEALTH_FAILED, "MASTODON_ACCESS_TOKEN"},
        {403, 0, HT_SOURCE_END_REFUSED, HT_HEALTH_FAILED, "read:statuses"},
        {429, 0, HT_SOURCE_END_RATE_LIMITED, HT_HEALTH_WAITING, "429"},
        {200, 401, HT_SOURCE_END_REFUSED, HT_HEALTH_FAILED, "MASTODON_ACCESS_TOKEN"},
        {200, 403, HT_SOURCE_END_REFUSED, HT_HEALTH_FAILED, "read:statuses"},
        {200, 404, HT_SOURCE_END_REFUSED, HT_HEALTH_FAILED, "base address"},
        {200, 422, HT_SOURCE_END_REFUSED, HT_HEALTH_FAILED, "that of a user"},
        {200, 400, HT_SOURCE_END_REFUSED, HT_HEALTH_FAILED, "source.timeline"},
        {200, 502, HT_SOURCE_END_HTTP_ERROR, HT_HEALTH_WAITING, "502"},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct live_world world = {0};
        live_world_start(&world);
        live_world_expect(&world, &(struct live_world_exchange){.head_parts = {INSTANCE},
                                                                .status = cases[i].instance_status,
                                                                .body = HT_SLICE(ECHO)});
        if (cases[i].stream_status != 0) {
            live_world_expect(&world,
                              &(struct live_world_exchange){.head_parts = {STREAM},
                                                            .status = cases[i].stream_status,
                                                            .body = HT_SLICE(ECHO)});
        }
        live_world_run_source(&world, make(&world), HT_SLICE(""));
        live_world_await(&world, is_waiting_again);
        const struct ht_health *health = &world.source->health;
        assert_int_equal(world.source->connection.ends[cases[i].end], 1);
        assert_int_equal(health->state, cases[i].health);
        if (strstr(health->text, cases[i].text) == NULL) {
            fail_msg("%s: no %s", health->text, cases[i].text);
        }
        assert_null(strstr(health->text, TOKEN));
        expect(&world, INSTANCE, "{}");
        expect_stream(&world, HT_SLICE(":)\n"));
        live_world_skip(&world, 100000);
        live_world_await_link(&world, HT_SOURCE_LINK_CONNECTED);
        live_world_finish(&world);
    }
}

/* Nobody knows where it says to stream: the token goes nowhere until that can be read. */
static void test_asks_again_where_memory_was_out(void **state)
{
    (void)state;
    struct live_world world = {0};
    live_world_start(&world);
    expect(&world, INSTANCE, "{}");
    json_memory_take();
    live_world_run_source(&world, make(&world), HT_SLICE(""));
    live_world_await(&world, is_waiting_again);
    json_memory_give_back();
    assert_int_equal(world.source->connection.ends[HT_SOURCE_END_NETWORK], 1);
    assert_int_equal(world.source->health.state, HT_HEALTH_WAITING);
    assert_non_null(strstr(world.source->health.text, "Out of memory"));
    expect(&world, INSTANCE, "{}");
    expect_stream(&world, HT_SLICE(":)\n"));
    live_world_skip(&world, 100000);
    live_world_await_link(&world, HT_SOURCE_LINK_CONNECTED);
    live_world_finish(&world);
}

static void test_stops_at_every_step(void **state)
{
    (void)state;
    static const char *const requests[] = {INSTANCE, STREAM, NEWEST};
    for (unsigned step = 0; step <= HT_COUNT_OF(requests); step++) {
        struct live_world world = {0};
        live_world_start(&world);
        for (unsigned i = 0; i < step; i++) {
            bool is_last = i + 1 == step; /* nobody answers that one */
            live_world_expect(
                &world, &(struct live_world_exchange){
                            .head_parts = {requests[i]},
                            .is_silent = is_last,
                            .body = HT_SLICE(":)\n"),
                            .ending = is_last || i == 1 ? LIVE_WORLD_STAYS : LIVE_WORLD_ENDS});
        }
        live_world_run_source(&world, make(&world), HT_SLICE(""));
        if (step == 3) {
            await_streaming(&world);
            live_world_skip(&world, FIRST_PAGE_MS);
        }
        if (step > 0) {
            live_world_await_requests(&world, step);
        }
        live_world_stop_source(&world);
        live_world_finish(&world);
    }
}

static void test_silence_for_45_s_is_a_stall(void **state)
{
    (void)state;
    struct live_world world = {0};
    begin(&world, "[]");
    live_world_send(&world, HT_SLICE(":thump\n"));
    live_world_run_for(&world, 20);
    live_world_skip(&world, 44000);
    live_world_run_for(&world, 5);
    assert_int_equal(world.source->connection.link, HT_SOURCE_LINK_CONNECTED);
    expect_stream(&world, HT_SLICE(":)\n"));
    live_world_skip(&world, 1100);
    live_world_await_requests(&world, 4);
    assert_int_equal(world.source->connection.ends[HT_SOURCE_END_STALLED], 1);
    live_world_finish(&world);
}

static void test_address_that_is_none(void **state)
{
    (void)state;
    struct live_world world = {0};
    live_world_start(&world);
    snprintf(world.url, sizeof(world.url), "example.social");
    live_world_run_source(&world, make(&world), HT_SLICE(""));
    live_world_await_link(&world, HT_SOURCE_LINK_WAITING);
    assert_int_equal(world.source->health.state, HT_HEALTH_FAILED);
    assert_non_null(strstr(world.source->health.text, "source.url"));
    live_world_finish(&world);
}

static void test_a_server_that_is_not_there_is_asked_again(void **state)
{
    (void)state;
    struct live_world world = {0};
    live_world_start(&world);
    char url[sizeof(world.url)];
    memcpy(url, world.url, sizeof(url));
    snprintf(world.url, sizeof(world.url), "http://127.0.0.1:1");
    live_world_run_source(&world, make(&world), HT_SLICE(""));
    memcpy(world.url, url, sizeof(url));
    live_world_await(&world, is_waiting_again);
    assert_int_equal(world.source->health.state, HT_HEALTH_WAITING);
    assert_int_equal(world.source->connection.ends[HT_SOURCE_END_NETWORK], 1);
    live_world_finish(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_streams_where_the_server_says),
        cmocka_unit_test(test_asks_again_where_to_stream_after_a_failure),
        cmocka_unit_test(test_a_server_that_is_not_there_is_asked_again),
        cmocka_unit_test(test_asks_again_where_memory_was_out),
        cmocka_unit_test(test_stops_at_every_step),
        cmocka_unit_test(test_silence_for_45_s_is_a_stall),
        cmocka_unit_test(test_address_that_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
