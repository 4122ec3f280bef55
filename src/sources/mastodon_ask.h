// SPDX-License-Identifier: MIT
#pragma once

/**
 * One short question to a Mastodon server, with the token: starts, and `done` once with the
 * answer, never from inside the start. Its owner may forget it at any time, and may then be gone
 * before it is. Loop thread only.
 */

#include "hashtagd/base/timer.h"
#include "hashtagd/net/http_client.h"

#include <stdbool.h>
#include <stddef.h>

struct ht_mastodon_ask;

/** What to ask. */
struct ht_mastodon_ask_options {
    struct ht_http_client *client; /**< not owned; closed after the owner is gone */
    struct ht_timer_queue *timers; /**< not owned */
    const char *url;               /**< copied */
    struct ht_slice authorization; /**< value of the header; copied */
    size_t max_bytes;              /**< of the answer */
    bool accepts_compressed;
    /** The result lives until it returns; its body may be taken. The question is gone then. */
    void (*done)(void *user, struct ht_http_result *result);
    void *user;
};

/** Asks. NULL where memory is out: then `done` is not called. */
struct ht_mastodon_ask *ht_mastodon_ask_start(const struct ht_mastodon_ask_options *options);

/** The answer is not wanted any more: `done` is not called. NULL is fine. */
void ht_mastodon_ask_forget(struct ht_mastodon_ask *ask);
