// SPDX-License-Identifier: MIT
#pragma once

/**
 * A play: a plan drawn from a seed, carried out over a world, and reckoned by the accountant.
 *
 *     plan -> hours of records, deletions, faults, crashes -> heal -> settle -> reckon
 *          -> a clean stop -> a start -> reckon again
 */

#include "accountant.h"
#include "daemon.h"
#include "service.h"
#include "world.h"

#include <stdint.h>

/** What a play is like; all of it from the seed. */
struct sim_plan {
    const struct sim_backing *backing;
    struct sim_world_options world;
    struct sim_daemon_options daemon;
    struct sim_messages_options messages;
    struct sim_service_faults service;
    uint64_t tick_ns;
    uint64_t pace_ms;      /**< between two actions, about */
    unsigned recent;       /**< how far back a repeat or an edit may lie, in messages */
    unsigned badness;      /**< how bad a bad time is: 0 .. 3 */
    bool has_second;       /**< two daemons at times */
    bool takes_over;       /**< one of them stands still often, and the other takes over */
    bool is_late;          /**< requests arrive late; then nothing is deleted */
    bool deletes, expires; /**< users and other programs delete */
    bool foreign;          /**< others add to items */
    bool jumps;            /**< the wall clock is set */
    bool floods;           /**< thousands of records in seconds, at times */
    bool kills, stops, stalls;
    bool reshards;
    bool trims;
};

struct sim_result {
    bool has_failed;
    char failure[SIM_TEXT_BYTES];
    uint64_t steps, records, removals, lines, kills, drains, deadlines, simulated_ms;
};

struct sim_play_options {
    uint64_t seed;
    const char *world; /**< the name of a backing; NULL: any, by the seed */
    uint64_t hours_ms; /**< how long things happen */
    bool is_verbose;   /**< keep a history and print it where the play fails */
    uint64_t events;   /**< how many of its last events to print */
    bool
        is_boundless; /**< also what is documented as not exact (docs/promises.md): such plays fail */
};

/** The backing of that name; NULL where there is none. Slow ones too. */
const struct sim_backing *sim_plan_backing(const char *name);

/** Draws the plan of the seed. */
void sim_plan_draw(struct sim_plan *plan, const struct sim_play_options *options);

/** Writes it in words. */
void sim_plan_tell(const struct sim_plan *plan, char *text, size_t room);

/** Plays one. */
void sim_play(const struct sim_play_options *options, struct sim_result *result);
