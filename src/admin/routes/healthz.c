// SPDX-License-Identifier: MIT
#include "../admin_internal.h"
#include "../routes.h"

void ht_route_healthz(struct ht_admin_exchange *exchange)
{
    struct ht_buffer json;
    ht_buffer_init(&json, 64);
    (void)ht_buffer_append_text(&json, "{\"status\":\"ok\"}");
    ht_exchange_answer_json(exchange, 200, &json);
}
