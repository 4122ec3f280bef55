// SPDX-License-Identifier: MIT
#include "hashtagd/base/assert.h"
#include "http_internal.h"

/*
 * What a client sent, taken apart:
 *
 *   input bytes -> (rest of a body nobody wants) -> head -> on_request
 *                                                    |  wants the body
 *                                                    v
 *                                                  body -> on_body
 *
 * It stops where a request is with its handler, and goes on when that is answered.
 */

#define REQUESTS_A_TURN       64 /* of one client, so that others get their turn */
#define IDLE_INPUT_KEEP_BYTES 8192

static bool read_head(struct ht_http_connection *connection);
static void skip_body(struct ht_http_connection *connection);
static bool take_head(struct ht_http_connection *connection);
static bool read_body(struct ht_http_connection *connection);
static int on_body_piece(void *user, struct ht_slice piece);
static void hand_over_body(struct ht_http_connection *connection);

/* Takes the input apart as far as it goes. */
void ht_http_connection_work(struct ht_http_connection *connection)
{
    bool more = !connection->is_working;
    unsigned turns = 0;

    if (!more || connection->is_condemned) {
        return;
    }
    bool reads = connection->state == HT_HTTP_CONNECTION_HEAD ||
                 connection->state == HT_HTTP_CONNECTION_BODY;
    if (reads && ht_http_load_must_wait(connection->server)) {
        ht_http_load_enqueue(connection);
        return;
    }
    connection->is_working = true;
    while (more) {
        uint64_t began_ns = ht_clock_monotonic_ns(connection->server->clock);
        if (connection->state == HT_HTTP_CONNECTION_HEAD) {
            more = read_head(connection);
            turns++;
        } else if (connection->state == HT_HTTP_CONNECTION_BODY) {
            more = read_body(connection);
        } else {
            more = false;
        }
        ht_http_load_spend(connection->server,
                           ht_clock_monotonic_ns(connection->server->clock) - began_ns);
        if (more && (turns >= REQUESTS_A_TURN || ht_http_load_turn_is_over(connection->server))) {
            ht_http_load_enqueue(connection);
            more = false;
        }
    }
    connection->is_working = false;
    ht_buffer_drop_front(&connection->input, connection->input_offset);
    connection->input_offset = 0;
    if (connection->input.length == 0 && connection->input.capacity > IDLE_INPUT_KEEP_BYTES) {
        size_t max_bytes = connection->input.max_bytes;
        ht_buffer_finish(&connection->input);
        ht_buffer_init(&connection->input, max_bytes);
    }
}

/* Whether there is more to do. */
static bool read_head(struct ht_http_connection *connection)
{
    struct ht_http_refusal refusal;

    skip_body(connection);
    struct ht_slice input = ht_http_connection_input(connection);
    if (input.length == 0 || ht_http_connection_output_is_full(connection)) {
        return false;
    }
    switch (ht_http_head_scan_run(&connection->scan, input, &connection->server->head_limits,
                                  &refusal)) {
    case HT_HTTP_NEEDS_MORE:
        return false;
    case HT_HTTP_REFUSED:
        ht_http_connection_refuse(connection, &refusal);
        return false;
    case HT_HTTP_COMPLETE:
        return take_head(connection);
    }
    HT_UNREACHABLE();
}

/* Drops what is here of a body that nobody asked for. */
static void skip_body(struct ht_http_connection *connection)
{
    size_t here = ht_http_connection_input(connection).length;
    size_t dropped = here < connection->skip_bytes ? here : (size_t)connection->skip_bytes;

    connection->input_offset += dropped;
    connection->skip_bytes -= dropped;
}

static bool take_head(struct ht_http_connection *connection)
{
    struct ht_http_server *server = connection->server;
    struct ht_http_refusal refusal = {500, "Out of memory."};
    struct ht_slice input = ht_http_connection_input(connection);
    struct ht_http_head_scan scan = connection->scan;
    struct ht_slice head =
        ht_slice_make(input.data + scan.request_start, scan.line_start - scan.request_start);

    connection->scan = (struct ht_http_head_scan){0};
    connection->had_request = true;
    int status = ht_http_request_create(connection, head, scan.header_count, &refusal);
    connection->input_offset += scan.line_start;
    if (status != 0) {
        ht_http_connection_refuse(connection, &refusal);
        return false;
    }
    server->stats.requests_total++;
    ht_http_connection_set_state(connection, HT_HTTP_CONNECTION_HANDLER);
    server->options.on_request(server->options.user, &connection->request->public);
    return connection->state == HT_HTTP_CONNECTION_HEAD ||
           connection->state == HT_HTTP_CONNECTION_BODY;
}

void ht_http_connection_collect(struct ht_http_connection *connection)
{
    struct ht_http_request_state *request = connection->request;
    struct ht_slice input = ht_http_connection_input(connection);

    ht_http_connection_set_state(connection, HT_HTTP_CONNECTION_BODY);
    if (request->head.expects_continue && !request->body_is_complete && input.length == 0) {
        ht_transport_send(&connection->transport, connection->server->continue_line);
    }
    if (!connection->is_working) {
        ht_timer_start(connection->server->timers, &connection->resume_timer, 0);
    }
}

/* Whether there is more to do. */
static bool read_body(struct ht_http_connection *connection)
{
    struct ht_http_refusal refusal;
    struct ht_slice input = ht_http_connection_input(connection);
    size_t consumed = 0;

    if (connection->request->body_is_complete) {
        hand_over_body(connection);
        return connection->state == HT_HTTP_CONNECTION_HEAD;
    }
    if (input.length == 0) {
        return false;
    }
    connection->parser.on_body = on_body_piece;
    connection->parser.user = connection;
    enum ht_http_verdict verdict =
        ht_http_parser_body(&connection->parser, input, &consumed, &refusal);
    connection->input_offset += consumed;
    if (verdict == HT_HTTP_REFUSED) {
        struct ht_http_request_state *request = connection->request;
        ht_http_connection_refuse(connection, &refusal);
        ht_http_request_gone(request);
        return false;
    }
    connection->request->body_is_complete = verdict == HT_HTTP_COMPLETE;
    return verdict == HT_HTTP_COMPLETE;
}

/* 0, or the status to refuse the rest with. */
static int on_body_piece(void *user, struct ht_slice piece)
{
    struct ht_http_connection *connection = user;
    struct ht_http_server *server = connection->server;
    struct ht_http_request_state *request = connection->request;

    if (piece.length > request->wanted.max_bytes - request->body.length) {
        return 413;
    }
    size_t held = server->stats.body_bytes_held;
    if (held + piece.length > server->options.max_body_bytes_in_total ||
        ht_buffer_append_slice(&request->body, piece) != 0) {
        return 503;
    }
    server->stats.body_bytes_held += piece.length;
    return 0;
}

static void hand_over_body(struct ht_http_connection *connection)
{
    struct ht_http_request_state *request = connection->request;

    request->public.body = ht_buffer_slice(&request->body);
    request->body_is_handed = true;
    ht_http_connection_set_state(connection, HT_HTTP_CONNECTION_HANDLER);
    request->wanted.on_body(request->wanted.user, &request->public);
}

struct ht_slice ht_http_connection_input(const struct ht_http_connection *connection)
{
    if (connection->input.length == connection->input_offset) {
        return ht_slice_make("", 0);
    }
    return ht_slice_make(connection->input.data + connection->input_offset,
                         connection->input.length - connection->input_offset);
}
