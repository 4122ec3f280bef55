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

/** Longest cursor in bytes. */
#define HT_SOURCE_CURSOR_BYTES 256

struct ht_source_sink;

struct ht_source_sink_ops {
    /**
     * Takes `count` messages (whole JSON texts of one tweet or notice each; copied) and `cursor`:
     * where the source would go on if the process started again after them (copied; may be empty).
     * Returns whether the source may go on; where false, all these messages were taken, and the
     * sink calls resume() when it wants more.
     */
    bool (*deliver)(struct ht_source_sink *sink, const struct ht_slice *messages, size_t count,
                    struct ht_slice cursor);
    /** Something that is no message came (a line that is cut off, say): counted and kept as a dead
     * letter. Bytes are copied. */
    void (*refuse)(struct ht_source_sink *sink, struct ht_slice bytes, const char *reason);
};

struct ht_source_sink {
    const struct ht_source_sink_ops *ops;
};

struct ht_source;

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

/** The part of an adapter that callers see; the adapter's struct begins with it. */
struct ht_source {
    const struct ht_source_ops *ops;
    struct ht_health health;
    struct ht_rate messages; /**< delivered */
    uint64_t reconnects;     /**< live sources */
    uint64_t position;       /**< synthetic: index of the next message; replay: messages so far */
};
