// SPDX-License-Identifier: MIT
#include "hashtagd/net/loop.h"

#include "hashtagd/base/assert.h"
#include "loop_internal.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * One turn of libuv: timers -> (idle) -> prepare -> poll and its callbacks -> check ->
 * closing callbacks. Everything that is ours happens in prepare, the last moment before
 * the poll: the turn is measured, and the one libuv timer is set to the queue's next
 * due time. So a timer that is started anywhere in a turn is seen in the same turn.
 *
 * Where the process stood still (stopped, or the machine slept), everything is due at once: every
 * patience seems over although the answers lie in the kernel. So the timers are held a moment, in
 * which the polls bring in what has come.
 */

#define LOOP_MAGIC        0x48744c70u /* "HtLp" */
#define SIGNAL_COUNT      3
#define CLOSING_TURNS_MAX 1000
#define STOOD_STILL_MS    2000
#define HOLD_MS           100

static const int watched_signals[SIGNAL_COUNT] = {SIGTERM, SIGINT, SIGHUP};

struct ht_loop {
    uint32_t magic;
    /* fixed after create */
    uv_loop_t uv;
    struct ht_clock system_clock;
    struct ht_clock *clock;
    uv_prepare_t prepare;
    uv_timer_t timer;
    uv_async_t keep_alive; /* keeps uv_run() from returning while nothing is open */
    ht_loop_on_signal_fn on_signal;
    void *on_signal_user;
    uv_signal_t signals[SIGNAL_COUNT];
    bool signals_open;
    /* changing */
    struct ht_timer_queue timers;
    bool timers_changed;
    bool holds_timers;
    uint64_t due_ms; /* by libuv's clock */
    uint64_t turn_start_ns;
    uint64_t idle_ns;
    uint64_t processor_ns; /* of the thread, at the start of the turn */
    struct ht_histogram lag, busy;
};

static int open_handles(struct ht_loop *loop, struct ht_error *error);
static void on_timers_changed(void *user);
static void on_prepare(uv_prepare_t *prepare);
static void measure_turn(struct ht_loop *loop);
static void arm_timer(struct ht_loop *loop);
static void on_timer(uv_timer_t *timer);
static void on_keep_alive(uv_async_t *async);
static void on_uv_signal(uv_signal_t *handle, int signal_number);
static void close_handles(struct ht_loop *loop);
static struct ht_loop *loop_from(void *pointer);

int ht_loop_create(struct ht_loop **out, struct ht_clock *clock, struct ht_error *error)
{
    struct ht_loop *loop = calloc(1, sizeof *loop);

    *out = NULL;
    if (loop == NULL) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory for the event loop.");
    }
    loop->magic = LOOP_MAGIC;
    ht_clock_init_system(&loop->system_clock);
    loop->clock = clock == NULL ? &loop->system_clock : clock;
    ht_timer_queue_init(&loop->timers, loop->clock);
    loop->timers.on_change = on_timers_changed;
    loop->timers.on_change_user = loop;
    signal(SIGPIPE, SIG_IGN);

    int status = uv_loop_init(&loop->uv);
    if (status != 0) {
        free(loop);
        return ht_error_set(error, HT_EFATAL, "Cannot make the event loop: %s.",
                            uv_strerror(status));
    }
    status = open_handles(loop, error);
    if (status != 0) {
        ht_loop_destroy(loop);
        return status;
    }
    *out = loop;
    return 0;
}

static int open_handles(struct ht_loop *loop, struct ht_error *error)
{
    loop->uv.data = loop;
    uv_loop_configure(&loop->uv, UV_METRICS_IDLE_TIME);
    uv_prepare_init(&loop->uv, &loop->prepare);
    uv_timer_init(&loop->uv, &loop->timer);
    loop->prepare.data = loop;
    loop->timer.data = loop;
    uv_prepare_start(&loop->prepare, on_prepare);
    int status = uv_async_init(&loop->uv, &loop->keep_alive, on_keep_alive);
    if (status != 0) {
        return ht_error_set(error, HT_EFATAL, "Cannot make the event loop: %s.",
                            uv_strerror(status));
    }
    return 0;
}

int ht_loop_watch_signals(struct ht_loop *loop, ht_loop_on_signal_fn on_signal, void *user,
                          struct ht_error *error)
{
    HT_ASSERT(!loop->signals_open);
    loop->on_signal = on_signal;
    loop->on_signal_user = user;
    loop->signals_open = true;
    for (size_t i = 0; i < SIGNAL_COUNT; i++) {
        uv_signal_init(&loop->uv, &loop->signals[i]);
        loop->signals[i].data = loop;
    }
    for (size_t i = 0; i < SIGNAL_COUNT; i++) {
        int status = uv_signal_start(&loop->signals[i], on_uv_signal, watched_signals[i]);
        if (status != 0) {
            return ht_error_set(error, HT_EFATAL, "Cannot watch signal %d: %s.", watched_signals[i],
                                uv_strerror(status));
        }
    }
    return 0;
}

void ht_loop_run(struct ht_loop *loop)
{
    loop->timers_changed = true;
    loop->turn_start_ns = 0;
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

static void on_timers_changed(void *user)
{
    loop_from(user)->timers_changed = true;
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct ht_loop *loop = loop_from(prepare->data);

    measure_turn(loop);
    arm_timer(loop);
}

static void measure_turn(struct ht_loop *loop)
{
    uint64_t now_ns = uv_hrtime();
    uint64_t idle_ns = uv_metrics_idle_time(&loop->uv);
    uint64_t used_ns = ht_time_of_thread_ns();

    if (loop->turn_start_ns != 0) {
        uint64_t turn_ns = now_ns - loop->turn_start_ns;
        uint64_t slept_ns = idle_ns - loop->idle_ns;
        ht_histogram_add(&loop->lag, turn_ns > slept_ns ? turn_ns - slept_ns : 0);
        ht_histogram_add(&loop->busy, used_ns - loop->processor_ns);
    }
    loop->processor_ns = used_ns;
    loop->turn_start_ns = now_ns;
    loop->idle_ns = idle_ns;
}

static void arm_timer(struct ht_loop *loop)
{
    uint64_t next_ns = ht_timer_queue_next_ns(&loop->timers);

    if (loop->holds_timers) {
        return;
    }
    /* 0 is looked at even without a change: a manual clock may have been moved */
    if (!loop->timers_changed && next_ns != 0) {
        return;
    }
    loop->timers_changed = false;
    if (next_ns == UINT64_MAX) {
        uv_timer_stop(&loop->timer);
        return;
    }
    /* libuv counts from its own idea of now, which is as old as the turn */
    uv_update_time(&loop->uv);
    uint64_t wait_ms = next_ns / 1000000u + (next_ns % 1000000u != 0);
    loop->due_ms = uv_now(&loop->uv) + wait_ms;
    uv_timer_start(&loop->timer, on_timer, wait_ms, 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct ht_loop *loop = loop_from(timer->data);

    if (!loop->holds_timers && uv_now(&loop->uv) > loop->due_ms + STOOD_STILL_MS) {
        loop->holds_timers = true;
        uv_timer_start(timer, on_timer, HOLD_MS, 0);
        return;
    }
    loop->holds_timers = false;
    loop->timers_changed = true;
    ht_timer_queue_run(&loop->timers);
}

static void on_keep_alive(uv_async_t *async)
{
    (void)async;
}

static void on_uv_signal(uv_signal_t *handle, int signal_number)
{
    struct ht_loop *loop = loop_from(handle->data);

    loop->on_signal(loop->on_signal_user, signal_number);
}

void ht_loop_stop(struct ht_loop *loop)
{
    uv_stop(&loop->uv);
}

void ht_loop_destroy(struct ht_loop *loop)
{
    if (loop == NULL) {
        return;
    }
    HT_ASSERT(loop->magic == LOOP_MAGIC);
    close_handles(loop);
    for (int turn = 0; turn < CLOSING_TURNS_MAX; turn++) {
        if (uv_run(&loop->uv, UV_RUN_NOWAIT) == 0) {
            break;
        }
    }
    int status = uv_loop_close(&loop->uv);
    if (status != 0) {
        uv_print_all_handles(&loop->uv, stderr);
    }
    HT_ASSERT(status == 0);
    ht_timer_queue_finish(&loop->timers);
    loop->magic = 0;
    free(loop);
}

static void close_handles(struct ht_loop *loop)
{
    uv_close((uv_handle_t *)&loop->prepare, NULL);
    uv_close((uv_handle_t *)&loop->timer, NULL);
    if (loop->keep_alive.type == UV_ASYNC) {
        uv_close((uv_handle_t *)&loop->keep_alive, NULL);
    }
    for (size_t i = 0; loop->signals_open && i < SIGNAL_COUNT; i++) {
        uv_close((uv_handle_t *)&loop->signals[i], NULL);
    }
}

struct ht_clock *ht_loop_clock(struct ht_loop *loop)
{
    return loop->clock;
}

struct ht_timer_queue *ht_loop_timers(struct ht_loop *loop)
{
    return &loop->timers;
}

const struct ht_histogram *ht_loop_lag(const struct ht_loop *loop)
{
    return &loop->lag;
}

const struct ht_histogram *ht_loop_busy(const struct ht_loop *loop)
{
    return &loop->busy;
}

uv_loop_t *ht_loop_uv(struct ht_loop *loop)
{
    return &loop->uv;
}

static struct ht_loop *loop_from(void *pointer)
{
    struct ht_loop *loop = pointer;

    HT_ASSERT(loop != NULL && loop->magic == LOOP_MAGIC);
    return loop;
}
