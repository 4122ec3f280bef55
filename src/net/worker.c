// SPDX-License-Identifier: MIT
#include "hashtagd/net/worker.h"

#include "hashtagd/base/assert.h"
#include "loop_internal.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 *   loop thread            worker thread           loop thread
 *   submit -> [ queued ] -> run -> [ finished ] -> done
 *
 * Both lists are under one lock; the worker waits on a condition, the loop is woken by
 * an async handle. Stop: outstanding jobs reach 0 -> quit flag -> join -> close -> free.
 */

#define WORKER_MAGIC      0x48745772u /* "HtWr" */
#define JOB_MAGIC         0x48744a62u /* "HtJb" */
#define THREAD_NAME_BYTES 16

struct job_list {
    struct ht_job *first; /* borrowed */
    struct ht_job *last;
    size_t count;
};

struct ht_worker {
    uint32_t magic;
    /* fixed after create */
    struct ht_clock clock; /* the system's: it has no state, so both threads may ask it */
    pthread_t thread;
    char name[THREAD_NAME_BYTES];
    /* loop thread only */
    struct {
        uv_async_t wake;
        size_t outstanding_count; /* submitted, done not yet called */
        bool stopping;
        bool closing;
        ht_worker_on_stopped_fn on_stopped;
        void *on_stopped_user;
    } loop_data;
    /* under `lock` */
    struct {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        struct job_list queued;
        struct job_list finished;
        uint64_t longest_wait_ns;
        uint64_t jobs_total;
        bool quit;
    } locked_data;
};

static void *run_thread(void *argument);
static struct ht_job *take_queued(struct ht_worker *worker);
static void put_finished(struct ht_worker *worker, struct ht_job *job);
static void on_wake(uv_async_t *async);
static void end_if_drained(struct ht_worker *worker);
static void on_closed(uv_handle_t *handle);
static void list_append(struct job_list *list, struct ht_job *job);
static struct ht_job *list_take_first(struct job_list *list);
static struct ht_worker *worker_from(void *pointer);

int ht_worker_create(struct ht_worker **out, struct ht_loop *loop, const char *name,
                     struct ht_error *error)
{
    struct ht_worker *worker = calloc(1, sizeof *worker);

    *out = NULL;
    if (worker == NULL) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory for the worker thread.");
    }
    worker->magic = WORKER_MAGIC;
    ht_clock_init_system(&worker->clock);
    snprintf(worker->name, sizeof worker->name, "%s", name);
    pthread_mutex_init(&worker->locked_data.lock, NULL);
    pthread_cond_init(&worker->locked_data.changed, NULL);
    int status = uv_async_init(ht_loop_uv(loop), &worker->loop_data.wake, on_wake);
    if (status != 0) {
        free(worker);
        return ht_error_set(error, HT_EFATAL, "Cannot start the thread \"%s\": %s.", name,
                            uv_strerror(status));
    }
    worker->loop_data.wake.data = worker;
    status = pthread_create(&worker->thread, NULL, run_thread, worker);
    if (status != 0) {
        uv_close((uv_handle_t *)&worker->loop_data.wake, on_closed);
        return ht_error_set(error, HT_EFATAL, "Cannot start the thread \"%s\": %s.", name,
                            strerror(status));
    }
    *out = worker;
    return 0;
}

void ht_job_init(struct ht_job *job, ht_job_fn run, ht_job_fn done)
{
    *job = (struct ht_job){.magic = JOB_MAGIC, .run = run, .done = done};
}

void ht_worker_submit(struct ht_worker *worker, struct ht_job *job)
{
    HT_ASSERT(worker_from(worker) == worker && !worker->loop_data.closing);
    HT_ASSERT(job->magic == JOB_MAGIC && job->submitted_ns == 0);
    job->submitted_ns = ht_clock_monotonic_ns(&worker->clock);
    worker->loop_data.outstanding_count++;
    pthread_mutex_lock(&worker->locked_data.lock);
    list_append(&worker->locked_data.queued, job);
    pthread_cond_signal(&worker->locked_data.changed);
    pthread_mutex_unlock(&worker->locked_data.lock);
}

static void *run_thread(void *argument)
{
    struct ht_worker *worker = worker_from(argument);
    struct ht_job *job;

    pthread_setname_np(pthread_self(), worker->name);
    while ((job = take_queued(worker)) != NULL) {
        job->run(job);
        put_finished(worker, job);
    }
    return NULL;
}

/* The next job, or NULL where the thread is to end. */
static struct ht_job *take_queued(struct ht_worker *worker)
{
    pthread_mutex_lock(&worker->locked_data.lock);
    while (worker->locked_data.queued.first == NULL && !worker->locked_data.quit) {
        pthread_cond_wait(&worker->locked_data.changed, &worker->locked_data.lock);
    }
    struct ht_job *job = list_take_first(&worker->locked_data.queued);
    if (job != NULL) {
        uint64_t wait_ns = ht_clock_monotonic_ns(&worker->clock) - job->submitted_ns;
        if (wait_ns > worker->locked_data.longest_wait_ns) {
            worker->locked_data.longest_wait_ns = wait_ns;
        }
    }
    pthread_mutex_unlock(&worker->locked_data.lock);
    return job;
}

static void put_finished(struct ht_worker *worker, struct ht_job *job)
{
    pthread_mutex_lock(&worker->locked_data.lock);
    worker->locked_data.jobs_total++;
    list_append(&worker->locked_data.finished, job);
    /* under the lock: once it is released, the loop may have taken the job, and the worker with it
     */
    uv_async_send(&worker->loop_data.wake);
    pthread_mutex_unlock(&worker->locked_data.lock);
}

static void on_wake(uv_async_t *async)
{
    struct ht_worker *worker = worker_from(async->data);
    struct job_list finished;
    struct ht_job *job;

    pthread_mutex_lock(&worker->locked_data.lock);
    finished = worker->locked_data.finished;
    worker->locked_data.finished = (struct job_list){NULL, NULL, 0};
    pthread_mutex_unlock(&worker->locked_data.lock);
    while ((job = list_take_first(&finished)) != NULL) {
        job->submitted_ns = 0;
        job->done(job);
        /* counted only now: a done that submits again must not find the worker drained */
        worker->loop_data.outstanding_count--;
    }
    end_if_drained(worker);
}

void ht_worker_stop(struct ht_worker *worker, ht_worker_on_stopped_fn on_stopped, void *user)
{
    if (worker == NULL) {
        return;
    }
    HT_ASSERT(worker_from(worker) == worker && !worker->loop_data.stopping);
    worker->loop_data.stopping = true;
    worker->loop_data.on_stopped = on_stopped;
    worker->loop_data.on_stopped_user = user;
    end_if_drained(worker);
}

static void end_if_drained(struct ht_worker *worker)
{
    if (!worker->loop_data.stopping || worker->loop_data.closing ||
        worker->loop_data.outstanding_count != 0) {
        return;
    }
    worker->loop_data.closing = true;
    pthread_mutex_lock(&worker->locked_data.lock);
    worker->locked_data.quit = true;
    pthread_cond_signal(&worker->locked_data.changed);
    pthread_mutex_unlock(&worker->locked_data.lock);
    /* it has nothing to do, so this is the time it takes to wake up */
    pthread_join(worker->thread, NULL);
    uv_close((uv_handle_t *)&worker->loop_data.wake, on_closed);
}

static void on_closed(uv_handle_t *handle)
{
    struct ht_worker *worker = worker_from(handle->data);
    ht_worker_on_stopped_fn on_stopped = worker->loop_data.on_stopped;
    void *user = worker->loop_data.on_stopped_user;

    pthread_cond_destroy(&worker->locked_data.changed);
    pthread_mutex_destroy(&worker->locked_data.lock);
    worker->magic = 0;
    free(worker);
    if (on_stopped != NULL) {
        on_stopped(user);
    }
}

struct ht_worker_stats ht_worker_stats(struct ht_worker *worker)
{
    struct ht_worker_stats stats = {0};

    pthread_mutex_lock(&worker->locked_data.lock);
    stats.queued_count = worker->locked_data.queued.count;
    stats.longest_wait_ns = worker->locked_data.longest_wait_ns;
    stats.jobs_total = worker->locked_data.jobs_total;
    if (worker->locked_data.queued.first != NULL) {
        stats.oldest_wait_ns =
            ht_clock_monotonic_ns(&worker->clock) - worker->locked_data.queued.first->submitted_ns;
    }
    pthread_mutex_unlock(&worker->locked_data.lock);
    return stats;
}

static void list_append(struct job_list *list, struct ht_job *job)
{
    job->next = NULL;
    if (list->last == NULL) {
        list->first = job;
    } else {
        list->last->next = job;
    }
    list->last = job;
    list->count++;
}

static struct ht_job *list_take_first(struct job_list *list)
{
    struct ht_job *job = list->first;

    if (job != NULL) {
        list->first = job->next;
        list->last = list->first == NULL ? NULL : list->last;
        list->count--;
    }
    return job;
}

static struct ht_worker *worker_from(void *pointer)
{
    struct ht_worker *worker = pointer;

    HT_ASSERT(worker != NULL && worker->magic == WORKER_MAGIC);
    return worker;
}
