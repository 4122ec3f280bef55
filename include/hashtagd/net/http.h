// SPDX-License-Identifier: MIT
#pragma once

/**
 * What HTTP server and client share: header fields, methods, the words for a status, and
 * bodies.
 *
 * A body is bytes that never change and are counted by reference, so that an answer that
 * is built once can be sent to many clients without a copy. Loop thread only.
 *
 *     struct ht_http_body *body = ht_http_body_create(ht_buffer_slice(&json));
 *     ... ht_http_respond() takes its own reference, as often as wanted ...
 *     ht_http_body_release(body);
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/slice.h"

/** The methods that the server tells apart. */
enum ht_http_method {
    HT_HTTP_GET,
    HT_HTTP_HEAD,
    HT_HTTP_POST,
    HT_HTTP_PUT,
    HT_HTTP_DELETE,
    HT_HTTP_OPTIONS,
    HT_HTTP_PATCH,
    HT_HTTP_OTHER, /**< any other that is known to HTTP, such as TRACE */
};

/** One header field. Whoever hands it out says how long the bytes live. */
struct ht_http_header {
    struct ht_slice name;  /**< case does not matter */
    struct ht_slice value; /**< without white space at the ends */
};

/** An initializer for a header of two string literals, static ones too. */
#define HT_HTTP_HEADER(name_, value_)                                                              \
    {                                                                                              \
        {(name_), sizeof(name_) - 1},                                                              \
        {                                                                                          \
            (value_), sizeof(value_) - 1                                                           \
        }                                                                                          \
    }

/** The value of the first header called `name` (any case); data is NULL where there is none. */
struct ht_slice ht_http_header_find(const struct ht_http_header *headers, size_t count,
                                    const char *name);

/** The phrase of a status ("Not Found"), or "Unknown". Never NULL, static. */
const char *ht_http_status_text(int status);

/** Reads a date as answers have it, "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7,
 * IMF-fixdate; the two older forms are dead), as seconds since 1970. HT_EPARSE for anything else. */
int ht_http_date_parse(struct ht_slice text, int64_t *time_s) HT_MUST_CHECK;

struct ht_http_body;

/** A body with a copy of `bytes` and one reference, the caller's. NULL where memory is out. */
struct ht_http_body *ht_http_body_create(struct ht_slice bytes);

/** A body that takes over the content of `buffer`, which is empty afterwards, without a copy. One
 * reference, the caller's. NULL where memory is out or the buffer had failed; the content is then
 * freed too. */
struct ht_http_body *ht_http_body_take(struct ht_buffer *buffer);

/** One more reference. Returns `body`. */
struct ht_http_body *ht_http_body_hold(struct ht_http_body *body);

/** One reference less; the last one frees it. NULL is fine. */
void ht_http_body_release(struct ht_http_body *body);

/** The bytes; they live as long as a reference does. */
struct ht_slice ht_http_body_slice(const struct ht_http_body *body);
