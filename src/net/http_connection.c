// SPDX-License-Identifier: MIT
#include "hashtagd/base/assert.h"
#include "http_internal.h"
#include "tls_internal.h"

#include <stdio.h>
#include <stdlib.h>

/*
 *            +------------- keep-alive ---------------+
 *            v                                        |
 *  accept -> HEAD -- head --> HANDLER -- answered ----+----------> ENDING -> LINGER -> CLOSED
 *            |                |   ^ \                 |              ^
 *            |     wants body |   | on_body           |              |
 *            |                v   |   \               |              |
 *            |                BODY    stream -> STREAM-+-------------+
 *            +-- refused (4xx, 5xx), idle, drained ------------------+
 *
 * Everything that happens ends in ht_http_connection_settle(): it sends what is queued, holds the client
 * back or lets it go on, sets the deadlines, and closes what is done. Requests that were
 * sent ahead stay bytes in `input` until the one before them is answered, so answers are in
 * order by themselves.
 *
 * Taking requests apart is in http_connection_input.c, deadlines are in
 * http_connection_time.c, streams of events in http_connection_stream.c.
 */

#define CONNECTION_MAGIC    0x4874436eu    /* "HtCn" */
#define REFUSED_AT_ONCE_MAX 64             /* connections over the limit that get an answer */
#define UNSENT_HIGH_BYTES   (256u * 1024u) /* answers that wait; then requests wait too */
#define LINGER_MAX_BYTES    (64u * 1024u * 1024u) /* dropped after the last answer */

static void begin(struct ht_http_connection *connection);
static void on_data(struct ht_transport *transport, struct ht_slice data);
static void on_end(struct ht_transport *transport, int status);
static void on_drained(struct ht_transport *transport);
static bool has_nothing_more(const struct ht_http_connection *connection);
static void finish_ending(struct ht_http_connection *connection);
static void update_reading(struct ht_http_connection *connection);
static void on_closed(struct ht_transport *transport);
static struct ht_http_connection *connection_of(struct ht_transport *transport);

static const struct ht_transport_events events = {
    .on_data = on_data,
    .on_end = on_end,
    .on_drained = on_drained,
    .on_closed = on_closed,
};

void ht_http_connection_accept(struct ht_http_server *server)
{
    struct ht_http_connection *connection = calloc(1, sizeof *connection);
    struct ht_transport_options options = {&events, server->timers, NULL, server->read_memory,
                                           65536};
    bool is_open;

    if (connection == NULL) {
        ht_http_server_accept_later(server);
        return;
    }
    connection->magic = CONNECTION_MAGIC;
    connection->server = server;
    ht_http_connection_init_timers(connection);
    ht_buffer_init(&connection->input, server->options.max_head_bytes +
                                           server->options.max_pipelined_bytes + 2u * 65536u);
    if (server->options.tls != NULL) {
        options.tls = ht_tls_session_create(server->options.tls);
    }
    int status = ht_transport_accept(&connection->transport, (uv_stream_t *)&server->listener,
                                     &options, &is_open);
    if (!is_open) {
        free(connection);
        ht_http_server_accept_later(server);
        return;
    }
    connection->next = server->connections;
    if (connection->next != NULL) {
        connection->next->previous = connection;
    }
    server->connections = connection;
    server->stats.connections_open = ++server->connection_count;
    server->stats.connections_total++;
    if (status != 0 || (server->options.tls != NULL && options.tls == NULL)) {
        ht_http_connection_close(connection);
        return;
    }
    begin(connection);
}

static void begin(struct ht_http_connection *connection)
{
    static const struct ht_http_refusal full = {
        503, "Too many connections are open; try again in a moment."};
    struct ht_http_server *server = connection->server;
    struct sockaddr_storage from;
    int length = sizeof from;

    snprintf(connection->peer, sizeof connection->peer, "unknown");
    if (uv_tcp_getpeername(&connection->transport.tcp, (struct sockaddr *)&from, &length) == 0) {
        uv_ip_name((const struct sockaddr *)&from, connection->peer, sizeof connection->peer);
    }
    ht_http_connection_set_state(connection, HT_HTTP_CONNECTION_HEAD);
    if (server->connection_count > server->options.max_connection_count &&
        !ht_http_load_make_room(connection)) {
        server->stats.connections_refused_total++;
        if (server->options.tls != NULL ||
            server->connection_count > REFUSED_AT_ONCE_MAX + server->options.max_connection_count) {
            ht_http_connection_close(connection);
            return;
        }
        ht_http_connection_refuse(connection, &full);
    }
    ht_http_connection_settle(connection);
}

static void on_data(struct ht_transport *transport, struct ht_slice data)
{
    struct ht_http_connection *connection = connection_of(transport);

    connection->received_bytes += data.length;
    connection->server->stats.received_bytes_total += data.length;
    switch (connection->state) {
    case HT_HTTP_CONNECTION_HEAD:
        if (connection->input.length == 0) {
            ht_http_connection_begin_head(connection);
        }
        break;
    case HT_HTTP_CONNECTION_HANDLER:
    case HT_HTTP_CONNECTION_BODY:
        break;
    case HT_HTTP_CONNECTION_LINGER:
        if (connection->received_bytes - connection->read_mark_bytes > LINGER_MAX_BYTES) {
            ht_http_connection_close(
                connection); /* it does not look at the answer, it only sends */
        }
        return;
    case HT_HTTP_CONNECTION_STREAM:
    case HT_HTTP_CONNECTION_ENDING:
    case HT_HTTP_CONNECTION_CLOSED:
        return; /* nobody will read it */
    }
    if (ht_buffer_append_slice(&connection->input, data) != 0) {
        ht_http_connection_lose(connection);
        ht_http_connection_close(connection);
        return;
    }
    ht_http_connection_work(connection);
    ht_http_connection_settle(connection);
}

void ht_http_connection_answered(struct ht_http_connection *connection, struct ht_http_body *head,
                                 struct ht_http_body *body, bool keeps)
{
    if (keeps && !connection->request->body_is_complete) {
        connection->skip_bytes = connection->request->head.content_length;
    }
    connection->must_linger = !connection->request->body_is_complete;
    connection->close_after = !keeps || head == NULL;
    if (head != NULL) {
        ht_transport_send(&connection->transport, head);
        ht_http_body_release(head);
    }
    if (head != NULL && body != NULL) {
        ht_transport_send(&connection->transport, body);
    }
    ht_http_request_destroy(connection->request);
    if (connection->close_after) {
        ht_http_connection_set_state(connection, HT_HTTP_CONNECTION_ENDING);
    } else {
        ht_http_connection_set_state(connection, HT_HTTP_CONNECTION_HEAD);
    }
    if (connection->is_working) {
        return; /* ht_http_connection_work() goes on, and settles */
    }
    if (ht_http_connection_input(connection).length > 0) {
        ht_timer_start(connection->server->timers, &connection->resume_timer, 0);
    }
    ht_http_connection_settle(connection);
}

/* Answers with the server's own words; nothing more is read from this client. */
void ht_http_connection_refuse(struct ht_http_connection *connection,
                               const struct ht_http_refusal *refusal)
{
    struct ht_http_body *answer = ht_http_respond_refusal(connection->server, refusal, false);

    ht_http_server_note(connection->server, "request refused", connection->peer, refusal->status);
    if (answer != NULL) {
        ht_transport_send(&connection->transport, answer);
        ht_http_body_release(answer);
    }
    connection->close_after = true;
    connection->must_linger = true;
    ht_http_connection_set_state(connection, HT_HTTP_CONNECTION_ENDING);
}

void ht_http_connection_lose(struct ht_http_connection *connection)
{
    if (connection->request != NULL) {
        ht_http_request_gone(connection->request);
    }
    if (connection->on_stream_gone != NULL) {
        void (*on_gone)(void *user) = connection->on_stream_gone;
        connection->on_stream_gone = NULL;
        on_gone(connection->stream_user);
    }
}

static void on_end(struct ht_transport *transport, int status)
{
    struct ht_http_connection *connection = connection_of(transport);
    bool waits_for_answer =
        connection->state == HT_HTTP_CONNECTION_HANDLER ||
        connection->state == HT_HTTP_CONNECTION_ENDING ||
        (connection->state == HT_HTTP_CONNECTION_HEAD &&
         ht_transport_unsent_bytes(transport) > 0) ||
        ht_http_load_is_put_off(connection); /* what came before is still to be read */

    connection->peer_ended = true;
    if (status == 0 && waits_for_answer) {
        ht_http_connection_settle(
            connection); /* a client may end its side and wait: the answer is still wanted */
        return;
    }
    ht_http_connection_lose(connection);
    ht_http_connection_close(connection);
}

static void on_drained(struct ht_transport *transport)
{
    struct ht_http_connection *connection = connection_of(transport);

    if (connection->state == HT_HTTP_CONNECTION_HEAD && connection->input.length > 0) {
        ht_http_connection_begin_head(connection); /* it was not read while the answers waited */
    }
    ht_http_connection_work(connection); /* requests may have waited for the answers to go out */
    ht_http_connection_settle(connection);
}

/* The one place that every event ends in. */
void ht_http_connection_settle(struct ht_http_connection *connection)
{
    if (connection->state == HT_HTTP_CONNECTION_CLOSED) {
        return;
    }
    bool was_full = ht_http_connection_output_is_full(connection);
    ht_transport_flush(&connection->transport);
    if (was_full && !ht_http_connection_output_is_full(connection) &&
        ht_http_connection_input(connection).length > 0) {
        /* the kernel took it at once, so no on_drained will come for what waited for it */
        ht_timer_start(connection->server->timers, &connection->resume_timer, 0);
    }
    uint64_t sent_bytes = ht_transport_sent_bytes(&connection->transport);
    connection->server->stats.sent_bytes_total += sent_bytes - connection->counted_sent_bytes;
    connection->counted_sent_bytes = sent_bytes;
    if (connection->peer_ended && connection->state == HT_HTTP_CONNECTION_BODY &&
        !ht_http_load_is_put_off(connection)) {
        ht_http_connection_cut(connection); /* the rest of the body will not come */
        return;
    }
    if (has_nothing_more(connection)) {
        ht_http_connection_set_state(connection, HT_HTTP_CONNECTION_ENDING);
    }
    if (connection->state == HT_HTTP_CONNECTION_ENDING) {
        finish_ending(connection);
    }
    if (connection->state != HT_HTTP_CONNECTION_CLOSED) {
        update_reading(connection);
        ht_http_connection_watch_output(connection);
        ht_http_connection_arm(connection);
        ht_http_load_count(connection);
    }
}

/* Whether no request can come any more: those that are here already are all answered. */
static bool has_nothing_more(const struct ht_http_connection *connection)
{
    bool is_idle = connection->server->is_draining && connection->input.length == 0;

    return connection->state == HT_HTTP_CONNECTION_HEAD && (connection->peer_ended || is_idle) &&
           !ht_http_load_is_put_off(connection) &&
           ht_transport_unsent_bytes(&connection->transport) == 0;
}

/* The last answer is queued: once it is out, the connection ends. A client that may still be
 * sending would get a reset, and lose the answer, if its bytes met a closed socket: so our side
 * ends first, and what comes is dropped for a while. */
static void finish_ending(struct ht_http_connection *connection)
{
    if (ht_transport_unsent_bytes(&connection->transport) > 0) {
        return;
    }
    if (!connection->must_linger || connection->peer_ended) {
        ht_http_connection_close(connection);
        return;
    }
    ht_http_connection_set_state(connection, HT_HTTP_CONNECTION_LINGER);
    ht_transport_shutdown(&connection->transport);
}

static void update_reading(struct ht_http_connection *connection)
{
    size_t limit = connection->server->options.max_pipelined_bytes;
    bool is_full = connection->input.length >= limit + connection->server->options.max_head_bytes;
    bool waits = connection->state == HT_HTTP_CONNECTION_HANDLER ||
                 ht_http_connection_output_is_full(connection);

    if (is_full || (waits && connection->input.length >= limit)) {
        ht_transport_read_stop(&connection->transport);
    } else {
        ht_transport_read_start(&connection->transport);
    }
}

void ht_http_connection_drain(struct ht_http_connection *connection)
{
    if (connection->state == HT_HTTP_CONNECTION_STREAM) {
        ht_http_connection_lose(connection);
        ht_http_connection_stream_end(connection);
        return;
    }
    ht_http_connection_settle(connection); /* an idle one ends here */
}

void ht_http_connection_cut(struct ht_http_connection *connection)
{
    ht_http_connection_lose(connection);
    ht_http_connection_close(connection);
}

void ht_http_connection_close(struct ht_http_connection *connection)
{
    if (connection->state == HT_HTTP_CONNECTION_CLOSED) {
        return;
    }
    ht_http_connection_set_state(connection, HT_HTTP_CONNECTION_CLOSED);
    ht_timer_stop(connection->server->timers, &connection->timer);
    ht_timer_stop(connection->server->timers, &connection->resume_timer);
    ht_http_load_leave_queue(connection);
    ht_http_load_count(connection);
    ht_transport_close(&connection->transport);
}

static void on_closed(struct ht_transport *transport)
{
    struct ht_http_connection *connection = connection_of(transport);

    HT_ASSERT(connection->request == NULL);
    ht_timer_stop(connection->server->timers, &connection->timer);
    ht_timer_stop(connection->server->timers, &connection->resume_timer);
    ht_http_load_leave_queue(connection);
    ht_buffer_finish(&connection->input);
    connection->magic = 0;
    ht_http_server_forget(connection->server, connection);
}

bool ht_http_connection_output_is_full(const struct ht_http_connection *connection)
{
    return ht_transport_unsent_bytes(&connection->transport) > UNSENT_HIGH_BYTES;
}

static struct ht_http_connection *connection_of(struct ht_transport *transport)
{
    struct ht_http_connection *connection =
        HT_CONTAINER_OF(transport, struct ht_http_connection, transport);

    HT_ASSERT(connection->magic == CONNECTION_MAGIC);
    return connection;
}
