// SPDX-License-Identifier: MIT
#pragma once

/**
 * The event loop: one thread, one libuv loop, the clock and the timer queue that every
 * other part is given. Nobody outside net/ sees libuv.
 *
 * Life: ht_loop_create(), then the parts are built on it, then ht_loop_run() until
 * somebody calls ht_loop_stop(), then the parts are taken down (each tells by a
 * callback when its handles are closed, so the loop runs until the last of these),
 * then ht_loop_destroy(), which asserts that no handle is left.
 *
 *     struct ht_loop *loop;
 *     if (ht_loop_create(&loop, NULL, &error) != 0) ...
 *     ht_loop_watch_signals(loop, on_signal, daemon, &error);
 *     ht_loop_run(loop);
 *     ht_loop_destroy(loop);
 */

#include "hashtagd/base/clock.h"
#include "hashtagd/base/error.h"
#include "hashtagd/base/histogram.h"
#include "hashtagd/base/timer.h"

struct ht_loop;

/** Called on the loop thread for each SIGTERM, SIGINT or SIGHUP: `signal_number` is that. */
typedef void (*ht_loop_on_signal_fn)(void *user, int signal_number);

/**
 * Makes a loop and sets SIGPIPE of the whole process to be ignored (a client that goes
 * away must not end the daemon). `clock` drives the timers and outlives the loop; NULL
 * means the system's clock. A test may give a manual clock: timers that are due after it
 * was moved fire on the next turn.
 * On success `*loop` is the caller's, who ends it with ht_loop_destroy(). Else HT_ENOMEM
 * or HT_EFATAL (no file descriptors left), `error` (may be NULL) is filled, `*loop` is NULL.
 */
int ht_loop_create(struct ht_loop **loop, struct ht_clock *clock,
                   struct ht_error *error) HT_MUST_CHECK;

/**
 * Frees the loop. Every part that was built on it must be closed before: a handle that is
 * left open is our own mistake, is named on stderr and aborts. Timers that still run are
 * forgotten. NULL is fine. Never from inside ht_loop_run().
 */
void ht_loop_destroy(struct ht_loop *loop);

/** Runs the loop until ht_loop_stop(); may be called again afterwards. */
void ht_loop_run(struct ht_loop *loop);

/** Makes ht_loop_run() return after the current turn. Loop thread only. */
void ht_loop_stop(struct ht_loop *loop);

/** The clock that the timers follow. Owned by the loop or by who gave it. Never NULL. */
struct ht_clock *ht_loop_clock(struct ht_loop *loop);

/** The timer queue that this loop drives; owned by the loop. A timer of 0 ms fires on the next
 * turn. Loop thread only. */
struct ht_timer_queue *ht_loop_timers(struct ht_loop *loop);

/**
 * From now on SIGTERM, SIGINT and SIGHUP call `on_signal` (not NULL) with `user` on the loop
 * thread. Once a loop. HT_EFATAL where a signal cannot be watched; `error` (may be NULL) is
 * filled.
 */
int ht_loop_watch_signals(struct ht_loop *loop, ht_loop_on_signal_fn on_signal, void *user,
                          struct ht_error *error) HT_MUST_CHECK;

/**
 * How late the loop is: an observation a turn, the time the turn took less the time it slept
 * in the kernel waiting for events. That is the longest that an event which arrived during
 * the turn waited before anybody looked. Owned by the loop; loop thread only.
 */
const struct ht_histogram *ht_loop_lag(const struct ht_loop *loop);

/**
 * How much the loop works: an observation a turn, the processor time that its thread took. What the
 * lag has beyond it is not ours: the machine had the processor elsewhere, the process was stopped.
 * Owned by the loop; loop thread only.
 */
const struct ht_histogram *ht_loop_busy(const struct ht_loop *loop);
