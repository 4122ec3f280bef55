// SPDX-License-Identifier: MIT
#include "mastodon_world.h"

#include "hashtagd/base/assert.h"

static uint64_t bytes_before; /* the second connection */

static bool is_streaming_again(struct live_world *world)
{
    return is_streaming(world) && world->source->connection.received_bytes > bytes_before;
}

/* The connection breaks and comes back; then the pages that a test expects are asked for. */
static void reconnect(struct live_world *world)
{
    bytes_before = world->source->connection.received_bytes;
    expect_stream(world, HT_SLICE(":)\n"));
    live_world_skip(world, 20000); /* it lived long enough for a try at once */
    live_world_cut(world, LIVE_WORLD_RESET);
    live_world_await(world, is_streaming_again);
}

static void test_fills_the_gap_after_a_reconnect(void **state)
{
    (void)state;
    struct live_world world = {0};
    struct ht_buffer first, second;
    ht_buffer_init(&first, 1u << 20);
    ht_buffer_init(&second, 1u << 20);
    begin(&world, "[]");
    send_and_await(&world, 1, 1);
    reconnect(&world);
    /* while it is filled, the stream goes on; one of its statuses is in the pages, too */
    send_and_await(&world, 60, 2);
    assert_cursor_has(&world, ID(1));
    live_world_expect(&world, &(struct live_world_exchange){.head_parts = {PAGE, TOKEN_LINE},
                                                            .body = page(&first, 40, 1)});
    live_world_expect(&world, &(struct live_world_exchange){.head_parts = {PAGE, TOKEN_LINE},
                                                            .body = page(&second, 60, 41)});
    expect(&world, PAGE, "[]");
    live_world_skip(&world, FIRST_PAGE_MS);
    live_world_await_messages(&world, 60);
    live_world_skip(&world, 2000);
    live_world_await(&world, has_answers);
    send_and_await(&world, 61, 61);
    for (int n = 2; n < 60; n++) {
        char part[32];
        snprintf(part, sizeof(part), "\"t%d\"", n);
        assert_message(&world, (size_t)n, part); /* oldest first, behind 1 and 60 */
    }
    assert_int_equal(world.source->connection.repeats, 2);
    assert_int_equal(world.source->connection.gaps, 0);
    assert_cursor_has(&world, ID(61));
    assert_true(live_world_request_has(&world, 4, "min_id="));
    char last[64];
    snprintf(last, sizeof(last), "min_id=%lld ", ID(40));
    assert_true(live_world_request_has(&world, 5, last));
    ht_buffer_finish(&first);
    ht_buffer_finish(&second);
    live_world_finish(&world);
}

/* The loop has other work: what is in a page of a megabyte is taken in over several turns, oldest first,
 * and the page counts as had when its last status is. */
static void test_a_long_page_takes_several_turns(void **state)
{
    enum { STATUSES = 40, PADDING_BYTES = 25000 };
    (void)state;
    struct live_world world = {0};
    struct ht_buffer page;
    ht_buffer_init(&page, 2u << 20);
    begin(&world, "[]");
    send_and_await(&world, 1, 1);
    reconnect(&world);
    for (int n = STATUSES + 1; n > 1; n--) {
        const char *text = status(ID(n), "long", NULL);
        ht_buffer_append_text(&page, n == STATUSES + 1 ? "[" : ",");
        ht_buffer_append(&page, text, strlen(text) - 1);
        ht_buffer_append_format(&page, ",\"content\":\"%0*d\"}", PADDING_BYTES, n);
    }
    ht_buffer_append_text(&page, "]");
    size_t deliveries = world.sink.deliveries;
    live_world_expect(&world, &(struct live_world_exchange){.head_parts = {PAGE, TOKEN_LINE},
                                                            .body = ht_buffer_slice(&page)});
    expect(&world, PAGE, "[]");
    live_world_skip(&world, FIRST_PAGE_MS);
    live_world_await_messages(&world, STATUSES + 1);
    assert_in_range(world.sink.deliveries - deliveries, 3, STATUSES);
    for (int n = 2; n <= STATUSES + 1; n++) {
        char part[32];
        snprintf(part, sizeof(part), "{\"id\":\"%lld\"", ID(n));
        assert_message(&world, (size_t)n - 1, part);
    }
    live_world_skip(&world, 1000);
    live_world_await(&world, has_answers);
    assert_cursor_has(&world, ID(STATUSES + 1));
    ht_buffer_finish(&page);
    live_world_finish(&world);
}

/* A source that goes on in the same world, as after a restart of the program. */
static void restart(struct live_world *world, enum ht_mastodon_timeline timeline,
                    const char *first_page)
{
    char cursor[HT_SOURCE_CURSOR_BYTES];
    size_t length = world->sink.cursor_length;
    memcpy(cursor, world->sink.cursor, length);
    assert_in_range(length, 1, HT_SOURCE_OWN_CURSOR_BYTES);
    live_world_stop_source(world);
    world->source->ops->destroy(world->source);
    world->source = NULL;
    world->stop_count = 0;
    expect(world, INSTANCE, "{}");
    live_world_expect(world, &(struct live_world_exchange){.head_parts = {"GET /api/v1/streaming/"},
                                                           .body = HT_SLICE(":)\n"),
                                                           .ending = LIVE_WORLD_STAYS});
    live_world_run_source(world, make_of(world, timeline), ht_slice_make(cursor, length));
    await_streaming(world);
    expect(world, first_page, "[]");
    live_world_skip(world, FIRST_PAGE_MS);
    live_world_await(world, has_answers);
}

static void test_fills_from_the_cursor_after_a_restart(void **state)
{
    (void)state;
    struct live_world world = {0};
    char after[64];
    begin(&world, "[]");
    send_and_await(&world, 100, 1);
    /* ten seconds before what was known; ID(n) are seconds */
    snprintf(after, sizeof(after), "public?limit=40&min_id=%lld ", ID(90));
    restart(&world, HT_MASTODON_PUBLIC, after);
    live_world_finish(&world);
}

static void test_cursor_of_another_timeline_is_none(void **state)
{
    (void)state;
    struct live_world world = {0};
    begin(&world, "[]");
    send_and_await(&world, 100, 1);
    restart(&world, HT_MASTODON_LOCAL, "public?limit=1&local=true ");
    live_world_finish(&world);
}

static void test_gap_begins_at_the_newest_where_nothing_came(void **state)
{
    (void)state;
    struct live_world world = {0};
    struct ht_buffer newest, missed;
    ht_buffer_init(&newest, 1u << 20);
    ht_buffer_init(&missed, 1u << 20);
    page(&newest, 7, 7);
    begin(&world, newest.data);
    live_world_await(&world, has_answers);
    live_world_run_for(&world, 20);
    reconnect(&world);
    live_world_expect(
        &world, &(struct live_world_exchange){.head_parts = {PAGE}, .body = page(&missed, 9, 8)});
    expect(&world, PAGE, "[]");
    live_world_skip(&world, FIRST_PAGE_MS);
    live_world_await_messages(&world, 2);
    live_world_skip(&world, 1000);
    live_world_await(&world, has_answers);
    assert_message(&world, 0, "\"t8\"");
    assert_cursor_has(&world, ID(9));
    ht_buffer_finish(&newest);
    ht_buffer_finish(&missed);
    live_world_finish(&world);
}

static void test_page_is_asked_again_and_given_up(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *headers, *body;
        uint64_t wait_ms; /* 0: given up */
    } cases[] = {
        {429, "Retry-After: 90\r\n", "{}", 91000},
        {500, NULL, "<html>", 3000},
        {200, NULL, "<html>", 3000},
        {200, NULL, "{\"error\":\"x\"}", 3000},
        {403, NULL, "{\"error\":\"x\"}", 0},
        {404, NULL, "{}", 0},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct live_world world = {0};
        struct ht_buffer missed;
        ht_buffer_init(&missed, 1u << 20);
        begin(&world, "[]");
        send_and_await(&world, 1, 1);
        reconnect(&world);
        live_world_expect(&world,
                          &(struct live_world_exchange){.head_parts = {PAGE},
                                                        .status = cases[i].status,
                                                        .headers = cases[i].headers,
                                                        .body = ht_slice_text(cases[i].body)});
        live_world_skip(&world, FIRST_PAGE_MS);
        live_world_await(&world, has_answers);
        live_world_run_for(&world, 20);
        if (cases[i].wait_ms == 0) {
            assert_int_equal(world.source->connection.gaps, 1);
            assert_non_null(strstr(world.source->health.last_error, "may be missing"));
            assert_int_equal(world.source->health.state, HT_HEALTH_WORKING);
            send_and_await(&world, 50, 2);
            assert_cursor_has(&world, ID(50));
        } else {
            live_world_expect(&world, &(struct live_world_exchange){.head_parts = {PAGE},
                                                                    .body = page(&missed, 2, 2)});
            expect(&world, PAGE, "[]");
            for (uint64_t waited = 0; waited < cases[i].wait_ms; waited += 10000) {
                live_world_skip(&world, 10000);
                live_world_send(&world, HT_SLICE(":thump\n"));
                live_world_run_for(&world, 2);
            }
            live_world_await_messages(&world, 2);
            live_world_skip(&world, 1000);
            live_world_await(&world, has_answers);
            assert_int_equal(world.source->connection.gaps, 0);
        }
        ht_buffer_finish(&missed);
        live_world_finish(&world);
    }
}

static void test_no_page_while_the_sink_is_full(void **state)
{
    (void)state;
    struct live_world world = {0};
    struct ht_buffer first, second;
    ht_buffer_init(&first, 1u << 20);
    ht_buffer_init(&second, 1u << 20);
    begin(&world, "[]");
    send_and_await(&world, 1, 1);
    reconnect(&world);
    world.sink.full_at = 40;
    live_world_expect(
        &world, &(struct live_world_exchange){.head_parts = {PAGE}, .body = page(&first, 40, 1)});
    live_world_skip(&world, FIRST_PAGE_MS);
    live_world_await_link(&world, HT_SOURCE_LINK_PAUSED);
    assert_int_equal(world.sink.count, 40);
    live_world_skip(&world, 5000);
    live_world_run_for(&world, 20); /* a request would fail the test */
    live_world_expect(
        &world, &(struct live_world_exchange){.head_parts = {PAGE}, .body = page(&second, 50, 41)});
    expect(&world, PAGE, "[]");
    world.sink.full_at = 0;
    world.source->ops->resume(world.source);
    assert_int_equal(world.sink.count, 40);
    live_world_await_messages(&world, 50);
    live_world_skip(&world, 1000);
    live_world_await(&world, has_answers);
    ht_buffer_finish(&first);
    ht_buffer_finish(&second);
    live_world_finish(&world);
}

static uint64_t page_end; /* of what the server sends */

static bool is_page_sent(struct live_world *world)
{
    return world->sent_bytes >= page_end;
}

static void test_page_that_comes_while_the_sink_is_full_is_held(void **state)
{
    (void)state;
    struct live_world world = {0};
    struct ht_buffer missed;
    ht_buffer_init(&missed, 1u << 20);
    begin(&world, "[]");
    send_and_await(&world, 1, 1);
    reconnect(&world);
    const char *sent = event("update", status(ID(60), "t60", NULL)).data;
    page_end = world.sent_bytes + page(&missed, 20, 2).length + strlen(sent);
    live_world_expect(&world, &(struct live_world_exchange){.head_parts = {PAGE},
                                                            .body = ht_buffer_slice(&missed),
                                                            .piece_bytes = 8});
    live_world_skip(&world, FIRST_PAGE_MS);
    live_world_await_requests(&world, 5);
    world.sink.full_at = 2;
    live_world_send(&world, ht_slice_text(sent));
    live_world_await_link(&world, HT_SOURCE_LINK_PAUSED);
    live_world_await(&world, is_page_sent);
    live_world_run_for(&world, 5);
    size_t held_at = world.sink.count;
    assert_int_equal(held_at, 2);
    expect(&world, PAGE, "[]");
    world.sink.full_at = 0;
    world.source->ops->resume(world.source);
    assert_int_equal(world.sink.count, held_at);
    live_world_await_messages(&world, 21);
    live_world_skip(&world, 1000);
    live_world_await(&world, has_answers);
    ht_buffer_finish(&missed);
    live_world_finish(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fills_the_gap_after_a_reconnect),
        cmocka_unit_test(test_a_long_page_takes_several_turns),
        cmocka_unit_test(test_fills_from_the_cursor_after_a_restart),
        cmocka_unit_test(test_cursor_of_another_timeline_is_none),
        cmocka_unit_test(test_gap_begins_at_the_newest_where_nothing_came),
        cmocka_unit_test(test_page_is_asked_again_and_given_up),
        cmocka_unit_test(test_no_page_while_the_sink_is_full),
        cmocka_unit_test(test_page_that_comes_while_the_sink_is_full_is_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
