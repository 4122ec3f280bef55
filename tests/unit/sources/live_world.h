// SPDX-License-Identifier: MIT
#pragma once

/**
 * A world for tests of live sources that speak HTTP: a loop, an HTTP client, a sink, and a
 * server on loopback in the same thread that answers as the test has written down. Link `live_world`.
 *
 *     struct live_world world = {0};
 *     live_world_start(&world);
 *     live_world_expect(&world, &(struct live_world_exchange){
 *         .head_parts = {"GET /2/tweets/sample/stream", "Authorization: Bearer abc"},
 *         .body = HT_SLICE("{\"a\":1}\r\n"), .piece_bytes = 1, .ending = LIVE_WORLD_STAYS});
 *     struct ht_twitter_v2_source_options options = {.clock = world.clock, .timers = world.timers,
 *         .random = &world.random, .client = world.http, .url = world.url, ...};
 *     live_world_run_source(&world, ht_twitter_v2_source_create(&options), HT_SLICE(""));
 *     live_world_await_messages(&world, 1);
 *     live_world_send(&world, HT_SLICE("\r\n"));       // more on the stream that stays open
 *     live_world_cut(&world, LIVE_WORLD_RESET);
 *     live_world_await_link(&world, HT_SOURCE_LINK_WAITING);
 *     live_world_skip(&world, 5000);                   // both clocks
 *     ...
 *     live_world_finish(&world);   // stops the source; fails where expectations are left
 *
 * With `is_hasty` nobody waits: while nothing is on the wire, the clock jumps to the next timer.
 * Every wait is bounded by real time and fails the test. A request that is not expected fails it
 * too. Times of libcurl are real ones: what the tests skip does not count for its timeouts.
 */

#include "fake_sink.h"

#include "hashtagd/base/random.h"
#include "hashtagd/net/http_client.h"
#include "hashtagd/net/loop.h"
#include "hashtagd/pipeline/source.h"

#define LIVE_WORLD_PARTS_MAX    6
#define LIVE_WORLD_REQUESTS_MAX 64

/** How the answer ends once its body is sent. */
enum live_world_ending {
    LIVE_WORLD_ENDS,  /**< properly; the connection is kept for the next request */
    LIVE_WORLD_STAYS, /**< it does not: a stream that is silent, until live_world_cut() */
    LIVE_WORLD_CUT,   /**< the connection is closed in the middle of the answer */
    LIVE_WORLD_RESET, /**< it breaks */
};

/** A request and its answer. Zeroed: any request, 200 with an empty body. */
struct live_world_exchange {
    const char *head_parts[LIVE_WORLD_PARTS_MAX]; /**< all must be in the head of the request */
    const char *missing_part; /**< must not be in the head or body; NULL: nothing */
    const char *body_part;    /**< must be in its body; NULL: anything */
    bool is_silent; /**< no answer; with an ending other than ENDS and STAYS it comes at once */
    int status;     /**< 0: 200 */
    const char *headers;  /**< more header lines, each with its CR LF; may be NULL */
    struct ht_slice body; /**< copied */
    bool is_gzip;         /**< the body is sent compressed */
    bool is_unchunked;    /**< with Content-Length, not in chunks */
    size_t piece_bytes;   /**< of the body that are sent in one turn; 0: all */
    size_t repeats;       /**< the body is sent so many times more: a flood */
    enum live_world_ending ending;
};

/** What the server got; lives as long as the world. */
struct live_world_request {
    struct ht_slice head; /**< request line and headers, without the empty line */
    struct ht_slice body;
    unsigned connection; /**< 1 for the first */
};

struct live_world_server;

/** The world. Set what you want before live_world_start(), zero the rest. */
struct live_world {
    bool is_hasty;
    /* after the start */
    struct ht_loop *loop;
    struct ht_clock *clock; /**< the system's, moved by live_world_skip() */
    struct ht_timer_queue *timers;
    struct ht_http_client *http;
    struct ht_random random;
    struct fake_sink sink;
    struct ht_source *source; /**< what runs; destroyed at the end */
    char url[64];             /**< "http://127.0.0.1:12345" */
    struct live_world_request requests[LIVE_WORLD_REQUESTS_MAX];
    unsigned request_count, connection_count,
        open_count;      /**< open connections, the client's rest */
    uint64_t sent_bytes; /**< of bodies, taken by the kernel */
    /* private */
    struct {
        struct ht_clock clock;
        struct ht_clock system;
        uint64_t skipped_ns;
    } time;
    struct live_world_server *server;
    unsigned stop_count;
};

/** Makes all of it. Fails the test where that does not work. */
void live_world_start(struct live_world *world);

/** The next request must be like this and is answered so; in the order of these calls. Copied. */
void live_world_expect(struct live_world *world, const struct live_world_exchange *exchange);

/** How many expectations wait. */
unsigned live_world_expected_count(const struct live_world *world);

/** Starts a source (not NULL; the world's from now on) with the world's sink. */
void live_world_run_source(struct live_world *world, struct ht_source *source,
                           struct ht_slice cursor);

/** Runs the loop until `is_enough` says so, at most 20 s of real time, then fails the test. */
void live_world_await(struct live_world *world, bool (*is_enough)(struct live_world *world));

/** Runs the loop until so many messages were delivered in all. */
void live_world_await_messages(struct live_world *world, size_t count);

/** Runs the loop until the server got so many requests in all. */
void live_world_await_requests(struct live_world *world, unsigned count);

/** Runs the loop until the source's connection is in that state. */
void live_world_await_link(struct live_world *world, enum ht_source_link link);

/** Runs the loop for `ms` of real time: to see that nothing happens. */
void live_world_run_for(struct live_world *world, unsigned ms);

/** Moves both clocks. */
void live_world_skip(struct live_world *world, uint64_t ms);

/** Sends more on the newest answer that stays open, whose body was sent. */
void live_world_send(struct live_world *world, struct ht_slice bytes);

/** Ends the newest answer that stays open. */
void live_world_cut(struct live_world *world, enum live_world_ending ending);

/** Whether a request that came (0: the first) holds `part` in its head or body. */
bool live_world_request_has(const struct live_world *world, unsigned number, const char *part);

/** Stops the source and runs until it is stopped; live_world_finish() does it otherwise. */
void live_world_stop_source(struct live_world *world);

/** Stops the source, takes everything down. Fails where expectations are left. */
void live_world_finish(struct live_world *world);
