// SPDX-License-Identifier: MIT
#pragma once

/**
 * A transport without a socket: it takes the place of net/transport in a fuzz target, which then says
 * what comes from the client and how much the client reads. One connection at a time.
 *
 * As with the real one no callback comes from inside a call of the owner: what is to be told is told
 * by the functions below.
 */

#include "transport.h"

struct fake_transport {
    struct ht_transport *transport; /* NULL until it is accepted and once it is closed */
    struct ht_buffer sent;          /* what the client has read */
    struct ht_buffer queue;         /* what it has not */
    size_t room;                    /* bytes of the next flush that go out at once */
    bool is_reading, is_shut, is_closing, has_ended;
    const struct ht_http_body *left_out; /* sent, but not kept in `sent`; NULL: none */
};

/** The one that the functions of transport.h work on. */
extern struct fake_transport fake_transport;

/** Starts afresh. */
void fake_transport_reset(void);

/** Frees what it holds. */
void fake_transport_finish(void);

/** Bytes from the client, while the owner reads. */
void fake_transport_receive(struct ht_slice bytes);

/** The client sends no more. */
void fake_transport_end(void);

/** The connection breaks. */
void fake_transport_break(void);

/** The client reads up to `bytes` of what waits. */
void fake_transport_drain(size_t bytes);

/** Tells the owner that it is closed, where it wanted that; whether it did. */
bool fake_transport_closed(void);
