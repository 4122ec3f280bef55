// SPDX-License-Identifier: MIT
#pragma once

/**
 * A WebSocket client (RFC 6455) on the event loop. libcurl looks the name up, connects,
 * speaks TLS and goes through the proxies of the environment; the frames are libwslay's.
 * Masking, fragments, pings, the closing handshake and the check of UTF-8 are done here;
 * the owner gets whole messages. No extension is offered.
 *
 *     struct ht_websocket_options options = {
 *         .url = "wss://host/path", .max_message_bytes = 1 << 20,
 *         .on_open = on_open, .on_message = on_message, .on_end = on_end, .user = me};
 *     if (ht_websocket_open(client, &options, &me->socket, &error) != 0) ...
 *
 *   open -> connecting -> upgrading -> on_open -> (on_message ...) -> closing -> on_end
 *
 * Loop thread only. The peer is held back by TCP while the socket is paused.
 */

#include "hashtagd/base/error.h"
#include "hashtagd/base/slice.h"
#include "hashtagd/net/http.h"
#include "hashtagd/net/http_client.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ht_websocket;

/** What a message is made of. */
enum ht_websocket_kind {
    HT_WEBSOCKET_TEXT, /**< valid UTF-8 */
    HT_WEBSOCKET_BINARY,
};

/** How it ended. Lives until on_end returns. */
struct ht_websocket_end {
    /** 0: closed by the closing handshake; HT_ECONNECTION, HT_ETIMEDOUT (connecting, upgrading,
     * closing), HT_EPERMISSION (the peer's certificate is not trusted), HT_EUNSUPPORTED where the
     * answer to the upgrade was another than 101, HT_EPARSE (the peer broke the protocol),
     * HT_ETOOBIG (a message over max_message_bytes), HT_ECANCELED, HT_EINVAL, HT_ENOMEM, HT_EIO. */
    int code;
    const char *error_text;               /**< what failed, for a person; "" where code is 0 */
    int status;                           /**< of the answer to the upgrade; 0 where none came */
    const struct ht_http_header *headers; /**< of that answer, in the order sent */
    size_t header_count;
    struct ht_slice body;         /**< of that answer where it was no 101; cut off at 4 KiB */
    unsigned close_code;          /**< of the peer's close frame; 1005: it gave none, 0: no frame */
    struct ht_slice close_reason; /**< UTF-8; at most 123 bytes */
    bool was_open;                /**< on_open had been called */
};

struct ht_websocket_options {
    const char *url; /**< ws:// or wss:// (http:// and https:// are the same); copied */
    const struct ht_http_header *headers; /**< more headers for the upgrade; copied */
    size_t header_count;
    const char *subprotocol;     /**< NULL: none; copied. Another answer ends it: HT_EPARSE */
    const char *ca_file;         /**< PEM file of trusted issuers; NULL: the client's. Copied */
    uint64_t connect_timeout_ms; /**< until on_open; 0: 10 s */
    uint64_t close_timeout_ms;   /**< for the peer's part of the closing handshake; 0: 2 s */
    size_t max_message_bytes;    /**< of a whole message; 0: 1 MiB */
    size_t max_unsent_bytes;     /**< of what waits to be sent; 0: 64 KiB */
    /** The peer agreed. May be NULL. */
    void (*on_open)(void *user, const struct ht_http_header *headers, size_t header_count);
    /** Bytes came, whatever they are: for stall timers. May be NULL. */
    void (*on_bytes)(void *user, size_t count);
    /** A whole message; `bytes` live until it returns. Not NULL. */
    void (*on_message)(void *user, enum ht_websocket_kind kind, struct ht_slice bytes);
    /** The messages that one turn of reading brought have been given: a good moment to pass on what
     * was collected. Not after cancel. May be NULL. */
    void (*on_read_end)(void *user);
    /** Called once, last, never from inside open, close or cancel. The socket is gone when it
     * returns. Not NULL. */
    void (*on_end)(void *user, const struct ht_websocket_end *end);
    void *user;
};

/** Starts to connect. HT_EINVAL (the URL) or HT_ENOMEM: nothing was started; `error` (may be NULL)
 * is filled. `client` is not owned and is closed after the socket has ended (it ends what still
 * runs with HT_ECANCELED). */
int ht_websocket_open(struct ht_http_client *client, const struct ht_websocket_options *options,
                      struct ht_websocket **socket, struct ht_error *error) HT_MUST_CHECK;

/** Sends a message. HT_ECONNECTION where it is not open, HT_EBUSY where max_unsent_bytes would be
 * passed, HT_ENOMEM. */
int ht_websocket_send(struct ht_websocket *socket, enum ht_websocket_kind kind,
                      struct ht_slice bytes) HT_MUST_CHECK;

/** Sends a ping, unless one waits to be sent. The pong counts as bytes. */
void ht_websocket_ping(struct ht_websocket *socket);

/** Begins the closing handshake with `code` (1000: done); on_end follows, at the latest after
 * close_timeout_ms. No on_message from now on. Before it is open: as cancel. Calling it again
 * changes nothing. */
void ht_websocket_close(struct ht_websocket *socket, unsigned code);

/** Ends it at once: on_end follows with HT_ECANCELED on a later turn, nothing else before it. */
void ht_websocket_cancel(struct ht_websocket *socket);

/** No on_message from now on until resume: the socket is not read, not even for pings; on_read_end
 * may follow for what was given before. A pause ends where the socket is closed. */
void ht_websocket_pause(struct ht_websocket *socket);

/** Goes on; on_message on a later turn. */
void ht_websocket_resume(struct ht_websocket *socket);
