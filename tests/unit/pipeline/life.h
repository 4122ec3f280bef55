// SPDX-License-Identifier: MIT
#pragma once

/** One life after the other of the count stage over a table without transactions and a stream like
 * Kinesis: what is durable in the world outlives each. */

#include "hashtagd/pipeline/count.h"

#include "world.h"

/** Time passes with each look at it, so that slices of time end. */
struct ticking_clock {
    struct ht_clock clock;
    struct ht_manual_clock *manual;
    uint64_t tick_ns;
};

struct life {
    struct world *world;
    struct ticking_clock clock;
    struct ht_tally *tally;
    struct ht_count *count;
    struct ht_count_options options;
    struct ht_count_delete deletion;
    bool is_answered;
};

/** A world and the options of the stages to come; nothing runs yet. */
struct life *life_create(uint64_t seed, size_t shard_count);

/** Makes and starts a stage. */
void life_begin(struct life *life);

/** Drops the stage without a word, as after kill -9. */
void life_crash(struct life *life);

/** Stops the stage as it should be, and frees all. */
void life_end(struct life *life);

/** What the tally knows of a tag. */
uint64_t life_knows(const struct life *life, const char *tag);

/** Asks for a deletion; `is_answered` tells when it is. */
void life_ask_to_delete(struct life *life, const char *tag);

/** The state of a shard. */
enum ht_count_shard_state life_state_of(const struct life *life, const char *id);
