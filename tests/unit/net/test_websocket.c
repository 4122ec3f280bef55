// SPDX-License-Identifier: MIT
/* A WebSocket against a server of raw bytes: the whole life, over plain connections and TLS. */
#include "../../../src/net/websocket_upgrade.h"
#include "hashtagd/net/websocket.h"

#include "hashtagd/base/assert.h"
#include "raw_server.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>

#define LOG_BYTES 4096

/* A client on its loop, and what it saw. */
struct world {
    struct raw_server server;
    struct net_certificate certificate;
    struct ht_loop *loop;
    struct ht_http_client *client;
    struct ht_websocket *socket;
    struct ht_timer timer, other_timer;
    /* what the test wants */
    struct ht_websocket_options options;
    bool is_tls, is_trusted;
    const char *scheme, *path;
    raw_serve_fn serve;
    void (*on_start)(struct world *world);                          /* once open() returned */
    void (*on_message)(struct world *world, struct ht_slice bytes); /* beside the log */
    void (*on_open)(struct world *world);
    void (*on_timer)(struct world *world);
    uint64_t timer_ms;
    const char *script; /* for the server: what it sends after its 101 */
    size_t script_length;
    int first_byte; /* of a flood's frames */
    /* seen */
    char log[LOG_BYTES];
    unsigned message_count, read_end_count, end_count, other_turns;
    size_t message_bytes, byte_count;
    uint64_t longest_gap_ns, last_turn_ns;
    int code, status;
    unsigned close_code;
    bool was_open, is_closed_by_test, is_open_inside;
    char error_text[512], body[5000], reason[128], header[64], heard[256];
    struct ht_buffer server_input; /* what the server got behind the request */
};

static void note(struct world *world, const char *word, struct ht_slice bytes)
{
    size_t length = strlen(world->log);

    snprintf(world->log + length, sizeof world->log - length, "%s%s%s%.*s", length > 0 ? " " : "",
             word, bytes.length > 0 ? ":" : "", (int)bytes.length,
             bytes.data == NULL ? "" : bytes.data);
}

static void on_open(void *user, const struct ht_http_header *headers, size_t header_count)
{
    struct world *world = user;
    struct ht_slice value = ht_http_header_find(headers, header_count, "x-kind");

    note(world, "open", value);
    if (world->on_open != NULL) {
        world->on_open(world);
    }
}

static void on_bytes(void *user, size_t count)
{
    struct world *world = user;

    world->byte_count += count;
}

static void on_message(void *user, enum ht_websocket_kind kind, struct ht_slice bytes)
{
    struct world *world = user;

    world->message_count++;
    world->message_bytes += bytes.length;
    note(world, kind == HT_WEBSOCKET_TEXT ? "text" : "binary",
         bytes.length > 40 ? HT_SLICE("...") : bytes);
    if (world->on_message != NULL) {
        world->on_message(world, bytes);
    }
}

static void on_read_end(void *user)
{
    ((struct world *)user)->read_end_count++;
}

static void on_client_closed(void *user)
{
    struct world *world = user;

    ht_timer_stop(ht_loop_timers(world->loop), &world->timer);
    ht_timer_stop(ht_loop_timers(world->loop), &world->other_timer);
    ht_loop_stop(world->loop);
}

static void on_end(void *user, const struct ht_websocket_end *end)
{
    struct world *world = user;
    struct ht_slice value = ht_http_header_find(end->headers, end->header_count, "x-kind");

    world->socket = NULL;
    world->end_count++;
    world->is_open_inside = world->end_count > 1;
    world->code = end->code;
    world->status = end->status;
    world->close_code = end->close_code;
    world->was_open = end->was_open;
    snprintf(world->error_text, sizeof world->error_text, "%s", end->error_text);
    snprintf(world->body, sizeof world->body, "%.*s", (int)end->body.length,
             end->body.data == NULL ? "" : end->body.data);
    snprintf(world->reason, sizeof world->reason, "%.*s", (int)end->close_reason.length,
             end->close_reason.data);
    snprintf(world->header, sizeof world->header, "%.*s", (int)value.length,
             value.data == NULL ? "" : value.data);
    note(world, "end", ht_slice_make(NULL, 0));
    if (!world->is_closed_by_test) {
        ht_http_client_close(world->client, on_client_closed, world);
    }
}

static void on_timer(struct ht_timer *timer)
{
    struct world *world = HT_CONTAINER_OF(timer, struct world, timer);

    world->on_timer(world);
}

/* The loop's other work: notes the longest time that nobody asked for it. */
static void on_other(struct ht_timer *timer)
{
    struct world *world = HT_CONTAINER_OF(timer, struct world, other_timer);
    uint64_t now = ht_clock_monotonic_ns(ht_loop_clock(world->loop));

    if (world->last_turn_ns != 0 && now - world->last_turn_ns > world->longest_gap_ns) {
        world->longest_gap_ns = now - world->last_turn_ns;
    }
    world->last_turn_ns = now;
    world->other_turns++;
    ht_timer_start(ht_loop_timers(world->loop), timer, 0);
}

static void run(struct world *world)
{
    struct ht_error error;
    char url[256];

    if (world->is_tls) {
        assert_true(net_certificate_make(&world->certificate));
    }
    ht_buffer_init(&world->server_input, 1 << 20);
    raw_server_start(&world->server, world->serve, world,
                     world->is_tls ? &world->certificate : NULL);
    assert_int_equal(ht_loop_create(&world->loop, NULL, &error), 0);
    assert_int_equal(ht_http_client_create(&world->client, world->loop, &error), 0);
    ht_timer_init(&world->timer, on_timer);
    ht_timer_init(&world->other_timer, on_other);
    snprintf(url, sizeof url, "%s://127.0.0.1:%u%s",
             world->scheme != NULL ? world->scheme
             : world->is_tls       ? "wss"
                                   : "ws",
             world->server.port, world->path == NULL ? "/" : world->path);
    world->options.url = world->options.url == NULL ? url : world->options.url;
    world->options.ca_file = world->is_trusted ? world->certificate.cert_path : NULL;
    world->options.on_open = on_open;
    world->options.on_bytes = on_bytes;
    world->options.on_message = on_message;
    world->options.on_read_end = on_read_end;
    world->options.on_end = on_end;
    world->options.user = world;
    assert_int_equal(ht_websocket_open(world->client, &world->options, &world->socket, &error), 0);
    assert_string_equal(world->log, "");
    if (world->on_start != NULL) {
        world->on_start(world);
        assert_string_equal(world->log, "");
    }
    if (world->on_timer != NULL) {
        ht_timer_start(ht_loop_timers(world->loop), &world->timer, world->timer_ms);
    }
    ht_loop_run(world->loop);
    ht_loop_destroy(world->loop);
    raw_server_stop(&world->server);
    ht_buffer_finish(&world->server_input);
    if (world->is_tls) {
        net_certificate_remove(&world->certificate);
    }
    assert_int_equal(world->end_count, 1);
    assert_int_equal(strlen(world->error_text) > 0, world->code != 0);
}

/* --- the server's side --- */

/* Reads the request and agrees, with `extra` right behind the answer in the same write. */
static bool agree(struct raw_peer *peer, const void *extra, size_t length)
{
    char key[HT_WEBSOCKET_KEY_BYTES] = "";
    char accept[HT_WEBSOCKET_ACCEPT_BYTES];
    struct ht_buffer answer;

    if (!raw_wait_for(peer, "\r\n\r\n")) {
        return false;
    }
    const char *header = strstr(peer->input.data, "Sec-WebSocket-Key: ");
    HT_ASSERT(header != NULL);
    memcpy(key, header + 19, sizeof key - 1);
    ht_websocket_accept_of(key, accept);
    ht_buffer_init(&answer, 1 << 26);
    ht_buffer_append_format(&answer,
                            "HTTP/1.1 101 Switching Protocols\r\nUPGRADE: WebSocket\r\n"
                            "connection: keep-alive, upgrade\r\nX-Kind: good\r\n"
                            "Sec-WebSocket-Accept: %s\r\n\r\n",
                            accept);
    ht_buffer_append(&answer, extra, length);
    bool is_sent = raw_send(peer, answer.data, answer.length);
    ht_buffer_finish(&answer);
    size_t request_bytes = (size_t)(strstr(peer->input.data, "\r\n\r\n") + 4 - peer->input.data);
    ht_buffer_drop_front(&peer->input, request_bytes);
    return is_sent;
}

/* Takes one short frame of the client's off peer->input, unmasked into `text`; its opcode, -1: gone. */
static int next_frame(struct raw_peer *peer, char text[126])
{
    if (!raw_wait_bytes(peer, 6)) {
        return -1;
    }
    const unsigned char *bytes = (const unsigned char *)peer->input.data;
    int opcode = bytes[0] & 15;
    size_t length = bytes[1] & 127u;
    HT_ASSERT((bytes[0] & 0x80) != 0 && (bytes[1] & 0x80) != 0 && length <= 125);
    if (!raw_wait_bytes(peer, 6 + length)) {
        return -1;
    }
    bytes = (const unsigned char *)peer->input.data;
    for (size_t i = 0; i < length; i++) {
        text[i] = (char)(bytes[6 + i] ^ bytes[2 + i % 4]);
    }
    text[length] = '\0';
    ht_buffer_drop_front(&peer->input, 6 + length);
    return opcode;
}

/* Waits for the client's close frame and notes its code. */
static void await_close(struct raw_peer *peer, struct world *world)
{
    char text[126];
    int opcode;

    while ((opcode = next_frame(peer, text)) >= 0 && opcode != 8) {
        ht_buffer_append_format(&world->server_input, "%s%d:%s",
                                world->server_input.length > 0 ? " " : "", opcode, text);
    }
    if (opcode == 8) {
        ht_buffer_append_format(&world->server_input, "%sclose:%u",
                                world->server_input.length > 0 ? " " : "",
                                (unsigned)(unsigned char)text[0] * 256u + (unsigned char)text[1]);
    }
    snprintf(world->heard, sizeof world->heard, "%s",
             world->server_input.data == NULL ? "" : world->server_input.data);
}

static void serve_script(struct raw_peer *peer, void *user)
{
    struct world *world = user;

    if (agree(peer, world->script, world->script_length)) {
        await_close(peer, world);
    }
}

#define SCRIPT(bytes) .script = (bytes), .script_length = sizeof(bytes) - 1, .serve = serve_script

static void test_a_conversation(void **state)
{
    struct world world = {
        SCRIPT("\x81\x05hello\x01\x02wo\x89\x01!\x80\x03rld\x82\x00\x88\x05\x03\xe8"
               "bye")};

    (void)state;
    run(&world);
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
    run(&world);
    assert_string_equal(world.log, "open:good text:hello end");
    assert_int_equal(world.code, 0);
}

static void serve_nothing(struct raw_peer *peer, void *user)
{
    (void)user;
    raw_drain(peer);
}

static void test_a_certificate_that_nobody_trusts(void **state)
{
    struct world world = {.serve = serve_nothing, .is_tls = true};

    (void)state;
    run(&world);
    assert_string_equal(world.log, "end");
    assert_int_equal(world.code, HT_EPERMISSION);
    assert_false(world.was_open);
}

/* --- the end, from our side --- */

static void close_it(struct world *world)
{
    ht_websocket_close(world->socket, 1001);
    ht_websocket_close(world->socket, 1000); /* changes nothing */
}

static void close_at_message(struct world *world, struct ht_slice bytes)
{
    (void)bytes;
    close_it(world);
}

/* Goes on talking after the client's close, then answers it. */
static void serve_closing(struct raw_peer *peer, void *user)
{
    struct world *world = user;

    if (agree(peer,
              "\x81\x01"
              "a\x81\x01"
              "b",
              6)) {
        await_close(peer, world);
        raw_send(peer,
                 "\x81\x01"
                 "c\x88\x04\x03\xe9ok",
                 9);
        raw_drain(peer);
    }
}

static void test_our_close_is_answered(void **state)
{
    struct world world = {.serve = serve_closing, .on_message = close_at_message};

    (void)state;
    run(&world);
    assert_string_equal(world.log, "open:good text:a end");
    assert_int_equal(world.code, 0);
    assert_int_equal(world.close_code, 1001);
    assert_string_equal(world.reason, "ok");
    assert_int_equal(world.read_end_count, 1);
}

static void serve_deaf(struct raw_peer *peer, void *user)
{
    (void)user;
    if (agree(peer,
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
    run(&world);
    assert_int_equal(world.code, HT_ETIMEDOUT);
    assert_true(world.was_open);
    assert_int_equal(world.close_code, 0);
}

static void serve_leaving(struct raw_peer *peer, void *user)
{
    struct world *world = user;

    if (agree(peer,
              "\x81\x01"
              "a",
              3)) {
        await_close(peer, world);
    }
}

static void test_our_close_is_answered_by_leaving(void **state)
{
    struct world world = {.serve = serve_leaving, .on_message = close_at_message};

    (void)state;
    run(&world);
    assert_int_equal(world.code, HT_ECONNECTION);
    assert_string_equal(world.heard, "close:1001");
}

static void test_close_before_it_is_open(void **state)
{
    struct world world = {.serve = serve_nothing, .on_start = close_it};

    (void)state;
    run(&world);
    assert_string_equal(world.log, "end");
    assert_int_equal(world.code, HT_ECANCELED);
}

static void cancel_it(struct world *world)
{
    ht_websocket_cancel(world->socket);
    ht_websocket_cancel(world->socket);
}

static void cancel_at_message(struct world *world, struct ht_slice bytes)
{
    (void)bytes;
    cancel_it(world);
}

static void test_cancel_before_it_is_open(void **state)
{
    struct world world = {.serve = serve_nothing, .on_start = cancel_it};

    (void)state;
    run(&world);
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
    run(&world);
    assert_string_equal(world.log, "open:good text:a end");
    assert_int_equal(world.code, HT_ECANCELED);
    assert_int_equal(world.read_end_count, 0);
}

static void close_client(struct world *world)
{
    world->is_closed_by_test = true;
    ht_http_client_close(world->client, on_client_closed, world);
}

static void test_the_client_closes_first(void **state)
{
    struct world world = {.serve = serve_deaf, .on_timer = close_client, .timer_ms = 30};

    (void)state;
    run(&world);
    assert_string_equal(world.log, "open:good text:a end");
    assert_int_equal(world.code, HT_ECANCELED);
}

/* --- the upgrade --- */

static void test_nobody_answers_the_upgrade(void **state)
{
    struct world world = {.serve = serve_nothing, .options.connect_timeout_ms = 50};

    (void)state;
    run(&world);
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
    run(&world);
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
        run(&world);
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
    run(&world);
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
        agree(peer, "", 0);
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
    run(&world);
    assert_string_equal(world.heard, "111");
    assert_int_equal(world.code, HT_EPARSE); /* the server does not agree to the subprotocol */
}

static void test_urls_and_headers_that_cannot_be_used(void **state)
{
    static const struct ht_http_header bad[] = {HT_HTTP_HEADER("X", "a\r\nEvil: b")};
    struct ht_loop *loop;
    struct ht_http_client *client;
    struct ht_websocket *socket;
    struct ht_error error;
    struct ht_websocket_options options = {
        .url = "mailto:me", .on_message = on_message, .on_end = on_end};

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
    struct world world = {.loop = loop};
    ht_http_client_close(client, on_client_closed, &world);
    ht_loop_run(loop);
    ht_loop_destroy(loop);
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
    run(&world);
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
        agree(peer, "\x81\x02hi\x88\x00", 6);
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
    run(&world);
    unsetenv("http_proxy");
    assert_string_equal(world.heard, "CONNECT 192.0.2.1:80 HTTP/1.1\r\nH");
    assert_string_equal(world.log, "open:good text:hi end");
    assert_int_equal(world.code, 0);
}

/* --- what the peer does --- */

static void serve_bytewise(struct raw_peer *peer, void *user)
{
    struct world *world = user;

    if (agree(peer, "", 0)) {
        poll(NULL, 0, 20); /* so that none comes with the answer */
        for (size_t i = 0; i < world->script_length; i++) {
            raw_send(peer, world->script + i, 1);
            poll(NULL, 0, 1);
        }
        await_close(peer, world);
    }
}

static void test_byte_by_byte(void **state)
{
    struct world world = {SCRIPT("\x81\x05hello\x01\x02wo\x89\x01!\x80\x03rld\x88\x02\x03\xe8")};

    (void)state;
    world.serve = serve_bytewise;
    run(&world);
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
        struct world world = {
            .serve = serve_script, .script = cases[i].script, .script_length = cases[i].length};
        run(&world);
        assert_string_equal(world.log, cases[i].log);
        assert_string_equal(world.heard, cases[i].heard);
        assert_int_equal(world.code, cases[i].code);
        assert_int_equal(world.close_code, 0);
    }
}

static void serve_half_closed(struct raw_peer *peer, void *user)
{
    (void)user;
    if (agree(peer, "\x81\x01x\x81\x05half", 9)) {
        shutdown(peer->fd, SHUT_WR);
        raw_drain(peer);
    }
}

static void test_a_peer_that_sends_no_more(void **state)
{
    struct world world = {.serve = serve_half_closed};

    (void)state;
    run(&world);
    assert_string_equal(world.log, "open:good text:x end");
    assert_int_equal(world.code, HT_ECONNECTION);
    assert_true(world.was_open);
    assert_int_equal(world.close_code, 0);
}

static void serve_reset(struct raw_peer *peer, void *user)
{
    (void)user;
    if (agree(peer, "", 0)) {
        poll(NULL, 0, 20);
        raw_reset(peer);
    }
}

static void test_a_peer_that_resets(void **state)
{
    struct world world = {.serve = serve_reset};

    (void)state;
    run(&world);
    assert_string_equal(world.log, "open:good end");
    assert_int_equal(world.code, HT_ECONNECTION);
}

/* --- sending --- */

static void talk(struct world *world)
{
    ht_websocket_ping(world->socket);
    ht_websocket_ping(world->socket); /* one waits already */
    assert_int_equal(ht_websocket_send(world->socket, HT_WEBSOCKET_TEXT, HT_SLICE("to you")), 0);
    assert_int_equal(ht_websocket_send(world->socket, HT_WEBSOCKET_BINARY, HT_SLICE("")), 0);
    close_it(world);
    assert_int_equal(ht_websocket_send(world->socket, HT_WEBSOCKET_TEXT, HT_SLICE("late")),
                     HT_ECONNECTION);
}

static void test_what_we_say(void **state)
{
    struct world world = {.serve = serve_closing, .on_open = talk};

    (void)state;
    run(&world);
    assert_string_equal(world.heard, "9: 1:to you 2: close:1001");
    assert_int_equal(world.code, 0);
}

/* Reads nothing for a while. */
static void serve_slow_reader(struct raw_peer *peer, void *user)
{
    (void)user;
    if (agree(peer, "", 0)) {
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
        cancel_it(world);
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
    run(&world);
    assert_int_equal(world.code, HT_ECANCELED);
    assert_true(world.message_bytes >= 90000);
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
    if (agree(peer, "", 0)) {
        raw_send(peer, all.data, all.length);
        await_close(peer, world);
    }
    ht_buffer_finish(&all);
}

static void begin_other_work(struct world *world)
{
    ht_timer_start(ht_loop_timers(world->loop), &world->other_timer, 0);
}

static void test_a_flood_of_messages_leaves_the_loop_its_turns(void **state)
{
    struct world world = {.serve = serve_flood, .first_byte = 0x81, .on_start = begin_other_work};

    (void)state;
    run(&world);
    assert_int_equal(world.code, 0);
    assert_int_equal(world.message_count, FLOOD_MESSAGES);
    assert_true(world.longest_gap_ns < 200u * 1000000u); /* 2 ms, and what a busy machine adds */
    assert_true(world.other_turns > 10);
    assert_true(world.read_end_count <= world.other_turns);
}

static void test_a_flood_of_pings_is_answered_with_the_last(void **state)
{
    struct world world = {.serve = serve_flood, .first_byte = 0x89};

    (void)state;
    run(&world);
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
    run(&world);
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

    if (!agree(peer, "", 0)) {
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
    snprintf(world->body, sizeof world->body, "%s", sent_bytes < (32u << 20) ? "held" : "flooded");
    size_t at = sent_bytes % sizeof frame;
    raw_send(peer, frame + at, sizeof frame - at);
    raw_send(peer, "\x88\x00", 2);
    await_close(peer, world);
    world->script_length = sent_bytes + sizeof frame - at;
}

static void pause_now(struct world *world)
{
    ht_websocket_pause(world->socket);
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

    if (world->message_bytes == 0 && world->other_turns == 0) {
        assert_int_equal(ht_http_transfer_start(world->client, &options, NULL, &error), 0);
        ht_timer_start(ht_loop_timers(world->loop), &world->timer, 150);
    } else {
        resume_it(world);
    }
}

static void test_a_pause_holds_the_peer_back(void **state)
{
    struct world world = {.serve = serve_held_back,
                          .on_open = pause_now,
                          .on_timer = use_client_and_resume,
                          .timer_ms = 250};

    (void)state;
    run(&world);
    assert_int_equal(world.code, 0);
    assert_int_equal(world.other_turns, 1);
    assert_true(world.message_bytes > 0);
    assert_int_equal(world.message_bytes % 65536, 0);
}

static void test_close_while_paused(void **state)
{
    struct world world = {.serve = serve_closing, .on_open = pause_now, .on_timer = close_it};

    (void)state;
    world.timer_ms = 30;
    run(&world);
    assert_string_equal(world.log, "open:good end");
    assert_int_equal(world.code, 0);
    assert_int_equal(world.close_code, 1001);
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
        cmocka_unit_test(test_byte_by_byte),
        cmocka_unit_test(test_mistakes_are_told_to_the_peer),
        cmocka_unit_test(test_a_peer_that_sends_no_more),
        cmocka_unit_test(test_a_peer_that_resets),
        cmocka_unit_test(test_what_we_say),
        cmocka_unit_test(test_unsent_messages_are_bounded),
        cmocka_unit_test(test_a_flood_of_messages_leaves_the_loop_its_turns),
        cmocka_unit_test(test_a_flood_of_pings_is_answered_with_the_last),
        cmocka_unit_test(test_a_pause_after_each_message),
        cmocka_unit_test(test_a_pause_holds_the_peer_back),
        cmocka_unit_test(test_close_while_paused),
    };
    return cmocka_run_group_tests_name("net/websocket", tests, NULL, NULL);
}
