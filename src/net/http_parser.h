// SPDX-License-Identifier: MIT
#pragma once

/**
 * Reading requests, without sockets: bytes in, a checked head or a refusal out.
 *
 * A head is gathered whole first: head_scan looks at each line once as bytes arrive and
 * refuses what llhttp 8.1 lets through (a line that ends without CR, a folded line, an
 * empty name, bytes above 0x7f, another version). Then http_parser reads the whole head
 * in one piece with llhttp, checks what only the whole can tell (Host, framing), and goes
 * on with the body.
 */

#include "hashtagd/base/slice.h"
#include "hashtagd/net/http.h"
#include "hashtagd/net/url.h"

#include <llhttp.h>

/** Why a request is refused: the answer's status and its detail (static). */
struct ht_http_refusal {
    int status;
    const char *detail;
};

/** How far a piece of a request came. */
enum ht_http_verdict {
    HT_HTTP_NEEDS_MORE, /**< everything was taken, the end is not there yet */
    HT_HTTP_COMPLETE,
    HT_HTTP_REFUSED,
};

/** Limits of a head. */
struct ht_http_head_limits {
    size_t max_head_bytes;
    size_t max_header_count;
    size_t max_target_bytes;
};

/** The search for the end of a head. Zeroed is the beginning. */
struct ht_http_head_scan {
    size_t line_start;     /**< of the line whose end is not found yet */
    size_t searched;       /**< bytes that were looked at */
    size_t request_start;  /**< of the request line: empty lines before it are passed over */
    size_t header_count;   /**< complete header lines */
    bool has_request_line; /**< whether the request line is complete */
};

/**
 * Looks at the bytes of `input`, all that arrived of this request so far. HT_HTTP_COMPLETE: the head
 * is the bytes from scan->request_start up to scan->line_start. HT_HTTP_REFUSED fills `refusal`.
 */
enum ht_http_verdict ht_http_head_scan_run(struct ht_http_head_scan *scan, struct ht_slice input,
                                           const struct ht_http_head_limits *limits,
                                           struct ht_http_refusal *refusal);

/** What a head says; slices into the bytes that were parsed. */
struct ht_http_parsed_head {
    enum ht_http_method method;
    struct ht_slice method_name;
    struct ht_slice target;
    struct ht_url_target parts;
    struct ht_slice host;           /**< of the target, else of Host */
    int version_minor;              /**< 0 or 1 */
    struct ht_http_header *headers; /**< the caller's array */
    size_t header_count;
    size_t header_capacity;
    bool keep_alive;
    bool is_chunked;
    bool has_length;         /**< a Content-Length was sent */
    uint64_t content_length; /**< 0 where there is none */
    bool expects_continue;
};

/** Takes a piece of a body. 0, or the status to refuse it with. */
typedef int (*ht_http_parser_on_body_fn)(void *user, struct ht_slice piece);

/** The parser of one request. */
struct ht_http_parser {
    llhttp_t llhttp;
    struct ht_http_parsed_head *head; /* NULL once the head is parsed */
    ht_http_parser_on_body_fn on_body;
    void *user;
    int body_status;      /* what on_body refused with */
    bool is_complete;     /* the whole request was read */
    const char *mark;     /* end of the last body piece in the input at hand */
    uint64_t framing_run; /* bytes since then that are no body: chunk lines, trailers */
    uint64_t framing_total;
    char framing_last; /* the byte before; 0 behind a piece of the body */
    uint64_t body_total;
};

/** Starts a request. */
void ht_http_parser_init(struct ht_http_parser *parser);

/** Reads the whole head `bytes` into `head`, whose array of headers the caller has set. 0, or
 * HT_EPARSE with `refusal` filled. */
int ht_http_parser_head(struct ht_http_parser *parser, struct ht_slice bytes,
                        struct ht_http_parsed_head *head, size_t max_target_bytes,
                        struct ht_http_refusal *refusal);

/** Reads the next bytes of the body, `*consumed` of them. */
enum ht_http_verdict ht_http_parser_body(struct ht_http_parser *parser, struct ht_slice input,
                                         size_t *consumed, struct ht_http_refusal *refusal);
