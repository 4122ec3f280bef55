// SPDX-License-Identifier: MIT
#pragma once

/**
 * The source `mastodon`: the public timeline of one Mastodon server, or one hashtag's, as
 * server-sent events with a user's token. What a lost connection missed is fetched from the REST
 * timeline. https://docs.joinmastodon.org/methods/streaming/
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

/** Which posts of the timeline. */
enum ht_mastodon_timeline {
    HT_MASTODON_PUBLIC, /**< all that the server knows */
    HT_MASTODON_LOCAL,  /**< of its own users */
    HT_MASTODON_REMOTE, /**< of other servers' users */
};

/** Strings are copied. */
struct ht_mastodon_source_options {
    const char *name;              /**< copied; NULL: the type */
    struct ht_clock *clock;        /**< not owned, outlives the source; so the next four */
    struct ht_timer_queue *timers; /**< of the loop */
    struct ht_random *random;      /**< for the jitter of waits */
    struct ht_http_client *client; /**< closed after the source is destroyed */
    const struct ht_log *log;      /**< may be NULL */
    const char *url;               /**< base address of the server; not NULL */
    const char *access_token;      /**< a user's, scope read:statuses; not NULL */
    enum ht_mastodon_timeline timeline;
    const char *hashtag; /**< only posts with it (without '#'); NULL: all. Mastodon has no REMOTE
                              *   of a hashtag: then it is as PUBLIC */
    bool accepts_compressed; /**< gzip */
};

/** Makes the source, to be started once. NULL where memory is out. */
struct ht_source *ht_mastodon_source_create(const struct ht_mastodon_source_options *options);
