// SPDX-License-Identifier: MIT
#pragma once

/**
 * A world for tests of what talks to AWS: a loop, an HTTP client, an AWS client with keys, and
 * a server on loopback in the same thread that answers what the test says. Link `aws_world`.
 *
 *     struct aws_world world = {0};
 *     bool is_done = false;
 *     aws_world_start(&world);
 *     aws_world_expect(&world, "UpdateItem", "\"hashtag\"", aws_world_error(400, "ThrottlingException"));
 *     aws_world_expect(&world, "UpdateItem", NULL, aws_world_json("{\"Attributes\":{}}"));
 *     struct ht_aws_call call = {.service = HT_AWS_DYNAMODB, .operation = "UpdateItem",
 *                                .body = HT_SLICE("{\"Key\":{\"hashtag\":{\"S\":\"a\"}}}"),
 *                                .done = on_done, .user = &is_done};
 *     ht_aws_call_start(world.aws, &call);
 *     assert_true(aws_world_run_until(&world, &is_done));
 *     aws_world_finish(&world);               // closes all, checks that every expectation was met
 *
 * Without expectations `on_request` answers; without it everything is answered with 200 and {}.
 * With `is_hasty` nobody waits: while nothing is on the wire, the clock jumps to the next timer.
 */

#include "hashtagd/aws/client.h"
#include "hashtagd/aws/settings.h"
#include "hashtagd/base/random.h"
#include "hashtagd/net/loop.h"
#include "hashtagd/net/worker.h"

#define AWS_WORLD_HEADERS_MAX 64

struct aws_world;
struct aws_world_server;
struct aws_world_expectation;

/** What the server got. Lives while the handler runs. */
struct aws_world_request {
    struct ht_slice target;    /**< "DynamoDB_20120810.UpdateItem"; empty for REST and queries */
    struct ht_slice operation; /**< "UpdateItem"; Action of a query; else the method */
    struct ht_slice method, path, query, body;
    const struct ht_http_header *headers;
    size_t header_count;
    unsigned number;     /**< 1 for the first */
    unsigned connection; /**< 1 for the first */
};

/** What it answers. Zeroed: 200 with an empty body. */
struct aws_world_reply {
    int status;           /**< 0: 200 */
    struct ht_slice body; /**< copied when the handler returns */
    struct ht_http_header headers[8];
    size_t header_count;
    uint64_t delay_ms;    /**< before it is sent */
    bool is_dropped;      /**< the connection is closed without an answer */
    bool is_cut;          /**< half of the body is sent, then the connection is closed */
    bool is_silent;       /**< never answered */
    bool is_last;         /**< with Connection: close */
    bool has_wrong_crc32; /**< x-amz-crc32 (DynamoDB's, added by the server) is wrong */
};

/** The world. Set what you want before aws_world_start(), zero the rest. */
struct aws_world {
    /* before the start */
    void (*on_request)(struct aws_world *world, const struct aws_world_request *request,
                       struct aws_world_reply *reply);
    void *user;
    bool is_hasty;
    const struct ht_log *log; /**< for the AWS client; may be NULL */
    /* after it */
    struct ht_loop *loop;
    struct ht_clock *clock; /**< the system's, moved by aws_world_skip() */
    struct ht_timer_queue *timers;
    struct ht_worker *worker;
    struct ht_http_client *http;
    struct ht_random random;
    struct ht_aws_settings settings; /**< region eu-west-1, every endpoint is the server */
    struct ht_aws_credentials *credentials;
    struct ht_aws_client *aws;
    char endpoint[64]; /**< "http://127.0.0.1:12345" */
    /* seen and set at any time */
    unsigned request_count, connection_count;
    int64_t server_skew_ms;  /**< the server's clock (its Date) less ours */
    unsigned key_refusals;   /**< how many times keys were refused */
    bool are_keys_late;      /**< keys come a turn later, each time */
    int keys_status;         /**< 0, or what asking for keys gives */
    const char *keys_text;   /**< what it says then; NULL: a few words */
    unsigned key_generation; /**< the key id is AKIDWORLD and this number; refusing adds one */
    /* private */
    struct {
        struct ht_clock clock;
        struct ht_clock system;
        uint64_t skipped_ns;
    } time;
    struct aws_world_server *server;
    struct aws_world_expectation *expectations, *last_expectation;
    struct aws_world_expectation *met;
};

/** 200 with a JSON body. `json` must live until it was sent. */
struct aws_world_reply aws_world_json(const char *json);

/** An error of a JSON service: {"__type":"code","message":"..."}. `code` is static. */
struct aws_world_reply aws_world_error(int status, const char *code);

/** Makes all of it. Fails the test where that does not work. */
void aws_world_start(struct aws_world *world);

/** The next request must be `operation` (NULL: any) and hold `body_part` (NULL: anything); it is
 * answered with `reply`. Expectations are met in the order of their making. `reply` is copied; its
 * body too. */
void aws_world_expect(struct aws_world *world, const char *operation, const char *body_part,
                      struct aws_world_reply reply);

/** How many expectations wait. */
unsigned aws_world_expected_count(const struct aws_world *world);

/** Runs the loop until `*flag`, at most 20 s of real time; false where that passed. */
bool aws_world_run_until(struct aws_world *world, const bool *flag);

/** Runs the loop for some turns, `ms` of real time. */
void aws_world_run_for(struct aws_world *world, unsigned ms);

/** Moves both clocks. */
void aws_world_skip(struct aws_world *world, uint64_t ms);

/** Closes the connections of the server that rest. */
void aws_world_drop_connections(struct aws_world *world);

/** The value of a header; empty where there is none. */
struct ht_slice aws_world_header(const struct aws_world_request *request, const char *name);

/** Takes everything down; what the test made on the loop is gone by then. Fails where expectations
 * are left. */
void aws_world_finish(struct aws_world *world);

/** As aws_world_finish(), with the calls of the AWS client still running: they are canceled. */
void aws_world_close_client(struct aws_world *world);
