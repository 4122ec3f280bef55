// SPDX-License-Identifier: MIT
#include "../admin_internal.h"
#include "../openapi.h"
#include "../routes.h"

void ht_route_openapi(struct ht_admin_exchange *exchange)
{
    struct ht_buffer json;
    ht_buffer_init(&json, HT_ADMIN_MAX_ANSWER_BYTES);
    ht_openapi_format(exchange->admin->context.version, &json);
    ht_exchange_answer_json(exchange, 200, &json);
}
