// SPDX-License-Identifier: MIT
#pragma once

/**
 * A WebSocket without a network: it takes the place of net/websocket in a test, which then says
 * what the peer does. One socket at a time. What it is told by close() and cancel() comes true on a
 * later turn of the timers, as with the real one.
 */

#include "hashtagd/base/timer.h"
#include "hashtagd/net/websocket.h"

#include <stdbool.h>
#include <stddef.h>

struct fake_websocket {
    /* the test's */
    struct ht_timer_queue *timers;
    bool refuses_to_open; /* with HT_EINVAL */
    const char *date;     /* of the answer; NULL: it has none */
    /* what the source did */
    char url[16384]; /* of the last attempt */
    size_t max_message_bytes, max_unsent_bytes;
    unsigned opened, pings, pauses, resumes, closes, cancels;
    unsigned close_code;
    char sent[1u << 20]; /* the last message */
    size_t sent_length;
    bool is_there; /* between open and on_end */
    bool is_open;
    bool is_paused;
    /* private */
    struct ht_websocket_options options;
    struct ht_timer end_timer;
    int end_code;
};

/** The one that the functions of net/websocket.h work on. */
extern struct fake_websocket fake_websocket;

/** Starts afresh on `timers`. */
void fake_websocket_reset(struct ht_timer_queue *timers);

/** The peer agrees. */
void fake_websocket_agree(void);

/** A message comes, with the callbacks for its bytes, and nothing else in that read. */
void fake_websocket_say(enum ht_websocket_kind kind, struct ht_slice bytes);

/** The same for a text, as one of several of a read: fake_websocket_read_end() follows. */
void fake_websocket_text(const char *text);

/** The read is over. */
void fake_websocket_read_end(void);

/** Bytes that are no message: a ping of the peer. */
void fake_websocket_bytes(size_t count);

/** It ends as `end` says; is_open is filled in. */
void fake_websocket_end(struct ht_websocket_end end);
