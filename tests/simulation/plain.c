// SPDX-License-Identifier: MIT
#include "plain.h"

#include "hashtagd/base/assert.h"

#include <stdlib.h>

/* What both backings do alike: make a world, open and close the sides of the processes. */

static void on_close_due(struct ht_timer *timer);

static struct plain_world *plain_of(struct sim_world *world)
{
    return HT_CONTAINER_OF(world, struct plain_world, world);
}

struct sim_world *plain_create(struct sim *sim, struct sim_truth *truth,
                               const struct sim_world_options *options, bool is_marks)
{
    struct plain_world *world = calloc(1, sizeof(*world));
    HT_ASSERT(world != NULL);
    world->world =
        (struct sim_world){.backing = is_marks ? &sim_backing_marks : &sim_backing_transactional,
                           .sim = sim,
                           .truth = truth,
                           .options = *options};
    world->is_marks = is_marks;
    world->archive_buffer_ms = ht_random_below(&sim->random, 3) * 10000;
    for (unsigned i = 0; i < SIM_PROCESSES; i++) {
        world->sides[i].world = world;
    }
    plain_stream_init(world);
    return &world->world;
}

void plain_destroy(struct sim_world *world)
{
    struct plain_world *plain = plain_of(world);
    while (plain->orphans != NULL) {
        plain_free(plain->orphans);
    }
    plain_stream_finish(plain);
    plain_table_finish(plain);
    plain_feed_finish(plain);
    free(plain);
}

void plain_open(struct sim_world *world, struct sim_process *process, struct ht_budget *budget,
                struct sim_ports *ports)
{
    struct plain_side *side = &plain_of(world)->sides[process->number];
    (void)budget;
    *side = (struct plain_side){.world = plain_of(world), .process = process, .is_open = true};
    ht_timer_init(&side->close_timer, on_close_due);
    plain_stream_open(side);
    plain_feed_open(side);
    plain_archive_open(side);
    plain_letters_open(side);
    (plain_of(world)->is_marks ? plain_marks_open : plain_transactional_open)(side);
    bool archives = world->options.archives;
    *ports = (struct sim_ports){.stream = &side->stream,
                                .table = &side->table,
                                .changes = archives ? &side->changes : NULL,
                                .archive = archives ? &side->archive : NULL,
                                .dead_letters = &side->letters};
}

static void on_close_due(struct ht_timer *timer)
{
    struct plain_side *side = HT_CONTAINER_OF(timer, struct plain_side, close_timer);
    if (side->requests != NULL) {
        /* the table's load, for one, is not waited for by a stop */
        for (struct plain_request *at = side->requests; at != NULL; at = at->next) {
            plain_cancel(at, HT_ECANCELED);
        }
        ht_timer_start(&side->process->timers, timer, 10);
        return;
    }
    side->on_closed(side->on_closed_user);
}

void plain_close(struct sim_world *world, unsigned process, void (*on_closed)(void *user),
                 void *user)
{
    struct plain_side *side = &plain_of(world)->sides[process];
    side->on_closed = on_closed;
    side->on_closed_user = user;
    ht_timer_start(&side->process->timers, &side->close_timer, 0);
}

void plain_drop_process(struct sim_world *world, unsigned process)
{
    struct plain_world *plain = plain_of(world);
    struct plain_side *side = &plain->sides[process];
    for (unsigned i = 0; i < SIM_SHARDS_MAX; i++) {
        plain->readers[i][process] = NULL;
    }
    plain_drop(side);
    plain_archive_drop(side);
    plain_feed_drop(side);
}

void plain_take_down(struct sim_world *world, unsigned process)
{
    struct plain_side *side = &plain_of(world)->sides[process];
    HT_ASSERT(side->requests == NULL && side->appends == NULL && side->feed_read == NULL);
    plain_marks_finish(side);
    free(side->removed);
    free(side->totals);
    side->removed = NULL;
    side->totals = NULL;
    side->is_open = false;
}

void plain_set_faults(struct sim_world *world, const struct sim_faults *faults)
{
    world->faults = *faults;
}
