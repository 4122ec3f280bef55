// SPDX-License-Identifier: MIT
#include "../admin_internal.h"
#include "../routes.h"
#include "../web.h"

#include "hashtagd/base/assert.h"
#include "../negotiation.h"

static void answer_unchanged(struct ht_admin_exchange *exchange, struct ht_http_header *headers,
                             size_t count)
{
    ht_exchange_answer(exchange, &(struct ht_http_response){
                                     .status = 304, .headers = headers, .header_count = count});
}

void ht_route_web(struct ht_admin_exchange *exchange)
{
    struct ht_slice name = exchange->rest.length == 0 ? HT_SLICE("index.html") : exchange->rest;
    const struct ht_web_file *file = ht_web_find(name);
    if (file == NULL) {
        ht_exchange_answer_problem(exchange, 404, "The dashboard has no such file.");
        return;
    }
    struct ht_http_request *request = exchange->request;
    bool is_packed = file->gzip.length > 0 &&
                     ht_accepts_gzip(ht_http_request_header(request, "Accept-Encoding"));
    const char *etag = is_packed ? file->etag_gzip : file->etag;
    /* The last one only for the gzip form. */
    struct ht_http_header headers[] = {
        {HT_SLICE("ETag"), ht_slice_text(etag)},
        HT_HTTP_HEADER("Cache-Control", "no-cache"),
        HT_HTTP_HEADER("Vary", "Accept-Encoding"),
        {HT_SLICE("Content-Type"), ht_slice_text(file->type)},
        HT_HTTP_HEADER("Content-Encoding", "gzip"),
    };
    if (ht_matches_etag(ht_http_request_header(request, "If-None-Match"), ht_slice_text(etag))) {
        answer_unchanged(exchange, headers, 3);
        return;
    }
    ht_exchange_answer(
        exchange, &(struct ht_http_response){.status = 200,
                                             .headers = headers,
                                             .header_count = HT_COUNT_OF(headers) - !is_packed,
                                             .content = is_packed ? file->gzip : file->content});
}
