// SPDX-License-Identifier: MIT
#pragma once

/**
 * Makes the account's rules equal to those that are wanted (twitter_v2_rules.h):
 *
 *     start -> page, page ... -> nothing differs? -----------------------------------> done
 *                                     `-> dry run of the additions -> delete -> add --^
 *
 * Nothing is changed before X has found all additions valid; where one step fails nothing further
 * is done. Without wanted rules the account's are left as they are; one at least must be there.
 * Life: fill the question, start, done, ht_twitter_v2_sync_finish().
 */

#include "live.h"
#include "twitter_v2_call.h"
#include "twitter_v2_rules.h"

#include "hashtagd/base/buffer.h"
#include "hashtagd/sources/twitter_v2_source.h"

#include <stdbool.h>
#include <stddef.h>

enum ht_twitter_v2_sync_step {
    HT_TWITTER_V2_SYNC_PAGES,
    HT_TWITTER_V2_SYNC_DRY_RUN,
    HT_TWITTER_V2_SYNC_DELETE,
    HT_TWITTER_V2_SYNC_ADD,
};

struct ht_twitter_v2_sync {
    /* the question; nothing is owned, all of it must stay until done */
    struct ht_http_client *client;
    struct ht_live *live;
    const char *base;          /**< as in twitter_v2_url.h */
    const char *authorization; /**< a secret */
    const struct ht_twitter_v2_rule *wanted;
    size_t wanted_count;
    struct ht_twitter_v2_cure_context cure_context;
    bool is_quiet; /**< refused rules are not logged: they were, and are the same */
    /** Called once, last, never from inside start or cancel. */
    void (*done)(struct ht_twitter_v2_sync *sync);
    void *user;
    /* the answer */
    int status;             /**< of the last answer of X, of HTTP; 0: none came */
    struct ht_error error;  /**< code 0: the rules are equal */
    enum ht_source_end end; /**< with an error */
    uint64_t at_least_ms;   /**< with an error */
    size_t held_count;      /**< rules that the account had */
    size_t added, deleted;  /**< rules */
    /* private */
    enum ht_twitter_v2_sync_step step;
    unsigned pages;
    unsigned logged;  /* refused rules */
    size_t at, batch; /* of additions or deletions: where the batch begins, how many it has */
    char next[HT_TWITTER_V2_RULES_NEXT_BYTES];
    struct ht_twitter_v2_held held;
    struct ht_twitter_v2_change change;
    struct ht_buffer url, body;
    struct ht_twitter_v2_call call;
};

/** Begins. */
void ht_twitter_v2_sync_start(struct ht_twitter_v2_sync *sync);

/** Gives up: done follows, with an error. */
void ht_twitter_v2_sync_cancel(struct ht_twitter_v2_sync *sync);

/** Frees the memory; after done, or for zeroed memory. */
void ht_twitter_v2_sync_finish(struct ht_twitter_v2_sync *sync);
