// SPDX-License-Identifier: MIT
#include "hashtagd/net/worker.h"

#include "hashtagd/base/assert.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

#define JOBS_MAX 1000

struct trial;

struct counted_job {
    struct ht_job job;
    struct trial *trial;
    unsigned number;
    unsigned runs_left;
    unsigned done_count;
    pthread_t ran_on, done_on;
    bool done_inside_submit;
};

struct trial {
    struct ht_loop *loop;
    struct ht_worker *worker;
    struct counted_job jobs[JOBS_MAX];
    unsigned run_order[JOBS_MAX * 2]; /* written by the worker, read when it has stopped */
    unsigned done_order[JOBS_MAX * 2];
    unsigned run_count, done_count, stopped_count;
    bool inside_submit;
    int pipe_fds[2];
};

static void run_job(struct ht_job *job)
{
    struct counted_job *counted = HT_CONTAINER_OF(job, struct counted_job, job);

    counted->ran_on = pthread_self();
    counted->trial->run_order[counted->trial->run_count++] = counted->number;
}

static void on_job_done(struct ht_job *job)
{
    struct counted_job *counted = HT_CONTAINER_OF(job, struct counted_job, job);
    struct trial *trial = counted->trial;

    counted->done_inside_submit |= trial->inside_submit;
    counted->done_on = pthread_self();
    counted->done_count++;
    trial->done_order[trial->done_count++] = counted->number;
    if (--counted->runs_left > 0) {
        ht_worker_submit(trial->worker, job);
    }
}

static void on_stopped(void *user)
{
    struct trial *trial = user;

    trial->stopped_count++;
    ht_loop_stop(trial->loop);
}

static void set_up(struct trial *trial, unsigned job_count, unsigned runs)
{
    struct ht_error error;

    assert_int_equal(ht_loop_create(&trial->loop, NULL, &error), 0);
    assert_int_equal(ht_worker_create(&trial->worker, trial->loop, "a worker thread", &error), 0);
    for (unsigned i = 0; i < job_count; i++) {
        trial->jobs[i].trial = trial;
        trial->jobs[i].number = i;
        trial->jobs[i].runs_left = runs;
        ht_job_init(&trial->jobs[i].job, run_job, on_job_done);
    }
}

static void submit_all(struct trial *trial, unsigned job_count)
{
    trial->inside_submit = true;
    for (unsigned i = 0; i < job_count; i++) {
        ht_worker_submit(trial->worker, &trial->jobs[i].job);
    }
    trial->inside_submit = false;
}

static void stop_and_tear_down(struct trial *trial)
{
    ht_worker_stop(trial->worker, on_stopped, trial);
    assert_int_equal(trial->stopped_count, 0);
    ht_loop_run(trial->loop);
    assert_int_equal(trial->stopped_count, 1);
    ht_loop_destroy(trial->loop);
}

static void test_stop_without_jobs(void **state)
{
    static struct trial trial;

    (void)state;
    set_up(&trial, 0, 0);
    stop_and_tear_down(&trial);
    ht_worker_stop(NULL, on_stopped, NULL);
}

/* Stopped at once: whatever is queued still runs, in order, and each is done once. */
static void test_jobs_run_in_order_and_drain(void **state)
{
    static struct trial trial;

    (void)state;
    set_up(&trial, JOBS_MAX, 1);
    submit_all(&trial, JOBS_MAX);
    stop_and_tear_down(&trial);
    assert_int_equal(trial.run_count, JOBS_MAX);
    assert_int_equal(trial.done_count, JOBS_MAX);
    for (unsigned i = 0; i < JOBS_MAX; i++) {
        assert_int_equal(trial.run_order[i], i);
        assert_int_equal(trial.done_order[i], i);
        assert_int_equal(trial.jobs[i].done_count, 1);
        assert_false(trial.jobs[i].done_inside_submit);
        assert_true(pthread_equal(trial.jobs[i].done_on, pthread_self()));
        assert_false(pthread_equal(trial.jobs[i].ran_on, pthread_self()));
    }
}

static void test_job_submitted_again_from_done(void **state)
{
    static struct trial trial;

    (void)state;
    set_up(&trial, 3, 100);
    submit_all(&trial, 3);
    stop_and_tear_down(&trial);
    assert_int_equal(trial.run_count, 300);
    assert_int_equal(trial.jobs[2].done_count, 100);
}

static void run_blocked(struct ht_job *job)
{
    struct counted_job *counted = HT_CONTAINER_OF(job, struct counted_job, job);
    char byte;

    if (counted->number == 0) {
        HT_ASSERT(read(counted->trial->pipe_fds[0], &byte, 1) == 1);
    }
    run_job(job);
}

static void test_stats(void **state)
{
    static struct trial trial;

    (void)state;
    set_up(&trial, 3, 1);
    assert_int_equal(pipe(trial.pipe_fds), 0);
    for (unsigned i = 0; i < 3; i++) {
        ht_job_init(&trial.jobs[i].job, run_blocked, on_job_done);
    }
    submit_all(&trial, 3);
    while (ht_worker_stats(trial.worker).queued_count > 2) {
        poll(NULL, 0, 1); /* until the thread has taken the first */
    }
    poll(NULL, 0, 2);
    struct ht_worker_stats stats = ht_worker_stats(trial.worker);
    assert_int_equal(stats.queued_count, 2);
    assert_true(stats.oldest_wait_ns >= 1000000u);
    assert_int_equal(stats.jobs_total, 0);
    assert_int_equal(write(trial.pipe_fds[1], "x", 1), 1);
    while (ht_worker_stats(trial.worker).jobs_total < 3) {
        poll(NULL, 0, 1);
    }
    stats = ht_worker_stats(trial.worker);
    assert_int_equal(stats.queued_count, 0);
    assert_int_equal(stats.oldest_wait_ns, 0);
    assert_true(stats.longest_wait_ns >= 1000000u);
    stop_and_tear_down(&trial);
    close(trial.pipe_fds[0]);
    close(trial.pipe_fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stop_without_jobs),
        cmocka_unit_test(test_jobs_run_in_order_and_drain),
        cmocka_unit_test(test_job_submitted_again_from_done),
        cmocka_unit_test(test_stats),
    };
    return cmocka_run_group_tests_name("net/worker", tests, NULL, NULL);
}
