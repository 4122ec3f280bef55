// SPDX-License-Identifier: MIT
/* What is sent to the peer. */
#include "hashtagd/base/assert.h"
#include "../../../src/net/websocket_internal.h"
#include "websocket_world.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>

static void talk(struct world *world)
{
    ht_websocket_ping(world->socket);
    ht_websocket_ping(world->socket); /* one waits already */
    assert_int_equal(ht_websocket_send(world->socket, HT_WEBSOCKET_TEXT, HT_SLICE("to you")), 0);
    assert_int_equal(ht_websocket_send(world->socket, HT_WEBSOCKET_BINARY, HT_SLICE("")), 0);
    world_close(world);
    assert_int_equal(ht_websocket_send(world->socket, HT_WEBSOCKET_TEXT, HT_SLICE("late")),
                     HT_ECONNECTION);
}

static void test_what_we_say(void **state)
{
    struct world world = {.serve = world_serve_closing, .on_open = talk};

    (void)state;
    world_run(&world);
    assert_string_equal(world.heard, "9: 1:to you 2: close:1001");
    assert_int_equal(world.code, 0);
}

/* Reads nothing for a while. */
static void serve_slow_reader(struct raw_peer *peer, void *user)
{
    (void)user;
    if (world_agree(peer, "", 0)) {
        poll(NULL, 0, 100);
        raw_drain(peer);
    }
}

/* Sends on each turn until a whole second turn finds no room. */
static void send_a_lot(struct world *world)
{
    static const char block[10000];
    int status;

    if (world->socket == NULL) {
        return;
    }
    for (unsigned i = 0; i < 100; i++) {
        status = ht_websocket_send(world->socket, HT_WEBSOCKET_BINARY,
                                   ht_slice_make(block, sizeof block));
        world->message_bytes += status == 0 ? sizeof block : 0;
        assert_true(status == 0 || status == HT_EBUSY);
        assert_true(i < 99);
        if (status == HT_EBUSY) {
            break;
        }
    }
    world->message_count++;
    if (world->message_count > 20) {
        world_cancel(world);
    } else {
        ht_timer_start(ht_loop_timers(world->loop), &world->timer, 2);
    }
}

static void test_unsent_messages_are_bounded(void **state)
{
    struct world world = {.serve = serve_slow_reader, .on_timer = send_a_lot, .timer_ms = 0};

    (void)state;
    world.on_open = send_a_lot;
    world.options.max_unsent_bytes = 100000;
    world.timer_ms = 10000;
    world_run(&world);
    assert_int_equal(world.code, HT_ECANCELED);
    assert_true(world.message_bytes >= 90000);
}

/* Keeps of what the client said the end. */
static void serve_pings(struct raw_peer *peer, void *user)
{
    struct world *world = user;
    world_serve_script(peer, user);
    struct ht_slice all = ht_buffer_slice(&world->server_input);
    size_t kept = all.length < 15 ? all.length : 15;
    snprintf(world->heard, sizeof world->heard, "%.*s", (int)kept, all.data + all.length - kept);
}

/* More pongs than may wait: the last of them goes out before the close, not behind it. */
static void test_nothing_follows_the_close(void **state)
{
    struct ht_buffer script;
    struct world world = {.serve = serve_pings};

    (void)state;
    ht_buffer_init(&script, 10000);
    for (unsigned i = 0; i < 400; i++) {
        ht_buffer_append_text(&script, i < 399 ? "\x89\x01n" : "\x89\x01z");
    }
    ht_buffer_append_text(&script, "\x88\x02\x03\xe8");
    world.script = script.data;
    world.script_length = script.length;
    world_run(&world);
    assert_string_equal(world.heard, "10:z close:1000");
    ht_buffer_finish(&script);
}

/* A pong that waits is not sent behind that of a later ping. */
static void test_pongs_stay_in_order(void **state)
{
    struct ht_websocket socket = {0};

    (void)state;
    ht_buffer_init(&socket.output, 1 << 16);
    assert_int_equal(ht_websocket_frames_init(&socket.frames, 100), 0);
    for (int i = 0; i < 1000 && !socket.has_pong; i++) {
        ht_websocket_queue_pong(&socket, HT_SLICE("early"));
    }
    assert_true(socket.has_pong);
    socket.control_bytes = 0; /* what was queued is on its way */
    ht_websocket_queue_pong(&socket, HT_SLICE("late"));
    assert_false(socket.has_pong);
    ht_websocket_frames_finish(&socket.frames);
    ht_buffer_finish(&socket.output);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_we_say),
        cmocka_unit_test(test_unsent_messages_are_bounded),
        cmocka_unit_test(test_nothing_follows_the_close),
        cmocka_unit_test(test_pongs_stay_in_order),
    };
    return cmocka_run_group_tests_name("net/websocket_output", tests, NULL, NULL);
}
