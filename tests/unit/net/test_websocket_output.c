// SPDX-License-Identifier: MIT
/* What is sent to the peer. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_we_say),
        cmocka_unit_test(test_unsent_messages_are_bounded),
    };
    return cmocka_run_group_tests_name("net/websocket_output", tests, NULL, NULL);
}
