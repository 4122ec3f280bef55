// SPDX-License-Identifier: MIT
#pragma once

/**
 * The database that the embedded table and the embedded change feed share: one SQLite
 * file (write-ahead log, every commit synced), which only the worker touches. Counts,
 * positions, windows and removals are in one file so that one transaction holds them
 * together.
 *
 * Life: ht_embedded_store_create() begins to open it; table and feed are made on it at
 * once and their requests wait for that; where it fails they all get its error. They
 * are closed first, then the store: close, destroy.
 *
 *     struct ht_embedded_store_options options = {.loop = loop, .worker = worker,
 *         .path = "...hashtagd.db", .on_opened = on_opened, .user = daemon};
 *     status = ht_embedded_store_create(&store, &options, &error);
 *     status = ht_embedded_table_create(&table, store, ttl_s, &error);
 *     status = ht_embedded_changes_create(&changes, store, &error);
 */

#include "hashtagd/base/error.h"
#include "hashtagd/base/log.h"
#include "hashtagd/net/loop.h"
#include "hashtagd/net/worker.h"

struct ht_embedded_store;

/** The share of the budget that goes to pages of the database, and its bounds. */
#define HT_EMBEDDED_CACHE_SHARE     8
#define HT_EMBEDDED_CACHE_MIN_BYTES (2u * 1024 * 1024)
#define HT_EMBEDDED_CACHE_MAX_BYTES (64u * 1024 * 1024)

/** How a store is made. */
struct ht_embedded_store_options {
    struct ht_loop *loop;     /**< not owned, outlives the store */
    struct ht_worker *worker; /**< not owned, stopped after the store is closed */
    const struct ht_log *log; /**< not owned; may be NULL */
    const char *path;         /**< of the database file, made where it is missing; copied */
    uint64_t budget_bytes;    /**< of the whole pipeline: see ht_embedded_store_cache_bytes() */
    /** May be NULL. Called once, on the loop thread: 0, or why the database cannot be used:
     * HT_ECORRUPT, HT_EUNSUPPORTED (a newer hashtagd wrote it), HT_EPERMISSION, HT_ENOSPC, HT_EBUSY,
     * HT_EIO, HT_ENOMEM. */
    void (*on_opened)(void *user, int status, const struct ht_error *error);
    void *user; /**< the caller's */
};

/** How many bytes of the database's pages stay in memory, beside the budget and in proportion to it.
 * An eighth: flushes to a million hashtags are then as fast as with more. Not less than 2 MiB, which
 * the inner pages of a large table need; not more than 64 MiB, beyond which nothing is gained. Pure. */
uint64_t ht_embedded_store_cache_bytes(uint64_t budget_bytes);

/** Makes a store and begins to open it. `*store` is the caller's. HT_ENOMEM, with `error` (may be
 * NULL). Loop thread. */
int ht_embedded_store_create(struct ht_embedded_store **store,
                             const struct ht_embedded_store_options *options,
                             struct ht_error *error) HT_MUST_CHECK;

/** Closes the database, then calls on_closed once, on the loop thread, never from inside this call.
 * Table and feed are closed before. Once. */
void ht_embedded_store_close(struct ht_embedded_store *store, void (*on_closed)(void *user),
                             void *user);

/** Frees a closed store; NULL is fine. */
void ht_embedded_store_destroy(struct ht_embedded_store *store);

/** The version of SQLite at run time, "3.40.1". Static. */
const char *ht_embedded_store_library_version(void);
