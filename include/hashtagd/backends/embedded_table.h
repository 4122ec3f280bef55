// SPDX-License-Identifier: MIT
#pragma once

/**
 * The table port on the embedded store. A flush is one transaction: counts, positions,
 * windows, deletions and expiries, each removal with its row for the change feed, are
 * all there after it or none of them.
 *
 * An item expires `ttl_s` after it was last seen, whatever ttl was in force then. Each
 * flush looks at a part of the table for such items and goes on there the next time, so
 * that no flush takes long: 20,000 items looked at, 1,000 removed at most.
 *
 * Life: create, ops->load, flushes, ops->close, ops->destroy, all before the store is
 * closed.
 */

#include "hashtagd/backends/embedded_store.h"
#include "hashtagd/pipeline/table.h"

/** Makes the table of `store` (not owned, closed after it; one table a store). `ttl_s` 0: nothing
 * expires. `*table` is the caller's. HT_ENOMEM, with `error` (may be NULL). Loop thread. */
int ht_embedded_table_create(struct ht_table **table, struct ht_embedded_store *store,
                             uint64_t ttl_s, struct ht_error *error) HT_MUST_CHECK;

/** Makes it keep the windows' log and nothing else, for a table that keeps its items elsewhere
 * (backends/dynamodb_table.h): a load gives window parts only, whatever else the store has, and
 * each hashtag in `deletes` is logged as deleted, found or not; nothing is told as removed. Before the
 * load. */
void ht_embedded_table_keep_windows(struct ht_table *table);
