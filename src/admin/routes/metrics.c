// SPDX-License-Identifier: MIT
#include "../admin_internal.h"
#include "../metrics.h"
#include "../routes.h"

#define OPENMETRICS "application/openmetrics-text"

/* Who asks for OpenMetrics at all prefers it: Prometheus lists it first. */
static bool asks_for_openmetrics(const struct ht_admin_exchange *exchange)
{
    struct ht_slice accept = ht_http_request_header(exchange->request, "Accept");
    return accept.length > 0 &&
           memmem(accept.data, accept.length, OPENMETRICS, strlen(OPENMETRICS)) != NULL;
}

void ht_route_metrics(struct ht_admin_exchange *exchange)
{
    bool is_open = asks_for_openmetrics(exchange);
    struct ht_buffer text;
    ht_buffer_init(&text, HT_ADMIN_MAX_ANSWER_BYTES);
    ht_metrics_format(exchange->admin, is_open ? HT_METRICS_OPENMETRICS : HT_METRICS_PROMETHEUS,
                      &text);
    struct ht_http_body *body = ht_http_body_take(&text);
    if (body == NULL) {
        ht_exchange_answer_problem(exchange, 503, "Out of memory; try again in a moment.");
        return;
    }
    ht_exchange_answer_body(exchange, body,
                            is_open ? OPENMETRICS "; version=1.0.0; charset=utf-8"
                                    : "text/plain; version=0.0.4; charset=utf-8");
    ht_http_body_release(body);
}
