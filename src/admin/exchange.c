// SPDX-License-Identifier: MIT
#include "admin_internal.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/net/url.h"

#include <stdio.h>
#include <stdlib.h>

#define JSON_TYPE "application/json"

/* Notes what became of it and frees it. */
static void end(struct ht_admin_exchange *exchange, int status)
{
    struct ht_admin *admin = exchange->admin;
    struct ht_route_stats *stats = ht_admin_stats_of(admin, exchange->route);
    uint64_t now_ns = ht_clock_monotonic_ns(admin->context.clock);
    ht_histogram_add(&stats->durations, now_ns - exchange->started_ns);
    stats->responses[status / 100 % 6]++;
    ht_buffer_finish(&exchange->texts);
    exchange->magic = 0;
    free(exchange);
    ht_admin_exchange_ended(admin);
}

void ht_exchange_answer(struct ht_admin_exchange *exchange, const struct ht_http_response *response)
{
    if (exchange->request != NULL) {
        ht_http_respond(exchange->request, response);
    }
    end(exchange, response->status);
}

void ht_exchange_answer_body(struct ht_admin_exchange *exchange, struct ht_http_body *body,
                             const char *type)
{
    struct ht_http_header headers[] = {
        {HT_SLICE("Content-Type"), ht_slice_text(type)},
        HT_HTTP_HEADER("Cache-Control", "no-store"),
    };
    ht_exchange_answer(exchange, &(struct ht_http_response){.status = 200,
                                                            .headers = headers,
                                                            .header_count = HT_COUNT_OF(headers),
                                                            .body = body});
}

void ht_exchange_answer_json(struct ht_admin_exchange *exchange, int status, struct ht_buffer *json)
{
    struct ht_http_body *body = ht_http_body_take(json);
    if (body == NULL) {
        ht_exchange_answer_problem(exchange, 500, "The answer could not be built: %s.",
                                   ht_error_meaning(HT_ENOMEM));
        return;
    }
    struct ht_http_header headers[] = {
        HT_HTTP_HEADER("Content-Type", JSON_TYPE),
        HT_HTTP_HEADER("Cache-Control", "no-store"),
    };
    ht_exchange_answer(exchange, &(struct ht_http_response){.status = status,
                                                            .headers = headers,
                                                            .header_count = HT_COUNT_OF(headers),
                                                            .body = body});
    ht_http_body_release(body);
}

void ht_exchange_answer_problem_with(struct ht_admin_exchange *exchange, int status,
                                     const char *detail, struct ht_slice members)
{
    struct ht_http_header bearer = HT_HTTP_HEADER("WWW-Authenticate", "Bearer");
    if (exchange->request != NULL) {
        ht_http_respond_problem_with(
            exchange->request, &(struct ht_http_problem){.status = status,
                                                         .detail = detail,
                                                         .headers = &bearer,
                                                         .header_count = status == 401 ? 1 : 0,
                                                         .members = members});
    }
    end(exchange, status);
}

void ht_exchange_answer_problem(struct ht_admin_exchange *exchange, int status, const char *format,
                                ...)
{
    char detail[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(detail, sizeof(detail), format, arguments);
    va_end(arguments);
    ht_exchange_answer_problem_with(exchange, status, detail, HT_SLICE(""));
}

void ht_exchange_answer_error(struct ht_admin_exchange *exchange, const struct ht_error *error)
{
    const char *text = error->text[0] != '\0' ? error->text : ht_error_meaning(error->code);
    bool is_lasting = error->code == HT_ECORRUPT || error->code == HT_EFATAL ||
                      error->code == HT_EINVAL || error->code == HT_EUNSUPPORTED;
    ht_exchange_answer_problem(exchange, is_lasting ? 500 : 503, "%s", text);
}

struct ht_http_request *ht_exchange_release(struct ht_admin_exchange *exchange, int status)
{
    struct ht_http_request *request = exchange->request;
    end(exchange, status);
    return request;
}

bool ht_exchange_is_loaded(struct ht_admin_exchange *exchange)
{
    if (ht_count_is_loaded(exchange->admin->context.count)) {
        return true;
    }
    ht_exchange_answer_problem(exchange, 503,
                               "The counts are still being loaded from the table; try again in a "
                               "moment.");
    return false;
}

/* A table that others wrote may hold a hashtag in a spelling that is not the folded one. */
static bool has_as_spelled(struct ht_admin_exchange *exchange, struct ht_slice spelled, char *tag,
                           size_t *length)
{
    if (spelled.length > 0 && spelled.data[0] == '#') {
        spelled = ht_slice_make(spelled.data + 1, spelled.length - 1);
    }
    if (spelled.length == 0 || spelled.length > HT_FOLD_BYTES_MAX ||
        ht_tally_count(exchange->admin->context.tally, spelled) == 0) {
        return false;
    }
    memcpy(tag, spelled.data, spelled.length);
    *length = spelled.length;
    return true;
}

bool ht_exchange_read_tag(struct ht_admin_exchange *exchange, char *tag, size_t *length)
{
    struct ht_buffer spelled;
    ht_buffer_init(&spelled, HT_ROUTE_MAX_TEXT_BYTES);
    int result = ht_url_decode(exchange->rest, &spelled);
    if (result == 0 && has_as_spelled(exchange, ht_buffer_slice(&spelled), tag, length)) {
        result = 0;
    } else if (result == 0) {
        result = ht_fold_tag(exchange->admin->context.fold, ht_buffer_slice(&spelled), tag, length);
        result = result == HT_EPARSE ? HT_EINVAL : result == 0 ? 0 : HT_ENOTFOUND;
    }
    ht_buffer_finish(&spelled);
    if (result == 0) {
        return true;
    }
    if (result == HT_EPARSE) {
        ht_exchange_answer_problem(exchange, 400,
                                   "The hashtag in the path is not percent-encoded.");
    } else if (result == HT_EINVAL) {
        ht_exchange_answer_problem(exchange, 400, "The hashtag in the path is not UTF-8.");
    } else if (result == HT_ENOTFOUND) {
        ht_exchange_answer_problem(exchange, 404, "No hashtag is spelled like that.");
    } else {
        ht_exchange_answer_problem(exchange, 500, "The path could not be read: %s.",
                                   ht_error_meaning(result));
    }
    return false;
}

void ht_exchange_answer_no_hashtag(struct ht_admin_exchange *exchange, struct ht_slice tag)
{
    int shown = (int)(tag.length < 200 ? tag.length : 200);
    while (shown > 0 && shown < (int)tag.length &&
           ((unsigned char)tag.data[shown] & 0xc0) == 0x80) {
        shown--;
    }
    ht_exchange_answer_problem(exchange, 404, "There is no hashtag #%.*s in the table.", shown,
                               tag.data);
}
