// SPDX-License-Identifier: MIT
#pragma once

/**
 * The source `synthetic`: pushes what sources/synthetic_tweets.h makes into the sink, at
 * an even rate or as fast as the sink takes it (then in slices of half a millisecond, so that the
 * loop turns in between). A worker thread makes them ahead, so that this load costs the loop
 * little, as tweets from a network would.
 *
 * Its cursor names the seed and the index of the next message. A cursor of the same seed makes
 * it go on there, so no tweet comes twice; a cursor of another seed or of another source is
 * ignored, and it begins with the first message.
 *
 *     struct ht_source *source = ht_synthetic_source_create(&(struct ht_synthetic_source_options){
 *         .clock = clock, .timers = timers, .seed = 1, .rate = 200});
 *     source->ops->start(source, sink, cursor);
 *     ...source->position is the index of the next message...
 *     source->ops->stop(source, on_stopped, user);   // and from on_stopped on:
 *     source->ops->destroy(source);
 */

#include "hashtagd/base/clock.h"
#include "hashtagd/base/timer.h"
#include "hashtagd/net/worker.h"
#include "hashtagd/pipeline/source.h"

#include <stdint.h>

/** The highest rate, in messages a second; a higher one means this. */
#define HT_SYNTHETIC_SOURCE_RATE_MAX 1000000000u

struct ht_synthetic_source_options {
    struct ht_clock *clock;        /**< not owned, outlives the source */
    struct ht_timer_queue *timers; /**< not owned, outlives the source */
    struct ht_worker *worker;      /**< makes the messages; not owned, outlives the source. NULL:
                                    *   they are made on the loop thread, as they are needed */
    uint64_t seed;                 /**< the same seed makes the same tweets */
    uint64_t rate;                 /**< messages a second; 0: no limit */
    uint64_t limit; /**< the source is idle once the messages with a lower index are out, those
                     * of earlier runs counted; 0: never */
};

/** Makes the source, to be started once. NULL where memory is out. */
struct ht_source *ht_synthetic_source_create(const struct ht_synthetic_source_options *options);
