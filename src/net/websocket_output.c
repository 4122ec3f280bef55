// SPDX-License-Identifier: MIT
#include "websocket_internal.h"

#define PONGS_MAX_BYTES 4096u /* of pongs in the output */

static bool fill(struct ht_websocket *socket);

void ht_websocket_flush(struct ht_websocket *socket)
{
    while (socket->state != HT_WEBSOCKET_CONNECTING && !socket->is_send_broken && fill(socket)) {
        size_t sent = 0;
        CURLcode result =
            curl_easy_send(socket->member.easy, socket->sending.data + socket->sent_bytes,
                           socket->sending.length - socket->sent_bytes, &sent);
        if (result == CURLE_AGAIN) {
            break;
        }
        if (result != CURLE_OK) {
            /* what the peer said before it left is still read; then the read tells of the end */
            socket->is_send_broken = true;
            break;
        }
        socket->sent_bytes += sent;
    }
}

/* Whether there is something to send, in `sending`. */
static bool fill(struct ht_websocket *socket)
{
    if (socket->sent_bytes < socket->sending.length) {
        return true;
    }
    ht_buffer_clear(&socket->sending);
    socket->sent_bytes = 0;
    if (socket->output.length == 0) {
        socket->has_ping = false;
        if (!socket->has_pong) {
            return false;
        }
        socket->has_pong = false;
        ht_websocket_queue_pong(socket, ht_slice_make(socket->pong, socket->pong_length));
    }
    struct ht_buffer filled = socket->output;
    socket->output = socket->sending;
    socket->output.max_bytes = filled.max_bytes;
    socket->sending = filled;
    socket->control_bytes = 0;
    return socket->sending.length > 0;
}

size_t ht_websocket_unsent(const struct ht_websocket *socket)
{
    return socket->is_send_broken
               ? 0
               : socket->output.length + socket->sending.length - socket->sent_bytes;
}

void ht_websocket_queue_pong(struct ht_websocket *socket, struct ht_slice payload)
{
    size_t length = payload.length + HT_WEBSOCKET_FRAME_HEAD_MAX_BYTES;

    if (socket->control_bytes + length <= PONGS_MAX_BYTES &&
        ht_websocket_frames_write(&socket->frames, WSLAY_PONG, payload, &socket->output) == 0) {
        socket->control_bytes += length;
        socket->has_pong = false; /* an older one would come behind it */
        return;
    }
    if (payload.length > 0) {
        memmove(socket->pong, payload.data, payload.length);
    }
    socket->pong_length = payload.length;
    socket->has_pong = true;
}

void ht_websocket_queue_close(struct ht_websocket *socket, unsigned code)
{
    char room[2];
    struct ht_slice payload = ht_websocket_close_payload(code, room);
    int status = 0;

    if (socket->has_pong) { /* nothing may follow the close */
        socket->has_pong = false;
        status = ht_websocket_frames_write(&socket->frames, WSLAY_PONG,
                                           ht_slice_make(socket->pong, socket->pong_length),
                                           &socket->output);
    }
    if (status == 0) {
        status = ht_websocket_frames_write(&socket->frames, WSLAY_CONNECTION_CLOSE, payload,
                                           &socket->output);
    }
    (void)status; /* without memory for it the peer sees the connection end, which is as clear */
}
