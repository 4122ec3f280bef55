// SPDX-License-Identifier: MIT
/* What the peer sends: byte by byte, wrongly, in floods, and while nobody wants it. */
#include "hashtagd/base/assert.h"
#include "websocket_world.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>

/* --- what the peer does --- */

static void serve_bytewise(struct raw_peer *peer, void *user)
{
    struct world *world = user;

    if (world_agree(peer, "", 0)) {
        poll(NULL, 0, 20); /* so that none comes with the answer */
        for (size_t i = 0; i < world->script_length; i++) {
            raw_send(peer, world->script + i, 1);
            poll(NULL, 0, 1);
        }
        world_await_close(peer, world);
    }
}

static void test_byte_by_byte(void **state)
{
    struct world world = {SCRIPT("\x81\x05hello\x01\x02wo\x89\x01!\x80\x03rld\x88\x02\x03\xe8")};

    (void)state;
    world.serve = serve_bytewise;
    world_run(&world);
    assert_string_equal(world.log, "open:good text:hello text:world end");
    assert_string_equal(world.heard, "10:! close:1000");
    assert_int_equal(world.byte_count, world.script_length);
}

static void test_mistakes_are_told_to_the_peer(void **state)
{
    static const struct {
        const char *script;
        size_t length;
        const char *log, *heard;
        int code;
    } cases[] = {
        {"\x81\x01x\xc1\x01x", 6, "open:good text:x end", "close:1002", HT_EPARSE},
        {"\x81\x01\xff", 3, "open:good end", "close:1007", HT_EPARSE},
        {"\x82\x7f\x00\x00\x00\x00\x00\x11\x00\x00x", 11, "open:good end", "close:1009",
         HT_ETOOBIG},
        {"\x88\x02\x03\xed", 4, "open:good end", "close:1002", HT_EPARSE},
        {"\x89\x02hi\x83\x00", 6, "open:good end", "10:hi close:1002", HT_EPARSE},
    };

    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct world world = {.serve = world_serve_script,
                              .script = cases[i].script,
                              .script_length = cases[i].length};
        world_run(&world);
        assert_string_equal(world.log, cases[i].log);
        assert_string_equal(world.heard, cases[i].heard);
        assert_int_equal(world.code, cases[i].code);
        assert_int_equal(world.close_code, 0);
    }
}

static void serve_half_closed(struct raw_peer *peer, void *user)
{
    (void)user;
    if (world_agree(peer, "\x81\x01x\x81\x05half", 9)) {
        shutdown(peer->fd, SHUT_WR);
        raw_drain(peer);
    }
}

static void test_a_peer_that_sends_no_more(void **state)
{
    struct world world = {.serve = serve_half_closed};

    (void)state;
    world_run(&world);
    assert_string_equal(world.log, "open:good text:x end");
    assert_int_equal(world.code, HT_ECONNECTION);
    assert_true(world.was_open);
    assert_int_equal(world.close_code, 0);
}

static void serve_reset(struct raw_peer *peer, void *user)
{
    (void)user;
    if (world_agree(peer, "", 0)) {
        poll(NULL, 0, 20);
        raw_reset(peer);
    }
}

static void test_a_peer_that_resets(void **state)
{
    struct world world = {.serve = serve_reset};

    (void)state;
    world_run(&world);
    assert_string_equal(world.log, "open:good end");
    assert_int_equal(world.code, HT_ECONNECTION);
}

/* --- floods --- */

#define FLOOD_MESSAGES 100000u

static void serve_flood(struct raw_peer *peer, void *user)
{
    struct world *world = user;
    struct ht_buffer all;

    ht_buffer_init(&all, 1 << 26);
    for (unsigned i = 0; i < FLOOD_MESSAGES; i++) {
        ht_buffer_append_format(&all, "%c%c%05u", world->first_byte, 5, i);
    }
    ht_buffer_append(&all, "\x88\x00", 2);
    if (world_agree(peer, "", 0)) {
        raw_send(peer, all.data, all.length);
        world_await_close(peer, world);
    }
    ht_buffer_finish(&all);
}

static void test_a_flood_of_messages_leaves_the_loop_its_turns(void **state)
{
    struct world world = {
        .serve = serve_flood, .first_byte = 0x81, .on_start = world_begin_other_work};

    (void)state;
    world_run(&world);
    assert_int_equal(world.code, 0);
    assert_int_equal(world.message_count, FLOOD_MESSAGES);
    assert_true(world.longest_gap_ns < 1000000000u); /* 2 ms, and what a busy machine adds */
    assert_true(world.other_turns > 10);
    assert_true(world.read_end_count <= world.other_turns);
}

static void take_time(struct world *world, struct ht_slice bytes)
{
    struct ht_clock *clock = ht_loop_clock(world->loop);
    uint64_t until = ht_clock_monotonic_ns(clock) + 300000;

    (void)bytes;
    while (ht_clock_monotonic_ns(clock) < until) {
    }
}

static void serve_burst(struct raw_peer *peer, void *user)
{
    struct world *world = user;
    struct ht_buffer burst;

    ht_buffer_init(&burst, 1000);
    for (unsigned i = 0; i < 100; i++) {
        ht_buffer_append(&burst, "\x82\x00", 2);
    }
    ht_buffer_append(&burst, "\x88\x00", 2);
    if (world_agree(peer, "", 0)) {
        raw_send(peer, burst.data, burst.length);
        world_await_close(peer, world);
    }
    ht_buffer_finish(&burst);
}

/* All of them come in one read, and nothing after it: they are given in several turns all the same. */
static void test_slow_messages_of_one_read_take_several_turns(void **state)
{
    struct world world = {
        .serve = serve_burst, .on_message = take_time, .on_start = world_begin_other_work};

    (void)state;
    world_run(&world);
    assert_int_equal(world.code, 0);
    assert_string_equal(world.heard, "close:0"); /* before the server was tired of waiting */
    assert_int_equal(world.message_count, 100);
    /* 2 ms and one message more are seven of them */
    assert_true(world.read_end_count >= 12);
    assert_true(world.other_turns >= 12);
}

static void test_a_flood_of_pings_is_answered_with_the_last(void **state)
{
    struct world world = {.serve = serve_flood, .first_byte = 0x89};

    (void)state;
    world_run(&world);
    assert_int_equal(world.code, 0);
    assert_non_null(strstr(world.heard, "10:00000 10:00001")); /* many are */
}

static void pause_each(struct world *world, struct ht_slice bytes)
{
    (void)bytes;
    ht_websocket_pause(world->socket);
    ht_timer_start(ht_loop_timers(world->loop), &world->timer, 0);
}

static void resume_it(struct world *world)
{
    if (world->socket != NULL) {
        ht_websocket_resume(world->socket);
    }
}

static void test_a_pause_after_each_message(void **state)
{
    struct world world = {SCRIPT("\x81\x01"
                                 "a\x81\x01"
                                 "b\x82\x00\x01\x01"
                                 "c\x80\x01"
                                 "d\x81\x01"
                                 "e\x88\x00"),
                          .on_message = pause_each, .on_timer = resume_it, .timer_ms = 0};

    (void)state;
    world_run(&world);
    assert_string_equal(world.log, "open:good text:a text:b binary text:cd text:e end");
    assert_int_equal(world.code, 0);
    assert_int_equal(world.read_end_count, 5);
}

/* Sends until nothing more goes out for a while. */
static void serve_held_back(struct raw_peer *peer, void *user)
{
    struct world *world = user;
    static const char frame[65546] = "\x82\x7f\x00\x00\x00\x00\x00\x01\x00";
    struct pollfd wait = {.fd = peer->fd, .events = POLLOUT};

    if (!world_agree(peer, "", 0)) {
        return;
    }
    size_t sent_bytes = 0;
    while (sent_bytes < (64u << 20) && poll(&wait, 1, 150) == 1) {
        size_t at = sent_bytes % sizeof frame;
        ssize_t sent = send(peer->fd, frame + at, sizeof frame - at, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0) {
            break;
        }
        sent_bytes += (size_t)sent;
    }
    atomic_store(&world->held_bytes, sent_bytes);
    size_t at = sent_bytes % sizeof frame;
    raw_send(peer, frame + at, sizeof frame - at);
    raw_send(peer, "\x88\x00", 2);
    world_await_close(peer, world);
}

static void pause_and_go_on(struct world *world)
{
    ht_websocket_pause(world->socket);
    ht_timer_start(ht_loop_timers(world->loop), &world->timer, 20);
}

static void on_other_done(void *user, struct ht_http_result *result)
{
    struct world *world = user;

    assert_int_equal(result->code, HT_ECONNECTION);
    world->other_turns++;
}

/* Another transfer makes curl look after its idle connections: ours, with bytes that wait, must not
 * be among them. */
static void use_client_and_resume(struct world *world)
{
    struct ht_http_transfer_options options = {
        .url = "http://127.0.0.1:1/", .on_done = on_other_done, .user = world};
    struct ht_error error;

    if (world->other_turns == 0 && atomic_load(&world->held_bytes) > 0) {
        assert_int_equal(ht_http_transfer_start(world->client, &options, NULL, &error), 0);
    }
    if (world->other_turns == 0) {
        ht_timer_start(ht_loop_timers(world->loop), &world->timer, 20);
    } else {
        assert_int_equal(world->message_count, 0);
        resume_it(world);
    }
}

static void test_a_pause_holds_the_peer_back(void **state)
{
    struct world world = {.serve = serve_held_back,
                          .on_open = pause_and_go_on,
                          .on_timer = use_client_and_resume,
                          .timer_ms = 60000};

    (void)state;
    world_run(&world);
    assert_int_equal(world.code, 0);
    assert_int_equal(world.other_turns, 1);
    assert_true(world.held_bytes < (32u << 20)); /* what the kernel's buffers take */
    assert_true(world.message_bytes >= world.held_bytes / 65546 * 65536);
    assert_int_equal(world.message_bytes % 65536, 0);
}

static void test_close_while_paused(void **state)
{
    struct world world = {.serve = world_serve_closing,
                          .on_open = pause_and_go_on,
                          .on_timer = world_close,
                          .timer_ms = 60000};

    (void)state;
    world_run(&world);
    assert_string_equal(world.log, "open:good end");
    assert_int_equal(world.code, 0);
    assert_int_equal(world.close_code, 1001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_byte_by_byte),
        cmocka_unit_test(test_mistakes_are_told_to_the_peer),
        cmocka_unit_test(test_a_peer_that_sends_no_more),
        cmocka_unit_test(test_a_peer_that_resets),
        cmocka_unit_test(test_a_flood_of_messages_leaves_the_loop_its_turns),
        cmocka_unit_test(test_slow_messages_of_one_read_take_several_turns),
        cmocka_unit_test(test_a_flood_of_pings_is_answered_with_the_last),
        cmocka_unit_test(test_a_pause_after_each_message),
        cmocka_unit_test(test_a_pause_holds_the_peer_back),
        cmocka_unit_test(test_close_while_paused),
    };
    return cmocka_run_group_tests_name("net/websocket_input", tests, NULL, NULL);
}
