// SPDX-License-Identifier: MIT
#pragma once

/**
 * What all live sources share: when to connect and when again, the stall timer, handing
 * messages to the sink, holding back, and what /status shows of it. A source has one as its
 * first member and gives it five operations.
 *
 *     start -> CONNECTING --connect()--> (adapter) --ht_live_connected()--> CONNECTED
 *                  ^                         |                                  | bytes, messages,
 *                  |                         |ht_live_ended()                   | ht_live_deliver()
 *              next try                      v                                  |   |-- sink full:
 *                  '---- WAITING <-----------+<---- ht_live_ended() ------------'   v   pause()
 *                                                        ^                       PAUSED
 *     stop, stall, ht_live_give_up() -> close() ---------'                 resume -> resume()
 *
 * The contract of an adapter: between connect() and the next connect() it calls ht_live_ended()
 * exactly once, when nothing of the attempt is left (no transfer, no timer); never from inside
 * connect() or close(). Loop thread only.
 */

#include "reconnect.h"

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/clock.h"
#include "hashtagd/base/log.h"
#include "hashtagd/base/random.h"
#include "hashtagd/base/timer.h"
#include "hashtagd/pipeline/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ht_live;

/** What the adapter does for it. */
struct ht_live_ops {
    const char *service; /**< for texts: "X", "Mastodon", "Jetstream" */
    /** Begins an attempt: what has to be asked first (a token, rules), then the stream. */
    void (*connect)(struct ht_live *live);
    /** Gives the attempt or the connection up; ht_live_ended() follows, whatever its reason. Called
     * at most once an attempt, never after ht_live_ended(). */
    void (*close)(struct ht_live *live);
    /** The socket is not read any more, until resume(). Only while connected. */
    void (*pause)(struct ht_live *live);
    void (*resume)(struct ht_live *live);
    /** Writes where to go on after all messages given so far into `text`; returns its length, 0:
     * nowhere. NULL: the service cannot go on anywhere. */
    size_t (*cursor)(const struct ht_live *live, char text[HT_SOURCE_OWN_CURSOR_BYTES]);
    /** The cursor of an earlier run, before the first connect(); never empty. NULL: not wanted. */
    void (*set_cursor)(struct ht_live *live, struct ht_slice cursor);
    /** Frees what the adapter has, itself included. Never while an attempt is under way. */
    void (*destroy)(struct ht_live *live);
};

/** What an adapter's create function fills; all borrowed, all outlive the source. */
struct ht_live_options {
    const char *type; /**< static: "twitter-v2" ... */
    const char *name; /**< copied; NULL: the type */
    struct ht_clock *clock;
    struct ht_timer_queue *timers;
    struct ht_random *random;
    const struct ht_log *log;  /**< may be NULL */
    uint64_t stall_timeout_ms; /**< no byte for so long while connected: connect again */
};

/** How an attempt or a connection ended. */
struct ht_live_end {
    enum ht_source_end end;
    const struct ht_error *error; /**< what to tell; NULL: the words of `end` */
    uint64_t at_least_ms;         /**< as in reconnect.h */
};

/** The first member of every live source. */
struct ht_live {
    struct ht_source source; /**< first: what callers see */
    /* private: fixed */
    const struct ht_live_ops *ops;
    struct ht_source_ops source_ops; /* the type is the adapter's */
    struct ht_live_options options;
    /* private: changing */
    uint32_t magic;
    struct ht_source_sink *sink; /* NULL until started */
    struct ht_reconnect reconnect;
    bool is_attempting; /* between connect() and ht_live_ended() */
    bool is_connected;  /* the service agreed */
    bool has_streamed;  /* and a byte came */
    bool is_closing;    /* close() was called in this attempt */
    bool is_stalled;    /* for that reason */
    bool is_sink_full;  /* the sink said so, and has not called resume() */
    bool is_stopping;
    bool has_news;    /* beside messages since the last delivery: a refusal, or a cursor */
    bool is_given_up; /* ht_live_give_up(), in this attempt */
    enum ht_source_end given_up_as;
    struct ht_error given_up_error;
    uint64_t connected_ms, last_byte_ms; /* monotonic */
    struct ht_slice *collected; /* messages for the next delivery; owned array, foreign bytes */
    size_t collected_count, collected_capacity;
    struct ht_timer try_timer, stall_timer, stop_timer, fail_timer;
    struct ht_live_end failed; /* ht_live_fail() */
    struct ht_error failed_error;
    void (*on_stopped)(void *user);
    void *on_stopped_user;
};

/** Makes a source in the adapter's memory: `live` is the first member of its struct. `ops` is
 * static. */
void ht_live_init(struct ht_live *live, const struct ht_live_ops *ops,
                  const struct ht_live_options *options);

/** Frees what ht_live_init() and the life made; for the adapter's destroy. */
void ht_live_finish(struct ht_live *live);

/** The service agreed to stream. */
void ht_live_connected(struct ht_live *live);

/** Bytes of the stream came, decoded, keep-alives too. Call it before their messages. */
void ht_live_received(struct ht_live *live, size_t count);

/** Collects a message (one JSON text) for the next delivery. Its bytes must live until
 * ht_live_deliver(). */
void ht_live_message(struct ht_live *live, struct ht_slice message);

/** Hands over what was collected, with the cursor; pauses the adapter where the sink is full. Call
 * it at the end of every piece that was read, before its bytes go away. */
void ht_live_deliver(struct ht_live *live);

/** Hands over the cursor alone: it has moved on without a message. */
void ht_live_move_cursor(struct ht_live *live);

/** Something came that is no message: a dead letter. `reason` is a label like those of tweets. */
void ht_live_refuse(struct ht_live *live, struct ht_slice bytes, const char *reason);

/** For an adapter that learns from a message that it must go (a disconnect notice, an error in the
 * stream): delivers what was collected and nothing more, calls close(), and counts `end` with
 * `error` (may be NULL; copied) as the reason. Where the attempt is being closed already nothing
 * happens. */
void ht_live_give_up(struct ht_live *live, enum ht_source_end end, const struct ht_error *error);

/** The attempt is over and nothing of it is left. */
void ht_live_ended(struct ht_live *live, const struct ht_live_end *end);

/** For an attempt that could not begin, from inside connect() or later: ht_live_ended() is called on
 * the next turn with `end` and `error` (copied). Nothing else of the attempt may be left. */
void ht_live_fail(struct ht_live *live, enum ht_source_end end, const struct ht_error *error);

/** Notes the age of a message by its own time. */
void ht_live_note_time(struct ht_live *live, int64_t message_wall_ms);
