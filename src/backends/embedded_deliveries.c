// SPDX-License-Identifier: MIT

/* add: the worker inserts all in one transaction and lets the oldest go -> done
 * recent: the worker reads -> done */

#include "embedded_deliveries.h"

#include "embedded_rows.h"
#include "embedded_store_internal.h"

#include "hashtagd/base/assert.h"

#include <stdlib.h>

struct ht_embedded_deliveries {
    struct ht_embedded_store *store;
    struct ht_job add_job, recent_job;
    struct ht_deliveries_add *add;    /* the one that runs, or NULL */
    struct ht_changes_recent *recent; /* likewise */
    struct ht_embedded_rows rows;
};

static void run_add(struct ht_job *job);
static int insert_all(struct ht_embedded_deliveries *deliveries);
static int insert(struct ht_embedded_deliveries *deliveries, const struct ht_removal *removal);
static int prune(struct ht_embedded_deliveries *deliveries);
static void add_done(struct ht_job *job);
static void run_recent(struct ht_job *job);
static void recent_done(struct ht_job *job);

int ht_embedded_deliveries_create(struct ht_embedded_deliveries **out,
                                  struct ht_embedded_store *store, struct ht_error *error)
{
    struct ht_embedded_deliveries *deliveries = calloc(1, sizeof(*deliveries));
    *out = deliveries;
    if (deliveries == NULL) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory for the list of deliveries.");
    }
    deliveries->store = store;
    return 0;
}

void ht_embedded_deliveries_add(struct ht_embedded_deliveries *deliveries,
                                struct ht_deliveries_add *add)
{
    HT_ASSERT(deliveries->add == NULL);
    deliveries->add = add;
    add->status = 0;
    ht_error_clear(&add->error);
    ht_job_init(&deliveries->add_job, run_add, add_done);
    ht_worker_submit(deliveries->store->options.worker, &deliveries->add_job);
}

static void run_add(struct ht_job *job)
{
    struct ht_embedded_deliveries *deliveries =
        HT_CONTAINER_OF(job, struct ht_embedded_deliveries, add_job);
    struct ht_embedded_store *store = deliveries->store;
    struct ht_deliveries_add *add = deliveries->add;
    add->status = ht_embedded_store_check(store, &add->error);
    if (add->status != 0) {
        return;
    }
    add->status = ht_embedded_store_execute(store, HT_EMBEDDED_SQL_BEGIN, &add->error);
    if (add->status == 0) {
        add->status = insert_all(deliveries);
    }
    if (add->status == 0) {
        add->status = ht_embedded_store_execute(store, HT_EMBEDDED_SQL_COMMIT, &add->error);
    }
    if (add->status != 0) {
        ht_embedded_store_roll_back(store);
    }
}

static int insert_all(struct ht_embedded_deliveries *deliveries)
{
    const struct ht_deliveries_add *add = deliveries->add;
    int status = 0;
    for (size_t i = 0; status == 0 && i < add->count; i++) {
        status = insert(deliveries, add->removals[i]);
    }
    return status == 0 ? prune(deliveries) : status;
}

static int insert(struct ht_embedded_deliveries *deliveries, const struct ht_removal *removal)
{
    struct ht_deliveries_add *add = deliveries->add;
    sqlite3_stmt *statement =
        ht_embedded_store_statement(deliveries->store, HT_EMBEDDED_SQL_ADD_DELIVERY, &add->error);
    if (statement == NULL) {
        return add->error.code;
    }
    ht_embedded_bind(statement, 1, removal->event_id);
    ht_embedded_bind(statement, 2, removal->item.hashtag);
    (void)sqlite3_bind_int64(statement, 3, (int64_t)removal->item.count);
    (void)sqlite3_bind_int64(statement, 4, removal->item.first_seen_s);
    (void)sqlite3_bind_int64(statement, 5, removal->item.last_seen_s);
    (void)sqlite3_bind_int64(statement, 6, removal->item.expires_at_s);
    (void)sqlite3_bind_int64(statement, 7, removal->deleted_at_s);
    (void)sqlite3_bind_int(statement, 8, (int)removal->origin);
    ht_embedded_bind(statement, 9, removal->item_json);
    (void)sqlite3_bind_int64(statement, 10, add->archived_at_s);
    ht_embedded_bind(statement, 11, add->object);
    return ht_embedded_store_run(deliveries->store, statement, &add->error);
}

static int prune(struct ht_embedded_deliveries *deliveries)
{
    struct ht_error *error = &deliveries->add->error;
    sqlite3_stmt *statement =
        ht_embedded_store_statement(deliveries->store, HT_EMBEDDED_SQL_PRUNE_DELIVERIES, error);
    if (statement == NULL) {
        return error->code;
    }
    (void)sqlite3_bind_int64(statement, 1, HT_EMBEDDED_KEPT_REMOVALS);
    return ht_embedded_store_run(deliveries->store, statement, error);
}

static void add_done(struct ht_job *job)
{
    struct ht_embedded_deliveries *deliveries =
        HT_CONTAINER_OF(job, struct ht_embedded_deliveries, add_job);
    struct ht_deliveries_add *add = deliveries->add;
    deliveries->add = NULL;
    add->done(add);
}

void ht_embedded_deliveries_recent(struct ht_embedded_deliveries *deliveries,
                                   struct ht_changes_recent *recent)
{
    HT_ASSERT(deliveries->recent == NULL);
    deliveries->recent = recent;
    recent->status = 0;
    ht_error_clear(&recent->error);
    ht_embedded_rows_init(&deliveries->rows);
    ht_job_init(&deliveries->recent_job, run_recent, recent_done);
    ht_worker_submit(deliveries->store->options.worker, &deliveries->recent_job);
}

static void run_recent(struct ht_job *job)
{
    struct ht_embedded_deliveries *deliveries =
        HT_CONTAINER_OF(job, struct ht_embedded_deliveries, recent_job);
    struct ht_changes_recent *recent = deliveries->recent;
    recent->status = ht_embedded_store_check(deliveries->store, &recent->error);
    if (recent->status == 0) {
        recent->status = ht_embedded_rows_read_recent(&deliveries->rows, deliveries->store,
                                                      recent->max_count, &recent->error);
    }
}

static void recent_done(struct ht_job *job)
{
    struct ht_embedded_deliveries *deliveries =
        HT_CONTAINER_OF(job, struct ht_embedded_deliveries, recent_job);
    struct ht_changes_recent *recent = deliveries->recent;
    struct ht_embedded_rows rows = deliveries->rows;
    deliveries->recent = NULL;
    deliveries->rows = (struct ht_embedded_rows){0};
    recent->archived = rows.rows;
    recent->count = recent->status == 0 ? rows.count : 0;
    recent->done(recent);
    ht_embedded_rows_clear(&rows);
}

void ht_embedded_deliveries_destroy(struct ht_embedded_deliveries *deliveries)
{
    HT_ASSERT(deliveries == NULL || (deliveries->add == NULL && deliveries->recent == NULL));
    free(deliveries);
}
