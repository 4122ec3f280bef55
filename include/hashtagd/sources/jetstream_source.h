// SPDX-License-Identifier: MIT
#pragma once

/**
 * The source `jetstream`: posts of Bluesky's network as its Jetstream service gives them,
 * over a WebSocket, without an account. It goes on where it was after a restart, a few seconds
 * early, and drops what came before. https://github.com/bluesky-social/jetstream
 */

#include "hashtagd/base/clock.h"
#include "hashtagd/base/log.h"
#include "hashtagd/base/random.h"
#include "hashtagd/base/timer.h"
#include "hashtagd/net/http_client.h"
#include "hashtagd/pipeline/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The number of the published dictionary, as the service's documentation says it. */
#define HT_JETSTREAM_DICTIONARY_ID 1612007021u

/** The most accounts that one may follow, as the service defines it. */
#define HT_JETSTREAM_FOLLOW_MAX 10000

/** Strings are copied. */
struct ht_jetstream_source_options {
    const char *name;              /**< copied; NULL: the type */
    struct ht_clock *clock;        /**< not owned, outlives the source; so the next five */
    struct ht_timer_queue *timers; /**< not owned */
    struct ht_random *random;      /**< not owned */
    struct ht_http_client *client; /**< closed after the source is destroyed */
    const struct ht_log *log;      /**< may be NULL */
    const char *url; /**< base address; NULL: Bluesky's public hosts, one after the other */
    const char *const *follow; /**< DIDs whose posts alone are wanted; NULL where there is none */
    size_t follow_count;
    bool accepts_compressed; /**< zstd with the published dictionary, where `dictionary` is there */
    struct ht_slice dictionary; /**< zstd dictionary 1612007021; empty: no compression */
};

/** Makes the source, to be started once. NULL where memory is out. */
struct ht_source *ht_jetstream_source_create(const struct ht_jetstream_source_options *options);
