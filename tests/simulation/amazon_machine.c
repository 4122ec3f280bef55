// SPDX-License-Identifier: MIT
#include "amazon_wire.h"

#include "hashtagd/base/assert.h"

/* The loop, the worker and the HTTP client that a program is given are the machine itself; these stand
 * in the place of the few functions that would look into them (the linker's --wrap). */

#define MACHINE_MAGIC 0x414d617au

struct ht_clock *__wrap_ht_loop_clock(struct ht_loop *loop);
struct ht_timer_queue *__wrap_ht_loop_timers(struct ht_loop *loop);
void __wrap_ht_worker_submit(struct ht_worker *worker, struct ht_job *job);

static void on_job_due(struct ht_timer *timer);

struct amazon_machine *amazon_machine_from(const void *pointer)
{
    struct amazon_machine *machine = (struct amazon_machine *)(uintptr_t)pointer;
    HT_ASSERT(machine != NULL && machine->magic == MACHINE_MAGIC);
    return machine;
}

void amazon_machine_init(struct amazon_machine *machine, struct amazon *amazon,
                         struct sim_process *process)
{
    *machine =
        (struct amazon_machine){.magic = MACHINE_MAGIC, .amazon = amazon, .process = process};
    ht_timer_init(&machine->job_timer, on_job_due);
}

void amazon_machine_kill(struct amazon_machine *machine)
{
    machine->is_dead = true;
    amazon_wires_kill(machine);
}

void amazon_machine_finish(struct amazon_machine *machine)
{
    HT_ASSERT(machine->first_job == NULL);
    amazon_wires_forget(machine);
    machine->magic = 0;
}

struct ht_loop *amazon_machine_loop(struct amazon_machine *machine)
{
    return (struct ht_loop *)(void *)machine;
}

struct ht_worker *amazon_machine_worker(struct amazon_machine *machine)
{
    return (struct ht_worker *)(void *)machine;
}

struct ht_http_client *amazon_machine_http(struct amazon_machine *machine)
{
    return (struct ht_http_client *)(void *)machine;
}

struct ht_clock *__wrap_ht_loop_clock(struct ht_loop *loop)
{
    return &amazon_machine_from(loop)->process->clock;
}

struct ht_timer_queue *__wrap_ht_loop_timers(struct ht_loop *loop)
{
    return &amazon_machine_from(loop)->process->timers;
}

/* Jobs run one after the other, each after some milliseconds. */
static void start_job(struct amazon_machine *machine)
{
    ht_timer_start(&machine->process->timers, &machine->job_timer,
                   ht_random_below(&machine->process->random, 5));
}

void __wrap_ht_worker_submit(struct ht_worker *worker, struct ht_job *job)
{
    struct amazon_machine *machine = amazon_machine_from(worker);
    job->next = NULL;
    if (machine->first_job == NULL) {
        machine->first_job = job;
        start_job(machine);
    } else {
        machine->last_job->next = job;
    }
    machine->last_job = job;
}

static void on_job_due(struct ht_timer *timer)
{
    struct amazon_machine *machine = HT_CONTAINER_OF(timer, struct amazon_machine, job_timer);
    struct ht_job *job = machine->first_job;
    job->run(job);
    machine->first_job = job->next;
    if (machine->first_job != NULL) {
        start_job(machine);
    }
    job->done(job);
}
