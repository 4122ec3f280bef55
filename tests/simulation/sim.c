// SPDX-License-Identifier: MIT
#include "sim.h"

#include "hashtagd/base/assert.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t world_ns(struct ht_clock *clock)
{
    return HT_CONTAINER_OF(clock, struct sim, clock)->now_ns;
}

static int64_t world_wall_ms(struct ht_clock *clock)
{
    return sim_wall_ms(HT_CONTAINER_OF(clock, struct sim, clock));
}

static uint64_t process_ns(struct ht_clock *clock)
{
    struct sim_process *process = HT_CONTAINER_OF(clock, struct sim_process, clock);
    uint64_t *now_ns = process->is_ghost ? &process->ghost_ns : &process->sim->now_ns;
    *now_ns += process->sim->tick_ns;
    return *now_ns;
}

static int64_t process_wall_ms(struct ht_clock *clock)
{
    const struct sim_process *process = HT_CONTAINER_OF(clock, struct sim_process, clock);
    return sim_wall_ms(process->sim) + process->wall_offset_ms;
}

static const struct ht_clock_ops world_clock_ops = {world_ns, world_wall_ms};
static const struct ht_clock_ops process_clock_ops = {process_ns, process_wall_ms};

void sim_init(struct sim *sim, uint64_t seed)
{
    *sim = (struct sim){.seed = seed, .now_ns = 1000000000, .tick_ns = 1000};
    sim->clock.ops = &world_clock_ops;
    ht_timer_queue_init(&sim->timers, &sim->clock);
    ht_random_init(&sim->random, seed);
    for (unsigned i = 0; i < SIM_PROCESSES; i++) {
        sim->processes[i] =
            (struct sim_process){.clock = {&process_clock_ops}, .sim = sim, .number = i};
    }
}

void sim_finish(struct sim *sim)
{
    ht_timer_queue_finish(&sim->timers);
    free(sim->history.events);
}

int64_t sim_wall_ms(const struct sim *sim)
{
    return SIM_EPOCH_MS + (int64_t)(sim->now_ns / 1000000);
}

/* When the first timer of a queue is due; UINT64_MAX where it has none. The clock is not looked at:
 * that would move it. */
static uint64_t due_ns(const struct ht_timer_queue *queue)
{
    return queue->first == NULL ? UINT64_MAX : queue->first->due_ns;
}

static void fire_first(struct ht_timer_queue *queue)
{
    struct ht_timer *timer = queue->first;
    ht_timer_stop(queue, timer);
    timer->on_due(timer);
}

bool sim_step(struct sim *sim, uint64_t end_ns)
{
    struct ht_timer_queue *first = &sim->timers;
    uint64_t at_ns = due_ns(first);
    for (unsigned i = 0; i < SIM_PROCESSES; i++) {
        struct sim_process *process = &sim->processes[i];
        if (!process->is_running || process->is_ghost) {
            continue;
        }
        uint64_t due = due_ns(&process->timers);
        due = due < process->stalled_until_ns ? process->stalled_until_ns : due;
        if (due < at_ns) {
            at_ns = due;
            first = &process->timers;
        }
    }
    if (at_ns >= end_ns) {
        sim->now_ns = sim->now_ns < end_ns ? end_ns : sim->now_ns;
        return false;
    }
    /* a little at least: who starts timers of 0 ms for ever must not hold time still */
    sim->now_ns = (sim->now_ns < at_ns ? at_ns : sim->now_ns) + 1000;
    sim->steps++;
    fire_first(first);
    return true;
}

struct sim_process *sim_process_begin(struct sim *sim, unsigned number)
{
    struct sim_process *process = &sim->processes[number];
    HT_ASSERT(!process->is_running);
    ht_timer_queue_init(&process->timers, &process->clock);
    ht_random_init(&process->random, ht_random_u64(&sim->random));
    process->is_running = true;
    process->is_ghost = false;
    process->stalled_until_ns = 0;
    return process;
}

void sim_process_end(struct sim_process *process)
{
    ht_timer_queue_finish(&process->timers);
    process->is_running = process->is_ghost = false;
}

void sim_process_kill(struct sim_process *process)
{
    process->is_ghost = true;
    process->ghost_ns = process->sim->now_ns;
}

bool sim_ghost_run(struct sim_process *process, const bool *done, uint64_t limit_ms)
{
    uint64_t end_ns = process->ghost_ns + limit_ms * 1000000;
    while (!*done && due_ns(&process->timers) < end_ns && process->ghost_ns < end_ns) {
        uint64_t due = due_ns(&process->timers);
        process->ghost_ns = (process->ghost_ns < due ? due : process->ghost_ns) + 1000;
        fire_first(&process->timers);
    }
    return *done;
}

bool sim_chance(struct sim *sim, unsigned per_mille)
{
    return per_mille > 0 && ht_random_below(&sim->random, 1000) < per_mille;
}

uint64_t sim_between(struct sim *sim, uint64_t low, uint64_t high)
{
    return low + ht_random_below(&sim->random, high - low + 1);
}

void sim_history_begin(struct sim *sim)
{
    sim->history.events = calloc(SIM_HISTORY_EVENTS, sizeof(*sim->history.events));
    HT_ASSERT(sim->history.events != NULL);
    sim->history.is_on = true;
}

void sim_note(struct sim *sim, const char *format, ...)
{
    struct sim_event *event = &sim->history.events[sim->history.count++ % SIM_HISTORY_EVENTS];
    event->at_ns = sim->now_ns;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(event->text, sizeof(event->text), format, arguments);
    va_end(arguments);
}

void sim_history_print(const struct sim *sim, uint64_t count)
{
    uint64_t kept =
        sim->history.count < SIM_HISTORY_EVENTS ? sim->history.count : SIM_HISTORY_EVENTS;
    for (uint64_t age = count < kept ? count : kept; age > 0; age--) {
        const struct sim_event *event =
            &sim->history.events[(sim->history.count - age) % SIM_HISTORY_EVENTS];
        (void)fprintf(stderr, "%12.6f %s\n", (double)event->at_ns / 1e9, event->text);
    }
}

void sim_fail(struct sim *sim, const char *format, ...)
{
    if (sim->has_failed) {
        return;
    }
    sim->has_failed = true;
    sim->failed_ns = sim->now_ns;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(sim->failure, sizeof(sim->failure), format, arguments);
    va_end(arguments);
    SIM_NOTE(sim, "WRONG: %s", sim->failure);
}
