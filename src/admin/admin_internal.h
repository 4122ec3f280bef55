// SPDX-License-Identifier: MIT
#pragma once

/**
 * The administration from inside: what its files share.
 */

#include "access.h"
#include "events.h"
#include "exchange.h"
#include "hashtag_list.h"
#include "status.h"

#include "hashtagd/base/histogram.h"
#include "hashtagd/base/rate.h"

/** Room for the figures of all routes. */
#define HT_ADMIN_MAX_ROUTES 24

/** What a route did. */
struct ht_route_stats {
    struct ht_histogram durations; /**< from the head to the answer */
    uint64_t responses[6];         /**< by the first digit of the status */
};

struct ht_admin {
    uint32_t magic;

    /* fixed after create */
    struct ht_admin_context context;
    uint64_t created_ms; /* monotonic */

    /* fixed after listen */
    struct ht_http_server *server; /* NULL before */
    struct ht_access_rules rules;  /* `token` points at `token` below */
    char *token;                   /* owned, wiped at the end; NULL: none */
    char url[HT_ADDRESS_TEXT_BYTES + 16];

    /* changing */
    bool is_stopping;
    struct ht_route_stats routes[HT_ADMIN_MAX_ROUTES]; /* by place in the table */
    struct ht_route_stats unknown;                     /* no route */
    struct ht_list_cache lists;
    struct ht_events events;
    struct ht_status_rates rates;
    struct ht_timer second_timer; /* rates and events, each second */
    size_t exchange_count;        /* not answered yet */
    size_t reading_count;         /* bodies of POST /tweets that go on in the next turn */

    /* while it closes */
    bool is_server_closed;
    void (*on_closed)(void *user);
    void *on_closed_user;
    struct ht_timer closed_timer;
};

/** The administration behind a callback's `user`; asserts that it is one. */
struct ht_admin *ht_admin_from(void *user);

/** The figures of an exchange's route. */
struct ht_route_stats *ht_admin_stats_of(struct ht_admin *admin, const struct ht_route *route);

/** Called by an exchange that is over. */
void ht_admin_exchange_ended(struct ht_admin *admin);
