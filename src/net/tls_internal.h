// SPDX-License-Identifier: MIT
#pragma once

/**
 * One TLS connection without a socket: cipher text goes in and comes out through memory,
 * plain text on the other side. The owner moves the bytes.
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/net/tls.h"

struct ht_tls_session;

/** A server side session. NULL where memory is out. */
struct ht_tls_session *ht_tls_session_create(struct ht_tls *tls);

/** Frees it; NULL is fine. */
void ht_tls_session_destroy(struct ht_tls_session *session);

/** Takes cipher text from the peer. HT_ENOMEM. */
int ht_tls_session_feed(struct ht_tls_session *session, struct ht_slice cipher);

/** How a read of plain text ended. */
enum ht_tls_read {
    HT_TLS_READ_DATA,  /**< `*length` bytes were read; ask again */
    HT_TLS_READ_EMPTY, /**< more cipher text is needed */
    HT_TLS_READ_END,   /**< the peer has closed its side properly */
    HT_TLS_READ_FAILED /**< no TLS, or broken */
};

/** Reads plain text into `data`; does the handshake as a side effect. */
enum ht_tls_read ht_tls_session_read(struct ht_tls_session *session, char *data, size_t capacity,
                                     size_t *length);

/** Encrypts up to 16 KiB of `plain`. Returns the bytes taken, 0 before the handshake is through,
 * or HT_ECONNECTION. */
int ht_tls_session_write(struct ht_tls_session *session, struct ht_slice plain);

/** Tells the peer that nothing more comes. */
void ht_tls_session_end(struct ht_tls_session *session);

/** Appends to `out` the cipher text that is to be sent. HT_ENOMEM or HT_ETOOBIG. */
int ht_tls_session_output(struct ht_tls_session *session, struct ht_buffer *out);
