// SPDX-License-Identifier: MIT
#pragma once

/**
 * One question to X with a short answer, on the way to a stream: for a token, for rules.
 *
 *     start -> (transfer, or 0 ms where it could not begin) -> done
 *
 * Nothing is repeated: the ladder of the source does that. Life: fill the question, start, done.
 */

#include "live.h"
#include "twitter_v2_cure.h"

#include "hashtagd/base/error.h"
#include "hashtagd/base/slice.h"
#include "hashtagd/net/http_client.h"

#include <stdint.h>

struct ht_twitter_v2_call {
    /* the question; nothing is owned, all of it must stay until done */
    struct ht_http_client *client;
    struct ht_live *live;      /**< whose limits are noted, whose timers are used */
    const char *what;          /**< what is asked for, for errors: "the rules of the stream" */
    const char *url;           /**< not NULL */
    const char *authorization; /**< value of that header: a secret */
    const char *content_type;  /**< of the body; NULL where there is none */
    struct ht_slice body;      /**< empty: GET, else POST */
    struct ht_twitter_v2_cure_context cure_context;
    /** Called once, last, never from inside start or cancel; the call may be used again from it. */
    void (*done)(struct ht_twitter_v2_call *call);
    void *user;
    /* the answer, until done returns */
    int status;             /**< of HTTP; 0 where there is no answer */
    struct ht_slice answer; /**< its body */
    struct ht_error error;  /**< code 0 for 200 to 299, else what went wrong and the cure */
    enum ht_source_end end; /**< with an error */
    uint64_t at_least_ms;   /**< with an error: the wait that X asks for; 0: none */
    /* private */
    struct ht_http_transfer *transfer;
    struct ht_timer timer;
};

/** Asks. */
void ht_twitter_v2_call_start(struct ht_twitter_v2_call *call);

/** Gives up: done follows, with an error (HT_ECANCELED, or why it could not begin). */
void ht_twitter_v2_call_cancel(struct ht_twitter_v2_call *call);
