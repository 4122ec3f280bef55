// SPDX-License-Identifier: MIT
#include "hashtagd/base/assert.h"
#include "http_internal.h"

/*
 * What all clients together may take, so that no number of them stops the rest:
 *
 *   time         requests are handled for TURN_NS of a turn of the loop; what is left goes on
 *                in the next turn, first come first served
 *   memory       where input and output of all connections are over their limit, the
 *                connection that holds most of it is cut
 *   connections  where all places are taken, the client that moved least for its time makes room;
 *                so many are taken a turn, and who makes room is looked for once in it
 */

#define TURN_NS    3000000u
#define FREE_BYTES 256u /* so that a client that has just come does not count as slow */

static void on_turn(struct ht_timer *timer);
static bool waits_for_client(const struct ht_http_connection *connection);
static struct ht_http_connection *next_slowest(struct ht_http_server *server);
static void look_for_slowest(struct ht_http_connection *newcomer);
static uint64_t slowness_of(const struct ht_http_connection *connection, uint64_t now_ns);
static uint64_t moved_bytes(const struct ht_http_connection *connection);
static void condemn(struct ht_http_connection *connection);

void ht_http_load_init(struct ht_http_server *server)
{
    ht_timer_init(&server->turn_timer, on_turn);
}

void ht_http_load_finish(struct ht_http_server *server)
{
    ht_timer_stop(server->timers, &server->turn_timer);
}

bool ht_http_load_turn_is_over(const struct ht_http_server *server)
{
    return server->turn_used_ns >= TURN_NS;
}

bool ht_http_load_must_wait(const struct ht_http_server *server)
{
    return ht_http_load_turn_is_over(server) ||
           (server->queued_first != NULL && !server->is_serving_queue);
}

void ht_http_load_spend(struct ht_http_server *server, uint64_t spent_ns)
{
    server->turn_used_ns += spent_ns;
    if (!ht_timer_is_running(&server->turn_timer)) {
        /* started before the timers of those that wait, it fires before them */
        ht_timer_start(server->timers, &server->turn_timer, 0);
    }
}

void ht_http_load_enqueue(struct ht_http_connection *connection)
{
    struct ht_http_server *server = connection->server;

    if (connection->is_queued) {
        return; /* it keeps its place */
    }
    connection->is_queued = true;
    connection->queued_next = NULL;
    connection->queued_before = server->queued_last;
    *(server->queued_last == NULL ? &server->queued_first : &server->queued_last->queued_next) =
        connection;
    server->queued_last = connection;
    if (!ht_timer_is_running(&server->turn_timer)) {
        ht_timer_start(server->timers, &server->turn_timer, 0);
    }
}

void ht_http_load_leave_queue(struct ht_http_connection *connection)
{
    struct ht_http_server *server = connection->server;

    if (!connection->is_queued) {
        return;
    }
    connection->is_queued = false;
    *(connection->queued_before == NULL ? &server->queued_first
                                        : &connection->queued_before->queued_next) =
        connection->queued_next;
    *(connection->queued_next == NULL ? &server->queued_last
                                      : &connection->queued_next->queued_before) =
        connection->queued_before;
}

bool ht_http_load_is_put_off(const struct ht_http_connection *connection)
{
    return connection->is_queued || ht_timer_is_running(&connection->resume_timer);
}

/* Who has had a share and wants more has gone to the end of the queue, so everybody is served. */
static void on_turn(struct ht_timer *timer)
{
    struct ht_http_server *server = HT_CONTAINER_OF(timer, struct ht_http_server, turn_timer);
    struct ht_http_connection *last = server->queued_last; /* who comes meanwhile waits */
    bool more = last != NULL;

    server->turn_used_ns = 0;
    server->accepted_count = 0;
    server->slowest_count = server->slowest_next = 0;
    server->is_serving_queue = true;
    while (more && server->queued_first != NULL && !ht_http_load_turn_is_over(server)) {
        struct ht_http_connection *connection = server->queued_first;
        more = connection != last;
        ht_http_load_leave_queue(connection);
        ht_http_connection_resume(connection);
    }
    server->is_serving_queue = false;
    if (server->queued_first != NULL && !ht_timer_is_running(timer)) {
        ht_timer_start(server->timers, timer, 0);
    }
}

void ht_http_load_count(struct ht_http_connection *connection)
{
    struct ht_http_server *server = connection->server;
    size_t held = 0;

    if (connection->state != HT_HTTP_CONNECTION_CLOSED && !connection->is_condemned) {
        held = ht_transport_unsent_bytes(&connection->transport) + connection->input.length;
    }
    server->buffered_bytes += held;
    server->buffered_bytes -= connection->buffered_bytes;
    connection->buffered_bytes = held;
    if (server->buffered_bytes <= server->options.max_buffered_bytes_in_total) {
        return;
    }
    struct ht_http_connection *most = connection;
    for (struct ht_http_connection *at = server->connections; at != NULL; at = at->next) {
        most = at->buffered_bytes > most->buffered_bytes ? at : most;
    }
    ht_http_server_note(server, "cut: the connections hold too many bytes", most->peer, 0);
    condemn(most);
}

/* It is cut in the next turn: now its owner may be in the middle of something. */
static void condemn(struct ht_http_connection *connection)
{
    struct ht_http_server *server = connection->server;

    server->stats.connections_dropped_total++;
    server->buffered_bytes -= connection->buffered_bytes;
    connection->buffered_bytes = 0;
    connection->is_condemned = true;
    ht_timer_start(server->timers, &connection->resume_timer, 0);
}

bool ht_http_load_may_accept(struct ht_http_server *server)
{
    if (server->accepted_count >= HT_HTTP_ACCEPTS_A_TURN) {
        return false;
    }
    server->accepted_count++;
    ht_http_load_spend(server, 0); /* so that the turn has an end */
    return true;
}

bool ht_http_load_make_room(struct ht_http_connection *newcomer)
{
    struct ht_http_server *server = newcomer->server;
    struct ht_http_connection *slowest = next_slowest(server);

    if (slowest == NULL) {
        look_for_slowest(newcomer);
        slowest = next_slowest(server);
    }
    if (slowest == NULL) {
        return false;
    }
    server->stats.connections_dropped_total++;
    ht_http_server_note(server, "closed to make room for another", slowest->peer, 0);
    ht_http_connection_cut(slowest);
    return true;
}

/* Of those that were found, the next that still waits for its client; NULL: none. */
static struct ht_http_connection *next_slowest(struct ht_http_server *server)
{
    while (server->slowest_next < server->slowest_count) {
        struct ht_http_connection *connection = server->slowest[server->slowest_next++];
        if (connection != NULL && waits_for_client(connection)) {
            return connection;
        }
    }
    return NULL;
}

/* One walk over all connections finds as many as a turn may need. */
static void look_for_slowest(struct ht_http_connection *newcomer)
{
    struct ht_http_server *server = newcomer->server;
    uint64_t now_ns = ht_clock_monotonic_ns(server->clock);
    uint64_t slowness[HT_HTTP_ACCEPTS_A_TURN];
    size_t count = 0;

    for (struct ht_http_connection *at = server->connections; at != NULL; at = at->next) {
        if (at == newcomer || !waits_for_client(at)) {
            continue;
        }
        uint64_t its = slowness_of(at, now_ns);
        if (count == HT_HTTP_ACCEPTS_A_TURN && its <= slowness[count - 1]) {
            continue;
        }
        size_t place = count < HT_HTTP_ACCEPTS_A_TURN ? count++ : count - 1;
        for (; place > 0 && slowness[place - 1] < its; place--) {
            slowness[place] = slowness[place - 1];
            server->slowest[place] = server->slowest[place - 1];
        }
        slowness[place] = its;
        server->slowest[place] = at;
    }
    server->slowest_count = count;
    server->slowest_next = 0;
}

void ht_http_load_forget(struct ht_http_connection *connection)
{
    struct ht_http_server *server = connection->server;

    for (size_t i = server->slowest_next; i < server->slowest_count; i++) {
        if (server->slowest[i] == connection) {
            server->slowest[i] = NULL;
        }
    }
}

/* Not where the client waits for us, and not a stream of events, of which there are few. */
static bool waits_for_client(const struct ht_http_connection *connection)
{
    switch (connection->state) {
    case HT_HTTP_CONNECTION_HEAD:
    case HT_HTTP_CONNECTION_BODY:
        return !ht_http_load_is_put_off(connection);
    case HT_HTTP_CONNECTION_ENDING:
    case HT_HTTP_CONNECTION_LINGER:
        return true;
    case HT_HTTP_CONNECTION_HANDLER:
    case HT_HTTP_CONNECTION_STREAM:
    case HT_HTTP_CONNECTION_CLOSED:
        return false;
    }
    HT_UNREACHABLE();
}

/* How long its state has lasted for each byte that moved in it. */
static uint64_t slowness_of(const struct ht_http_connection *connection, uint64_t now_ns)
{
    return (now_ns - connection->state_since_ns) / moved_bytes(connection);
}

static uint64_t moved_bytes(const struct ht_http_connection *connection)
{
    uint64_t now = connection->received_bytes + ht_transport_sent_bytes(&connection->transport);

    return FREE_BYTES + now - connection->state_mark_bytes;
}
