// SPDX-License-Identifier: MIT
/* The whole life of a WebSocket: how it opens, how it ends. */
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

static void test_a_conversation(void **state)
{
    struct world world = {
        SCRIPT("\x81\x05hello\x01\x02wo\x89\x01!\x80\x03rld\x82\x00\x88\x05\x03\xe8"
               "bye")};

    (void)state;
    world_run(&world);
    assert_string_equal(world.log, "open:good text:hello text:world binary end");
    assert_int_equal(world.code, 0);
    assert_int_equal(world.status, 101);
    assert_int_equal(world.close_code, 1000);
    assert_string_equal(world.reason, "bye");
    assert_true(world.was_open);
    assert_true(world.read_end_count > 0);
}

static void test_a_conversation_over_tls(void **state)
{
    struct world world = {SCRIPT("\x81\x05hello\x88\x02\x03\xe8"), .is_tls = true,
                          .is_trusted = true};

    (void)state;
    world_run(&world);
    assert_string_equal(world.log, "open:good text:hello end");
    assert_int_equal(world.code, 0);
    assert_int_equal(world.server.h2_offers, 0);
}

static void test_a_certificate_that_nobody_trusts(void **state)
{
    struct world world = {.serve = world_serve_nothing, .is_tls = true};

    (void)state;
    world_run(&world);
    assert_string_equal(world.log, "end");
    assert_int_equal(world.code, HT_EPERMISSION);
    assert_false(world.was_open);
}

/* --- the end, from our side --- */

static void close_at_message(struct world *world, struct ht_slice bytes)
{
    (void)bytes;
    world_close(world);
}

static void test_our_close_is_answered(void **state)
{
    struct world world = {.serve = world_serve_closing, .on_message = close_at_message};

    (void)state;
    world_run(&world);
    assert_string_equal(world.log, "open:good text:a end");
    assert_int_equal(world.code, 0);
    assert_int_equal(world.close_code, 1001);
    assert_string_equal(world.reason, "ok");
    assert_int_equal(world.read_end_count, 1);
}

static void serve_deaf(struct raw_peer *peer, void *user)
{
    (void)user;
    if (world_agree(peer,
                    "\x81\x01"
                    "a",
                    3)) {
        raw_drain(peer);
    }
}

static void test_our_close_is_not_answered(void **state)
{
    struct world world = {
        .serve = serve_deaf, .on_message = close_at_message, .options.close_timeout_ms = 50};

    (void)state;
    world_run(&world);
    assert_int_equal(world.code, HT_ETIMEDOUT);
    assert_true(world.was_open);
    assert_int_equal(world.close_code, 0);
}

static void serve_leaving(struct raw_peer *peer, void *user)
{
    struct world *world = user;

    if (world_agree(peer,
                    "\x81\x01"
                    "a",
                    3)) {
        world_await_close(peer, world);
    }
}

static void test_our_close_is_answered_by_leaving(void **state)
{
    struct world world = {.serve = serve_leaving, .on_message = close_at_message};

    (void)state;
    world_run(&world);
    assert_int_equal(world.code, HT_ECONNECTION);
    assert_string_equal(world.heard, "close:1001");
}

static void test_close_before_it_is_open(void **state)
{
    struct world world = {.serve = world_serve_nothing, .on_start = world_close};

    (void)state;
    world_run(&world);
    assert_string_equal(world.log, "end");
    assert_int_equal(world.code, HT_ECANCELED);
}

static void cancel_at_message(struct world *world, struct ht_slice bytes)
{
    (void)bytes;
    world_cancel(world);
}

static void test_cancel_before_it_is_open(void **state)
{
    struct world world = {.serve = world_serve_nothing, .on_start = world_cancel};

    (void)state;
    world_run(&world);
    assert_string_equal(world.log, "end");
    assert_int_equal(world.code, HT_ECANCELED);
}

static void test_cancel_from_a_message(void **state)
{
    struct world world = {SCRIPT("\x81\x01"
                                 "a\x81\x01"
                                 "b\x88\x00"),
                          .on_message = cancel_at_message};

    (void)state;
    world_run(&world);
    assert_string_equal(world.log, "open:good text:a end");
    assert_int_equal(world.code, HT_ECANCELED);
    assert_int_equal(world.read_end_count, 0);
}

static void close_client_at_message(struct world *world, struct ht_slice bytes)
{
    (void)bytes;
    world_close_client(world);
}

static void test_the_client_closes_first(void **state)
{
    struct world world = {.serve = serve_deaf, .on_message = close_client_at_message};

    (void)state;
    world_run(&world);
    assert_string_equal(world.log, "open:good text:a end");
    assert_int_equal(world.code, HT_ECANCELED);
}

/* --- the upgrade --- */

static void test_nobody_answers_the_upgrade(void **state)
{
    struct world world = {.serve = world_serve_nothing, .options.connect_timeout_ms = 300};

    (void)state;
    world_run(&world);
    assert_int_equal(world.code, HT_ETIMEDOUT);
    assert_int_equal(world.status, 0);
    assert_non_null(strstr(world.error_text, "upgrade"));
}

static void serve_raw_answer(struct raw_peer *peer, void *user)
{
    struct world *world = user;

    if (raw_wait_for(peer, "\r\n\r\n")) {
        raw_send(peer, world->script, world->script_length);
    }
}

#define ANSWER(bytes)                                                                              \
    .script = (bytes), .script_length = sizeof(bytes) - 1, .serve = serve_raw_answer

static void test_a_refusal_is_told_with_its_body(void **state)
{
    struct world world = {
        ANSWER("HTTP/1.1 401 Unauthorized\r\nX-Kind: bad\r\nContent-Length: 9\r\n\r\nwho's it?")};

    (void)state;
    world_run(&world);
    assert_string_equal(world.log, "end");
    assert_int_equal(world.code, HT_EUNSUPPORTED);
    assert_int_equal(world.status, 401);
    assert_string_equal(world.header, "bad");
    assert_string_equal(world.body, "who's it?");
    assert_non_null(strstr(world.error_text, "401"));
}

static void test_answers_that_end_it(void **state)
{
    static const struct {
        const char *answer;
        int code, status;
    } cases[] = {
        {"", HT_ECONNECTION, 0},
        {"HTTP/1.1 101 Swi", HT_ECONNECTION, 0},
        {"SSH-2.0-server\r\n", HT_EPARSE, 0},
        {"HTTP/1.1 101 Fine\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81\x01x",
         HT_EPARSE, 101},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", HT_EUNSUPPORTED, 200},
        {"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", HT_EUNSUPPORTED, 302},
        {"HTTP/1.1 503 No\r\n\r\ncut off", HT_EUNSUPPORTED, 503},
    };

    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct world world = {.serve = serve_raw_answer,
                              .script = cases[i].answer,
                              .script_length = strlen(cases[i].answer)};
        world_run(&world);
        assert_string_equal(world.log, "end");
        assert_int_equal(world.code, cases[i].code);
        assert_int_equal(world.status, cases[i].status);
        assert_non_null(strstr(world.error_text, "127.0.0.1"));
    }
}

static void serve_slow_refusal(struct raw_peer *peer, void *user)
{
    (void)user;
    if (raw_wait_for(peer, "\r\n\r\n")) {
        raw_send_text(peer, "HTTP/1.1 500 Oh\r\nContent-Length: 100\r\n\r\nhalf of it");
        raw_drain(peer);
    }
}

static void test_a_refusal_whose_body_never_ends(void **state)
{
    struct world world = {.serve = serve_slow_refusal, .options.close_timeout_ms = 50};

    (void)state;
    world_run(&world);
    assert_int_equal(world.code, HT_EUNSUPPORTED);
    assert_int_equal(world.status, 500);
    assert_string_equal(world.body, "half of it");
}

static void serve_subprotocol(struct raw_peer *peer, void *user)
{
    struct world *world = user;

    if (raw_wait_for(peer, "\r\n\r\n")) {
        snprintf(world->heard, sizeof world->heard, "%d%d%d",
                 strstr(peer->input.data, "GET /p?q=1 HTTP/1.1\r\n") != NULL,
                 strstr(peer->input.data, "Sec-WebSocket-Protocol: chat\r\n") != NULL,
                 strstr(peer->input.data, "Authorization: Bearer x\r\n") != NULL);
        world_agree(peer, "", 0);
    }
}

static void test_what_is_asked_for(void **state)
{
    static const struct ht_http_header headers[] = {HT_HTTP_HEADER("Authorization", "Bearer x")};
    struct world world = {.serve = serve_subprotocol,
                          .path = "/p?q=1",
                          .scheme = "http",
                          .options.headers = headers,
                          .options.header_count = 1,
                          .options.subprotocol = "chat"};

    (void)state;
    world_run(&world);
    assert_string_equal(world.heard, "111");
    assert_int_equal(world.code, HT_EPARSE); /* the server does not agree to the subprotocol */
}

static void on_nothing(void *user, enum ht_websocket_kind kind, struct ht_slice bytes)
{
    (void)user;
    (void)kind;
    (void)bytes;
}

static void on_no_end(void *user, const struct ht_websocket_end *end)
{
    (void)end;
    *(bool *)user = true;
}

static void stop_loop(void *user)
{
    ht_loop_stop(user);
}

static void test_urls_and_headers_that_cannot_be_used(void **state)
{
    static const struct ht_http_header bad[] = {HT_HTTP_HEADER("X", "a\r\nEvil: b")};
    struct ht_loop *loop;
    struct ht_http_client *client;
    struct ht_websocket *socket;
    struct ht_error error;
    bool has_ended = false;
    struct ht_websocket_options options = {
        .url = "mailto:me", .on_message = on_nothing, .on_end = on_no_end, .user = &has_ended};

    (void)state;
    assert_int_equal(ht_loop_create(&loop, NULL, &error), 0);
    assert_int_equal(ht_http_client_create(&client, loop, &error), 0);
    assert_int_equal(ht_websocket_open(client, &options, &socket, &error), HT_EINVAL);
    assert_null(socket);
    options.url = "ws://127.0.0.1/?secret=1";
    options.headers = bad;
    options.header_count = 1;
    assert_int_equal(ht_websocket_open(client, &options, &socket, &error), HT_EINVAL);
    assert_null(strstr(error.text, "secret"));
    assert_null(strstr(error.text, "Evil"));
    ht_http_client_close(client, stop_loop, loop);
    ht_loop_run(loop);
    ht_loop_destroy(loop);
    assert_false(has_ended);
}

static void serve_nobody(struct raw_peer *peer, void *user)
{
    (void)peer;
    (void)user;
}

static void test_a_server_that_hangs_up(void **state)
{
    struct world world = {.serve = serve_nobody, .is_tls = true, .is_trusted = true};

    (void)state;
    world_run(&world);
    assert_int_equal(world.code, HT_ECONNECTION);
}

/* Plays a proxy that is asked for a tunnel, and then the server at its end. */
static void serve_proxy(struct raw_peer *peer, void *user)
{
    struct world *world = user;

    if (raw_wait_for(peer, "\r\n\r\n")) {
        snprintf(world->heard, sizeof world->heard, "%.32s", peer->input.data);
        ht_buffer_clear(&peer->input);
        raw_send_text(peer, "HTTP/1.1 200 Connected\r\n\r\n");
        world_agree(peer, "\x81\x02hi\x88\x00", 6);
        raw_drain(peer);
    }
}

static void set_proxy(struct world *world)
{
    char proxy[64];

    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%u", world->server.port);
    setenv("http_proxy", proxy, 1);
}

static void test_through_a_proxy(void **state)
{
    struct world world = {
        .serve = serve_proxy, .options.url = "ws://192.0.2.1/x", .on_start = set_proxy};

    (void)state;
    world_run(&world);
    unsetenv("http_proxy");
    assert_string_equal(world.heard, "CONNECT 192.0.2.1:80 HTTP/1.1\r\nH");
    assert_string_equal(world.log, "open:good text:hi end");
    assert_int_equal(world.code, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_conversation),
        cmocka_unit_test(test_a_conversation_over_tls),
        cmocka_unit_test(test_a_certificate_that_nobody_trusts),
        cmocka_unit_test(test_our_close_is_answered),
        cmocka_unit_test(test_our_close_is_not_answered),
        cmocka_unit_test(test_our_close_is_answered_by_leaving),
        cmocka_unit_test(test_close_before_it_is_open),
        cmocka_unit_test(test_cancel_before_it_is_open),
        cmocka_unit_test(test_cancel_from_a_message),
        cmocka_unit_test(test_the_client_closes_first),
        cmocka_unit_test(test_nobody_answers_the_upgrade),
        cmocka_unit_test(test_a_refusal_is_told_with_its_body),
        cmocka_unit_test(test_answers_that_end_it),
        cmocka_unit_test(test_a_refusal_whose_body_never_ends),
        cmocka_unit_test(test_what_is_asked_for),
        cmocka_unit_test(test_urls_and_headers_that_cannot_be_used),
        cmocka_unit_test(test_a_server_that_hangs_up),
        cmocka_unit_test(test_through_a_proxy),
    };
    return cmocka_run_group_tests_name("net/websocket", tests, NULL, NULL);
}
