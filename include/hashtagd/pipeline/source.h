// SPDX-License-Identifier: MIT
#pragma once

/**
 * The source port: where tweets come from. A source pushes messages into a sink (the
 * ingest stage) and stops pushing when the sink says so; resume() makes it go on. A
 * live source that cannot stop its service holds back by not reading its socket.
 *
 * Life: start, then deliveries on the loop thread (never from inside start or resume),
 * stop, on_stopped, destroy.
 */

#include "hashtagd/pipeline/health.h"

#include "hashtagd/base/rate.h"
#include "hashtagd/base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Longest cursor in bytes: several sources at once have one together. */
#define HT_SOURCE_CURSOR_BYTES 4096

/** Longest cursor of a source that may run beside others. */
#define HT_SOURCE_OWN_CURSOR_BYTES 256

/** The most sources at once. */
#define HT_SOURCE_COUNT_MAX 8

/** Longest name of a source in bytes, the NUL counted. */
#define HT_SOURCE_NAME_BYTES 64

struct ht_source;
struct ht_source_sink;

struct ht_source_sink_ops {
    /**
     * Takes `count` messages (whole JSON texts of one tweet or notice each; copied) of the source
     * `from` and `cursor`: where the source would go on if the process started again after them
     * (copied; may be empty). With a count of 0 the cursor alone moves on.
     * Returns whether the source may go on; where false, all these messages were taken, and the
     * sink calls resume() when it wants more.
     */
    bool (*deliver)(struct ht_source_sink *sink, const struct ht_source *from,
                    const struct ht_slice *messages, size_t count, struct ht_slice cursor);
    /** Something that is no message came to `from` (a line that is cut off, say): counted and kept
     * as a dead letter. Bytes are copied. */
    void (*refuse)(struct ht_source_sink *sink, const struct ht_source *from, struct ht_slice bytes,
                   const char *reason);
};

struct ht_source_sink {
    const struct ht_source_sink_ops *ops;
};

struct ht_source_ops {
    const char *type; /**< as in the configuration: "none", "synthetic", "replay", ... */
    /** Begins. `cursor` is the one delivered last that became durable; empty at the first start.
     * It is copied. */
    void (*start)(struct ht_source *source, struct ht_source_sink *sink, struct ht_slice cursor);
    /** Goes on after a delivery that was answered with false. */
    void (*resume)(struct ht_source *source);
    /** Ends; on_stopped once, after the last delivery. */
    void (*stop)(struct ht_source *source, void (*on_stopped)(void *user), void *user);
    /** Frees a source that was never started or is stopped; NULL is fine. */
    void (*destroy)(struct ht_source *source);
};

/* state, its name in /status and as a metric label */
#define HT_SOURCE_LINK_MAP(X)                                                                      \
    X(NONE, "none")             /* no live source */                                               \
    X(CONNECTING, "connecting") /* looking up, connecting, asking for a token or rules */          \
    X(CONNECTED, "connected")   /* the service has agreed to stream */                             \
    X(PAUSED, "paused")         /* connected, and held back: the pipeline is full */               \
    X(WAITING, "waiting")       /* for the next try */                                             \
    X(CLOSED, "closed")         /* stopped */

/** What the connection of a live source does. */
enum ht_source_link {
#define X(name, text) HT_SOURCE_LINK_##name,
    HT_SOURCE_LINK_MAP(X)
#undef X
        HT_SOURCE_LINK_COUNT,
};

/* reason, its name as a metric label, in words */
#define HT_SOURCE_END_MAP(X)                                                                       \
    X(ENDED, "ended", "the service ended the stream")                                              \
    X(NETWORK, "network", "the network failed")                                                    \
    X(STALLED, "stalled", "nothing came for too long")                                             \
    X(HTTP_ERROR, "http_error", "the service answered with an error")                              \
    X(RATE_LIMITED, "rate_limited", "the service asks for fewer connections")                      \
    X(TOO_MANY, "too_many_connections", "the service counts another connection as open")           \
    X(REFUSED, "refused", "the service refuses what was asked")                                    \
    X(TOLD, "told", "the service told to reconnect")                                               \
    X(TOLD_TO_STOP, "told_to_stop", "the service told to stop")                                    \
    X(PROTOCOL, "protocol", "the service broke its protocol")

/** Why a connection, or the attempt at one, ended. */
enum ht_source_end {
#define X(name, label, text) HT_SOURCE_END_##name,
    HT_SOURCE_END_MAP(X)
#undef X
        HT_SOURCE_END_COUNT,
};

/** What is known of a live source's connection: for /status, the metrics and the dashboard. Times
 * are wall time in seconds, 0 where it never happened. */
struct ht_source_connection {
    enum ht_source_link link;
    int64_t since_s;                    /**< of `link` */
    int64_t last_byte_s;                /**< anything at all, keep-alives too */
    int64_t last_message_s;             /**< a tweet or notice */
    int64_t next_try_s;                 /**< WAITING: when */
    uint64_t received_bytes;            /**< decoded */
    uint64_t connects;                  /**< times that the service agreed to stream */
    uint64_t ends[HT_SOURCE_END_COUNT]; /**< connections and attempts that ended, by reason */
    uint64_t repeats;                   /**< messages that had come before and were dropped here */
    uint64_t skipped;                   /**< notices that mean nothing here, by no kind */
    uint64_t gaps;       /**< times that something may have been missed, and could not be had */
    uint64_t pauses;     /**< times that the socket was not read because the pipeline was full */
    int64_t behind_ms;   /**< age of the last message when it came, by its own time; -1: unknown */
    int64_t undelivered; /**< held back by the service, as it reports; -1: unknown */
    int64_t rate_limit, rate_remaining; /**< of connection attempts, as told; -1: not told */
    int64_t rate_reset_s;               /**< when that limit starts anew; 0: not told */
};

/** The part of an adapter that callers see; the adapter's struct begins with it. */
struct ht_source {
    const struct ht_source_ops *ops;
    char name[HT_SOURCE_NAME_BYTES]; /**< one's own among several; the type where it has no other */
    struct ht_health health;
    struct ht_rate messages; /**< delivered */
    uint64_t position;       /**< synthetic: index of the next message; replay: messages so far */
    struct ht_source_connection connection; /**< live sources */
    /** Several sources behind one: those, `part_count` of them, not owned; NULL for a single one. */
    struct ht_source *const *parts;
    size_t part_count;
};

/** The name of a link's state, static. */
const char *ht_source_link_name(enum ht_source_link link);

/** The label of a reason, static. */
const char *ht_source_end_name(enum ht_source_end end);

/** A reason in words, static. */
const char *ht_source_end_text(enum ht_source_end end);

/** Sets up what is common: operations (static), the clock of its health (not owned), its state
 * STARTING, the name; the rest is zero. For the create functions of sources. */
void ht_source_init(struct ht_source *source, const struct ht_source_ops *ops, const char *name,
                    struct ht_clock *clock);

/** All connections of a source that ended, its parts counted. */
uint64_t ht_source_reconnects(const struct ht_source *source);
