// SPDX-License-Identifier: MIT
#pragma once

/**
 * An HTTP client on the event loop, for many transfers at once: libcurl's multi interface
 * driven by the loop. Connections are kept and used again. Redirects are not followed and
 * nothing is retried: that is the caller's decision. A request without a User-Agent tells this
 * program's name and version. The proxies of the environment
 * (HTTPS_PROXY, NO_PROXY) are used, but never for a loopback address or one of a machine's own
 * metadata (169.254.*, fd00:ec2::*).
 *
 *     struct ht_http_transfer_options options = {
 *         .method = "POST", .url = url, .headers = headers, .header_count = 2,
 *         .body = payload, .timeout_ms = 10000, .max_response_bytes = 1 << 20,
 *         .on_done = on_answer, .user = put};
 *     if (ht_http_transfer_start(client, &options, &put->transfer, &error) != 0) ...
 *
 *     static void on_answer(void *user, struct ht_http_result *result)
 *     {
 *         if (result->code != 0) ...                         // no answer: result->error_text
 *         else if (result->status == 200) parse(result->body.data, result->body.length);
 *     }
 *
 * Headers may hold secrets: the copies made for libcurl are wiped with their transfer. What libcurl
 * itself makes of them, the bytes of the request that it sends, stays in its memory until that is
 * used again: it has no way to wipe it. Nothing of it is ever logged.
 *
 * A long answer (a live stream) is taken piece by piece with `on_data`, which may pause it; it is
 * asked for with HTTP/1.1, so that its connection is its own.
 * Life: ht_http_client_create(), transfers, ht_http_client_close(). Loop thread only.
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/error.h"
#include "hashtagd/net/http.h"
#include "hashtagd/net/loop.h"

#include <stdbool.h>

struct ht_http_client;
struct ht_http_transfer;

/** How a transfer ended. Lives until on_done returns. */
struct ht_http_result {
    /** 0: an answer arrived, whatever its status; HT_ECONNECTION, HT_ETIMEDOUT, HT_ETOOBIG (over
     * max_response_bytes), HT_ECANCELED, HT_EINVAL (a bad URL), HT_EPERMISSION (the peer's
     * certificate is not trusted), HT_ENOMEM, HT_EIO. */
    int code;
    int status;                           /**< of the answer, 0 where none arrived */
    const char *error_text;               /**< what failed, for a person; "" where code is 0 */
    const struct ht_http_header *headers; /**< of the answer, in the order sent */
    size_t header_count;
    struct ht_buffer body;     /**< the answer; on_done may take it with ht_buffer_take() */
    uint64_t sent_bytes;       /**< of the request's body */
    uint64_t total_ns;         /**< from start to end */
    bool is_connection_reused; /**< it went over a connection that was there before */
};

/** Called once, last, on the loop thread, never from inside start or cancel. The transfer is gone
 * when it returns. */
typedef void (*ht_http_on_done_fn)(void *user, struct ht_http_result *result);

/** Called with each piece of the body of an answer. `status` is the answer's. */
typedef void (*ht_http_on_data_fn)(void *user, int status, struct ht_slice data);

/** Called once where an answer comes: its head is complete, and no piece of its body has been given
 * yet. The headers live until it returns. Not called for answers of a proxy or interim ones (1xx).
 */
typedef void (*ht_http_on_head_fn)(void *user, int status, const struct ht_http_header *headers,
                                   size_t header_count);

/** What to ask, and how long to wait. Zeroed members have the meaning told. */
struct ht_http_transfer_options {
    const char *method; /**< NULL: "GET", or "POST" where there is a body. Copied */
    const char *url;    /**< http or https; copied */
    const struct ht_http_header *headers; /**< copied */
    size_t header_count;
    struct ht_slice body;        /**< not copied: must live until on_done */
    uint64_t connect_timeout_ms; /**< 0: 10 s */
    uint64_t timeout_ms;         /**< the whole transfer; 0: no limit */
    uint64_t stall_timeout_ms;   /**< not a byte for so long, pauses left out; 0: no limit; whole
                                   *   seconds, rounded up */
    size_t max_response_bytes;   /**< of the body; 0: 1 MiB; no limit where `on_data` is set */
    uint64_t
        max_idle_ms; /**< a kept connection that rested for longer is not used; 0: curl's limit of
                           *   118 s; whole seconds, rounded up */
    uint64_t max_age_ms; /**< nor one that is older; 0: no limit; whole seconds, rounded up */
    bool is_fresh;       /**< never over a kept connection: where such a one is dead libcurl asks
                           *   again by itself, without the wait that the caller may have promised */
    bool is_path_as_is;  /**< "/./" and "/../" in the path are sent, not squeezed out */
    bool is_sent_once;   /**< libcurl sends a request again by itself where a kept connection turns
                           *   out to be dead; with this it does not: HT_ECONNECTION. Costs a write */
    bool is_without_proxy;      /**< never through a proxy of the environment */
    const char *ca_file;        /**< PEM file of trusted issuers; NULL: the client's. Copied */
    bool accepts_compressed;    /**< asks for gzip or deflate; the body is given decoded, as far as
                                   *   the peer has flushed it */
    size_t piece_bytes;         /**< with on_data: what is read at a time, 1 KiB to 512 KiB; 0: 16
                                   *   KiB. A pause keeps at most that, decoded. Pieces are no longer,
                                   *   nor than curl's limit of 16 KiB, which alone counts where the
                                   *   body was compressed */
    ht_http_on_head_fn on_head; /**< may be NULL */
    ht_http_on_data_fn on_data; /**< NULL: the body is collected in the result */
    ht_http_on_done_fn on_done; /**< not NULL */
    void *user;                 /**< for both */
};

/** Makes a client on `loop` (not owned, outlives it). HT_ENOMEM or HT_EFATAL; `error` (may be NULL)
 * is filled. */
int ht_http_client_create(struct ht_http_client **client, struct ht_loop *loop,
                          struct ht_error *error) HT_MUST_CHECK;

/** At most so many connections to one host at a time; transfers beyond wait for their turn, which
 * counts for their timeouts. 0, as at first: no limit. Up to 256 that rest are kept. */
void ht_http_client_limit(struct ht_http_client *client, size_t max_connections_of_host);

/** The issuers that are trusted where a transfer or WebSocket names no `ca_file` of its own: a PEM
 * file; not copied, outlives the client. NULL, as at first: the system's. */
void ht_http_client_trust(struct ht_http_client *client, const char *ca_file);

/** Cancels what runs (each on_done is called with HT_ECANCELED), frees the client, then calls
 * `on_closed` (may be NULL) once, never from inside this call. NULL is fine: nothing happens. */
void ht_http_client_close(struct ht_http_client *client, void (*on_closed)(void *user), void *user);

/**
 * Starts a transfer. On success `*transfer` (`transfer` may be NULL) may be canceled, paused and
 * resumed until on_done; it is owned by the client. HT_EINVAL or HT_ENOMEM: nothing was started and
 * on_done is not called; `error` (may be NULL) is filled. May be called from any callback.
 */
int ht_http_transfer_start(struct ht_http_client *client,
                           const struct ht_http_transfer_options *options,
                           struct ht_http_transfer **transfer,
                           struct ht_error *error) HT_MUST_CHECK;

/** Ends the transfer: on_done follows with HT_ECANCELED, and no on_data before it. Calling it again
 * changes nothing. */
void ht_http_transfer_cancel(struct ht_http_transfer *transfer);

/** No on_data from now on, until ht_http_transfer_resume(); the peer is held back by TCP. A pause
 * does not stop `timeout_ms`. */
void ht_http_transfer_pause(struct ht_http_transfer *transfer);

/** Goes on after a pause; on_data is called on a later turn. */
void ht_http_transfer_resume(struct ht_http_transfer *transfer);
