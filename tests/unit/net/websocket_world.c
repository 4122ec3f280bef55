// SPDX-License-Identifier: MIT
#include "websocket_world.h"

#include "../../../src/net/websocket_upgrade.h"
#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

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

void world_run(struct world *world)
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

bool world_agree(struct raw_peer *peer, const void *extra, size_t length)
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

void world_await_close(struct raw_peer *peer, struct world *world)
{
    char text[126] = "";
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

void world_serve_script(struct raw_peer *peer, void *user)
{
    struct world *world = user;

    if (world_agree(peer, world->script, world->script_length)) {
        world_await_close(peer, world);
    }
}

void world_serve_nothing(struct raw_peer *peer, void *user)
{
    (void)user;
    raw_drain(peer);
}

void world_close(struct world *world)
{
    ht_websocket_close(world->socket, 1001);
    ht_websocket_close(world->socket, 1000); /* changes nothing */
}

void world_cancel(struct world *world)
{
    ht_websocket_cancel(world->socket);
    ht_websocket_cancel(world->socket);
}

void world_serve_closing(struct raw_peer *peer, void *user)
{
    struct world *world = user;

    if (world_agree(peer,
                    "\x81\x01"
                    "a\x81\x01"
                    "b",
                    6)) {
        world_await_close(peer, world);
        raw_send(peer,
                 "\x81\x01"
                 "c\x88\x04\x03\xe9ok",
                 9);
        raw_drain(peer);
    }
}

void world_begin_other_work(struct world *world)
{
    ht_timer_start(ht_loop_timers(world->loop), &world->other_timer, 0);
}

void world_close_client(struct world *world)
{
    world->is_closed_by_test = true;
    ht_http_client_close(world->client, on_client_closed, world);
}
