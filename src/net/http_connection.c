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
 * Everything that happens ends in settle(): it sends what is queued, holds the client
 * back or lets it go on, sets the deadlines, and closes what is done. Requests that were
 * sent ahead stay bytes in `input` until the one before them is answered, so answers are in
 * order by themselves.
 */

#define CONNECTION_MAGIC      0x4874436eu    /* "HtCn" */
#define REFUSED_AT_ONCE_MAX   64             /* connections over the limit that get an answer */
#define REQUESTS_A_TURN       64             /* of one client, so that others get their turn */
#define UNSENT_HIGH_BYTES     (256u * 1024u) /* answers that wait; then requests wait too */
#define IDLE_INPUT_KEEP_BYTES 8192
#define NS_A_MS               1000000u

static void begin(struct ht_http_connection *connection);
static void on_data(struct ht_transport *transport, struct ht_slice data);
static void work(struct ht_http_connection *connection);
static bool read_head(struct ht_http_connection *connection);
static void skip_body(struct ht_http_connection *connection);
static bool take_head(struct ht_http_connection *connection);
static bool read_body(struct ht_http_connection *connection);
static int on_body_piece(void *user, struct ht_slice piece);
static void hand_over_body(struct ht_http_connection *connection);
static void refuse(struct ht_http_connection *connection, const struct ht_http_refusal *refusal);
static void lose_request(struct ht_http_connection *connection);
static void on_end(struct ht_transport *transport, int status);
static void on_drained(struct ht_transport *transport);
static void settle(struct ht_http_connection *connection);
static bool has_nothing_more(const struct ht_http_connection *connection);
static void finish_ending(struct ht_http_connection *connection);
static void update_reading(struct ht_http_connection *connection);
static void set_state(struct ht_http_connection *connection, enum ht_http_connection_state state);
static void set_write_deadline(struct ht_http_connection *connection);
static void arm_timer(struct ht_http_connection *connection);
static void on_timer(struct ht_timer *timer);
static void on_state_deadline(struct ht_http_connection *connection);
static bool body_moves(struct ht_http_connection *connection);
static void on_resume(struct ht_timer *timer);
static void close_now(struct ht_http_connection *connection);
static void on_closed(struct ht_transport *transport);
static struct ht_slice pending_input(const struct ht_http_connection *connection);
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
    ht_timer_init(&connection->timer, on_timer);
    ht_timer_init(&connection->resume_timer, on_resume);
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
        close_now(connection);
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
    set_state(connection, HT_HTTP_CONNECTION_HEAD);
    if (server->connection_count > server->options.max_connection_count) {
        server->stats.connections_refused_total++;
        if (server->options.tls != NULL ||
            server->connection_count > REFUSED_AT_ONCE_MAX + server->options.max_connection_count) {
            close_now(connection);
            return;
        }
        refuse(connection, &full);
    }
    settle(connection);
}

static void on_data(struct ht_transport *transport, struct ht_slice data)
{
    struct ht_http_connection *connection = connection_of(transport);

    connection->received_bytes += data.length;
    connection->server->stats.received_bytes_total += data.length;
    switch (connection->state) {
    case HT_HTTP_CONNECTION_HEAD:
        if (connection->input.length == 0) {
            /* the first byte of a head starts its clock */
            connection->state_deadline_ns = ht_clock_monotonic_ns(connection->server->clock) +
                                            connection->server->options.head_timeout_ms * NS_A_MS;
        }
        break;
    case HT_HTTP_CONNECTION_HANDLER:
    case HT_HTTP_CONNECTION_BODY:
        break;
    case HT_HTTP_CONNECTION_STREAM:
    case HT_HTTP_CONNECTION_ENDING:
    case HT_HTTP_CONNECTION_LINGER:
    case HT_HTTP_CONNECTION_CLOSED:
        return; /* nobody will read it */
    }
    if (ht_buffer_append_slice(&connection->input, data) != 0) {
        lose_request(connection);
        close_now(connection);
        return;
    }
    work(connection);
    settle(connection);
}

/* Takes the input apart as far as it goes. */
static void work(struct ht_http_connection *connection)
{
    bool more = !connection->is_working;
    unsigned turns = 0;

    if (!more) {
        return;
    }
    connection->is_working = true;
    while (more) {
        if (connection->state == HT_HTTP_CONNECTION_HEAD) {
            more = read_head(connection);
            turns++;
        } else if (connection->state == HT_HTTP_CONNECTION_BODY) {
            more = read_body(connection);
        } else {
            more = false;
        }
        if (more && turns >= REQUESTS_A_TURN) {
            ht_timer_start(connection->server->timers, &connection->resume_timer, 0);
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
    struct ht_slice input = pending_input(connection);
    if (input.length == 0 ||
        ht_transport_unsent_bytes(&connection->transport) > UNSENT_HIGH_BYTES) {
        return false;
    }
    switch (ht_http_head_scan_run(&connection->scan, input, &connection->server->head_limits,
                                  &refusal)) {
    case HT_HTTP_NEEDS_MORE:
        return false;
    case HT_HTTP_REFUSED:
        refuse(connection, &refusal);
        return false;
    case HT_HTTP_COMPLETE:
        return take_head(connection);
    }
    HT_UNREACHABLE();
}

/* Drops what is here of a body that nobody asked for. */
static void skip_body(struct ht_http_connection *connection)
{
    size_t here = pending_input(connection).length;
    size_t dropped = here < connection->skip_bytes ? here : (size_t)connection->skip_bytes;

    connection->input_offset += dropped;
    connection->skip_bytes -= dropped;
}

static bool take_head(struct ht_http_connection *connection)
{
    struct ht_http_server *server = connection->server;
    struct ht_http_refusal refusal = {500, "Out of memory."};
    struct ht_slice input = pending_input(connection);
    struct ht_http_head_scan scan = connection->scan;
    struct ht_slice head =
        ht_slice_make(input.data + scan.request_start, scan.line_start - scan.request_start);

    connection->scan = (struct ht_http_head_scan){0};
    connection->had_request = true;
    int status = ht_http_request_create(connection, head, scan.header_count, &refusal);
    connection->input_offset += scan.line_start;
    if (status != 0) {
        refuse(connection, &refusal);
        return false;
    }
    server->stats.requests_total++;
    set_state(connection, HT_HTTP_CONNECTION_HANDLER);
    server->options.on_request(server->options.user, &connection->request->public);
    return connection->state == HT_HTTP_CONNECTION_HEAD ||
           connection->state == HT_HTTP_CONNECTION_BODY;
}

void ht_http_connection_collect(struct ht_http_connection *connection)
{
    struct ht_http_request_state *request = connection->request;
    struct ht_slice input = pending_input(connection);

    set_state(connection, HT_HTTP_CONNECTION_BODY);
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
    struct ht_slice input = pending_input(connection);
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
        refuse(connection, &refusal);
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
    set_state(connection, HT_HTTP_CONNECTION_HANDLER);
    request->wanted.on_body(request->wanted.user, &request->public);
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
        set_state(connection, HT_HTTP_CONNECTION_ENDING);
    } else {
        set_state(connection, HT_HTTP_CONNECTION_HEAD);
    }
    if (connection->is_working) {
        return; /* work() goes on, and settles */
    }
    if (pending_input(connection).length > 0) {
        ht_timer_start(connection->server->timers, &connection->resume_timer, 0);
    }
    settle(connection);
}

/* Answers with the server's own words; nothing more is read from this client. */
static void refuse(struct ht_http_connection *connection, const struct ht_http_refusal *refusal)
{
    struct ht_http_body *answer = ht_http_respond_refusal(connection->server, refusal, false);

    ht_http_server_note(connection->server, "request refused", connection->peer, refusal->status);
    if (answer != NULL) {
        ht_transport_send(&connection->transport, answer);
        ht_http_body_release(answer);
    }
    connection->close_after = true;
    connection->must_linger = true;
    set_state(connection, HT_HTTP_CONNECTION_ENDING);
}

static void lose_request(struct ht_http_connection *connection)
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
        (connection->state == HT_HTTP_CONNECTION_HEAD && ht_transport_unsent_bytes(transport) > 0);

    connection->peer_ended = true;
    if (status == 0 && waits_for_answer) {
        settle(connection); /* a client may end its side and wait: the answer is still wanted */
        return;
    }
    lose_request(connection);
    close_now(connection);
}

static void on_drained(struct ht_transport *transport)
{
    struct ht_http_connection *connection = connection_of(transport);

    work(connection); /* requests may have waited for the answers to go out */
    settle(connection);
}

/* The one place that every event ends in. */
static void settle(struct ht_http_connection *connection)
{
    if (connection->state == HT_HTTP_CONNECTION_CLOSED) {
        return;
    }
    ht_transport_flush(&connection->transport);
    uint64_t sent_bytes = ht_transport_sent_bytes(&connection->transport);
    connection->server->stats.sent_bytes_total += sent_bytes - connection->counted_sent_bytes;
    connection->counted_sent_bytes = sent_bytes;
    if (has_nothing_more(connection)) {
        set_state(connection, HT_HTTP_CONNECTION_ENDING);
    }
    if (connection->state == HT_HTTP_CONNECTION_ENDING) {
        finish_ending(connection);
    }
    if (connection->state != HT_HTTP_CONNECTION_CLOSED) {
        update_reading(connection);
        set_write_deadline(connection);
        arm_timer(connection);
    }
}

/* Whether no request can come any more: those that are here already are all answered. */
static bool has_nothing_more(const struct ht_http_connection *connection)
{
    bool is_idle = connection->server->is_draining && connection->input.length == 0;

    return connection->state == HT_HTTP_CONNECTION_HEAD && (connection->peer_ended || is_idle) &&
           !ht_timer_is_running(&connection->resume_timer) &&
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
        close_now(connection);
        return;
    }
    set_state(connection, HT_HTTP_CONNECTION_LINGER);
    ht_transport_shutdown(&connection->transport);
}

static void update_reading(struct ht_http_connection *connection)
{
    size_t limit = connection->server->options.max_pipelined_bytes;
    bool is_full = connection->input.length >= limit + connection->server->options.max_head_bytes;
    bool waits = connection->state == HT_HTTP_CONNECTION_HANDLER ||
                 ht_transport_unsent_bytes(&connection->transport) > UNSENT_HIGH_BYTES;

    if (is_full || (waits && connection->input.length >= limit)) {
        ht_transport_read_stop(&connection->transport);
    } else {
        ht_transport_read_start(&connection->transport);
    }
}

static void set_state(struct ht_http_connection *connection, enum ht_http_connection_state state)
{
    const struct ht_http_server_options *options = &connection->server->options;
    uint64_t wait_ms = 0;
    bool is_idle;

    connection->state = state;
    switch (state) {
    case HT_HTTP_CONNECTION_HEAD:
        is_idle = connection->had_request && connection->skip_bytes == 0 &&
                  connection->input.length == connection->input_offset;
        wait_ms = is_idle ? options->idle_timeout_ms : options->head_timeout_ms;
        break;
    case HT_HTTP_CONNECTION_BODY:
        wait_ms = options->progress_timeout_ms;
        connection->read_mark_bytes = connection->received_bytes;
        break;
    case HT_HTTP_CONNECTION_LINGER:
        wait_ms = options->linger_timeout_ms;
        break;
    case HT_HTTP_CONNECTION_HANDLER:
    case HT_HTTP_CONNECTION_STREAM:
    case HT_HTTP_CONNECTION_ENDING:
    case HT_HTTP_CONNECTION_CLOSED:
        break;
    }
    connection->state_deadline_ns =
        wait_ms == 0 ? 0 : ht_clock_monotonic_ns(connection->server->clock) + wait_ms * NS_A_MS;
}

static void set_write_deadline(struct ht_http_connection *connection)
{
    if (ht_transport_unsent_bytes(&connection->transport) == 0) {
        connection->write_deadline_ns = 0;
    } else if (connection->write_deadline_ns == 0) {
        connection->write_deadline_ns = ht_clock_monotonic_ns(connection->server->clock) +
                                        connection->server->options.progress_timeout_ms * NS_A_MS;
        connection->write_mark_bytes = ht_transport_sent_bytes(&connection->transport);
    }
}

/* The timer is left running when a deadline moves back, which happens with every request: it then
 * fires too early once and is set again. */
static void arm_timer(struct ht_http_connection *connection)
{
    uint64_t due_ns = connection->state_deadline_ns;

    if (connection->write_deadline_ns != 0 &&
        (due_ns == 0 || connection->write_deadline_ns < due_ns)) {
        due_ns = connection->write_deadline_ns;
    }
    bool is_running = ht_timer_is_running(&connection->timer);
    if (due_ns == 0 || (is_running && connection->timer_due_ns <= due_ns)) {
        return;
    }
    uint64_t now_ns = ht_clock_monotonic_ns(connection->server->clock);
    uint64_t wait_ms = due_ns > now_ns ? (due_ns - now_ns + NS_A_MS - 1) / NS_A_MS : 0;
    connection->timer_due_ns = due_ns;
    ht_timer_start(connection->server->timers, &connection->timer, wait_ms);
}

static void on_timer(struct ht_timer *timer)
{
    struct ht_http_connection *connection =
        HT_CONTAINER_OF(timer, struct ht_http_connection, timer);
    const struct ht_http_server_options *options = &connection->server->options;
    uint64_t now_ns = ht_clock_monotonic_ns(connection->server->clock);

    if (connection->write_deadline_ns != 0 && now_ns >= connection->write_deadline_ns) {
        uint64_t moved =
            ht_transport_sent_bytes(&connection->transport) - connection->write_mark_bytes;
        if (moved < options->min_bytes_per_s * options->progress_timeout_ms / 1000) {
            ht_http_server_note(connection->server, "client reads too slowly", connection->peer, 0);
            ht_http_connection_cut(connection);
            return;
        }
        connection->write_deadline_ns = 0; /* settle() sets the next */
    }
    if (connection->state_deadline_ns != 0 && now_ns >= connection->state_deadline_ns) {
        on_state_deadline(connection);
    }
    settle(connection);
}

static void on_state_deadline(struct ht_http_connection *connection)
{
    static const struct ht_http_refusal slow_head = {408,
                                                     "The head of the request came too slowly."};
    static const struct ht_http_refusal slow_body = {408,
                                                     "The body of the request came too slowly."};
    struct ht_http_request_state *request = connection->request;

    switch (connection->state) {
    case HT_HTTP_CONNECTION_HEAD:
        if (connection->input.length > 0) {
            refuse(connection, &slow_head);
        } else {
            close_now(connection);
        }
        break;
    case HT_HTTP_CONNECTION_BODY:
        if (!body_moves(connection)) {
            refuse(connection, &slow_body);
            ht_http_request_gone(request);
        }
        break;
    case HT_HTTP_CONNECTION_LINGER:
        close_now(connection);
        break;
    case HT_HTTP_CONNECTION_HANDLER:
    case HT_HTTP_CONNECTION_STREAM:
    case HT_HTTP_CONNECTION_ENDING:
    case HT_HTTP_CONNECTION_CLOSED:
        connection->state_deadline_ns = 0;
        break;
    }
}

/* Whether enough of the body came since the last look; then the next look is set. */
static bool body_moves(struct ht_http_connection *connection)
{
    const struct ht_http_server_options *options = &connection->server->options;
    uint64_t moved = connection->received_bytes - connection->read_mark_bytes;

    if (moved < options->min_bytes_per_s * options->progress_timeout_ms / 1000) {
        return false;
    }
    connection->read_mark_bytes = connection->received_bytes;
    connection->state_deadline_ns =
        ht_clock_monotonic_ns(connection->server->clock) + options->progress_timeout_ms * NS_A_MS;
    return true;
}

static void on_resume(struct ht_timer *timer)
{
    struct ht_http_connection *connection =
        HT_CONTAINER_OF(timer, struct ht_http_connection, resume_timer);

    if (connection->stream_is_cut) {
        ht_http_connection_cut(connection);
        return;
    }
    work(connection);
    settle(connection);
}

void ht_http_connection_stream(struct ht_http_connection *connection, struct ht_http_body *head,
                               void (*on_gone)(void *user), void *user)
{
    ht_http_request_destroy(connection->request);
    connection->on_stream_gone = on_gone;
    connection->stream_user = user;
    connection->close_after = true;
    set_state(connection, HT_HTTP_CONNECTION_STREAM);
    ht_transport_send(&connection->transport, head);
    if (!connection->is_working) {
        settle(connection);
    }
}

void ht_http_connection_stream_send(struct ht_http_connection *connection,
                                    struct ht_http_body *piece)
{
    size_t waiting = ht_transport_unsent_bytes(&connection->transport);

    if (connection->state != HT_HTTP_CONNECTION_STREAM || connection->stream_is_cut) {
        return;
    }
    if (waiting + ht_http_body_slice(piece).length > connection->server->options.max_output_bytes) {
        ht_http_server_note(connection->server, "client reads events too slowly", connection->peer,
                            0);
        connection->stream_is_cut = true;
        ht_timer_start(connection->server->timers, &connection->resume_timer, 0);
        return;
    }
    ht_transport_send(&connection->transport, piece);
    if (!connection->is_working) {
        settle(connection);
    }
}

void ht_http_connection_stream_end(struct ht_http_connection *connection)
{
    connection->on_stream_gone = NULL;
    if (connection->state != HT_HTTP_CONNECTION_STREAM) {
        return;
    }
    set_state(connection, HT_HTTP_CONNECTION_ENDING);
    connection->must_linger = true;
    if (!connection->is_working) {
        settle(connection);
    }
}

void ht_http_connection_drain(struct ht_http_connection *connection)
{
    if (connection->state == HT_HTTP_CONNECTION_STREAM) {
        lose_request(connection);
        ht_http_connection_stream_end(connection);
        return;
    }
    settle(connection); /* an idle one ends here */
}

void ht_http_connection_cut(struct ht_http_connection *connection)
{
    lose_request(connection);
    close_now(connection);
}

static void close_now(struct ht_http_connection *connection)
{
    if (connection->state == HT_HTTP_CONNECTION_CLOSED) {
        return;
    }
    set_state(connection, HT_HTTP_CONNECTION_CLOSED);
    ht_timer_stop(connection->server->timers, &connection->timer);
    ht_timer_stop(connection->server->timers, &connection->resume_timer);
    ht_transport_close(&connection->transport);
}

static void on_closed(struct ht_transport *transport)
{
    struct ht_http_connection *connection = connection_of(transport);

    HT_ASSERT(connection->request == NULL);
    ht_timer_stop(connection->server->timers, &connection->timer);
    ht_timer_stop(connection->server->timers, &connection->resume_timer);
    ht_buffer_finish(&connection->input);
    connection->magic = 0;
    ht_http_server_forget(connection->server, connection);
}

static struct ht_slice pending_input(const struct ht_http_connection *connection)
{
    if (connection->input.length == connection->input_offset) {
        return ht_slice_make("", 0);
    }
    return ht_slice_make(connection->input.data + connection->input_offset,
                         connection->input.length - connection->input_offset);
}

static struct ht_http_connection *connection_of(struct ht_transport *transport)
{
    struct ht_http_connection *connection =
        HT_CONTAINER_OF(transport, struct ht_http_connection, transport);

    HT_ASSERT(connection->magic == CONNECTION_MAGIC);
    return connection;
}
