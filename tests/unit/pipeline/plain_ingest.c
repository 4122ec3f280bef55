// SPDX-License-Identifier: MIT

#include "plain_ingest.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

struct ht_ingest *plain_ingest_begin(struct world *world)
{
    struct ht_ingest_options options = {.source = &world->source,
                                        .stream = &world->stream,
                                        .dead_letters = &world->dead_letters,
                                        .clock = &world->clock.clock,
                                        .timers = &world->timers,
                                        .random = &world->random,
                                        .budget = &world->budget,
                                        .tweet_key = {1, 2}};
    struct ht_ingest *ingest = ht_ingest_create(&options);
    assert_non_null(ingest);
    ht_ingest_start(ingest);
    assert_true(world->is_source_started);
    return ingest;
}

void plain_ingest_end(struct world *world, struct ht_ingest *ingest)
{
    bool stopped = false;
    ht_ingest_stop(ingest, world_set_true, &stopped);
    assert_false(stopped);
    assert_true(world_run_until(world, &stopped, 60000));
    ht_ingest_destroy(ingest);
    assert_int_equal(world->budget.used_bytes, 0);
}

void plain_ingest_tweet(uint64_t id, char text[PLAIN_INGEST_TWEET_BYTES])
{
    (void)snprintf(text, PLAIN_INGEST_TWEET_BYTES,
                   "{\"id\":%" PRIu64 ",\"id_str\":\"%" PRIu64
                   "\",\"text\":\"x\",\"user\":{},\"entities\":{}}",
                   id, id);
}
