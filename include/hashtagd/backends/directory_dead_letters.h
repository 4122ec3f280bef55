// SPDX-License-Identifier: MIT
#pragma once

/**
 * The dead letter port over a directory: a file of JSON lines a day,
 * <directory>/YYYY-MM-DD.jsonl (UTC, the day of the append). Appends that come while
 * others are written are written together, and answered when they are synced. A line
 * that a crash left without its end gets one before the next is written.
 *
 * Life: create, appends, ops->close, ops->destroy.
 */

#include "hashtagd/net/loop.h"
#include "hashtagd/net/worker.h"
#include "hashtagd/pipeline/dead_letters.h"

/** How dead letters are kept. */
struct ht_directory_dead_letters_options {
    struct ht_loop *loop;     /**< not owned, outlives this */
    struct ht_worker *worker; /**< not owned, stopped after this is closed */
    const char *directory;    /**< made where it is missing; copied */
};

/** Makes one. `*dead_letters` is the caller's. HT_ENOMEM, with `error` (may be NULL). Loop
 * thread. */
int ht_directory_dead_letters_create(struct ht_dead_letters **dead_letters,
                                     const struct ht_directory_dead_letters_options *options,
                                     struct ht_error *error) HT_MUST_CHECK;
