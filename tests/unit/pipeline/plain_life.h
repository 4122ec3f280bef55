// SPDX-License-Identifier: MIT
#pragma once

/**
 * One life of the count stage over a table that takes a flush as a whole, and a plain stream. The
 * world outlives it, and has as many lives as a test begins; life.h is for tables without
 * transactions.
 *
 *     struct plain_life life;
 *     plain_life_begin(&life, world);
 *     ...
 *     plain_life_end(&life);
 */

#include "hashtagd/pipeline/count.h"

#include "world.h"

struct plain_life {
    struct world *world;
    struct ht_tally *tally;
    struct ht_count *count;
    bool may_be_fatal; /**< set it behind the beginning; else a fatal error fails the test */
    bool is_fatal;
    struct ht_error fatal;
};

/** Makes the tally of a life, and the options of its stage: for tests that change some. */
struct ht_count_options plain_life_make(struct plain_life *life, struct world *world);

/** Makes and starts the stage of a life that was made. */
void plain_life_start(struct plain_life *life, const struct ht_count_options *options);

/** Both, with the usual options. */
void plain_life_begin(struct plain_life *life, struct world *world);

/** Drops the stage without a word, as after kill -9. */
void plain_life_crash(struct plain_life *life);

/** Stops the stage as it should be. */
void plain_life_end(struct plain_life *life);
