// SPDX-License-Identifier: MIT
#pragma once

/**
 * The server's end of one TCP connection, with or without TLS: bytes come in through a
 * callback, bytes that go out wait in a queue of shared bodies.
 *
 * Sending is in two steps, so that many small pieces leave in one system call:
 * ht_transport_send() queues, ht_transport_flush() writes what the socket takes and leaves the rest to
 * the loop. No callback is ever called from inside a call of the owner; a failure that a call meets
 * is told on the next turn.
 *
 * Life: zeroed memory, ht_transport_accept(), ..., ht_transport_close(), on_closed; then the memory
 * is the owner's to free.
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/timer.h"
#include "hashtagd/net/http.h"

#include <uv.h>

struct ht_transport;
struct ht_transport_segment;
struct ht_tls_session;

/** What the owner hears. All are required. */
struct ht_transport_events {
    /** Bytes from the peer; valid during the call. */
    void (*on_data)(struct ht_transport *transport, struct ht_slice data);
    /** The peer sends no more (0), or the connection is broken (negative), the second maybe after
     * the first. on_data is not called any more. */
    void (*on_end)(struct ht_transport *transport, int status);
    /** The queue is empty again after it was not. */
    void (*on_drained)(struct ht_transport *transport);
    /** The handles are closed. */
    void (*on_closed)(struct ht_transport *transport);
};

/** What a transport needs to live. */
struct ht_transport_options {
    const struct ht_transport_events *events; /* static */
    struct ht_timer_queue *timers;            /* not owned */
    struct ht_tls_session *tls;               /* owned from the call on; NULL: plain TCP */
    char *read_memory;                        /* borrowed, shared by all of a loop */
    size_t read_memory_bytes;
};

struct ht_transport {
    uint32_t magic;
    /* fixed after accept */
    uv_tcp_t tcp;
    struct ht_transport_options options;
    /* what waits to be sent */
    struct ht_transport_segment *first, *last;
    size_t first_offset;     /* bytes of the first segment that are sent (or encrypted) */
    size_t queued_bytes;     /* plain bytes in the queue, the offset taken off */
    struct ht_buffer cipher; /* TLS: what is encrypted and not yet sent */
    /* the write that the kernel did not take at once */
    uv_write_t write;
    size_t writing_bytes;      /* 0: none */
    uint64_t sent_bytes_total; /* that libuv has confirmed */
    /* state */
    struct ht_timer fail_timer;
    int failure;
    uv_shutdown_t shutdown;
    bool is_reading, has_ended, shutdown_wanted, shutdown_started, is_closing;
};

/** Takes the next connection of `listener`. 0 or a negative libuv error; where it is not 0, the
 * handle is open nevertheless unless `*is_open` is false, and must be closed. */
int ht_transport_accept(struct ht_transport *transport, uv_stream_t *listener,
                        const struct ht_transport_options *options, bool *is_open);

/** Begins or goes on with reading. */
void ht_transport_read_start(struct ht_transport *transport);

/** Holds the peer back. Bytes that are here already may still be handed out. */
void ht_transport_read_stop(struct ht_transport *transport);

/** Queues a piece, with a reference of its own. Nothing is sent yet. */
void ht_transport_send(struct ht_transport *transport, struct ht_http_body *piece);

/** Sends what can be sent. */
void ht_transport_flush(struct ht_transport *transport);

/** Bytes that the kernel has not taken yet. */
size_t ht_transport_unsent_bytes(const struct ht_transport *transport);

/** Bytes that the kernel has taken, ever. */
uint64_t ht_transport_sent_bytes(const struct ht_transport *transport);

/** Ends our side when the queue is empty. */
void ht_transport_shutdown(struct ht_transport *transport);

/** Closes at once; what is queued is dropped. on_closed follows. Twice is fine. */
void ht_transport_close(struct ht_transport *transport);
