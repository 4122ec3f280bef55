// SPDX-License-Identifier: MIT
#include "live_world_server.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/gzip.h"

#include "../../../src/net/loop_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>
#include <cmocka.h>

/*
 *   accept -> read -> whole request? -> the next expectation -> head -> piece, piece ... -> ending
 *               ^                                                                            |
 *               '--------------------------- kept for the next ------------------------------'
 */

#define INPUT_MAX_BYTES (64u << 20)

/* An exchange with memory of its own. */
struct expectation {
    struct expectation *next;
    struct live_world_exchange exchange;
    char *texts[LIVE_WORLD_PARTS_MAX + 3]; /* owned: copies of its strings */
    struct ht_buffer body;                 /* as it is sent */
};

struct connection {
    uv_tcp_t tcp;
    struct live_world_server *server;
    struct connection *next;
    unsigned number;
    struct ht_buffer input;
    struct ht_buffer output, writing; /* to be written, and what a write has in hand */
    struct expectation *running;      /* owned; NULL while there is no request */
    size_t sent_bytes;                /* of its body */
    size_t repeats;
    uv_write_t write;
    bool is_writing, is_staying, is_closing;
};

struct live_world_server {
    uv_tcp_t listener;
    struct live_world *world;
    struct expectation *first, *last;
    struct connection *connections; /* the newest first */
    unsigned open_count;            /* handles */
    bool is_closing;
    void (*on_closed)(void *user);
    void *on_closed_user;
};

static void on_connection(uv_stream_t *listener, int status);
static void on_room(uv_handle_t *handle, size_t size, uv_buf_t *room);
static void on_bytes(uv_stream_t *stream, ssize_t count, const uv_buf_t *bytes);
static void look_for_request(struct connection *connection);
static void note_request(struct connection *connection, struct ht_slice head, struct ht_slice body);
static void check(const struct expectation *expectation, struct ht_slice head,
                  struct ht_slice body);
static void begin_answer(struct connection *connection);
static void send_output(struct connection *connection);
static void on_written(uv_write_t *write, int status);
static void go_on(struct connection *connection);
static void add_chunk(struct connection *connection, struct ht_slice bytes);
static void end_answer(struct connection *connection, enum live_world_ending ending);
static void close_connection(struct connection *connection);
static void on_connection_closed(uv_handle_t *handle);
static void on_listener_closed(uv_handle_t *handle);
static void end_if_closed(struct live_world_server *server);
static void destroy(struct expectation *expectation);

struct live_world_server *live_world_server_create(struct live_world *world, unsigned *port)
{
    struct live_world_server *server = calloc(1, sizeof(*server));
    struct sockaddr_in address;
    int length = sizeof(address);
    HT_ASSERT(server != NULL);
    server->world = world;
    HT_ASSERT(uv_tcp_init(ht_loop_uv(world->loop), &server->listener) == 0);
    HT_ASSERT(uv_ip4_addr("127.0.0.1", 0, &address) == 0);
    HT_ASSERT(uv_tcp_bind(&server->listener, (struct sockaddr *)&address, 0) == 0);
    server->listener.data = server;
    HT_ASSERT(uv_listen((uv_stream_t *)&server->listener, 64, on_connection) == 0);
    HT_ASSERT(uv_tcp_getsockname(&server->listener, (struct sockaddr *)&address, &length) == 0);
    *port = ntohs(address.sin_port);
    server->open_count = 1;
    return server;
}

static const char *copied(struct expectation *expectation, size_t index, const char *text)
{
    if (text != NULL) {
        expectation->texts[index] = ht_slice_to_text(ht_slice_text(text));
        HT_ASSERT(expectation->texts[index] != NULL);
    }
    return expectation->texts[index];
}

void live_world_server_expect(struct live_world_server *server,
                              const struct live_world_exchange *exchange)
{
    struct expectation *expectation = calloc(1, sizeof(*expectation));
    HT_ASSERT(expectation != NULL);
    expectation->exchange = *exchange;
    for (size_t i = 0; i < LIVE_WORLD_PARTS_MAX; i++) {
        expectation->exchange.head_parts[i] = copied(expectation, i, exchange->head_parts[i]);
    }
    expectation->exchange.body_part =
        copied(expectation, LIVE_WORLD_PARTS_MAX, exchange->body_part);
    expectation->exchange.headers =
        copied(expectation, LIVE_WORLD_PARTS_MAX + 1, exchange->headers);
    expectation->exchange.missing_part =
        copied(expectation, LIVE_WORLD_PARTS_MAX + 2, exchange->missing_part);
    ht_buffer_init(&expectation->body, 1u << 30);
    HT_ASSERT((exchange->is_gzip
                   ? ht_gzip_format(exchange->body, &expectation->body)
                   : ht_buffer_append_slice(&expectation->body, exchange->body)) == 0);
    if (server->first == NULL) {
        server->first = expectation;
    } else {
        server->last->next = expectation;
    }
    server->last = expectation;
}

unsigned live_world_server_expected_count(const struct live_world_server *server)
{
    unsigned count = 0;
    for (const struct expectation *at = server->first; at != NULL; at = at->next) {
        count++;
    }
    return count;
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct live_world_server *server = listener->data;
    struct connection *connection = calloc(1, sizeof(*connection));
    HT_ASSERT(status == 0 && connection != NULL);
    connection->server = server;
    connection->number = ++server->world->connection_count;
    server->world->open_count++;
    connection->next = server->connections;
    server->connections = connection;
    server->open_count++;
    ht_buffer_init(&connection->input, INPUT_MAX_BYTES);
    ht_buffer_init(&connection->output, 1u << 30);
    ht_buffer_init(&connection->writing, 1u << 30);
    HT_ASSERT(uv_tcp_init(listener->loop, &connection->tcp) == 0);
    connection->tcp.data = connection;
    HT_ASSERT(uv_accept(listener, (uv_stream_t *)&connection->tcp) == 0);
    uv_tcp_nodelay(&connection->tcp, 1);
    uv_read_start((uv_stream_t *)&connection->tcp, on_room, on_bytes);
}

static void on_room(uv_handle_t *handle, size_t size, uv_buf_t *room)
{
    struct connection *connection = handle->data;
    (void)size;
    HT_ASSERT(ht_buffer_reserve(&connection->input, 65536) == 0);
    *room = uv_buf_init(connection->input.data + connection->input.length, 65536);
}

static void on_bytes(uv_stream_t *stream, ssize_t count, const uv_buf_t *bytes)
{
    struct connection *connection = stream->data;
    (void)bytes;
    if (count < 0) {
        close_connection(connection);
        return;
    }
    connection->input.length += (size_t)count;
    connection->input.data[connection->input.length] = '\0';
    look_for_request(connection);
}

static void look_for_request(struct connection *connection)
{
    struct live_world_server *server = connection->server;
    struct ht_slice input = ht_buffer_slice(&connection->input);
    const char *end = input.length > 0 ? memmem(input.data, input.length, "\r\n\r\n", 4) : NULL;
    if (connection->running != NULL || connection->is_closing || end == NULL) {
        return;
    }
    struct ht_slice head = {input.data, (size_t)(end - input.data)};
    static const char name[] = "\r\nContent-Length: ";
    const char *length = memmem(head.data, head.length, name, sizeof(name) - 1);
    size_t body_bytes = length == NULL ? 0 : strtoul(length + sizeof(name) - 1, NULL, 10);
    if (input.length - head.length - 4 < body_bytes) {
        return;
    }
    struct ht_slice body = {end + 4, body_bytes};
    note_request(connection, head, body);
    struct expectation *expectation = server->first;
    if (expectation == NULL) {
        fail_msg("request %u is not expected: %.*s", server->world->request_count, (int)head.length,
                 head.data);
        return;
    }
    server->first = expectation->next;
    check(expectation, head, body);
    ht_buffer_drop_front(&connection->input, head.length + 4 + body_bytes);
    connection->running = expectation;
    begin_answer(connection);
}

static void note_request(struct connection *connection, struct ht_slice head, struct ht_slice body)
{
    struct live_world *world = connection->server->world;
    if (world->request_count < LIVE_WORLD_REQUESTS_MAX) {
        struct live_world_request *request = &world->requests[world->request_count];
        *request = (struct live_world_request){{ht_slice_to_text(head), head.length},
                                               {ht_slice_to_text(body), body.length},
                                               connection->number};
        HT_ASSERT(request->head.data != NULL && request->body.data != NULL);
    }
    world->request_count++;
}

static bool has(struct ht_slice text, const char *part)
{
    return text.length > 0 && memmem(text.data, text.length, part, strlen(part)) != NULL;
}

static void check(const struct expectation *expectation, struct ht_slice head, struct ht_slice body)
{
    const struct live_world_exchange *exchange = &expectation->exchange;
    for (size_t i = 0; i < LIVE_WORLD_PARTS_MAX; i++) {
        if (exchange->head_parts[i] != NULL && !has(head, exchange->head_parts[i])) {
            fail_msg("a request lacks \"%s\": %.*s", exchange->head_parts[i], (int)head.length,
                     head.data);
        }
    }
    if (exchange->body_part != NULL && !has(body, exchange->body_part)) {
        fail_msg("a request's body lacks \"%s\": %.*s", exchange->body_part, (int)body.length,
                 body.data);
    }
    if (exchange->missing_part != NULL &&
        (has(head, exchange->missing_part) || has(body, exchange->missing_part))) {
        fail_msg("a request holds \"%s\": %.*s", exchange->missing_part, (int)head.length,
                 head.data);
    }
}

static void begin_answer(struct connection *connection)
{
    const struct expectation *expectation = connection->running;
    const struct live_world_exchange *exchange = &expectation->exchange;
    int status = exchange->status == 0 ? 200 : exchange->status;
    connection->sent_bytes = 0;
    connection->repeats = exchange->repeats;
    connection->is_staying = exchange->ending == LIVE_WORLD_STAYS;
    if (exchange->is_silent) {
        if (exchange->ending == LIVE_WORLD_CUT || exchange->ending == LIVE_WORLD_RESET) {
            end_answer(connection, exchange->ending);
        }
        return;
    }
    ht_buffer_append_format(&connection->output, "HTTP/1.1 %d %s\r\n", status,
                            ht_http_status_text(status));
    if (exchange->is_unchunked) {
        ht_buffer_append_format(&connection->output, "Content-Length: %zu\r\n",
                                expectation->body.length * (exchange->repeats + 1));
    } else {
        ht_buffer_append_text(&connection->output, "Transfer-Encoding: chunked\r\n");
    }
    ht_buffer_append_text(&connection->output,
                          exchange->is_gzip ? "Content-Encoding: gzip\r\n" : "");
    ht_buffer_append_text(&connection->output, exchange->headers == NULL ? "" : exchange->headers);
    ht_buffer_append_text(&connection->output, "\r\n");
    send_output(connection);
}

static void send_output(struct connection *connection)
{
    if (connection->is_writing || connection->is_closing || connection->output.length == 0) {
        return;
    }
    struct ht_buffer swap = connection->writing;
    connection->writing = connection->output;
    connection->output = swap;
    uv_buf_t bytes = uv_buf_init(connection->writing.data, (unsigned)connection->writing.length);
    connection->write.data = connection;
    connection->is_writing = true;
    if (uv_write(&connection->write, (uv_stream_t *)&connection->tcp, &bytes, 1, on_written) != 0) {
        connection->is_writing = false;
        close_connection(connection);
    }
}

static void on_written(uv_write_t *write, int status)
{
    struct connection *connection = write->data;
    connection->is_writing = false;
    if (status != 0) {
        close_connection(connection);
        return;
    }
    ht_buffer_clear(&connection->writing);
    send_output(connection);
    if (!connection->is_writing) {
        go_on(connection);
    }
}

/* The next piece, or the end. */
static void go_on(struct connection *connection)
{
    struct expectation *expectation = connection->running;
    if (expectation == NULL || connection->is_closing) {
        return;
    }
    if (connection->sent_bytes == expectation->body.length && connection->repeats > 0) {
        connection->repeats--;
        connection->sent_bytes = 0;
    }
    size_t left = expectation->body.length - connection->sent_bytes;
    if (left == 0) {
        if (!connection->is_staying) {
            end_answer(connection, expectation->exchange.ending);
        }
        return;
    }
    size_t piece = expectation->exchange.piece_bytes;
    piece = piece == 0 || piece > left ? left : piece;
    add_chunk(connection, ht_slice_make(expectation->body.data + connection->sent_bytes, piece));
    connection->sent_bytes += piece;
    send_output(connection);
}

static void add_chunk(struct connection *connection, struct ht_slice bytes)
{
    bool is_chunked = !connection->running->exchange.is_unchunked;
    if (is_chunked) {
        ht_buffer_append_format(&connection->output, "%zx\r\n", bytes.length);
    }
    ht_buffer_append_slice(&connection->output, bytes);
    ht_buffer_append_text(&connection->output, is_chunked ? "\r\n" : "");
    HT_ASSERT(ht_buffer_status(&connection->output) == 0);
    connection->server->world->sent_bytes += bytes.length;
}

static struct connection *newest_staying(struct live_world_server *server)
{
    for (struct connection *at = server->connections; at != NULL; at = at->next) {
        if (at->running != NULL && at->is_staying && !at->is_closing) {
            return at;
        }
    }
    fail_msg("no answer stays open");
    abort(); /* not reached; the compiler does not know */
}

void live_world_server_send(struct live_world_server *server, struct ht_slice bytes)
{
    struct connection *connection = newest_staying(server);
    add_chunk(connection, bytes);
    send_output(connection);
}

void live_world_server_cut(struct live_world_server *server, enum live_world_ending ending)
{
    end_answer(newest_staying(server), ending);
}

static void end_answer(struct connection *connection, enum live_world_ending ending)
{
    bool is_chunked = !connection->running->exchange.is_unchunked;
    destroy(connection->running);
    connection->running = NULL;
    if (ending == LIVE_WORLD_RESET) {
        connection->is_closing = true;
        connection->server->world->open_count--;
        uv_tcp_close_reset(&connection->tcp, on_connection_closed);
    } else if (ending == LIVE_WORLD_CUT) {
        close_connection(connection);
    } else {
        ht_buffer_append_text(&connection->output, is_chunked ? "0\r\n\r\n" : "");
        send_output(connection);
        look_for_request(connection);
    }
}

static void close_connection(struct connection *connection)
{
    if (!connection->is_closing) {
        connection->is_closing = true;
        connection->server->world->open_count--;
        uv_close((uv_handle_t *)&connection->tcp, on_connection_closed);
    }
}

static void on_connection_closed(uv_handle_t *handle)
{
    struct connection *connection = handle->data;
    struct live_world_server *server = connection->server;
    struct connection **link = &server->connections;
    while (*link != connection) {
        link = &(*link)->next;
    }
    *link = connection->next;
    ht_buffer_finish(&connection->input);
    ht_buffer_finish(&connection->output);
    ht_buffer_finish(&connection->writing);
    destroy(connection->running);
    free(connection);
    server->open_count--;
    end_if_closed(server);
}

void live_world_server_close(struct live_world_server *server, void (*on_closed)(void *user),
                             void *user)
{
    server->is_closing = true;
    server->on_closed = on_closed;
    server->on_closed_user = user;
    for (struct connection *at = server->connections; at != NULL; at = at->next) {
        close_connection(at);
    }
    uv_close((uv_handle_t *)&server->listener, on_listener_closed);
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct live_world_server *server = handle->data;
    server->open_count--;
    end_if_closed(server);
}

static void end_if_closed(struct live_world_server *server)
{
    if (!server->is_closing || server->open_count > 0) {
        return;
    }
    while (server->first != NULL) {
        struct expectation *next = server->first->next;
        destroy(server->first);
        server->first = next;
    }
    server->on_closed(server->on_closed_user);
    free(server);
}

static void destroy(struct expectation *expectation)
{
    if (expectation != NULL) {
        for (size_t i = 0; i < HT_COUNT_OF(expectation->texts); i++) {
            free(expectation->texts[i]);
        }
        ht_buffer_finish(&expectation->body);
        free(expectation);
    }
}
