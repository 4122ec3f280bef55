// SPDX-License-Identifier: MIT
#pragma once

/**
 * Deliveries of a change feed that is kept elsewhere (DynamoDB), remembered on the embedded store for
 * GET /archive: the last thousand, across restarts. It is memory for people: the archive has the
 * lines.
 *
 * Life: create, requests, close, before the store is closed. Loop thread; the worker writes.
 */

#include "hashtagd/backends/embedded_store.h"
#include "hashtagd/pipeline/changes.h"

struct ht_embedded_deliveries;

/** Remembers deliveries; the caller's until `done`. One at a time. */
struct ht_deliveries_add {
    const struct ht_removal *const *removals; /**< pointers that live until `done` */
    size_t count;
    int64_t archived_at_s;
    struct ht_slice object;                      /**< where the lines are; may be empty */
    void (*done)(struct ht_deliveries_add *add); /**< once, never from inside the call */
    void *user;                                  /**< the caller's */
    int status;                                  /**< 0, or why they are not remembered */
    struct ht_error error;
};

/** Makes it on `store`, not owned. `*deliveries` is the caller's. HT_ENOMEM, with `error`. */
int ht_embedded_deliveries_create(struct ht_embedded_deliveries **deliveries,
                                  struct ht_embedded_store *store,
                                  struct ht_error *error) HT_MUST_CHECK;

/** Starts to remember. */
void ht_embedded_deliveries_add(struct ht_embedded_deliveries *deliveries,
                                struct ht_deliveries_add *add);

/** Starts to read the latest ones, as ops->recent of the port. One at a time. */
void ht_embedded_deliveries_recent(struct ht_embedded_deliveries *deliveries,
                                   struct ht_changes_recent *recent);

/** Frees it; no request runs any more. NULL is fine. */
void ht_embedded_deliveries_destroy(struct ht_embedded_deliveries *deliveries);
