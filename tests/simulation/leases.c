// SPDX-License-Identifier: MIT
#include "plain.h"

#include "hashtagd/base/assert.h"

/*
 * One lease for the whole table "marks", where two daemons may delete: who has it writes.
 *
 *     load -> (waits until it is free, or stood still for LEASE_MS) -> has it -> ... renews it
 *          -> another has it: outdated, until the next load
 *
 * LEASE_MS is longer than a request may take that was sent while the lease was surely held, so what
 * the one before wrote is there when the next one reads.
 */

enum { RENEW_MS = 2000, SURE_MS = 35000, LEASE_MS = 70000 };

static unsigned name_of(const struct plain_side *side)
{
    return side->process->number + 1;
}

static uint64_t age_ms(const struct plain_world *world)
{
    return (world->world.sim->now_ns - world->lease_ns) / 1000000;
}

static void renew(struct plain_world *world)
{
    world->lease_ns = world->world.sim->now_ns;
}

bool plain_lease_is_sure(const struct plain_side *side)
{
    const struct plain_world *world = side->world;
    return !world->world.options.has_leases ||
           (world->lease_owner == name_of(side) && !side->is_outdated && age_ms(world) < SURE_MS);
}

bool plain_lease_is_outdated(struct plain_side *side)
{
    if (side->has_lease && side->world->lease_owner != name_of(side)) {
        side->has_lease = false;
        side->is_outdated = true;
        SIM_NOTE(side->world->world.sim, "lease: daemon %u sees that it lost it",
                 side->process->number);
    }
    return side->is_outdated;
}

/* A process of the same name takes back what was its own, as after a crash. */
static void try_to_take(struct plain_side *side)
{
    struct plain_world *world = side->world;
    bool is_free =
        world->lease_owner == 0 || world->lease_owner == name_of(side) || age_ms(world) >= LEASE_MS;
    struct ht_table_load *load = side->waiting_load;
    if (!is_free || load == NULL) {
        return;
    }
    SIM_NOTE(world->world.sim, "lease: daemon %u takes it", side->process->number);
    world->lease_owner = name_of(side);
    renew(world);
    side->has_lease = true;
    side->is_outdated = false;
    side->waiting_load = NULL;
    plain_marks_read(side, load);
}

static void on_tick(struct ht_timer *timer)
{
    struct plain_side *side = HT_CONTAINER_OF(timer, struct plain_side, lease_timer);
    if (side->is_dropped) {
        return;
    }
    if (side->has_lease && !plain_lease_is_outdated(side)) {
        renew(side->world);
    }
    try_to_take(side);
    ht_timer_start(&side->process->timers, timer, RENEW_MS);
}

void plain_lease_load(struct plain_side *side, struct ht_table_load *load)
{
    HT_ASSERT(side->waiting_load == NULL);
    side->waiting_load = load;
    if (!side->is_dropped) {
        try_to_take(side);
    }
}

void plain_lease_open(struct plain_side *side)
{
    ht_timer_init(&side->lease_timer, on_tick);
    if (side->world->world.options.has_leases) {
        ht_timer_start(&side->process->timers, &side->lease_timer, RENEW_MS);
    }
}

void plain_lease_close(struct plain_side *side)
{
    struct plain_world *world = side->world;
    ht_timer_stop(&side->process->timers, &side->lease_timer);
    if (world->lease_owner == name_of(side) && !side->is_dropped) {
        world->lease_owner = 0; /* given back */
    }
}
