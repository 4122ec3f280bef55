// SPDX-License-Identifier: MIT
#pragma once

/**
 * The handlers of all routes, one file each in routes/. What they answer is in docs/http.md.
 */

#include "router.h"

/** GET /archive */
void ht_route_archive(struct ht_admin_exchange *exchange);
/** GET /events */
void ht_route_events(struct ht_admin_exchange *exchange);
/** POST /flush */
void ht_route_flush(struct ht_admin_exchange *exchange);
/** GET /hashtags/{tag} */
void ht_route_hashtag(struct ht_admin_exchange *exchange);
/** DELETE /hashtags/{tag} */
void ht_route_hashtag_delete(struct ht_admin_exchange *exchange);
/** GET /hashtags */
void ht_route_hashtags(struct ht_admin_exchange *exchange);
/** GET /healthz */
void ht_route_healthz(struct ht_admin_exchange *exchange);
/** GET /metrics */
void ht_route_metrics(struct ht_admin_exchange *exchange);
/** GET /openapi.json */
void ht_route_openapi(struct ht_admin_exchange *exchange);
/** GET /readyz */
void ht_route_readyz(struct ht_admin_exchange *exchange);
/** GET /status */
void ht_route_status(struct ht_admin_exchange *exchange);
/** POST /tweets */
void ht_route_tweets(struct ht_admin_exchange *exchange);
/** GET / and GET /{file} */
void ht_route_web(struct ht_admin_exchange *exchange);
