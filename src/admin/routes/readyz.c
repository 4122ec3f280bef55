// SPDX-License-Identifier: MIT
#include "../admin_internal.h"
#include "../routes.h"

enum { MAX_BYTES = 64 * 1024 };

static void answer_unready(struct ht_admin_exchange *exchange)
{
    struct ht_buffer detail, members;
    ht_buffer_init(&detail, MAX_BYTES);
    ht_buffer_init(&members, MAX_BYTES);
    ht_status_describe_problems(exchange->admin, &detail);
    (void)ht_buffer_append_text(&members, "\"problems\":");
    ht_status_format_problems(exchange->admin, &members);
    ht_exchange_answer_problem_with(exchange, 503, ht_buffer_slice(&detail).data,
                                    ht_buffer_slice(&members));
    ht_buffer_finish(&detail);
    ht_buffer_finish(&members);
}

void ht_route_readyz(struct ht_admin_exchange *exchange)
{
    if (!ht_status_is_ready(exchange->admin)) {
        answer_unready(exchange);
        return;
    }
    struct ht_buffer json;
    ht_buffer_init(&json, 64);
    (void)ht_buffer_append_text(&json, "{\"status\":\"ready\"}");
    ht_exchange_answer_json(exchange, 200, &json);
}
