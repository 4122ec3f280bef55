// SPDX-License-Identifier: MIT
#pragma once

/**
 * A server with a small application behind it on a real loop, and a blocking client on the
 * worker's thread. The client writes what it saw into its own struct; the test looks at it
 * after fixture_run(), which ends with the loop closed (ht_loop_destroy() asserts that).
 *
 * The application: /ok 200 "hello\n"; /work the
 * same after a millisecond of work; /echo the body back (at most 1000 bytes); /need a body
 * is required; /later answers a little later; /never does not answer; /big 4 MiB, /large the
 * first 300 KiB of it; /events a
 * stream of events; /once the same, ended at once; /flood a stream that never stops; /drain
 * begins to close the server and answers a little later; anything else 404.
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/net/http_server.h"
#include "hashtagd/net/loop.h"
#include "hashtagd/net/sse.h"
#include "hashtagd/net/worker.h"

#include <stdbool.h>
#include <stdint.h>

#define FIXTURE_BIG_BYTES   (4u * 1024u * 1024u)
#define FIXTURE_LARGE_BYTES (300u * 1024u)
#define FIXTURE_LATER_MAX   64

struct fixture_later {
    struct ht_timer timer;
    struct ht_http_request *request;
};

struct fixture {
    struct ht_http_header field; /* of the answer to /field */
    /* set before fixture_run(), the rest is zeroed */
    struct ht_http_server_options options;               /* limits; the fixture sets what it must */
    void (*client)(struct fixture *fixture, void *user); /* on the worker's thread; NULL: none */
    void *client_user;
    void (*on_start)(struct fixture *fixture); /* on the loop; NULL: nothing */
    struct ht_timer start_timer;
    uint64_t close_deadline_ms;
    /* when to begin to close: the client is done, or this long after the start */
    uint64_t close_after_ms;
    /* seen by the application */
    unsigned request_count, gone_count, body_count, sse_gone_count;
    bool refused_to_start;
    char agent[64];                    /* the User-Agent of the last /ok */
    struct ht_http_server_stats stats; /* at the moment the client was done */
    uint16_t port;
    /* the fixture's own */
    struct ht_loop *loop;
    struct ht_worker *worker;
    struct ht_http_server *server;
    struct ht_http_body *hello, *big, *large;
    struct ht_job job;
    struct ht_timer close_timer, flood_timer;
    struct fixture_later later[FIXTURE_LATER_MAX];
    unsigned later_count;
    struct ht_sse *events, *flood;
    bool closing;
};

/** Without a blocking client: begins the end. */
void fixture_end(struct fixture *fixture);

/** Runs the whole life; returns when everything is closed. */
void fixture_run(struct fixture *fixture);

/* --- the blocking client --- */

/** Connects to the server; -1 where that fails. Reads give up after 20 s. */
int client_connect(uint16_t port);

/** Sends all bytes; false where the peer has gone. */
bool client_send(int fd, const void *data, size_t length);

/** Sends a C string. */
bool client_send_text(int fd, const char *text);

/** Reads until the peer ends (true) or the read fails or times out (false). */
bool client_receive_all(int fd, struct ht_buffer *out);

/** Reads until `text` has come; false where the connection ended before. */
bool client_wait_for(int fd, struct ht_buffer *out, const char *text);

/** Closes so that the peer sees a broken connection. */
void client_reset(int fd);

/** A connection of one client: it sends all, and then reads until the server ends. */
struct fixture_exchange {
    const char *request;   /**< what it sends */
    bool ends_after_send;  /**< then it ends its side */
    struct ht_buffer seen; /**< all that came; the caller finishes it */
    bool ended_well;       /**< the server closed properly */
};

/** Runs the whole life with this client. */
void fixture_exchange(struct fixture *fixture, struct fixture_exchange *exchange);

/** Does nothing for a while. */
void client_pause(int ms);

/** The byte of /big at `position`. */
char fixture_big_byte(size_t position);

/** Reads one whole answer with Content-Length, of a request that was not HEAD. */
bool client_receive_answer(int fd, struct ht_buffer *out);

/** The status of the answer that begins at `text`, or 0. */
int answer_status(const char *text);

/** How many times `needle` is in `text`. */
unsigned count_of(const char *text, const char *needle);
