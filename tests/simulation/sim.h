// SPDX-License-Identifier: MIT
#pragma once

/**
 * The core of the simulation: one seed, one clock, one queue of events, two processes.
 *
 * Everything that happens is a timer. The world outside (services, disks, other producers)
 * has one queue; each process has its own, so that it can stand still (SIGSTOP) or be gone
 * (kill -9) while the world goes on. sim_step() fires the one timer that is due first and
 * moves the clock there: idle hours cost nothing. The same seed plays the same play.
 *
 * Time: `now_ns` is the monotonic time of everybody, and of the services' wall clocks. A
 * process looks at it through a clock of its own, which ticks a little at each look, so that
 * slices of work come to their end, and whose wall time can be set.
 *
 * A process that was killed becomes a ghost: its memory is still there and must be taken down
 * by its own code, in a time of its own (sim_ghost_run), while nothing that it does has any
 * effect on the world. What it had under way when it was killed is the world's to decide.
 */

#include "hashtagd/base/clock.h"
#include "hashtagd/base/error.h"
#include "hashtagd/base/random.h"
#include "hashtagd/base/timer.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    SIM_PROCESSES = 2,
    SIM_HISTORY_EVENTS = 1 << 19,
    SIM_HISTORY_BYTES = 192,
    SIM_TEXT_BYTES = 1024,
};

/** 2026-01-01T00:00:00Z: wall time at the start of each play. */
#define SIM_EPOCH_MS INT64_C(1767225600000)

struct sim;

/** One run of the program, as what is under it sees it. */
struct sim_process {
    struct ht_clock clock; /**< hand out: what the stages and adapters look at */
    struct sim *sim;
    unsigned number;              /**< 0 or 1 */
    struct ht_timer_queue timers; /**< hand out */
    struct ht_random random;      /**< hand out: jitter and the like */
    int64_t wall_offset_ms;       /**< how wrong its wall clock is */
    uint64_t stalled_until_ns;    /**< SIGSTOP: no timer of it fires before */
    bool is_running;              /**< between sim_process_begin() and its end or kill */
    bool is_ghost;                /**< killed, and not yet taken down */
    uint64_t ghost_ns;            /**< a ghost's own time */
};

struct sim_event {
    uint64_t at_ns;
    char text[SIM_HISTORY_BYTES];
};

/** The last things that happened, oldest overwritten. Written only where `is_on`. */
struct sim_history {
    bool is_on;
    struct sim_event *events; /* owned ring; NULL until it is switched on */
    uint64_t count;           /* all ever */
};

struct sim {
    uint64_t seed;
    uint64_t now_ns;
    uint64_t tick_ns;             /**< how much a process's look at the clock takes */
    struct ht_clock clock;        /**< the world's: right, and without ticks */
    struct ht_timer_queue timers; /**< the world's events */
    struct ht_random random;      /**< the world's dice; the plan has its own */
    struct sim_process processes[SIM_PROCESSES];
    struct sim_history history;
    uint64_t steps;
    bool has_failed;              /**< a check was not met: the play ends */
    char failure[SIM_TEXT_BYTES]; /**< the first one, in words */
    uint64_t failed_ns;
};

/** Sets up time 0 of the play that belongs to `seed`. */
void sim_init(struct sim *sim, uint64_t seed);

/** Frees the queues and the history; no timer must be of use any more. */
void sim_finish(struct sim *sim);

/** Fires the timer that is due first, in the world or in a process that is not stalled, and moves
 * the clock to it; false where none is due until `end_ns`, and the clock stands there then. */
bool sim_step(struct sim *sim, uint64_t end_ns);

/** A process begins: with an empty queue, and random numbers of its own. */
struct sim_process *sim_process_begin(struct sim *sim, unsigned number);

/** It ended, or its ghost is taken down: frees its queue. */
void sim_process_end(struct sim_process *process);

/** kill -9: it becomes a ghost. */
void sim_process_kill(struct sim_process *process);

/** Lets a ghost run in its own time until `*done`, `limit_ms` at most; returns *done. */
bool sim_ghost_run(struct sim_process *process, const bool *done, uint64_t limit_ms);

/** Throws dice: true `per_mille` of 1000 times. */
bool sim_chance(struct sim *sim, unsigned per_mille);

/** A number from `low` to `high`, both included. */
uint64_t sim_between(struct sim *sim, uint64_t low, uint64_t high);

/** Wall time of the services. */
int64_t sim_wall_ms(const struct sim *sim);

/** Notes an event in the history; costs nothing where that is off. */
#define SIM_NOTE(sim, ...)                                                                         \
    do {                                                                                           \
        if ((sim)->history.is_on) {                                                                \
            sim_note((sim), __VA_ARGS__);                                                          \
        }                                                                                          \
    } while (0)

/** For SIM_NOTE. */
void sim_note(struct sim *sim, const char *format, ...) HT_PRINTF(2, 3);

/** Switches the history on. */
void sim_history_begin(struct sim *sim);

/** Prints the last `count` events to stderr. */
void sim_history_print(const struct sim *sim, uint64_t count);

/** A check was not met. Only the first is kept. */
void sim_fail(struct sim *sim, const char *format, ...) HT_PRINTF(2, 3);
