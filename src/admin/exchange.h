// SPDX-License-Identifier: MIT
#pragma once

/**
 * One request on its way through its route, and the ways to answer it. A handler gets an
 * exchange whose access, query and body are in order and ends it with one of the answer
 * functions, at once or later; the exchange is gone then.
 *
 * Where the client goes away first, `request` becomes NULL and on_gone is called, if set; the
 * handler still ends the exchange with an answer, which then goes nowhere: so one path leads
 * through every handler.
 */

#include "router.h"

#include "hashtagd/admin/admin.h"
#include "hashtagd/json/writer.h"
#include "hashtagd/net/http_server.h"

/** Largest answer that is built. */
#define HT_ADMIN_MAX_ANSWER_BYTES (32 * 1024 * 1024)

struct ht_admin_exchange {
    uint32_t magic;
    struct ht_admin *admin;          /**< borrowed */
    const struct ht_route *route;    /**< static */
    struct ht_http_request *request; /**< NULL once the client is gone */
    uint64_t started_ns;
    struct ht_slice rest; /**< the segment in the place of {...}, as sent; lives with the request */
    struct ht_route_value values[HT_ROUTE_MAX_PARAMETERS]; /**< by place in the route's table */
    struct ht_buffer texts;                                /**< behind `values` */
    void *work; /**< the handler's own, for its callbacks */
};

/** Answers with the JSON in `json`, which is emptied; 500 where building it had failed. */
void ht_exchange_answer_json(struct ht_admin_exchange *exchange, int status,
                             struct ht_buffer *json);

/** Answers with a body that is shared, of media type `type` (static). It takes its own reference.
 */
void ht_exchange_answer_body(struct ht_admin_exchange *exchange, struct ht_http_body *body,
                             const char *type);

/** Answers with everything as given; Cache-Control is the caller's too. */
void ht_exchange_answer(struct ht_admin_exchange *exchange,
                        const struct ht_http_response *response);

/** Answers with an error (RFC 9457); the formatted text is its detail. */
void ht_exchange_answer_problem(struct ht_admin_exchange *exchange, int status, const char *format,
                                ...) HT_PRINTF(3, 4);

/** The same with `members`: more members as JSON, such as `"problems":[]`. */
void ht_exchange_answer_problem_with(struct ht_admin_exchange *exchange, int status,
                                     const char *detail, struct ht_slice members);

/** Answers a failure of a part behind: 503 for what may pass, 500 else. */
void ht_exchange_answer_error(struct ht_admin_exchange *exchange, const struct ht_error *error);

/** The request leaves the exchange without an answer of its kind (a stream of events begins); what
 * `status` it got is noted. Returns the request. */
struct ht_http_request *ht_exchange_release(struct ht_admin_exchange *exchange, int status);

/** Whether counts are loaded; where not, it answers 503 and the exchange is over. */
bool ht_exchange_is_loaded(struct ht_admin_exchange *exchange);

/**
 * Reads the {tag} of the path into `tag` (room for HT_FOLD_BYTES_MAX): as it is spelled where the
 * table has just that, else folded. Once counts are loaded. False where it is none: it has then
 * answered 400 or 404.
 */
bool ht_exchange_read_tag(struct ht_admin_exchange *exchange, char *tag, size_t *length);

/** Answers 404 for a hashtag that is not there. */
void ht_exchange_answer_no_hashtag(struct ht_admin_exchange *exchange, struct ht_slice tag);
