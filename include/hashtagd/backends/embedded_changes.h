// SPDX-License-Identifier: MIT
#pragma once

/**
 * The change feed port on the embedded store: the removals that flushes wrote, in their
 * order. A committed one is kept among the last thousand for ops->recent, then goes.
 *
 * Life: create, requests, ops->close, ops->destroy, all before the store is closed.
 */

#include "hashtagd/backends/embedded_store.h"
#include "hashtagd/pipeline/changes.h"

/** Makes the change feed of `store` (not owned, closed after it; one feed a store). `*changes` is
 * the caller's. HT_ENOMEM, with `error` (may be NULL). Loop thread. */
int ht_embedded_changes_create(struct ht_changes **changes, struct ht_embedded_store *store,
                               struct ht_error *error) HT_MUST_CHECK;
