// SPDX-License-Identifier: MIT
#pragma once

/**
 * The opening handshake of a WebSocket client (RFC 6455 section 4), without sockets: the URL taken
 * apart, the request as bytes, the answer read from bytes and checked.
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/net/http.h"

#include <stdbool.h>
#include <stdint.h>

/** Characters of Sec-WebSocket-Key (16 bytes) and Sec-WebSocket-Accept (a SHA-1), with the end. */
#define HT_WEBSOCKET_KEY_BYTES    25
#define HT_WEBSOCKET_ACCEPT_BYTES 29

/** The head of an answer is no larger. */
#define HT_WEBSOCKET_HEAD_MAX_BYTES 16384
#define HT_WEBSOCKET_HEADERS_MAX    100

/** Of the body of an answer that is no 101, so much is kept. */
#define HT_WEBSOCKET_BODY_MAX_BYTES 4096

/** A URL taken apart: owned texts. Zeroed memory is fine for finish. */
struct ht_websocket_url {
    char *http_url; /**< http or https, for curl; without query, so that nothing secret is in it */
    char *host;     /**< "host" or "host:port", for Host and for error texts */
    char *target;   /**< path and query */
};

/** Takes `url` apart. HT_EINVAL: no ws, wss, http or https URL, or one with a user name; `problem`
 * says so, static. HT_ENOMEM. */
int ht_websocket_url_parse(const char *url, struct ht_websocket_url *parts,
                           const char **problem) HT_MUST_CHECK;

void ht_websocket_url_finish(struct ht_websocket_url *parts);

/** Makes a new key from the system's randomness. HT_EIO. */
int ht_websocket_key_make(char key[HT_WEBSOCKET_KEY_BYTES]) HT_MUST_CHECK;

/** What a server must answer to `key`. */
void ht_websocket_accept_of(const char *key, char accept[HT_WEBSOCKET_ACCEPT_BYTES]);

/** What is asked. All borrowed. */
struct ht_websocket_request {
    const struct ht_websocket_url *url;
    const char *key;
    const char *subprotocol; /**< NULL: none */
    const char *agent;       /**< User-Agent, where the headers have none */
    const struct ht_http_header *headers;
    size_t header_count;
};

/** Appends the request to `out`. HT_EINVAL where a header or the subprotocol has a line break or a
 * header is one of the handshake's own; HT_ENOMEM; HT_ETOOBIG. */
int ht_websocket_request_format(const struct ht_websocket_request *request,
                                struct ht_buffer *out) HT_MUST_CHECK;

/** The answer. Slices into the bytes that were read. */
struct ht_websocket_answer {
    int status;
    struct ht_http_header headers[HT_WEBSOCKET_HEADERS_MAX];
    size_t header_count;
    size_t head_bytes; /**< where the body, or the first frame, begins */
};

enum ht_websocket_answer_verdict {
    HT_WEBSOCKET_ANSWER_NEEDS_MORE,
    HT_WEBSOCKET_ANSWER_COMPLETE, /**< the head is */
    HT_WEBSOCKET_ANSWER_BROKEN,   /**< no answer of HTTP/1.1, or a head over the limits */
};

/** Reads the head of the answer from `bytes`, all that came so far. Interim answers (100, 103) are
 * passed over. */
enum ht_websocket_answer_verdict ht_websocket_answer_read(struct ht_websocket_answer *answer,
                                                          struct ht_slice bytes);

/** Whether an answer of status 101 agrees to what was asked. 0, or HT_EPARSE with `problem`. */
int ht_websocket_answer_check(const struct ht_websocket_answer *answer, const char *key,
                              const char *subprotocol, const char **problem) HT_MUST_CHECK;

/**
 * Reads the body of an answer that is no 101 from `bytes`, all that came behind its head so far, into
 * `body`, which is begun anew each time and cut off at its maximum. True where it is complete, or
 * no more of it would be kept.
 */
bool ht_websocket_answer_body(const struct ht_websocket_answer *answer, struct ht_slice bytes,
                              struct ht_buffer *body);
