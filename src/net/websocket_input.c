// SPDX-License-Identifier: MIT
#include "hashtagd/base/clock.h"
#include "websocket_internal.h"

/*
 * One turn of reading: until nothing is there, the owner wants no more, or the turn's measure is
 * full. libwslay may hold the beginning of what `input` goes on with, so what is left over by a
 * pause is taken up even where `input` is empty.
 */

/* A turn's measure: the loop has other work. */
#define TURN_BYTES (256u * 1024u)
#define TURN_NS    2000000u

static bool take(struct ht_websocket *socket, uint64_t until_ns);
static bool receive(struct ht_websocket *socket);
static void lose(struct ht_websocket *socket, const char *words);
static void take_head(struct ht_websocket *socket);
static void judge_answer(struct ht_websocket *socket);
static void take_body(struct ht_websocket *socket);
static bool take_frames(struct ht_websocket *socket, uint64_t until_ns);
static void on_event(struct ht_websocket *socket, const struct ht_websocket_event *event);
static void on_closed(struct ht_websocket *socket, const struct ht_websocket_event *event);
static bool is_taking_frames(const struct ht_websocket *socket);
static uint64_t now_ns(const struct ht_websocket *socket);

bool ht_websocket_is_reading(const struct ht_websocket *socket)
{
    bool is_held = socket->state == HT_WEBSOCKET_OPEN && socket->is_paused;

    return socket->stop == 0 && !is_held && socket->state >= HT_WEBSOCKET_UPGRADING &&
           socket->state <= HT_WEBSOCKET_LINGERING;
}

bool ht_websocket_read(struct ht_websocket *socket)
{
    uint64_t until_ns = now_ns(socket) + TURN_NS;
    size_t taken_bytes = 0;
    bool has_more = false;

    socket->has_given = false;
    while (ht_websocket_is_reading(socket)) {
        taken_bytes += socket->input.length;
        has_more = !take(socket, until_ns);
        has_more |= taken_bytes >= TURN_BYTES || now_ns(socket) >= until_ns;
        if (has_more || !ht_websocket_is_reading(socket) || !receive(socket)) {
            break;
        }
    }
    if (socket->has_given && socket->stop == 0 && socket->options.on_read_end != NULL) {
        socket->options.on_read_end(socket->options.user);
    }
    return has_more && ht_websocket_is_reading(socket);
}

/* Receives into an empty `input`. False where nothing is there, or nothing will ever be. */
static bool receive(struct ht_websocket *socket)
{
    size_t length = 0;
    CURLcode result =
        curl_easy_recv(socket->member.easy, socket->room, HT_WEBSOCKET_READ_BYTES, &length);

    if (result == CURLE_AGAIN) {
        return false;
    }
    if (result != CURLE_OK) {
        lose(socket, curl_easy_strerror(result));
        return false;
    }
    if (length == 0) {
        lose(socket, "the connection ended");
        return false;
    }
    socket->input = ht_slice_make(socket->room, length);
    if (socket->was_open && socket->options.on_bytes != NULL) {
        socket->options.on_bytes(socket->options.user, length);
    }
    return true;
}

/* The connection is gone. */
static void lose(struct ht_websocket *socket, const char *words)
{
    const char *host = socket->url.host;

    if (socket->state == HT_WEBSOCKET_UPGRADING) {
        ht_websocket_set_end(socket, HT_ECONNECTION,
                             "%s did not answer the upgrade to a WebSocket: %s.", host, words);
    } else if (socket->state == HT_WEBSOCKET_OPEN) {
        ht_websocket_set_end(socket, HT_ECONNECTION,
                             "%s left the WebSocket without closing it: %s.", host, words);
    } else if (socket->state == HT_WEBSOCKET_CLOSING) {
        ht_websocket_set_end(socket, HT_ECONNECTION,
                             "%s left the WebSocket without answering the close: %s.", host, words);
    }
    socket->state = HT_WEBSOCKET_OVER;
}

/* Takes all of `input` that may be taken now; false where time alone stops it. */
static bool take(struct ht_websocket *socket, uint64_t until_ns)
{
    if (socket->state == HT_WEBSOCKET_UPGRADING && socket->input.length > 0) {
        take_head(socket);
    } else if (socket->state == HT_WEBSOCKET_REFUSED) {
        take_body(socket);
    }
    if (is_taking_frames(socket)) {
        return take_frames(socket, until_ns);
    }
    if (socket->state == HT_WEBSOCKET_LINGERING) {
        socket->input.length = 0;
    }
    return true;
}

static void take_head(struct ht_websocket *socket)
{
    int status = ht_buffer_append_slice(&socket->head, socket->input);
    enum ht_websocket_answer_verdict verdict = HT_WEBSOCKET_ANSWER_BROKEN;

    socket->input.length = 0;
    if (status == 0) {
        verdict = ht_websocket_answer_read(&socket->answer, ht_buffer_slice(&socket->head));
    }
    if (verdict == HT_WEBSOCKET_ANSWER_COMPLETE) {
        judge_answer(socket);
    } else if (verdict == HT_WEBSOCKET_ANSWER_BROKEN) {
        ht_websocket_set_end(socket, HT_EPARSE,
                             "%s did not answer the upgrade to a WebSocket as HTTP/1.1 does, or at "
                             "too great length.",
                             socket->url.host);
        socket->state = HT_WEBSOCKET_OVER;
    }
}

static void judge_answer(struct ht_websocket *socket)
{
    const struct ht_websocket_answer *answer = &socket->answer;
    const char *problem;

    if (answer->status != 101) {
        ht_websocket_set_end(socket, HT_EUNSUPPORTED,
                             "%s answered the upgrade to a WebSocket with status %d %s.",
                             socket->url.host, answer->status, ht_http_status_text(answer->status));
        ht_websocket_enter(socket, HT_WEBSOCKET_REFUSED, socket->options.close_timeout_ms);
        take_body(socket);
        return;
    }
    if (ht_websocket_answer_check(answer, socket->key, socket->subprotocol, &problem) != 0) {
        ht_websocket_set_end(socket, HT_EPARSE,
                             "%s answered the upgrade to a WebSocket wrongly: %s.",
                             socket->url.host, problem);
        socket->state = HT_WEBSOCKET_OVER;
        return;
    }
    /* the first frames may have come with the head, which stays where it is */
    socket->input = ht_slice_make(socket->head.data + answer->head_bytes,
                                  socket->head.length - answer->head_bytes);
    socket->was_open = true;
    ht_websocket_enter(socket, HT_WEBSOCKET_OPEN, 0);
    if (socket->options.on_open != NULL) {
        socket->options.on_open(socket->options.user, answer->headers, answer->header_count);
    }
}

static void take_body(struct ht_websocket *socket)
{
    bool is_full = ht_buffer_append_slice(&socket->head, socket->input) != 0;
    struct ht_slice bytes = ht_buffer_slice(&socket->head);

    socket->input.length = 0;
    (void)ht_websocket_answer_read(&socket->answer, bytes); /* the headers may have moved */
    bytes = ht_slice_make(bytes.data + socket->answer.head_bytes,
                          bytes.length - socket->answer.head_bytes);
    if (ht_websocket_answer_body(&socket->answer, bytes, &socket->body) || is_full) {
        socket->state = HT_WEBSOCKET_OVER;
    }
}

static bool is_taking_frames(const struct ht_websocket *socket)
{
    return ht_websocket_is_reading(socket) &&
           (socket->state == HT_WEBSOCKET_OPEN || socket->state == HT_WEBSOCKET_CLOSING);
}

static bool take_frames(struct ht_websocket *socket, uint64_t until_ns)
{
    struct ht_websocket_event event;
    bool is_given = false;

    while (is_taking_frames(socket)) {
        /* after each: a few packed bytes can be a megabyte of work for the owner */
        if (is_given && now_ns(socket) >= until_ns) {
            return false;
        }
        if (ht_websocket_frames_read(&socket->frames, &socket->input, &event) ==
            HT_WEBSOCKET_NEEDS_MORE) {
            return true;
        }
        on_event(socket, &event);
        is_given = true;
    }
    return true;
}

static void on_event(struct ht_websocket *socket, const struct ht_websocket_event *event)
{
    bool is_open = socket->state == HT_WEBSOCKET_OPEN;

    switch (event->kind) {
    case HT_WEBSOCKET_MESSAGE:
        if (is_open) {
            socket->has_given = true;
            socket->options.on_message(socket->options.user, event->message_kind, event->bytes);
        }
        break;
    case HT_WEBSOCKET_PING:
        if (is_open) {
            ht_websocket_queue_pong(socket, event->bytes);
        }
        break;
    case HT_WEBSOCKET_CLOSED:
        on_closed(socket, event);
        break;
    case HT_WEBSOCKET_BROKEN:
        ht_websocket_set_end(socket, event->code, "%s broke off the WebSocket's protocol: %s.",
                             socket->url.host, event->problem);
        if (is_open) {
            ht_websocket_queue_close(socket, event->close_code);
        }
        ht_websocket_linger(socket);
        break;
    case HT_WEBSOCKET_PONG:
    case HT_WEBSOCKET_NEEDS_MORE:
        break;
    }
}

static void on_closed(struct ht_websocket *socket, const struct ht_websocket_event *event)
{
    socket->close_code = event->close_code;
    socket->close_reason_length = event->bytes.length;
    if (event->bytes.length > 0) {
        memcpy(socket->close_reason, event->bytes.data, event->bytes.length);
    }
    if (socket->state == HT_WEBSOCKET_OPEN) {
        ht_websocket_queue_close(socket, event->close_code);
    }
    ht_websocket_linger(socket);
}

static uint64_t now_ns(const struct ht_websocket *socket)
{
    return ht_clock_monotonic_ns(socket->member.client->clock);
}
