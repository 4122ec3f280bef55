// SPDX-License-Identifier: MIT
#pragma once

/**
 * The live events of GET /events. Every client gets the same frames: each is built once a tick,
 * the list `top` once for each (window, limit) that somebody looks at.
 *
 *     each second    rates to all; top to those whose list changed
 *     each 5 s, and soon after a part's state changed    status to all
 *     a deletion, and its archiving    deleted to all
 */

#include "hashtagd/base/timer.h"
#include "hashtagd/net/http.h"
#include "hashtagd/net/http_server.h"
#include "hashtagd/tally/tally.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ht_admin;
struct ht_events_client;
struct ht_events_channel;

/** Most clients at a time; each may hold a queue of unsent events. */
#define HT_EVENTS_MAX_CLIENTS 200

struct ht_events {
    struct ht_admin *admin;           /**< the owner */
    struct ht_events_client *clients; /**< owned list */
    size_t client_count;
    struct ht_events_channel *channels; /**< owned list: the lists that somebody looks at */
    uint64_t ticks;                     /**< seconds */
    struct ht_timer state_timer;        /**< a part's state changed: a status is due */
    struct ht_buffer deletions; /**< owned: events of deletions that wait for the next turn */
    struct ht_timer deletions_timer;
    bool is_closed;
};

/** No clients yet. It listens for deletions from now on. */
void ht_events_init(struct ht_events *events, struct ht_admin *admin);

/** Makes the request a client that looks at this list. Answers 503 where there are too many. */
void ht_events_add(struct ht_events *events, struct ht_http_request *request,
                   enum ht_tally_window window, uint32_t limit);

/** A second is over. */
void ht_events_tick(struct ht_events *events);

/** A part's state changed. */
void ht_events_note_state(struct ht_events *events);

/** Ends all streams after what is queued. */
void ht_events_close(struct ht_events *events);

/** Frees what is left after ht_events_close(). */
void ht_events_finish(struct ht_events *events);
