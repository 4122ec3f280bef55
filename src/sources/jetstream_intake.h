// SPDX-License-Identifier: MIT
#pragma once

/**
 * What becomes of the messages of the WebSocket in the source `jetstream`: unpacked where
 * they come compressed, looked at, repeats dropped, and the posts handed to the live source in
 * batches, each with the time at which the stream would go on.
 *
 *     frame -> (unpack) -> look -> wanted? new? -> collected -- flush() --> ht_live_deliver()
 *                            '--> broken: ht_live_refuse()
 */

#include "jetstream_event.h"
#include "live.h"

#include "hashtagd/base/zstd.h"
#include "hashtagd/net/websocket.h"
#include "hashtagd/tally/recent_ids.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** How many events are remembered to know them again: six seconds of 100,000 a second. It takes
 * 12 MB once so many have come. */
#define HT_JETSTREAM_RECENT_COUNT 600000

/** The parts of it. The fields are private, except for the times. */
struct ht_jetstream_intake {
    uint64_t time_us;     /**< the latest; the owner sets it to go on somewhere; 0: none */
    uint64_t first_us;    /**< of the first event that had a time, since the owner set it to 0 */
    struct ht_live *live; /* not owned */
    struct ht_zstd *zstd; /* owned; NULL: nothing comes compressed */
    struct ht_recent_ids *recent; /* owned */
    struct ht_jetstream_looker looker;
    char *bytes; /* owned: the events of the next delivery */
    size_t length;
};

/** Makes it for `live` (not owned, outlives it). `random` is for the secret of its table.
 * HT_ENOMEM, and nothing is to be finished. */
int ht_jetstream_intake_init(struct ht_jetstream_intake *intake, struct ht_live *live,
                             struct ht_random *random) HT_MUST_CHECK;

/** From now on unpacks with `dictionary` (copied). HT_EINVAL where it is not the published one;
 * HT_ENOMEM where memory is out or it is damaged; then all is as before. */
int ht_jetstream_intake_use(struct ht_jetstream_intake *intake,
                            struct ht_slice dictionary) HT_MUST_CHECK;

/** Frees it. NULL and zeroed memory are fine. */
void ht_jetstream_intake_finish(struct ht_jetstream_intake *intake);

/** Takes one message of the socket (`bytes` are copied as far as needed). May deliver what came
 * before. HT_ENOMEM: it was not taken, and must come again. */
int ht_jetstream_intake_take(struct ht_jetstream_intake *intake, enum ht_websocket_kind kind,
                             struct ht_slice bytes) HT_MUST_CHECK;

/** Delivers what was collected, if only a later time. */
void ht_jetstream_intake_flush(struct ht_jetstream_intake *intake);
