// SPDX-License-Identifier: MIT
#pragma once

/**
 * Timers without a loop: a queue ordered by due time, linked through the callers' own
 * structs (a pairing heap), so that starting one needs no memory and cannot fail. The event loop asks ht_timer_queue_next_ns() how long it
 * may sleep and calls ht_timer_queue_run() when it wakes; a test does the same with
 * a manual clock. Stages and adapters see only this, never a loop.
 *
 *     ht_timer_init(&stage->flush_timer, on_flush_due);
 *     ht_timer_start(stage->timers, &stage->flush_timer, 1000);
 *     ...
 *     static void on_flush_due(struct ht_timer *timer)
 *     {
 *         struct ht_count *stage = HT_CONTAINER_OF(timer, struct ht_count, flush_timer);
 *
 * A timer fires once; start it again from its callback to repeat. A delay of 0 means
 * "on the next turn", never at once: that is how work is put off so that no caller is
 * called back from inside its own call. A timer that is stopped does not fire and
 * needs no close. One thread only.
 */

#include "hashtagd/base/clock.h"
#include "hashtagd/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ht_timer;
struct ht_timer_queue;

/** Called when the timer is due; the timer is already stopped and may be started again or its
 * memory freed. */
typedef void (*ht_timer_fn)(struct ht_timer *timer);

/** One timer, inside its owner's struct. The fields are private. */
struct ht_timer {
    ht_timer_fn on_due;
    uint64_t due_ns;
    uint64_t order; /* ties fire in the order of their start */
    struct ht_timer *child, *next;
    struct ht_timer *before; /* the one that has this as `next`, or the parent as `child` */
    bool is_running;
};

/** The queue. The fields are private. */
struct ht_timer_queue {
    struct ht_clock *clock; /* not owned */
    struct ht_timer *first; /* the earliest, not owned; the others hang from it */
    uint64_t next_order;
    /* called when the earliest due time changed, so that a sleeping loop can adjust; may be NULL */
    void (*on_change)(void *user);
    void *on_change_user;
};

/** Makes an empty queue over `clock` (not owned, outlives the queue). */
void ht_timer_queue_init(struct ht_timer_queue *queue, struct ht_clock *clock);

/** Empties the queue. Timers that still run must be there: they are stopped, not fired. */
void ht_timer_queue_finish(struct ht_timer_queue *queue);

/** Nanoseconds until the next timer is due: 0 where one is due already, UINT64_MAX where none
 * runs. */
uint64_t ht_timer_queue_next_ns(const struct ht_timer_queue *queue);

/** Fires every timer that is due now, in order of due time. Timers that are started meanwhile wait
 * for the next call. Returns how many fired. */
size_t ht_timer_queue_run(struct ht_timer_queue *queue);

/** Makes a stopped timer. */
void ht_timer_init(struct ht_timer *timer, ht_timer_fn on_due);

/** (Re)starts the timer to fire in `delay_ms`. Needs no memory. */
void ht_timer_start(struct ht_timer_queue *queue, struct ht_timer *timer, uint64_t delay_ms);

/** Stops the timer; one that does not run is left alone. */
void ht_timer_stop(struct ht_timer_queue *queue, struct ht_timer *timer);

/** Whether the timer waits to fire. */
static inline bool ht_timer_is_running(const struct ht_timer *timer)
{
    return timer->is_running;
}
