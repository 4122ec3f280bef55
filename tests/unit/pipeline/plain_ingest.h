// SPDX-License-Identifier: MIT
#pragma once

/** The ingest stage over a world, and whole tweets for it. */

#include "hashtagd/pipeline/ingest.h"

#include "world.h"

/** Room for a tweet. */
#define PLAIN_INGEST_TWEET_BYTES 160

/** Makes and starts the stage; the source is started at once. */
struct ht_ingest *plain_ingest_begin(struct world *world);

/** Stops the stage as it should be, and frees it: nothing of the budget may be left in its hands. */
void plain_ingest_end(struct world *world, struct ht_ingest *ingest);

/** Writes a tweet without hashtags. */
void plain_ingest_tweet(uint64_t id, char text[PLAIN_INGEST_TWEET_BYTES]);
