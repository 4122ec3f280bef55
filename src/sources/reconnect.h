// SPDX-License-Identifier: MIT
#pragma once

/**
 * How long a live source waits before it connects again: the ladders that X documents
 * ("Connecting to a streaming endpoint", "Handling disconnections"), which the other services
 * get as well. A pure decision: it gets how the connection ended, a random number and what
 * failed before, and returns milliseconds.
 *
 *   a stream that ran ended         at once; if that attempt fails, the ladder of its failure
 *   network (DNS, TCP, TLS)         250 ms, and 250 ms more each time, up to 16 s
 *   HTTP error, protocol            5 s, doubled each time, up to 320 s
 *   HTTP 420, 429, too many         60 s, doubled each time, up to 960 s; never before the moment
 *                                   that the service names
 *   refused for good (401, 403 ...) like an HTTP error, and a person is told
 *   told to stop (another client    like too many, and a person is told: two that throw each other
 *   took the place, say)            out must not do so every few seconds
 *
 * A stream "ran" once it has brought a byte of its body; once it has lived for
 * HT_RECONNECT_STEADY_MS too, all ladders begin anew. Before that only the network's does: a service
 * may agree first, and refuse in the stream. One that ends so early again and again is treated like
 * a network error, so that nobody is asked hundreds of times a second. Jitter makes a wait longer by up to a
 * quarter of what the ladder says, never shorter.
 */

#include "hashtagd/base/random.h"
#include "hashtagd/pipeline/source.h"

#include <stdbool.h>
#include <stdint.h>

/** A stream that lived for so long is worth an attempt at once. */
#define HT_RECONNECT_STEADY_MS 10000

/** The longest time named by a service that is believed: X's windows of limits last so long. */
#define HT_RECONNECT_NAMED_MAX_MS 900000

/** What is remembered of earlier failures. Zeroed is the start. */
struct ht_reconnect {
    unsigned network_failures; /**< in a row, and so the others */
    unsigned http_failures;
    unsigned rate_failures;
    unsigned short_lives; /**< streams in a row that ended early */
};

/** How a connection, or an attempt at one, ended. */
struct ht_reconnect_input {
    enum ht_source_end end;
    bool has_streamed;    /**< a byte of the body came */
    uint64_t lived_ms;    /**< since the service agreed; 0 where it did not */
    uint64_t at_least_ms; /**< the service named a time (Retry-After, x-rate-limit-reset); else 0,
                             *   HT_RECONNECT_NAMED_MAX_MS at most are believed */
};

/** What to do. */
struct ht_reconnect_decision {
    uint64_t wait_ms;
    bool needs_person; /**< waiting alone will not mend it: the source's state is `failed` */
};

/** Decides, and counts the failure in `reconnect`. */
struct ht_reconnect_decision ht_reconnect_decide(struct ht_reconnect *reconnect,
                                                 const struct ht_reconnect_input *input,
                                                 struct ht_random *random);
