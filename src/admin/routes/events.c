// SPDX-License-Identifier: MIT
#include "../admin_internal.h"
#include "../routes.h"

enum { LIMIT, WINDOW };

void ht_route_events(struct ht_admin_exchange *exchange)
{
    struct ht_events *events = &exchange->admin->events;
    uint32_t limit = (uint32_t)exchange->values[LIMIT].number;
    enum ht_tally_window window = (enum ht_tally_window)exchange->values[WINDOW].number;
    /* From here on the stream has a life of its own. */
    ht_http_request_watch(exchange->request, NULL, NULL);
    ht_events_add(events, ht_exchange_release(exchange, 200), window, limit);
}
