// SPDX-License-Identifier: MIT
#pragma once

/**
 * Small pure helpers for URLs: percent-encoding (RFC 3986 section 2.1), the parts of a
 * request target (RFC 9112 section 3.2), path segments, and queries as HTML forms and
 * URLSearchParams write them (the URL standard, "application/x-www-form-urlencoded").
 *
 * Decoding is strict: a % without two hex digits is HT_EPARSE, never passed through.
 * What comes out may hold any byte, NUL and '/' too: whoever uses it decides.
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/slice.h"

#include <stdbool.h>

/** The parts of a request target; slices into it. */
struct ht_url_target {
    struct ht_slice authority; /**< "host:port" of the absolute form, else empty with data NULL */
    struct ht_slice path;      /**< as sent, begins with '/'; or "*" */
    struct ht_slice query;     /**< without the '?'; data is NULL where there is none */
};

/** One name and value of a query, as sent; slices into it. */
struct ht_url_pair {
    struct ht_slice name;  /**< up to the first '=', else all */
    struct ht_slice value; /**< data is NULL where there was no '=' */
};

/** Appends `text` to `out` with every %XX replaced by its byte. HT_EPARSE where a % has no two hex
 * digits, HT_ENOMEM, HT_ETOOBIG; `out` may then hold a part. */
int ht_url_decode(struct ht_slice text, struct ht_buffer *out) HT_MUST_CHECK;

/** As ht_url_decode(), and '+' becomes a space: for names and values of a query. */
int ht_url_decode_form(struct ht_slice text, struct ht_buffer *out) HT_MUST_CHECK;

/** Appends `bytes` to `out` with everything but letters, digits and "-._~" percent-encoded.
 * HT_ENOMEM or HT_ETOOBIG. */
int ht_url_encode(struct ht_slice bytes, struct ht_buffer *out) HT_MUST_CHECK;

/**
 * Takes a request target apart: "/path?query" (origin form), "http://host:port/path?query"
 * (absolute form, an empty path becomes "/") or "*". HT_EPARSE for anything else, as for bytes that
 * no target may hold (controls, space, '#', 0x80 and above).
 */
int ht_url_split_target(struct ht_slice target, struct ht_url_target *parts) HT_MUST_CHECK;

/**
 * Takes the next segment off a path: `*rest` "/a/b" gives "a" and leaves "/b"; "/" gives "" and
 * leaves nothing. False where `*rest` is empty or does not begin with '/'. Nothing is decoded.
 */
bool ht_url_next_segment(struct ht_slice *rest, struct ht_slice *segment);

/** Takes the next pair off a query, whose empty parts ("a=1&&b=2") are passed over. False at the
 * end. Nothing is decoded. */
bool ht_url_next_pair(struct ht_slice *rest, struct ht_url_pair *pair);
