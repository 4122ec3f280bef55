// SPDX-License-Identifier: MIT
#include "plain.h"

#include "hashtagd/base/assert.h"

#include <stdlib.h>

/*
 * The life of a request:
 *
 *     plain_start -> (world's queue) on_effect_due -> effect -> (process's queue) on_answer_due
 *         |                                                          -> answer -> freed
 *         +-- drop: effect now | never | later, as an orphan; the answer in the ghost's time
 */

static void on_effect_due(struct ht_timer *timer);
static void on_answer_due(struct ht_timer *timer);

static void enter(struct plain_request *request, struct plain_request **list)
{
    request->next = *list;
    request->link = list;
    if (request->next != NULL) {
        request->next->link = &request->next;
    }
    *list = request;
}

static void leave(struct plain_request *request)
{
    *request->link = request->next;
    if (request->next != NULL) {
        request->next->link = request->link;
    }
}

static struct ht_timer_queue *queue_of(struct plain_request *request)
{
    bool is_of_process = request->is_answering && request->side != NULL;
    return is_of_process ? &request->side->process->timers : &request->world->world.sim->timers;
}

void plain_free(struct plain_request *request)
{
    ht_timer_stop(queue_of(request), &request->timer);
    leave(request);
    if (request->made != NULL && request->kind->discard != NULL) {
        request->kind->discard(request);
    }
    free(request);
}

uint64_t plain_latency_ms(struct plain_world *world)
{
    struct sim *sim = world->world.sim;
    const struct sim_faults *faults = &world->world.faults;
    uint64_t most_ms = sim_chance(sim, faults->slow) ? faults->slow_ms : faults->latency_ms;
    return ht_random_below(&sim->random, most_ms + 1);
}

int plain_outage(const struct plain_world *world, enum plain_part part, bool is_write)
{
    const struct sim_faults *faults = &world->world.faults;
    bool is_out = faults->is_unreachable || (part == PLAIN_STREAM && faults->is_stream_out) ||
                  (part == PLAIN_TABLE && faults->is_table_out) ||
                  (part == PLAIN_ARCHIVE && faults->is_archive_out) ||
                  (part == PLAIN_LETTERS && faults->are_letters_out);
    if (is_out) {
        return HT_ECONNECTION;
    }
    if (faults->is_refusing) {
        return HT_EPERMISSION;
    }
    return faults->is_disk_full && is_write ? HT_ENOSPC : 0;
}

void plain_error(struct ht_error *error, int code, const char *what)
{
    (void)ht_error_set(error, code, "%s: %s", what, ht_error_meaning(code));
}

struct plain_request *plain_orphan(const struct plain_request *request, uint64_t delay_ms)
{
    struct plain_request *orphan = malloc(sizeof(*orphan));
    HT_ASSERT(orphan != NULL);
    *orphan = *request;
    orphan->side = NULL;
    orphan->user = NULL;
    orphan->is_answering = false;
    orphan->has_effect = true;
    ht_timer_init(&orphan->timer, on_effect_due);
    enter(orphan, &request->world->orphans);
    ht_timer_start(&request->world->world.sim->timers, &orphan->timer, delay_ms);
    return orphan;
}

/* Decides what becomes of it. */
static void throw_dice(struct plain_request *request, enum plain_part part)
{
    struct plain_world *world = request->world;
    struct sim *sim = world->world.sim;
    const struct sim_faults *faults = &world->world.faults;
    request->code = plain_outage(world, part, request->kind->is_write);
    request->has_effect = request->code == 0;
    if (request->code != 0) {
        return;
    }
    if (sim_chance(sim, faults->throttled)) {
        request->code = HT_EBUSY;
        request->has_effect = false;
    } else if (sim_chance(sim, faults->lost_request)) {
        request->code = HT_ETIMEDOUT;
        request->has_effect = false;
    } else if (request->kind->is_remote && sim_chance(sim, faults->lost_answer)) {
        request->code = HT_ETIMEDOUT;
    }
}

void plain_make_late(struct plain_request *request)
{
    struct plain_world *world = request->world;
    const struct sim_faults *faults = &world->world.faults;
    if (request->code == 0 && request->kind->is_copied && !request->is_answering &&
        sim_chance(world->world.sim, faults->late_request)) {
        (void)plain_orphan(request, sim_between(world->world.sim, 0, faults->late_ms));
        request->code = HT_ETIMEDOUT;
        request->has_effect = false;
    }
}

struct plain_request *plain_start(struct plain_side *side, const struct plain_kind *kind,
                                  enum plain_part part, void *user)
{
    struct plain_request *request = calloc(1, sizeof(*request));
    HT_ASSERT(request != NULL);
    request->world = side->world;
    request->side = side;
    request->kind = kind;
    request->user = user;
    enter(request, &side->requests);
    if (side->is_dropped) {
        request->code = HT_ECANCELED;
        request->is_answering = true;
        ht_timer_init(&request->timer, on_answer_due);
        ht_timer_start(&side->process->timers, &request->timer, 0);
        return request;
    }
    throw_dice(request, part);
    ht_timer_init(&request->timer, on_effect_due);
    ht_timer_start(&side->world->world.sim->timers, &request->timer, plain_latency_ms(side->world));
    return request;
}

void plain_delay(struct plain_request *request, uint64_t delay_ms)
{
    if (!request->is_answering) {
        ht_timer_start(queue_of(request), &request->timer, delay_ms);
    }
}

static void answer_later(struct plain_request *request, uint64_t delay_ms)
{
    request->is_answering = true;
    ht_timer_init(&request->timer, on_answer_due);
    ht_timer_start(&request->side->process->timers, &request->timer, delay_ms);
}

static void on_effect_due(struct ht_timer *timer)
{
    struct plain_request *request = HT_CONTAINER_OF(timer, struct plain_request, timer);
    if (request->has_effect && request->kind->effect != NULL) {
        request->kind->effect(request);
        if (ht_timer_is_running(&request->timer)) {
            return; /* it waits for something */
        }
    }
    if (request->side == NULL) {
        plain_free(request);
        return;
    }
    /* a request that gets no answer is given up by the adapter, after a while */
    uint64_t patience_ms = request->code == HT_ETIMEDOUT ? 2000 : 0;
    answer_later(request, patience_ms + plain_latency_ms(request->world));
}

static void on_answer_due(struct ht_timer *timer)
{
    struct plain_request *request = HT_CONTAINER_OF(timer, struct plain_request, timer);
    struct ht_error error;
    ht_error_clear(&error);
    if (request->code != 0) {
        plain_error(&error, request->code, request->kind->name);
    }
    leave(request);
    request->next = NULL;
    request->link = &request->next;
    request->kind->answer(request, request->code, &error);
    if (request->made != NULL && request->kind->discard != NULL) {
        request->kind->discard(request);
    }
    free(request);
}

void plain_cancel(struct plain_request *request, int code)
{
    if (request->is_answering) {
        return;
    }
    ht_timer_stop(queue_of(request), &request->timer);
    request->code = code;
    request->has_effect = false;
    answer_later(request, 0);
}

/* What was on its way when the process went. */
static void decide_alone(struct plain_request *request)
{
    struct plain_world *world = request->world;
    struct sim *sim = world->world.sim;
    uint64_t dice = ht_random_below(&sim->random, 4);
    if (!request->has_effect || !request->kind->is_write || dice == 0) {
        return;
    }
    if (request->kind->is_copied && world->world.faults.late_ms > 0 && dice == 1) {
        (void)plain_orphan(request, sim_between(sim, 0, world->world.faults.late_ms));
        return;
    }
    ht_timer_stop(&sim->timers, &request->timer);
    request->kind->effect(request);
}

void plain_drop(struct plain_side *side)
{
    side->is_dropped = true;
    for (struct plain_request *at = side->requests; at != NULL; at = at->next) {
        if (!at->is_answering) {
            decide_alone(at);
            ht_timer_stop(&side->world->world.sim->timers, &at->timer);
            at->has_effect = false;
            at->is_answering = true;
            ht_timer_init(&at->timer, on_answer_due);
        }
        at->code = HT_ECANCELED;
        ht_timer_start(&side->process->timers, &at->timer, 0);
    }
}
