// SPDX-License-Identifier: MIT
#pragma once

/**
 * The routes: one table (route_table.c), and what is decided from it alone: which route a method
 * and a path mean, which methods a path knows, what a query says.
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/error.h"
#include "hashtagd/base/slice.h"
#include "hashtagd/net/http.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ht_admin_exchange;

/** Most parameters that a route has. */
#define HT_ROUTE_MAX_PARAMETERS 4

/** Room for the value of Allow. */
#define HT_ROUTE_ALLOW_BYTES 64

/** Longest text of a parameter or of a {tag}, decoded. */
#define HT_ROUTE_MAX_TEXT_BYTES 16384

enum ht_route_parameter_type {
    HT_PARAMETER_NUMBER, /**< minimum to maximum */
    HT_PARAMETER_CHOICE, /**< one of `choices`; the value is its place */
    HT_PARAMETER_TEXT,   /**< any text */
};

/** A parameter in the query. */
struct ht_route_parameter {
    const char *name; /**< NULL ends a list */
    enum ht_route_parameter_type type;
    uint64_t minimum, maximum, fallback; /**< NUMBER; `fallback` also of CHOICE */
    const char *const *choices;          /**< CHOICE: ended by NULL */
    const char *doc;                     /**< for the description */
};

/** An answer that a route gives, for the description. */
struct ht_route_response {
    int status;         /**< 0 ends a list */
    const char *schema; /**< name of the schema; NULL: no JSON */
    const char *type;   /**< media type */
    const char *doc;    /**< for the description */
};

/** Handles a request whose access, query and body are in order. It answers at once or later, with
 * one of the functions of exchange.h. */
typedef void (*ht_route_fn)(struct ht_admin_exchange *exchange);

struct ht_route {
    enum ht_http_method method;
    const char *path;      /**< "/hashtags/{tag}": the last segment may be a parameter */
    const char *name;      /**< unique, for the description */
    const char *summary;   /**< a line */
    ht_route_fn handle;    /**< one file in routes/ */
    bool is_free;          /**< needs no token */
    bool is_page;          /**< for browsers: left out of the description */
    bool needs_body;       /**< 411 without one */
    size_t max_body_bytes; /**< 0: a body is read and dropped */
    const struct ht_route_parameter *parameters; /**< ended by a NULL name; NULL: none */
    const struct ht_route_response *responses;   /**< ended by status 0 */
};

/** All routes, sorted by path, then method; `*count` of them. Static. */
const struct ht_route *ht_routes(size_t *count);

/** A route for a request, or why there is none. */
struct ht_route_match {
    const struct ht_route *route; /**< NULL: nobody knows the path, or see `allow` */
    struct ht_slice rest;         /**< the last segment where the route has a parameter, as sent */
    char allow
        [HT_ROUTE_ALLOW_BYTES]; /**< where the path is known, but not the method: "GET, HEAD" */
};

/** Finds the route. `path` is as sent. HEAD finds what GET does. */
struct ht_route_match ht_route_find(enum ht_http_method method, struct ht_slice path);

/** What a query gave for one parameter. */
struct ht_route_value {
    bool is_given;
    uint64_t number;      /**< NUMBER, CHOICE: also the fallback */
    struct ht_slice text; /**< TEXT: decoded, in `texts`; empty where not given */
};

/**
 * Reads `query` (as sent) for `route` into `values`; decoded texts go into `texts`, which must not
 * change while they are used. HT_EINVAL with one sentence for the client in `error` where a
 * parameter is unknown, repeated, malformed or out of range. HT_ENOMEM.
 */
int ht_route_read_query(const struct ht_route *route, struct ht_slice query,
                        struct ht_route_value values[HT_ROUTE_MAX_PARAMETERS],
                        struct ht_buffer *texts, struct ht_error *error) HT_MUST_CHECK;
