// SPDX-License-Identifier: MIT
#pragma once

/**
 * Server-sent events (the HTML standard, section 9.2) over the HTTP server: an answer that
 * goes on until one side has enough. Each client has a queue of its own; one that reads too
 * slowly to keep it under its limit is cut off. A comment goes out when nothing else did for a
 * while, so that both sides notice a dead connection.
 *
 *     struct ht_sse_options options = {.on_gone = on_gone, .user = client};
 *     if (ht_sse_begin(request, &options, &client->events) != 0) return;   // already answered
 *     ht_sse_send(client->events, "top", json);
 *     ...
 *     struct ht_http_body *frame = ht_sse_format("top", json);    // built once
 *     for each client: ht_sse_send_frame(client->events, frame);  // sent many times
 *     ht_http_body_release(frame);
 *     ...
 *     ht_sse_close(client->events);            // or on_gone, whichever is first
 *
 * Loop thread only.
 */

#include "hashtagd/net/http_server.h"

struct ht_sse;

/** Called once when the client went away, was cut off, or the server closes. The stream is gone. */
typedef void (*ht_sse_on_gone_fn)(void *user);

/** How a stream behaves; zeroed numbers mean the default in brackets. */
struct ht_sse_options {
    const struct ht_http_header *headers; /**< more fields for the head; copied; NULL: none */
    size_t header_count;
    uint64_t keep_alive_ms;    /**< a comment after so long without an event [15 s] */
    uint64_t retry_ms;         /**< told to the client as `retry:` [1 s] */
    ht_sse_on_gone_fn on_gone; /**< never from inside a call on the same stream; not NULL */
    void *user;                /**< for on_gone */
};

/**
 * Answers `request` with 200 and text/event-stream and keeps it open. 0: `*stream` is the caller's
 * until ht_sse_close() or on_gone. Otherwise the request is answered and over, and `*stream` is
 * NULL: HT_EUNSUPPORTED for a HEAD request, which got its head; HT_ENOMEM; HT_ECANCELED where the
 * client is gone already.
 */
int ht_sse_begin(struct ht_http_request *request, const struct ht_sse_options *options,
                 struct ht_sse **stream) HT_MUST_CHECK;

/**
 * Sends one event. `event` is a short name without line breaks; `data` may have several lines. A
 * client whose queue is full is cut off: on_gone follows. Nothing needs to be done about a failure.
 */
void ht_sse_send(struct ht_sse *stream, const char *event, struct ht_slice data);

/** One event, ready to be sent to many clients; one reference, the caller's. NULL where memory is
 * out. */
struct ht_http_body *ht_sse_format(const char *event, struct ht_slice data);

/** Sends what ht_sse_format() made; takes its own reference. */
void ht_sse_send_frame(struct ht_sse *stream, struct ht_http_body *frame);

/** Ends the stream after what is queued; on_gone is not called any more. NULL is fine. */
void ht_sse_close(struct ht_sse *stream);
