// SPDX-License-Identifier: MIT
#pragma once

/**
 * One thread for what would block the loop: SQLite, files. Jobs run one after the other
 * in the order they were submitted, so a job may own what it works on (a database
 * handle) without locks: between submit and done it belongs to the worker thread,
 * otherwise to the loop thread.
 *
 *     struct flush {
 *         struct ht_job job;
 *         int result;
 *     };
 *     static void run_flush(struct ht_job *job);      // worker thread: may block
 *     static void flush_done(struct ht_job *job);     // loop thread, exactly once
 *
 *     ht_job_init(&flush->job, run_flush, flush_done);
 *     ht_worker_submit(worker, &flush->job);
 *     ...
 *     static void run_flush(struct ht_job *job)
 *     {
 *         struct flush *flush = HT_CONTAINER_OF(job, struct flush, job);
 *
 * Life: ht_worker_create(), jobs, ht_worker_stop(): what is queued still runs, each done
 * is called, then on_stopped, and the worker is gone.
 */

#include "hashtagd/base/error.h"
#include "hashtagd/net/loop.h"

#include <stddef.h>
#include <stdint.h>

struct ht_worker;
struct ht_job;

/** A step of a job. `job` is the one that was submitted. */
typedef void (*ht_job_fn)(struct ht_job *job);

/** Called on the loop thread when a worker has stopped. */
typedef void (*ht_worker_on_stopped_fn)(void *user);

/** One job, inside its owner's struct, which owns the memory. The fields are private. */
struct ht_job {
    uint32_t magic;
    ht_job_fn run;
    ht_job_fn done;
    struct ht_job *next;   /* in the queue or in the list of finished jobs */
    uint64_t submitted_ns; /* 0 where it is not submitted */
};

/** What a worker tells about itself. */
struct ht_worker_stats {
    size_t queued_count;      /**< jobs that wait for the thread now, the running one left out */
    uint64_t oldest_wait_ns;  /**< how long the first of them has waited; 0 where none waits */
    uint64_t longest_wait_ns; /**< the longest that any job ever waited before it ran */
    uint64_t jobs_total;      /**< jobs that have run */
};

/**
 * Starts the thread, named `name` (at most 15 bytes, copied), whose jobs end on `loop` (not
 * owned, outlives the worker). `*worker` is the caller's until ht_worker_stop(). HT_ENOMEM, or
 * HT_EFATAL where the system gives no thread or no file descriptor; `error` (may be NULL) is
 * filled.
 */
int ht_worker_create(struct ht_worker **worker, struct ht_loop *loop, const char *name,
                     struct ht_error *error) HT_MUST_CHECK;

/** Makes a job that is not submitted. Neither function may be NULL. */
void ht_job_init(struct ht_job *job, ht_job_fn run, ht_job_fn done);

/**
 * Queues `job`: `run` is called on the worker's thread, then `done` on the loop's thread, always,
 * exactly once and never from inside this call. From the beginning of `done` on the job is the
 * caller's again, who may free it or submit it again. Loop thread only. Cannot fail. Submitting a
 * job that is not done yet is our own mistake and aborts.
 */
void ht_worker_submit(struct ht_worker *worker, struct ht_job *job);

/** The figures of this moment. Loop thread only. */
struct ht_worker_stats ht_worker_stats(struct ht_worker *worker);

/**
 * Ends the worker once every job has run and its done was called; jobs may be submitted until
 * then. `on_stopped` (may be NULL) is called last, on the loop thread, never from inside this
 * call; the worker is freed by then. Once; NULL is fine, then nothing happens.
 */
void ht_worker_stop(struct ht_worker *worker, ht_worker_on_stopped_fn on_stopped, void *user);
