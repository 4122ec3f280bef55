// SPDX-License-Identifier: MIT
#pragma once

/**
 * One TLS connection without a socket: cipher text goes in and comes out through memory,
 * plain text on the other side. The owner moves the bytes.
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/net/tls.h"

struct tls_session;

/** A server side session. NULL where memory is out. */
struct tls_session *tls_session_create(struct ht_tls *tls);

/** Frees it; NULL is fine. */
void tls_session_destroy(struct tls_session *session);

/** Takes cipher text from the peer. HT_ENOMEM. */
int tls_session_feed(struct tls_session *session, struct ht_slice cipher);

/** How a read of plain text ended. */
enum tls_read {
    TLS_READ_DATA,  /**< `*length` bytes were read; ask again */
    TLS_READ_EMPTY, /**< more cipher text is needed */
    TLS_READ_END,   /**< the peer has closed its side properly */
    TLS_READ_FAILED /**< no TLS, or broken */
};

/** Reads plain text into `data`; does the handshake as a side effect. */
enum tls_read tls_session_read(struct tls_session *session, char *data, size_t capacity,
                               size_t *length);

/** Encrypts up to 16 KiB of `plain`. Returns the bytes taken, 0 before the handshake is through,
 * or HT_ECONNECTION. */
int tls_session_write(struct tls_session *session, struct ht_slice plain);

/** Tells the peer that nothing more comes. */
void tls_session_end(struct tls_session *session);

/** Appends to `out` the cipher text that is to be sent. HT_ENOMEM or HT_ETOOBIG. */
int tls_session_output(struct tls_session *session, struct ht_buffer *out);
