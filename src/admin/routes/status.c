// SPDX-License-Identifier: MIT
#include "../admin_internal.h"
#include "../routes.h"

void ht_route_status(struct ht_admin_exchange *exchange)
{
    struct ht_buffer json;
    ht_buffer_init(&json, HT_ADMIN_MAX_ANSWER_BYTES);
    ht_status_format(exchange->admin, &json);
    ht_exchange_answer_json(exchange, 200, &json);
}
