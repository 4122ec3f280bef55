// SPDX-License-Identifier: MIT
#pragma once

/**
 * One streaming answer over HTTP for a live source (sources/live.h): asks, tells the source
 * when the service agreed, gives the pieces of the body, holds back, and turns whatever goes
 * wrong into the reason to tell and the wait that the service asks for.
 *
 *     open -> (head: 200 -> ht_live_connected) -> on_piece ... -> ht_live_ended
 *                  `-- another status, no answer, an end ------------^
 *
 * What statuses mean: 420 and 429 RATE_LIMITED (TOO_MANY where the body says
 * TooManyConnections), 401, 403, 404, 406, 410, 413, 416, 422 and 400 REFUSED, other 4xx, 3xx and
 * all 5xx HTTP_ERROR. The text of the answer (JSON of the services' shapes, plain text, HTML
 * stripped) goes into the error, cut short; the request's secrets never do.
 */

#include "live.h"

#include "hashtagd/net/http_client.h"

struct ht_http_stream;

struct ht_http_stream_options {
    struct ht_http_client *client;        /**< not owned */
    const char *method;                   /**< NULL: GET, or POST where there is a body */
    const char *url;                      /**< copied */
    const struct ht_http_header *headers; /**< copied */
    size_t header_count;
    struct ht_slice body;    /**< copied */
    bool accepts_compressed; /**< gzip */
    const char *what;        /**< copied: what is asked for, for errors: "the filtered stream" */
    /** The head of an answer, whatever its status, before all else of it. May be NULL. */
    ht_http_on_head_fn on_head;
    /** A cure for a status, for a person; NULL or "" : none. May be NULL. */
    const char *(*cure)(void *user, int status, struct ht_slice body);
    /** The service does not agree to stream: whether the source goes on by itself within the same
     * attempt (asks for another token, say). Then this stream is over with on_over, and
     * ht_live_ended() is the source's to call. Not called where the source has closed the stream.
     * May be NULL. */
    bool (*takes_over)(void *user, int status, struct ht_slice body);
    /** A piece of the body of a 200; ht_live_received() was called, ht_live_deliver() follows. */
    void (*on_piece)(void *user, struct ht_slice piece);
    /** The attempt is over; ht_live_ended() is called right after it, unless the source has taken
     * over: then it goes on from here. May be NULL. */
    void (*on_over)(void *user);
    void *user;
};

/** Asks. It always ends in ht_live_ended(live, ...), never from inside; NULL where memory is out or
 * the URL is none: then it ends likewise, on the next turn, without on_over. The stream frees
 * itself. */
struct ht_http_stream *ht_http_stream_open(struct ht_live *live,
                                           const struct ht_http_stream_options *options);

/** For the adapter's close, pause and resume. Closing NULL is fine: nothing happens. */
void ht_http_stream_close(struct ht_http_stream *stream);
void ht_http_stream_pause(struct ht_http_stream *stream);
void ht_http_stream_resume(struct ht_http_stream *stream);

/** What a status (other than 200) with its body means. Pure. */
enum ht_source_end ht_http_stream_end_of(int status, struct ht_slice body);

/** The wait that headers ask for: Retry-After (seconds or an HTTP date), x-rate-limit-reset (Unix
 * seconds; x-ratelimit-reset, an RFC 3339 time, of Mastodon) where the remaining ones are 0, or are
 * not told and the status is 429; 0 where none. Also notes the limits in the source's connection. */
uint64_t ht_http_stream_note_limits(struct ht_live *live, int status,
                                    const struct ht_http_header *headers, size_t header_count);

/** A request with a short answer that a live source needs before it can stream (a token, rules):
 * what failed as a reason to tell and an error text with the cure, as above. `what` as in the
 * options. */
void ht_http_stream_explain(const char *what, const struct ht_http_result *result,
                            enum ht_source_end *end, struct ht_error *error);
