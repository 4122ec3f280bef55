// SPDX-License-Identifier: MIT
#pragma once

/**
 * X API v2 as far as a script goes: a server on loopback that expects requests in order and gives
 * their answers, a client, a sink and a log in memory. The clock jumps over the waits of the source
 * and notes them.
 *
 *     struct fake_x x = {.steps = steps, .step_count = HT_COUNT_OF(steps)};
 *     fake_x_start(&x);
 *     x.source = ...create...(the parts of x);
 *     fake_x_run(&x);          // until the last step was answered and the source waits
 *     fake_x_finish(&x);       // stops the source; fails the test where a request was another
 */

#include "fake_sink.h"

#include "hashtagd/base/random.h"
#include "hashtagd/net/http_client.h"
#include "hashtagd/net/http_server.h"
#include "hashtagd/net/loop.h"
#include "hashtagd/net/sse.h"
#include "hashtagd/pipeline/source.h"

#define FAKE_X_WAITS 16
#define FAKE_X_SEEN  4096

/** A request that is expected, and its answer. */
struct fake_x_step {
    const char *request; /**< method and target, as "GET /2/tweets..."; a beginning is enough */
    const char *authorization;  /**< NULL: any */
    const char *body;           /**< the whole; NULL: any */
    int status;                 /**< 0: no answer at all */
    const char *answer;         /**< NULL: empty; of a 200 of a stream its whole body */
    size_t answer_length;       /**< 0: that of the text */
    const char *header, *value; /**< one more field of the answer; NULL: none */
    bool lacks_memory;          /**< JSON finds no memory from the answer to the next request */
    bool stays_open;            /**< 200 and a few bytes, then nothing: until either side goes */
};

struct fake_x {
    /* before the start */
    const struct fake_x_step *steps;
    size_t step_count;
    /* after it */
    struct ht_clock clock; /**< the system's and what was jumped over */
    struct ht_clock system;
    uint64_t jumped_ns;
    struct ht_loop *loop;
    struct ht_timer_queue *timers;
    struct ht_random random;
    struct ht_http_client *client;
    struct ht_http_server *server;
    struct ht_log log; /**< all levels, into memory */
    char url[64];
    struct fake_sink sink;
    struct ht_source *source; /**< the test makes it; started by fake_x_run(), owned from then on */
    size_t at;                /**< steps answered */
    char wrong[1024];         /**< what was not as expected; empty: nothing */
    unsigned wait_count;
    int64_t waits_s[FAKE_X_WAITS]; /**< of the source, rounded up to seconds */
    bool is_over;                  /**< ends fake_x_run() */
    bool wants_all_waits;          /**< waits after the last step are over too, until is_over */
    struct ht_timer tick;
    uint64_t patience_ns;
    struct ht_sse *open; /**< the stream that stays open */
    unsigned gone_count; /**< streams that the client closed */
    struct ht_http_request *unanswered[4];
    unsigned unanswered_count;
    bool is_started, is_stopped;
    unsigned open_parts;
};

/** Makes it all. */
void fake_x_start(struct fake_x *x);

/** Starts the source (where there is one, and it is not started) and runs until
 * `is_over`, or until all steps are used and the source waits or asks once more. Fails the test after 20 s. */
void fake_x_run(struct fake_x *x);

/** Runs some turns, `ms` of real time. */
void fake_x_run_for(struct fake_x *x, unsigned ms);

/** Lets the clock jump. */
void fake_x_jump(struct fake_x *x, uint64_t ms);

/** Everything that was logged; lives until fake_x_finish(). */
const char *fake_x_logged(struct fake_x *x);

/** Stops and frees everything. Fails the test where a request was not as expected or is missing. */
void fake_x_finish(struct fake_x *x);
