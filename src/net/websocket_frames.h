// SPDX-License-Identifier: MIT
#pragma once

/**
 * The frames of a WebSocket client (RFC 6455 section 5), without sockets: bytes in, one event at a
 * time out; and frames to send appended to a buffer, masked. libwslay reads and writes the frames;
 * messages are put together and checked here.
 *
 *     while (ht_websocket_frames_read(&frames, &input, &event) != HT_WEBSOCKET_NEEDS_MORE) ...
 *
 * After HT_WEBSOCKET_CLOSED and HT_WEBSOCKET_BROKEN nothing more may be read.
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/net/websocket.h"
#include "utf8_check.h"

#include <wslay/wslay.h>

/** Payload of a control frame (RFC 6455 section 5.5). */
#define HT_WEBSOCKET_CONTROL_MAX_BYTES 125

/** What a frame has before its payload at most: two bytes, a length of eight, a mask of four. */
#define HT_WEBSOCKET_FRAME_HEAD_MAX_BYTES 14

/* close codes of RFC 6455 section 7.4.1 */
#define HT_WEBSOCKET_CLOSE_NORMAL      1000
#define HT_WEBSOCKET_CLOSE_PROTOCOL    1002
#define HT_WEBSOCKET_CLOSE_NONE        1005
#define HT_WEBSOCKET_CLOSE_BAD_PAYLOAD 1007
#define HT_WEBSOCKET_CLOSE_TOO_BIG     1009
#define HT_WEBSOCKET_CLOSE_INTERNAL    1011

/** What came. */
enum ht_websocket_event_kind {
    HT_WEBSOCKET_NEEDS_MORE, /**< everything was taken */
    HT_WEBSOCKET_MESSAGE,    /**< a whole message: kind, bytes */
    HT_WEBSOCKET_PING,       /**< bytes are to be sent back */
    HT_WEBSOCKET_PONG,
    HT_WEBSOCKET_CLOSED, /**< close_code, bytes: the reason */
    HT_WEBSOCKET_BROKEN, /**< code, close_code to send, problem */
};

struct ht_websocket_event {
    enum ht_websocket_event_kind kind;
    enum ht_websocket_kind message_kind;
    struct ht_slice bytes; /**< lives until the next read */
    unsigned
        close_code; /**< the peer's, HT_WEBSOCKET_CLOSE_NONE where it gave none; of BROKEN: ours */
    int code;       /**< of BROKEN: HT_EPARSE, HT_ETOOBIG, HT_ENOMEM */
    const char *problem; /**< of BROKEN: what is wrong, static */
};

/** Both directions. The fields are private. */
struct ht_websocket_frames {
    wslay_frame_context_ptr wslay;
    struct ht_slice *input; /* the reader's, while it runs */
    /* the frame at hand */
    bool is_in_frame;
    uint8_t opcode;
    uint64_t frame_left; /* bytes of it still to come */
    char control[HT_WEBSOCKET_CONTROL_MAX_BYTES];
    size_t control_length;
    /* the message at hand */
    bool is_in_message;
    bool is_last_frame;
    enum ht_websocket_kind message_kind;
    struct ht_utf8_check utf8;
    struct ht_buffer message; /* only where it comes in several pieces */
    bool message_is_given;    /* to be forgotten at the next read */
    /* out */
    struct ht_buffer *output; /* the writer's, while it runs */
};

/** Gets ready. HT_ENOMEM. Ended with finish, whatever this returned. */
int ht_websocket_frames_init(struct ht_websocket_frames *frames,
                             size_t max_message_bytes) HT_MUST_CHECK;

/** Frees what it has; zeroed memory is fine. */
void ht_websocket_frames_finish(struct ht_websocket_frames *frames);

/** Takes bytes off the front of `*input` until something has come; returns event->kind. */
enum ht_websocket_event_kind ht_websocket_frames_read(struct ht_websocket_frames *frames,
                                                      struct ht_slice *input,
                                                      struct ht_websocket_event *event);

/** Appends a whole frame with a fresh mask to `output`. `opcode` is wslay's. HT_ENOMEM, HT_ETOOBIG
 * (the buffer's maximum) or HT_EIO (no randomness); `output` is then as it was. */
int ht_websocket_frames_write(struct ht_websocket_frames *frames, uint8_t opcode,
                              struct ht_slice payload, struct ht_buffer *output) HT_MUST_CHECK;

/** The payload of a close frame: `code` (HT_WEBSOCKET_CLOSE_NONE: nothing) in network order. */
struct ht_slice ht_websocket_close_payload(unsigned code, char room[2]);
