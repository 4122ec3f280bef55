// SPDX-License-Identifier: MIT
#pragma once

/** A store with its table and its change feed. */

#include "fixture.h"

#include "hashtagd/backends/embedded_changes.h"
#include "hashtagd/backends/embedded_store.h"
#include "hashtagd/backends/embedded_table.h"

struct store {
    struct fixture *fixture;
    struct ht_embedded_store *store;
    struct ht_table *table;
    struct ht_changes *changes;
    int open_status;
    struct ht_error open_error;
    unsigned closed_count;
};

/* Opens "hashtagd.db" in the fixture's directory; look at open_status. */
void store_open(struct store *store, struct fixture *fixture, uint64_t ttl_s);
void store_close(struct store *store);

/* Runs SQL on the database from outside; fails the test on an error. */
void store_sql(struct fixture *fixture, const char *sql);

/* The number that a query gives. */
int64_t store_ask(struct fixture *fixture, const char *sql);

/* Flushes and waits; fills the request's end. removed lives no longer: copies are in the log. */
int store_flush(struct store *store, struct ht_table_flush *flush);

/* A flush of one delta and a checkpoint of `sequence`. */
int store_count(struct store *store, const char *hashtag, uint64_t count, int64_t at_s,
                const char *sequence);

/* Deletes one; how many were removed. */
size_t store_delete(struct store *store, const char *hashtag, int64_t at_s);
