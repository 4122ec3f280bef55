// SPDX-License-Identifier: MIT
#pragma once

/**
 * All that keys may come from, on one loop: files in a folder, variables, and one HTTP server that
 * plays instance metadata, container agent and STS by a script. A test is written as if nothing
 * were asynchronous: each call runs the loop until its answer is there.
 */

#include "hashtagd/aws/credentials.h"
#include "hashtagd/net/http_server.h"

#include <stdbool.h>

#define KEYS_WORLD_VARIABLES_MAX 16
#define KEYS_WORLD_ANSWERS_MAX   24
#define KEYS_WORLD_REQUESTS_MAX  32

/** An answer of the server, given once (or for ever) to the first request that fits. */
struct keys_answer {
    const char *request; /**< beginning of "METHOD /path?query body"; or a part, with '*' before */
    int status;          /**< 0: never answers */
    const char *body;
    bool is_for_ever;
    bool is_used;
};

struct keys_world {
    bool uses_system_clock; /**< set before begin: for what curl times */
    struct ht_manual_clock clock;
    struct ht_loop *loop;
    struct ht_worker *worker;
    struct ht_http_client *http;
    struct ht_http_server *server;
    struct ht_random random;
    struct ht_aws_settings settings;
    struct ht_aws_credentials_options options;
    struct ht_aws_credentials *credentials;
    char folder[64];
    char variables[KEYS_WORLD_VARIABLES_MAX][300];
    size_t variable_count;
    struct keys_answer answers[KEYS_WORLD_ANSWERS_MAX];
    size_t answer_count;
    char requests[KEYS_WORLD_REQUESTS_MAX][2048]; /**< "METHOD /path header: value|... body" */
    size_t request_count;
    uint16_t port;
    bool is_hasty; /**< while keys are waited for, the clock goes on by itself */
    bool is_told;  /**< the request for keys has ended */
};

/** Makes the world, without settings; HOME is an empty folder. */
void keys_world_begin(struct keys_world *world);

/** Adds a variable; "PORT" in it becomes the server's port, "FOLDER" the folder. */
void keys_world_set(struct keys_world *world, const char *variable);

/** Writes a file into the folder ("config" and "credentials" go where they are looked for). */
void keys_world_write(struct keys_world *world, const char *name, const char *text);

/** Adds an answer. */
void keys_world_answer(struct keys_world *world, const char *request, int status, const char *body);

/** As keys_world_answer(), as often as it is asked. */
void keys_world_always(struct keys_world *world, const char *request, int status, const char *body);

/** Loads the settings and makes the chain. */
void keys_world_open(struct keys_world *world);

/** Asks for keys and waits; the keys are to be released. */
void keys_world_get(struct keys_world *world, struct ht_aws_credentials_request *request);

/** Runs the loop until nothing happens on it for a moment: timers that are due, answers. */
void keys_world_settle(struct keys_world *world);

/** How many requests began with `text`. */
unsigned keys_world_asked(const struct keys_world *world, const char *text);

/** Ends it all. */
void keys_world_end(struct keys_world *world);
