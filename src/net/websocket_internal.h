// SPDX-License-Identifier: MIT
#pragma once

/**
 * A WebSocket's object, and what its files ask of each other: websocket.c has the life,
 * websocket_input.c what is read, websocket_output.c what is sent.
 *
 *   CONNECTING -> UPGRADING -> OPEN -> CLOSING -> LINGERING -> OVER
 *       |             |          |        |           ^
 *       |             |          '--------|-----------' the peer's close frame, or its mistake
 *       |             '-> REFUSED         |
 *       '-------------'-----'-------------'-> OVER: failed, late, gone
 */

#include "hashtagd/base/timer.h"
#include "http_client_internal.h"
#include "websocket_frames.h"
#include "websocket_upgrade.h"

#include <uv.h>

/** Read at a time. */
#define HT_WEBSOCKET_READ_BYTES 65536

enum ht_websocket_state {
    HT_WEBSOCKET_CONNECTING, /**< curl's part: name, connection, TLS, proxy */
    HT_WEBSOCKET_UPGRADING,  /**< the request goes out, the answer is awaited */
    HT_WEBSOCKET_REFUSED,    /**< the answer is another: its body is read */
    HT_WEBSOCKET_OPEN,
    HT_WEBSOCKET_CLOSING,   /**< our close frame goes out, the peer's is awaited */
    HT_WEBSOCKET_LINGERING, /**< all is said: it goes out, and the peer may hang up */
    HT_WEBSOCKET_OVER,      /**< to be finished as soon as nobody of us is at work with it */
};

/** The poll handle: it outlives the socket until it is closed. */
struct ht_websocket_poll {
    uv_poll_t handle;
    struct ht_http_client *client;
    struct ht_websocket *socket; /* NULL once the socket is gone */
};

struct ht_websocket {
    struct ht_http_member member; /* first */
    uint32_t magic;
    /* fixed after open */
    struct ht_websocket_options options; /* with the defaults; the borrowed texts are NULL */
    char *subprotocol;
    struct ht_websocket_url url;
    char key[HT_WEBSOCKET_KEY_BYTES];
    /* state */
    enum ht_websocket_state state;
    bool was_open;
    bool is_paused;
    bool is_working;             /* inside work() */
    int stop;                    /* HT_E...: ends on the next turn, whatever comes */
    struct ht_timer turn_timer;  /* to be added to curl's handles, or stopped */
    struct ht_timer work_timer;  /* something to send, or to read without waiting */
    struct ht_timer state_timer; /* how long the state may last */
    struct ht_websocket_poll *poll;
    /* in */
    char *room;            /* owned; HT_WEBSOCKET_READ_BYTES */
    struct ht_slice input; /* of it, or of the head: not yet taken */
    struct ht_buffer head; /* the answer to the upgrade */
    struct ht_websocket_answer answer;
    struct ht_buffer body;
    struct ht_websocket_frames frames;
    bool has_given; /* a message, in this turn */
    /* out: TLS wants the same bytes again after it could not send them, so they stand still */
    struct ht_buffer output, sending;
    size_t sent_bytes;    /* of `sending` */
    size_t control_bytes; /* of pongs in `output` */
    bool has_pong;        /* one more is to be sent, when there is room */
    bool has_ping;        /* waits to be sent */
    bool is_send_broken;
    char pong[HT_WEBSOCKET_CONTROL_MAX_BYTES];
    size_t pong_length;
    /* end */
    int code;
    unsigned close_code;
    char close_reason[HT_WEBSOCKET_CONTROL_MAX_BYTES];
    size_t close_reason_length;
    char error_text[CURL_ERROR_SIZE + 256];
    char curl_error[CURL_ERROR_SIZE];
};

/* --- websocket.c --- */

/** Says how it ends; the first word counts. */
void ht_websocket_set_end(struct ht_websocket *socket, int code, const char *format, ...)
    HT_PRINTF(3, 4);

/** The state changes; it may last for `ms`, 0: for ever. */
void ht_websocket_enter(struct ht_websocket *socket, enum ht_websocket_state state, uint64_t ms);

/** Everything is said: what is queued goes out, and the peer is given a moment to hang up. */
void ht_websocket_linger(struct ht_websocket *socket);

/* --- websocket_input.c --- */

/** Reads what there is, within a turn's measure, and gives it to the owner. True where there is
 * more to be read without waiting. */
bool ht_websocket_read(struct ht_websocket *socket);

/** Whether the socket is to be read now. */
bool ht_websocket_is_reading(const struct ht_websocket *socket);

/* --- websocket_output.c --- */

/** Sends what goes out without waiting. */
void ht_websocket_flush(struct ht_websocket *socket);

/** Bytes that wait to be sent. */
size_t ht_websocket_unsent(const struct ht_websocket *socket);

/** Answers a ping; where too many pongs wait, the last alone is kept. */
void ht_websocket_queue_pong(struct ht_websocket *socket, struct ht_slice payload);

/** Queues the close frame. */
void ht_websocket_queue_close(struct ht_websocket *socket, unsigned code);
