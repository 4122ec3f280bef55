// SPDX-License-Identifier: MIT
#pragma once

/**
 * A server of plain bytes on a thread of its own, for tests of clients: it accepts one
 * connection after the other and gives each to the test's function, which sends and
 * receives as it likes; the connection is closed when that returns. With TLS where a
 * certificate is given.
 */

#include "hashtagd/base/buffer.h"
#include "net_certificate.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/** One accepted connection. */
struct raw_peer {
    int fd;
    void *ssl; /* NULL: plain */
    struct ht_buffer input;
    unsigned number; /* of the connection, from 0 */
};

typedef void (*raw_serve_fn)(struct raw_peer *peer, void *user);

struct raw_server {
    uint16_t port;
    unsigned h2_offers; /* TLS clients that would speak HTTP/2 */
    /* its own */
    raw_serve_fn serve;
    void *user;
    int listener;
    void *tls;
    pthread_t thread;
};

/** Starts to listen on a free port of the loopback. `certificate` may be NULL: no TLS. */
void raw_server_start(struct raw_server *server, raw_serve_fn serve, void *user,
                      const struct net_certificate *certificate);

/** Stops to accept, and waits for the function that is running. */
void raw_server_stop(struct raw_server *server);

/** Sends all; false where the peer has gone. */
bool raw_send(struct raw_peer *peer, const void *data, size_t length);
bool raw_send_text(struct raw_peer *peer, const char *text);

/** Receives some bytes into peer->input; 0 where the peer ended, failed or was silent for 10 s. */
size_t raw_receive(struct raw_peer *peer);

/** Receives until peer->input has `text`; false where the connection ended before. */
bool raw_wait_for(struct raw_peer *peer, const char *text);

/** Receives until peer->input has `length` bytes. */
bool raw_wait_bytes(struct raw_peer *peer, size_t length);

/** Receives and drops until the peer ends. */
void raw_drain(struct raw_peer *peer);

/** Closes with a reset. */
void raw_reset(struct raw_peer *peer);
