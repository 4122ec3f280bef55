// SPDX-License-Identifier: MIT
#pragma once

/**
 * The server's end of one TCP connection, with or without TLS: bytes come in through a
 * callback, bytes that go out wait in a queue of shared bodies.
 *
 * Sending is in two steps, so that many small pieces leave in one system call:
 * transport_send() queues, transport_flush() writes what the socket takes and leaves the rest to
 * the loop. No callback is ever called from inside a call of the owner; a failure that a call meets
 * is told on the next turn.
 *
 * Life: zeroed memory, transport_accept(), ..., transport_close(), on_closed; then the memory
 * is the owner's to free.
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/timer.h"
#include "hashtagd/net/http.h"

#include <uv.h>

struct transport;
struct transport_segment;
struct tls_session;

/** What the owner hears. All are required. */
struct transport_events {
    /** Bytes from the peer; valid during the call. */
    void (*on_data)(struct transport *transport, struct ht_slice data);
    /** The peer sends no more (0), or the connection is broken (negative), the second maybe after
     * the first. on_data is not called any more. */
    void (*on_end)(struct transport *transport, int status);
    /** The queue is empty again after it was not. */
    void (*on_drained)(struct transport *transport);
    /** The handles are closed. */
    void (*on_closed)(struct transport *transport);
};

/** What a transport needs to live. */
struct transport_options {
    const struct transport_events *events; /* static */
    struct ht_timer_queue *timers;         /* not owned */
    struct tls_session *tls;               /* owned from the call on; NULL: plain TCP */
    char *read_memory;                     /* borrowed, shared by all of a loop */
    size_t read_memory_bytes;
};

struct transport {
    uint32_t magic;
    /* fixed after accept */
    uv_tcp_t tcp;
    struct transport_options options;
    /* what waits to be sent */
    struct transport_segment *first, *last;
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
int transport_accept(struct transport *transport, uv_stream_t *listener,
                     const struct transport_options *options, bool *is_open);

/** Begins or goes on with reading. */
void transport_read_start(struct transport *transport);

/** Holds the peer back. Bytes that are here already may still be handed out. */
void transport_read_stop(struct transport *transport);

/** Queues a piece, with a reference of its own. Nothing is sent yet. */
void transport_send(struct transport *transport, struct ht_http_body *piece);

/** Sends what can be sent. */
void transport_flush(struct transport *transport);

/** Bytes that the kernel has not taken yet. */
size_t transport_unsent_bytes(const struct transport *transport);

/** Bytes that the kernel has taken, ever. */
uint64_t transport_sent_bytes(const struct transport *transport);

/** Ends our side when the queue is empty. */
void transport_shutdown(struct transport *transport);

/** Closes at once; what is queued is dropped. on_closed follows. Twice is fine. */
void transport_close(struct transport *transport);
