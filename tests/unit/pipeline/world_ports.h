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
    char tag[WORLD_TAG_BYTES]; /* of a change that is told */
    uint64_t count;
};

/** Sets all ports up. */
void world_ports_init(struct world *world);

/** Answers `request` by `answer` after a while. */
struct world_operation *world_answer_later(struct world *world, void *request,
                                           void (*answer)(struct world_operation *operation));

/** The number of a record by its place in the stream, and the place of a number. */
uint64_t world_number(const struct world *world, struct ht_slice sequence, uint64_t sub_sequence);
void world_place(const struct world *world, uint64_t number, char sequence[64],
                 uint64_t *sub_sequence);

/** The number of a shard. */
unsigned world_shard_number(const struct world *world, const char *id);

/** The item of a tag, made where it is not there. */
struct world_item *world_item_of(struct world *world, struct ht_slice tag);

/** The item as the port says it. */
struct ht_item world_describe(const struct world_item *item);

/** Removes an item and notes it for the change feed; false where there is none. */
bool world_remove(struct world *world, struct ht_slice tag, int64_t now_s);

/** Writes a checkpoint. */
void world_checkpoint(struct world *world, const struct ht_checkpoint *checkpoint);

/** Appends to the log of the windows. */
void world_log_window(struct world *world, int64_t minute, char kind, struct ht_slice data);

/** Gives the log of the windows to a load. */
void world_load_windows(struct world *world, struct ht_table_load *load);

/** The table of an owner. */
extern const struct ht_table_ops world_owner_ops;

/** Takes one from a fault counter: whether this operation fails. */
bool world_takes_fault(unsigned *faults);

/** Fills an error of a world. */
void world_fail(int *status, struct ht_error *error, const char *what);

/** The table and the change feed. */
extern const struct ht_table_ops world_table_ops;
extern const struct ht_changes_ops world_changes_ops;

/** Answers a change feed read that waits. */
void world_changes_due(struct ht_timer *timer);
