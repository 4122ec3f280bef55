// SPDX-License-Identifier: MIT
#include "http_internal.h"

/* An answer that goes on: what sse.c needs of a connection. */

void ht_http_connection_stream(struct ht_http_connection *connection, struct ht_http_body *head,
                               void (*on_gone)(void *user), void *user)
{
    ht_http_request_destroy(connection->request);
    connection->on_stream_gone = on_gone;
    connection->stream_user = user;
    connection->close_after = true;
    ht_http_connection_set_state(connection, HT_HTTP_CONNECTION_STREAM);
    ht_transport_send(&connection->transport, head);
    if (!connection->is_working) {
        ht_http_connection_settle(connection);
    }
}

void ht_http_connection_stream_send(struct ht_http_connection *connection,
                                    struct ht_http_body *piece)
{
    size_t waiting = ht_transport_unsent_bytes(&connection->transport);

    if (connection->state != HT_HTTP_CONNECTION_STREAM || connection->is_condemned) {
        return;
    }
    if (waiting + ht_http_body_slice(piece).length > connection->server->options.max_output_bytes) {
        ht_http_server_note(connection->server, "client reads events too slowly", connection->peer,
                            0);
        connection->is_condemned = true;
        ht_timer_start(connection->server->timers, &connection->resume_timer, 0);
        return;
    }
    ht_transport_send(&connection->transport, piece);
    if (!connection->is_working) {
        ht_http_connection_settle(connection);
    }
}

void ht_http_connection_stream_end(struct ht_http_connection *connection)
{
    connection->on_stream_gone = NULL;
    if (connection->state != HT_HTTP_CONNECTION_STREAM) {
        return;
    }
    ht_http_connection_set_state(connection, HT_HTTP_CONNECTION_ENDING);
    connection->must_linger = true;
    if (!connection->is_working) {
        ht_http_connection_settle(connection);
    }
}
