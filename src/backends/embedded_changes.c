// SPDX-License-Identifier: MIT

/*
 * A read: turn -> is there anything behind the last read? -> the worker reads rows -> done
 *                 nothing: wait for a flush that removed something, for wake, or for wait_ms
 *
 * Rows without archived_at are what a restart begins with; a commit sets it and lets those go that
 * are no more among the last thousand.
 */

#include "hashtagd/backends/embedded_changes.h"

#include "embedded_rows.h"
#include "embedded_store_internal.h"

#include "hashtagd/base/assert.h"

#include <stdlib.h>

enum {
    CHANGES_MAGIC = 0x6368616e,
    MOST_ROWS = 10000,
};

struct batch {
    struct ht_removal_batch batch; /* first */
    struct ht_embedded_rows rows;
};

struct ht_embedded_changes;

/* One kind of request on its way; there is at most one of each. */
struct request {
    struct ht_job job;
    struct ht_embedded_changes *changes;
    bool is_running;
    int status;
    struct ht_error error;
    struct ht_embedded_rows rows;
};

struct ht_embedded_changes {
    struct ht_changes changes; /* first: what callers see */
    uint32_t magic;
    struct ht_embedded_store *store;
    struct ht_timer_queue *timers;
    struct ht_changes_read *read; /* the one that runs, or NULL */
    struct ht_changes_commit *commit;
    struct ht_changes_recent *recent;
    struct request reading, committing, looking;
    uint64_t last_order; /* of the last removal that was given out; the worker's while it reads */
    bool may_have_more;
    bool read_is_over; /* wait_ms is over, or it was woken */
    struct ht_timer read_timer, wait_timer, close_timer;
    bool is_closing;
    void (*on_closed)(void *user);
    void *on_closed_user;
};

static void start_read(struct ht_changes *port, struct ht_changes_read *read);
static void on_read_turn(struct ht_timer *timer);
static void on_wait_over(struct ht_timer *timer);
static void run_read(struct ht_job *job);
static void read_done(struct ht_job *job);
static void finish_read(struct ht_embedded_changes *changes, int status,
                        const struct ht_error *error);
static void wake(struct ht_changes *port);
static void start_commit(struct ht_changes *port, struct ht_changes_commit *commit);
static void run_commit(struct ht_job *job);
static int commit_all(struct request *request);
static void commit_done(struct ht_job *job);
static void start_recent(struct ht_changes *port, struct ht_changes_recent *recent);
static void run_recent(struct ht_job *job);
static void recent_done(struct ht_job *job);
static void on_removals(void *user);
static void close_changes(struct ht_changes *port, void (*on_closed)(void *user), void *user);
static void check_close(struct ht_embedded_changes *changes);
static void on_close_turn(struct ht_timer *timer);
static void destroy(struct ht_changes *port);

static const struct ht_changes_ops operations = {
    .type = "embedded",
    .read = start_read,
    .wake = wake,
    .commit = start_commit,
    .recent = start_recent,
    .close = close_changes,
    .destroy = destroy,
};

static struct ht_embedded_changes *changes_from(struct ht_changes *port)
{
    struct ht_embedded_changes *changes =
        HT_CONTAINER_OF(port, struct ht_embedded_changes, changes);
    HT_ASSERT(changes->magic == CHANGES_MAGIC);
    return changes;
}

int ht_embedded_changes_create(struct ht_changes **out, struct ht_embedded_store *store,
                               struct ht_error *error)
{
    struct ht_embedded_changes *changes = calloc(1, sizeof(*changes));
    *out = NULL;
    if (changes == NULL) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory for the change feed.");
    }
    changes->magic = CHANGES_MAGIC;
    changes->changes.ops = &operations;
    changes->store = store;
    changes->timers = ht_loop_timers(store->options.loop);
    changes->may_have_more = true;
    ht_health_init(&changes->changes.health, ht_loop_clock(store->options.loop),
                   HT_HEALTH_STARTING);
    ht_timer_init(&changes->read_timer, on_read_turn);
    ht_timer_init(&changes->wait_timer, on_wait_over);
    ht_timer_init(&changes->close_timer, on_close_turn);
    store->on_removals = on_removals;
    store->on_removals_user = changes;
    *out = &changes->changes;
    return 0;
}

static void submit(struct ht_embedded_changes *changes, struct request *request, ht_job_fn run,
                   ht_job_fn done)
{
    HT_ASSERT(!request->is_running);
    request->changes = changes;
    request->is_running = true;
    request->status = 0;
    ht_error_clear(&request->error);
    ht_embedded_rows_init(&request->rows);
    ht_job_init(&request->job, run, done);
    ht_worker_submit(changes->store->options.worker, &request->job);
}

/* Ends a request that has failed or not; the caller's error is filled. */
static int end_request(struct request *request, struct ht_error *error)
{
    struct ht_embedded_changes *changes = request->changes;
    request->is_running = false;
    *error = request->error;
    changes->changes.counters.waiting = changes->store->waiting_removals;
    if (request->status == 0) {
        ht_health_succeed(&changes->changes.health);
    } else {
        changes->changes.counters.read_errors++;
        ht_health_fail(&changes->changes.health,
                       request->status == HT_ECORRUPT ? HT_HEALTH_FAILED : HT_HEALTH_WAITING,
                       &request->error);
    }
    return request->status;
}

static void start_read(struct ht_changes *port, struct ht_changes_read *read)
{
    struct ht_embedded_changes *changes = changes_from(port);
    HT_ASSERT(changes->read == NULL);
    changes->read = read;
    changes->read_is_over = read->wait_ms == 0;
    ht_timer_start(changes->timers, &changes->wait_timer, read->wait_ms);
    ht_timer_start(changes->timers, &changes->read_timer, 0);
}

static void on_read_turn(struct ht_timer *timer)
{
    struct ht_embedded_changes *changes =
        HT_CONTAINER_OF(timer, struct ht_embedded_changes, read_timer);
    struct ht_error error = {0};
    if (changes->read == NULL || changes->reading.is_running) {
        return;
    }
    if (changes->is_closing) {
        ht_error_set(&error, HT_ECANCELED, "The change feed is closed.");
        finish_read(changes, error.code, &error);
    } else if (changes->may_have_more) {
        changes->may_have_more = false;
        submit(changes, &changes->reading, run_read, read_done);
    } else if (changes->read_is_over) {
        finish_read(changes, 0, &error);
    }
}

static void on_wait_over(struct ht_timer *timer)
{
    struct ht_embedded_changes *changes =
        HT_CONTAINER_OF(timer, struct ht_embedded_changes, wait_timer);
    changes->read_is_over = true;
    ht_timer_start(changes->timers, &changes->read_timer, 0);
}

static void run_read(struct ht_job *job)
{
    struct request *request = HT_CONTAINER_OF(job, struct request, job);
    struct ht_embedded_changes *changes = request->changes;
    size_t most = changes->read->max_count < MOST_ROWS ? changes->read->max_count : MOST_ROWS;
    request->status = ht_embedded_store_check(changes->store, &request->error);
    if (request->status != 0) {
        return;
    }
    sqlite3_stmt *statement =
        ht_embedded_store_statement(changes->store, HT_EMBEDDED_SQL_READ_REMOVALS, &request->error);
    if (statement == NULL) {
        request->status = request->error.code;
        return;
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t)changes->last_order);
    (void)sqlite3_bind_int64(statement, 2, (int64_t)(most == 0 ? 1 : most));
    request->status =
        ht_embedded_rows_read(&request->rows, changes->store, statement, &request->error);
}

static void read_done(struct ht_job *job)
{
    struct request *request = HT_CONTAINER_OF(job, struct request, job);
    struct ht_embedded_changes *changes = request->changes;
    struct ht_error error;
    int status = end_request(request, &error);
    if (status != 0) {
        changes->may_have_more = true;
        ht_embedded_rows_clear(&request->rows);
        finish_read(changes, status, &error);
    } else if (request->rows.count > 0) {
        changes->may_have_more = true;
        changes->last_order = request->rows.rows[request->rows.count - 1].removal.order;
        finish_read(changes, 0, &error);
    } else {
        ht_embedded_rows_clear(&request->rows);
        ht_timer_start(changes->timers, &changes->read_timer, 0);
    }
    check_close(changes);
}

static void release_batch(struct ht_removal_batch *removals)
{
    struct batch *batch = (struct batch *)removals;
    free(batch->batch.removals);
    ht_embedded_rows_clear(&batch->rows);
    free(batch);
}

/* The batch of the rows that were read; they are its own from then on. */
static struct ht_removal_batch *make_batch(struct ht_embedded_rows *rows)
{
    struct batch *batch = calloc(1, sizeof(*batch));
    struct ht_removal *removals = calloc(rows->count + 1, sizeof(*removals));
    if (batch == NULL || removals == NULL) {
        free(batch);
        free(removals);
        return NULL;
    }
    for (size_t i = 0; i < rows->count; i++) {
        removals[i] = rows->rows[i].removal;
    }
    batch->batch = (struct ht_removal_batch){
        .removals = removals,
        .count = rows->count,
        .bytes = sizeof(*batch) + rows->text.capacity + rows->capacity * sizeof(*rows->rows) +
                 rows->count * sizeof(*removals),
        .release = release_batch,
    };
    batch->rows = *rows;
    *rows = (struct ht_embedded_rows){0};
    return &batch->batch;
}

static void finish_read(struct ht_embedded_changes *changes, int status,
                        const struct ht_error *error)
{
    struct ht_changes_read *read = changes->read;
    uint64_t first = changes->reading.rows.count > 0 ? changes->reading.rows.rows[0].removal.order
                                                     : changes->last_order + 1;
    changes->read = NULL;
    ht_timer_stop(changes->timers, &changes->read_timer);
    ht_timer_stop(changes->timers, &changes->wait_timer);
    read->status = status;
    read->error = *error;
    read->batch = status == 0 ? make_batch(&changes->reading.rows) : NULL;
    if (status == 0 && read->batch == NULL) {
        ht_embedded_rows_clear(&changes->reading.rows);
        changes->last_order = first - 1; /* they are read again */
        changes->may_have_more = true;
        read->status = ht_error_set(&read->error, HT_ENOMEM, "Out of memory for removals.");
    } else if (status == 0) {
        changes->changes.counters.removals_read += read->batch->count;
    }
    read->done(read);
    check_close(changes);
}

static void wake(struct ht_changes *port)
{
    struct ht_embedded_changes *changes = changes_from(port);
    if (changes->read != NULL) {
        changes->read_is_over = true;
        ht_timer_start(changes->timers, &changes->read_timer, 0);
    }
}

static void on_removals(void *user)
{
    struct ht_embedded_changes *changes = user;
    HT_ASSERT(changes->magic == CHANGES_MAGIC);
    changes->may_have_more = true;
    changes->changes.counters.waiting = changes->store->waiting_removals;
    if (changes->read != NULL) {
        ht_timer_start(changes->timers, &changes->read_timer, 0);
    }
}

static void start_commit(struct ht_changes *port, struct ht_changes_commit *commit)
{
    struct ht_embedded_changes *changes = changes_from(port);
    HT_ASSERT(changes->commit == NULL);
    changes->commit = commit;
    submit(changes, &changes->committing, run_commit, commit_done);
}

static void run_commit(struct ht_job *job)
{
    struct request *request = HT_CONTAINER_OF(job, struct request, job);
    struct ht_embedded_store *store = request->changes->store;
    request->status = ht_embedded_store_check(store, &request->error);
    if (request->status != 0) {
        return;
    }
    request->status = ht_embedded_store_execute(store, HT_EMBEDDED_SQL_BEGIN, &request->error);
    if (request->status == 0) {
        request->status = commit_all(request);
    }
    if (request->status == 0) {
        request->status = ht_embedded_store_execute(store, HT_EMBEDDED_SQL_COMMIT, &request->error);
    }
    if (request->status != 0) {
        ht_embedded_store_roll_back(store);
    }
}

static int commit_all(struct request *request)
{
    struct ht_embedded_store *store = request->changes->store;
    const struct ht_changes_commit *commit = request->changes->commit;
    sqlite3_stmt *statement =
        ht_embedded_store_statement(store, HT_EMBEDDED_SQL_COMMIT_REMOVALS, &request->error);
    if (statement == NULL) {
        return request->error.code;
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t)commit->first_order);
    (void)sqlite3_bind_int64(statement, 2, (int64_t)commit->last_order);
    (void)sqlite3_bind_int64(statement, 3, commit->archived_at_s);
    ht_embedded_bind(statement, 4, commit->object);
    int status = ht_embedded_store_run(store, statement, &request->error);
    request->rows.count = status == 0 ? (size_t)sqlite3_changes(store->database) : 0;
    if (status != 0 || commit->last_order <= HT_EMBEDDED_KEPT_REMOVALS) {
        return status;
    }
    statement = ht_embedded_store_statement(store, HT_EMBEDDED_SQL_PRUNE_REMOVALS, &request->error);
    if (statement == NULL) {
        return request->error.code;
    }
    (void)sqlite3_bind_int64(statement, 1,
                             (int64_t)(commit->last_order - HT_EMBEDDED_KEPT_REMOVALS));
    return ht_embedded_store_run(store, statement, &request->error);
}

static void commit_done(struct ht_job *job)
{
    struct request *request = HT_CONTAINER_OF(job, struct request, job);
    struct ht_embedded_changes *changes = request->changes;
    struct ht_changes_commit *commit = changes->commit;
    uint64_t *waiting = &changes->store->waiting_removals;
    if (request->status == 0) {
        *waiting -= request->rows.count < *waiting ? request->rows.count : *waiting;
        changes->changes.counters.removals_committed += request->rows.count;
    }
    request->rows.count = 0;
    commit->status = end_request(request, &commit->error);
    changes->commit = NULL;
    commit->done(commit);
    check_close(changes);
}

static void start_recent(struct ht_changes *port, struct ht_changes_recent *recent)
{
    struct ht_embedded_changes *changes = changes_from(port);
    HT_ASSERT(changes->recent == NULL);
    changes->recent = recent;
    submit(changes, &changes->looking, run_recent, recent_done);
}

static void run_recent(struct ht_job *job)
{
    struct request *request = HT_CONTAINER_OF(job, struct request, job);
    struct ht_embedded_changes *changes = request->changes;
    request->status = ht_embedded_store_check(changes->store, &request->error);
    if (request->status == 0) {
        request->status = ht_embedded_rows_read_recent(&request->rows, changes->store,
                                                       changes->recent->max_count, &request->error);
    }
}

static void recent_done(struct ht_job *job)
{
    struct request *request = HT_CONTAINER_OF(job, struct request, job);
    struct ht_embedded_changes *changes = request->changes;
    struct ht_changes_recent *recent = changes->recent;
    struct ht_embedded_rows rows = request->rows;
    recent->status = end_request(request, &recent->error);
    recent->archived = rows.rows;
    recent->count = recent->status == 0 ? rows.count : 0;
    changes->recent = NULL;
    request->rows = (struct ht_embedded_rows){0};
    recent->done(recent);
    ht_embedded_rows_clear(&rows);
    check_close(changes);
}

static void close_changes(struct ht_changes *port, void (*on_closed)(void *user), void *user)
{
    struct ht_embedded_changes *changes = changes_from(port);
    HT_ASSERT(!changes->is_closing);
    changes->is_closing = true;
    changes->on_closed = on_closed;
    changes->on_closed_user = user;
    if (changes->read != NULL) {
        ht_timer_start(changes->timers, &changes->read_timer, 0);
    }
    check_close(changes);
}

static void check_close(struct ht_embedded_changes *changes)
{
    if (changes->is_closing && changes->read == NULL && changes->commit == NULL &&
        changes->recent == NULL && !changes->reading.is_running) {
        ht_timer_start(changes->timers, &changes->close_timer, 0);
    }
}

static void on_close_turn(struct ht_timer *timer)
{
    struct ht_embedded_changes *changes =
        HT_CONTAINER_OF(timer, struct ht_embedded_changes, close_timer);
    changes->store->on_removals = NULL;
    ht_health_set(&changes->changes.health, HT_HEALTH_STOPPED, "%s", "");
    changes->on_closed(changes->on_closed_user);
}

static void destroy(struct ht_changes *port)
{
    if (port == NULL) {
        return;
    }
    struct ht_embedded_changes *changes = changes_from(port);
    HT_ASSERT(changes->read == NULL && changes->commit == NULL && changes->recent == NULL);
    ht_timer_stop(changes->timers, &changes->read_timer);
    ht_timer_stop(changes->timers, &changes->wait_timer);
    ht_timer_stop(changes->timers, &changes->close_timer);
    changes->store->on_removals = NULL;
    changes->magic = 0;
    free(changes);
}
