// SPDX-License-Identifier: MIT
#pragma once

/**
 * An HTTP/1.1 server on the event loop (RFC 9110, RFC 9112), with every limit in one
 * options struct. It reads a head, checks it harder than its parser does, calls the one
 * handler, collects the body where the handler wants it, and sends the answer, which the
 * handler gives at once or later. Requests of one connection are handled one after the
 * other, pipelined ones wait as bytes. Everything runs on the loop thread.
 *
 * What the server refuses on its own, always as application/problem+json with
 * Connection: close: 400 malformed, 408 too slow, 411, 413, 414, 417, 431, 501 unknown method
 * or transfer coding, 503 too many connections or bodies, 505 another version than 1.0 or 1.1.
 * Methods, paths, tokens and origins are the handler's business.
 *
 * Life of a request:
 *
 *     static void on_request(void *user, struct ht_http_request *request)
 *     {
 *         if (request->method == HT_HTTP_POST) {
 *             struct ht_http_body_wanted wanted = {
 *                 .max_bytes = 1 << 20, .is_required = true, .on_body = on_body, .user = user};
 *             ht_http_request_collect_body(request, &wanted);
 *             return;
 *         }
 *         struct ht_http_response response = {.status = 200, .body = prebuilt};
 *         ht_http_respond(request, &response);
 *     }
 *     static void on_body(void *user, struct ht_http_request *request)
 *     {
 *         start_put(user, request->body, request);          // answers later
 *         ht_http_request_watch(request, on_gone, put);     // or hears that nobody waits any more
 *     }
 *
 * The handler owns nothing of a request. It ends for the handler with ht_http_respond() or
 * one of its relatives, or with on_gone, whichever comes first; after that the pointer is
 * not to be used.
 *
 * Life of the server: ht_http_server_create() listens; ht_http_server_close() stops
 * listening, lets running requests end (until a deadline) and frees it.
 */

#include "hashtagd/base/error.h"
#include "hashtagd/base/histogram.h"
#include "hashtagd/base/log.h"
#include "hashtagd/net/address.h"
#include "hashtagd/net/http.h"
#include "hashtagd/net/loop.h"

#include <stdbool.h>

struct ht_http_server;
struct ht_tls;

/** A request whose head is complete. Read only for the handler, but for `user`. All bytes live as
 * long as the request. */
struct ht_http_request {
    enum ht_http_method method;
    struct ht_slice method_name; /**< as sent, such as "GET" */
    struct ht_slice target;      /**< as sent */
    struct ht_slice path;        /**< as sent (percent-encoded), begins with '/'; or "*" */
    struct ht_slice query;       /**< as sent, without '?'; data NULL where there is none */
    struct ht_slice host;        /**< of the target, else of Host; may be empty */
    const struct ht_http_header *headers; /**< in the order sent */
    size_t header_count;
    struct ht_slice body; /**< what was collected; empty before on_body */
    bool has_body;        /**< a body of one byte or more was announced, or one of unknown length */
    int version_minor;    /**< 0 or 1 of HTTP/1.x */
    const char *peer;     /**< the client's address as text, for logs; never NULL */
    void *user;           /**< the handler's own; NULL at first */
};

/** A step of a request, on the loop thread. `user` is what was given with the function. */
typedef void (*ht_http_on_request_fn)(void *user, struct ht_http_request *request);

/** Called once when the server is closed and freed. */
typedef void (*ht_http_on_closed_fn)(void *user);

/** How a handler asks for the body of a request. */
struct ht_http_body_wanted {
    size_t max_bytes;              /**< a longer one is answered with 413 */
    bool is_required;              /**< no Content-Length and no chunks: answered with 411 */
    ht_http_on_request_fn on_body; /**< called once when the body is complete; not NULL */
    ht_http_on_request_fn on_gone; /**< as in ht_http_request_watch(), until on_body; may be NULL */
    void *user;                    /**< for both */
};

/** An answer. Zeroed members have the meaning told. */
struct ht_http_response {
    int status; /**< 200 to 599 */
    /** Fields beside those that the server writes itself (Content-Length, Connection, Date and the
     * common ones of the options). Copied. NULL where the count is 0. */
    const struct ht_http_header *headers;
    size_t header_count;
    struct ht_http_body *body; /**< the server takes its own reference; NULL: see `content` */
    struct ht_slice content;   /**< copied, where `body` is NULL; empty: no body */
};

/** An error answer, RFC 9457. */
struct ht_http_problem {
    int status;
    const char *detail;                   /**< a sentence or two for a person; UTF-8, not NULL */
    const struct ht_http_header *headers; /**< more fields, such as Allow; copied */
    size_t header_count;
    struct ht_slice members; /**< more members as JSON, such as `"problems":[]`; empty: none */
};

/** Everything that can be set; zeroed numbers mean the default in brackets. */
struct ht_http_server_options {
    struct ht_loop *loop;      /**< not owned, outlives the server */
    const struct ht_log *log;  /**< may be NULL; not owned */
    struct ht_tls *tls;        /**< serve HTTPS; NULL: HTTP. Not owned, outlives the server */
    struct ht_address address; /**< where to listen */
    ht_http_on_request_fn on_request; /**< the handler, called once a request; not NULL */
    void *user;                       /**< for on_request */
    /** Fields that every answer gets, those of the server's own errors too. Not copied. */
    const struct ht_http_header *common_headers;
    size_t common_header_count;

    size_t max_connection_count;    /**< for one more the slowest client is dropped; where none is
                                       slow it is answered with 503 [1024] */
    size_t max_head_bytes;          /**< request line and header fields, 431 [16 KiB] */
    size_t max_header_count;        /**< 431 [100] */
    size_t max_target_bytes;        /**< 414 [8 KiB] */
    size_t max_pipelined_bytes;     /**< read ahead of the running request, then reading rests
                                       [64 KiB] */
    size_t max_body_bytes_in_total; /**< all bodies in memory, of all connections; 503 [256 MiB] */
    size_t max_output_bytes;        /**< unsent bytes of a stream of events [1 MiB] */
    size_t max_buffered_bytes_in_total; /**< what all connections have read ahead or not yet sent;
                                           above it the one that holds most is cut [64 MiB] */
    uint64_t idle_timeout_ms;           /**< keep-alive without a request [60 s] */
    uint64_t head_timeout_ms;     /**< from the first byte of a head to its last, 408 [10 s] */
    uint64_t progress_timeout_ms; /**< at most so long a body or an answer may move fewer bytes
                                       than min_bytes_per_s demands [20 s] */
    uint64_t min_bytes_per_s;     /**< slower clients are cut off (408 while reading) [100] */
    uint64_t linger_timeout_ms;   /**< after an answer to a request not wholly read [2 s] */
};

/** What the server counts, since it was made. */
struct ht_http_server_stats {
    size_t connections_open;
    uint64_t connections_total;
    uint64_t connections_refused_total; /**< answered with 503 or dropped: over the limit */
    uint64_t connections_dropped_total; /**< cut to make room for others */
    uint64_t requests_total;            /**< heads that reached the handler */
    uint64_t responses_total[6];        /**< by the first digit of the status, own errors too */
    uint64_t received_bytes_total;
    uint64_t sent_bytes_total;
    size_t body_bytes_held;                /**< bodies in memory */
    struct ht_histogram request_durations; /**< head complete to answer given */
};

/**
 * Listens. `*server` is the caller's until ht_http_server_close(). Fails with HT_EBUSY (address in
 * use), HT_EPERMISSION (port below 1024), HT_EINVAL (no such address here), HT_ENOMEM or HT_EIO;
 * `error` (may be NULL) says what and what to do.
 */
int ht_http_server_create(struct ht_http_server **server,
                          const struct ht_http_server_options *options,
                          struct ht_error *error) HT_MUST_CHECK;

/** Where it listens, with the port that the system chose for port 0. Owned by the server. */
const struct ht_address *ht_http_server_address(const struct ht_http_server *server);

/** Figures of this moment; owned by the server. */
const struct ht_http_server_stats *ht_http_server_stats(const struct ht_http_server *server);

/**
 * Stops listening, closes idle connections and streams of events, lets running requests end with
 * Connection: close; what still runs after `deadline_ms` is cut off (on_gone). Then the server is
 * freed and `on_closed` (may be NULL) called, once, never from inside this call. Calling it again
 * only brings the deadline forward. NULL is fine: nothing happens.
 */
void ht_http_server_close(struct ht_http_server *server, uint64_t deadline_ms,
                          ht_http_on_closed_fn on_closed, void *user);

/** The value of the request's first header called `name`; data is NULL where there is none. */
struct ht_slice ht_http_request_header(const struct ht_http_request *request, const char *name);

/**
 * Asks for the body. 0: `wanted->on_body` will be called, never from inside this call; or on_gone,
 * where the client went away, was too slow (408), sent too much (413), sent nonsense (400) or the
 * server holds too many bodies (503). HT_ETOOBIG or HT_EINVAL: the length that was announced is
 * over the limit or missing, 413 or 411 is on its way, and the request is over for the caller, as
 * it is with HT_ECANCELED: the client is gone already.
 * At most once a request; without it a body is read and dropped.
 */
int ht_http_request_collect_body(struct ht_http_request *request,
                                 const struct ht_http_body_wanted *wanted);

/**
 * From now on `on_gone` (may be NULL) is called with `user` when the client is gone before the
 * answer: the request is over then, nobody is to answer it. Never called from inside another
 * call on the same request. A request that nobody watched when its client went away stays valid
 * until it is answered, even though the answer then goes nowhere; watching it later changes nothing.
 */
void ht_http_request_watch(struct ht_http_request *request, ht_http_on_request_fn on_gone,
                           void *user);

/**
 * Answers. The request is over for the caller, whatever happens. May be called from on_request,
 * from on_body or any time later. HEAD gets the head alone. An answer that cannot be built (memory
 * is out, or a field holds a line break) becomes a bare 500 or a closed connection.
 */
void ht_http_respond(struct ht_http_request *request, const struct ht_http_response *response);

/** Answers with an error: `{"type":"about:blank","title","status","detail"}`. `detail` is a sentence
 * for a person. 503 gets Retry-After: 1. */
void ht_http_respond_problem(struct ht_http_request *request, int status, const char *detail);

/** As ht_http_respond_problem(), with more header fields and members. */
void ht_http_respond_problem_with(struct ht_http_request *request,
                                  const struct ht_http_problem *problem);
