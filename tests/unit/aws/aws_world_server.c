// SPDX-License-Identifier: MIT
#include "aws_world_server.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/digest.h"

#include "../../../src/net/loop_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <uv.h>

/*
 *   accept -> read -> whole request? -> answered by the world -> [delay] -> written -> read ...
 */

#define INPUT_MAX_BYTES (64u * 1024u * 1024u)

struct connection {
    uv_tcp_t tcp;
    struct aws_world_server *server;
    struct connection *next;
    unsigned number;
    struct ht_buffer input, output;
    size_t request_bytes; /* of the input, that are being answered; 0: none */
    struct ht_timer timer;
    uv_write_t write;
    bool ends;
    bool is_closing;
};

struct aws_world_server {
    uv_tcp_t listener;
    struct aws_world *world;
    struct connection *connections;
    unsigned open_count; /* handles */
    bool is_closing;
    void (*on_closed)(void *user);
    void *on_closed_user;
};

static void on_connection(uv_stream_t *listener, int status);
static void on_room(uv_handle_t *handle, size_t size, uv_buf_t *room);
static void on_bytes(uv_stream_t *stream, ssize_t count, const uv_buf_t *bytes);
static void look_for_request(struct connection *connection);
static void answer(struct connection *connection, const struct aws_world_request *request);
static void format_answer(struct connection *connection, const struct aws_world_request *request,
                          const struct aws_world_reply *reply);
static void on_due(struct ht_timer *timer);
static void on_written(uv_write_t *write, int status);
static void close_connection(struct connection *connection);
static void on_connection_closed(uv_handle_t *handle);
static void on_listener_closed(uv_handle_t *handle);
static void end_if_closed(struct aws_world_server *server);

struct aws_world_server *aws_world_server_create(struct aws_world *world, unsigned *port)
{
    struct aws_world_server *server = calloc(1, sizeof *server);
    struct sockaddr_in address;
    int length = sizeof address;

    HT_ASSERT(server != NULL);
    server->world = world;
    HT_ASSERT(uv_tcp_init(ht_loop_uv(world->loop), &server->listener) == 0);
    HT_ASSERT(uv_ip4_addr("127.0.0.1", 0, &address) == 0);
    HT_ASSERT(uv_tcp_bind(&server->listener, (struct sockaddr *)&address, 0) == 0);
    server->listener.data = server;
    HT_ASSERT(uv_listen((uv_stream_t *)&server->listener, 1024, on_connection) == 0);
    HT_ASSERT(uv_tcp_getsockname(&server->listener, (struct sockaddr *)&address, &length) == 0);
    *port = ntohs(address.sin_port);
    server->open_count = 1;
    return server;
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct aws_world_server *server = listener->data;
    struct connection *connection = calloc(1, sizeof *connection);

    HT_ASSERT(status == 0 && connection != NULL);
    connection->server = server;
    connection->number = ++server->world->connection_count;
    connection->next = server->connections;
    server->connections = connection;
    server->open_count++;
    ht_buffer_init(&connection->input, INPUT_MAX_BYTES);
    ht_buffer_init(&connection->output, INPUT_MAX_BYTES);
    ht_timer_init(&connection->timer, on_due);
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

static struct ht_slice take_until(struct ht_slice *rest, const char *mark)
{
    if (rest->length == 0) {
        return *rest;
    }
    size_t length = strlen(mark);
    const char *end = memmem(rest->data, rest->length, mark, length);
    size_t taken = end == NULL ? rest->length : (size_t)(end - rest->data);
    struct ht_slice piece = ht_slice_make(rest->data, taken);

    taken += end == NULL ? 0 : length;
    *rest = ht_slice_make(rest->data + taken, rest->length - taken);
    return piece;
}

/* Of a query protocol, the value of Action. */
static struct ht_slice action_of(struct ht_slice body)
{
    if (!ht_slice_starts_with(body, HT_SLICE("Action="))) {
        return (struct ht_slice){0};
    }
    body = ht_slice_make(body.data + 7, body.length - 7);
    return take_until(&body, "&");
}

static void look_for_request(struct connection *connection)
{
    struct ht_slice rest = ht_buffer_slice(&connection->input);
    struct ht_http_header headers[AWS_WORLD_HEADERS_MAX];
    struct aws_world_request request = {.headers = headers};
    uint64_t body_bytes = 0;

    if (connection->request_bytes > 0 || connection->is_closing || rest.length == 0 ||
        memmem(rest.data, rest.length, "\r\n\r\n", 4) == NULL) {
        return;
    }
    struct ht_slice head = take_until(&rest, "\r\n\r\n");
    struct ht_slice line = take_until(&head, "\r\n");
    request.method = take_until(&line, " ");
    request.query = take_until(&line, " ");
    request.path = take_until(&request.query, "?");
    while (head.length > 0) {
        HT_ASSERT(request.header_count < AWS_WORLD_HEADERS_MAX);
        struct ht_slice field = take_until(&head, "\r\n");
        struct ht_http_header *header = &headers[request.header_count++];
        header->name = take_until(&field, ":");
        header->value = ht_slice_trim(field);
    }
    struct ht_slice length = aws_world_header(&request, "Content-Length");
    HT_ASSERT(aws_world_header(&request, "Transfer-Encoding").length == 0);
    HT_ASSERT(length.length == 0 || ht_slice_to_u64(length, INPUT_MAX_BYTES, &body_bytes) == 0);
    if (rest.length < body_bytes) {
        return;
    }
    request.body = ht_slice_make(rest.data, body_bytes);
    connection->request_bytes = connection->input.length - rest.length + body_bytes;
    request.target = aws_world_header(&request, "X-Amz-Target");
    struct ht_slice after = request.target;
    take_until(&after, ".");
    request.operation = after.length > 0 ? after : action_of(request.body);
    request.operation = request.operation.length > 0 ? request.operation : request.method;
    request.connection = connection->number;
    request.number = ++connection->server->world->request_count;
    answer(connection, &request);
}

static void answer(struct connection *connection, const struct aws_world_request *request)
{
    struct aws_world *world = connection->server->world;
    struct aws_world_reply reply = {0};

    aws_world_answer(world, request, &reply);
    if (reply.is_silent) {
        return;
    }
    connection->ends = reply.is_dropped || reply.is_cut || reply.is_last;
    ht_buffer_clear(&connection->output);
    if (!reply.is_dropped) {
        format_answer(connection, request, &reply);
    }
    if (reply.delay_ms > 0) {
        ht_timer_start(world->timers, &connection->timer, reply.delay_ms);
    } else {
        on_due(&connection->timer);
    }
}

static void format_answer(struct connection *connection, const struct aws_world_request *request,
                          const struct aws_world_reply *reply)
{
    struct aws_world *world = connection->server->world;
    struct ht_buffer *out = &connection->output;
    time_t now = (time_t)((ht_clock_wall_ms(world->clock) + world->server_skew_ms) / 1000);
    char date[64];
    struct tm utc;

    gmtime_r(&now, &utc);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &utc);
    ht_buffer_append_format(out, "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Length: %zu\r\n",
                            reply->status == 0 ? 200 : reply->status,
                            ht_http_status_text(reply->status == 0 ? 200 : reply->status), date,
                            reply->body.length);
    if (request->target.length > 0) {
        ht_buffer_append_format(out, "x-amzn-RequestId: request-%u\r\n", request->number);
    }
    if (ht_slice_starts_with(request->target, HT_SLICE("DynamoDB"))) {
        ht_buffer_append_format(out, "x-amz-crc32: %u\r\n",
                                ht_digest_crc32(0, reply->body) ^ reply->has_wrong_crc32);
    }
    for (size_t i = 0; i < reply->header_count; i++) {
        ht_buffer_append_slice(out, reply->headers[i].name);
        ht_buffer_append_text(out, ": ");
        ht_buffer_append_slice(out, reply->headers[i].value);
        ht_buffer_append_text(out, "\r\n");
    }
    ht_buffer_append_text(out, reply->is_last ? "Connection: close\r\n\r\n" : "\r\n");
    bool has_body = !ht_slice_equal(request->method, HT_SLICE("HEAD")) && reply->status != 304;
    ht_buffer_append(out, reply->body.data,
                     has_body ? (reply->is_cut ? reply->body.length / 2 : reply->body.length) : 0);
    HT_ASSERT(ht_buffer_status(out) == 0);
}

static void on_due(struct ht_timer *timer)
{
    struct connection *connection = HT_CONTAINER_OF(timer, struct connection, timer);

    if (connection->output.length == 0) {
        close_connection(connection);
        return;
    }
    uv_buf_t bytes = uv_buf_init(connection->output.data, (unsigned)connection->output.length);
    connection->write.data = connection;
    if (uv_write(&connection->write, (uv_stream_t *)&connection->tcp, &bytes, 1, on_written) != 0) {
        close_connection(connection);
    }
}

static void on_written(uv_write_t *write, int status)
{
    struct connection *connection = write->data;

    if (status != 0 || connection->ends) {
        close_connection(connection);
        return;
    }
    ht_buffer_drop_front(&connection->input, connection->request_bytes);
    connection->request_bytes = 0;
    look_for_request(connection);
}

static void close_connection(struct connection *connection)
{
    if (connection->is_closing) {
        return;
    }
    connection->is_closing = true;
    ht_timer_stop(connection->server->world->timers, &connection->timer);
    uv_close((uv_handle_t *)&connection->tcp, on_connection_closed);
}

static void on_connection_closed(uv_handle_t *handle)
{
    struct connection *connection = handle->data;
    struct aws_world_server *server = connection->server;
    struct connection **link = &server->connections;

    while (*link != connection) {
        link = &(*link)->next;
    }
    *link = connection->next;
    ht_buffer_finish(&connection->input);
    ht_buffer_finish(&connection->output);
    free(connection);
    server->open_count--;
    end_if_closed(server);
}

void aws_world_server_drop_idle(struct aws_world_server *server)
{
    for (struct connection *at = server->connections; at != NULL; at = at->next) {
        if (at->request_bytes == 0) {
            close_connection(at);
        }
    }
}

void aws_world_server_close(struct aws_world_server *server, void (*on_closed)(void *user),
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
    struct aws_world_server *server = handle->data;

    server->open_count--;
    end_if_closed(server);
}

static void end_if_closed(struct aws_world_server *server)
{
    if (server->is_closing && server->open_count == 0) {
        server->on_closed(server->on_closed_user);
        free(server);
    }
}
