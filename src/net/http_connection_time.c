// SPDX-License-Identifier: MIT
#include "hashtagd/base/assert.h"
#include "http_internal.h"

/*
 * How long a client may take. There are two deadlines, one for what the connection waits
 * for (a head, more of a body, the end) and one for the output, and one timer for the
 * earlier of them. A slow client is not one that takes long, but one that moves fewer bytes
 * than min_bytes_per_s between two looks.
 */

#define NS_A_MS 1000000u

static uint64_t patience_ms(const struct ht_http_connection *connection);
static void on_timer(struct ht_timer *timer);
static void on_state_deadline(struct ht_http_connection *connection);
static bool body_moves(struct ht_http_connection *connection);
static void on_resume(struct ht_timer *timer);
static uint64_t after_ms(const struct ht_http_connection *connection, uint64_t wait_ms);

void ht_http_connection_init_timers(struct ht_http_connection *connection)
{
    ht_timer_init(&connection->timer, on_timer);
    ht_timer_init(&connection->resume_timer, on_resume);
}

void ht_http_connection_set_state(struct ht_http_connection *connection,
                                  enum ht_http_connection_state state)
{
    uint64_t wait_ms;

    connection->state = state;
    connection->state_since_ns = after_ms(connection, 0);
    connection->state_mark_bytes =
        connection->received_bytes + ht_transport_sent_bytes(&connection->transport);
    connection->read_mark_bytes = connection->received_bytes;
    wait_ms = patience_ms(connection);
    connection->state_deadline_ns = wait_ms == 0 ? 0 : after_ms(connection, wait_ms);
}

/* How long the client may take in the state it is in; 0: as long as it likes. */
static uint64_t patience_ms(const struct ht_http_connection *connection)
{
    const struct ht_http_server_options *options = &connection->server->options;
    bool is_idle = connection->had_request && connection->skip_bytes == 0 &&
                   connection->input.length == connection->input_offset;

    switch (connection->state) {
    case HT_HTTP_CONNECTION_HEAD:
        return is_idle ? options->idle_timeout_ms : options->head_timeout_ms;
    case HT_HTTP_CONNECTION_BODY:
        return options->progress_timeout_ms;
    case HT_HTTP_CONNECTION_LINGER:
        return options->linger_timeout_ms;
    case HT_HTTP_CONNECTION_HANDLER:
    case HT_HTTP_CONNECTION_STREAM:
    case HT_HTTP_CONNECTION_ENDING:
    case HT_HTTP_CONNECTION_CLOSED:
        return 0;
    }
    HT_UNREACHABLE();
}

void ht_http_connection_begin_head(struct ht_http_connection *connection)
{
    connection->state_deadline_ns =
        after_ms(connection, connection->server->options.head_timeout_ms);
}

void ht_http_connection_watch_output(struct ht_http_connection *connection)
{
    if (ht_transport_unsent_bytes(&connection->transport) == 0) {
        connection->write_deadline_ns = 0;
    } else if (connection->write_deadline_ns == 0) {
        connection->write_deadline_ns =
            after_ms(connection, connection->server->options.progress_timeout_ms);
        connection->write_mark_bytes = ht_transport_sent_bytes(&connection->transport);
    }
}

/* The timer is left running when a deadline moves back, which happens with every request: it then
 * fires too early once and is set again. */
void ht_http_connection_arm(struct ht_http_connection *connection)
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
        connection->write_deadline_ns = 0; /* ht_http_connection_settle() sets the next */
    }
    if (connection->state_deadline_ns != 0 && now_ns >= connection->state_deadline_ns) {
        on_state_deadline(connection);
    }
    ht_http_connection_settle(connection);
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
        if (ht_http_connection_output_is_full(connection) || ht_http_load_is_put_off(connection)) {
            /* what is here waits for us, not for the client; the output has its own deadline */
            ht_http_connection_begin_head(connection);
        } else if (connection->input.length > 0) {
            ht_http_connection_refuse(connection, &slow_head);
        } else {
            ht_http_connection_close(connection);
        }
        break;
    case HT_HTTP_CONNECTION_BODY:
        if (!body_moves(connection)) {
            ht_http_connection_refuse(connection, &slow_body);
            ht_http_request_gone(request);
        }
        break;
    case HT_HTTP_CONNECTION_LINGER:
        ht_http_connection_close(connection);
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

    if (moved < options->min_bytes_per_s * options->progress_timeout_ms / 1000 &&
        !ht_http_load_is_put_off(connection)) {
        return false;
    }
    connection->read_mark_bytes = connection->received_bytes;
    connection->state_deadline_ns = after_ms(connection, options->progress_timeout_ms);
    return true;
}

static void on_resume(struct ht_timer *timer)
{
    ht_http_connection_resume(HT_CONTAINER_OF(timer, struct ht_http_connection, resume_timer));
}

void ht_http_connection_resume(struct ht_http_connection *connection)
{
    if (connection->is_condemned) {
        ht_http_connection_cut(connection);
        return;
    }
    ht_http_connection_work(connection);
    ht_http_connection_settle(connection);
}

/* The moment `wait_ms` from now. */
static uint64_t after_ms(const struct ht_http_connection *connection, uint64_t wait_ms)
{
    return ht_clock_monotonic_ns(connection->server->clock) + wait_ms * NS_A_MS;
}
