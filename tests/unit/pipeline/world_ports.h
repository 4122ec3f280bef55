// SPDX-License-Identifier: MIT
#pragma once

/** The ports of a world: world.c makes them, world_ports.c and world_table.c are them. */

#include "world.h"

/** One operation that will be answered. */
struct world_operation {
    struct ht_timer timer;
    struct world *world;
    struct world_operation *next;
    void (*answer)(struct world_operation *operation); /* called once, then it is freed */
    void *request;
};

/** Sets all ports up. */
void world_ports_init(struct world *world);

/** Answers `request` by `answer` after a while. */
void world_answer_later(struct world *world, void *request,
                        void (*answer)(struct world_operation *operation));

/** Takes one from a fault counter: whether this operation fails. */
bool world_takes_fault(unsigned *faults);

/** Fills an error of a world. */
void world_fail(int *status, struct ht_error *error, const char *what);

/** The table and the change feed. */
extern const struct ht_table_ops world_table_ops;
extern const struct ht_changes_ops world_changes_ops;

/** Answers a change feed read that waits. */
void world_changes_due(struct ht_timer *timer);
