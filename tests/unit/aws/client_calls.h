// SPDX-License-Identifier: MIT
#pragma once

/**
 * Calls on a real client, for its tests: each is started in the world of aws_world.h, and the
 * end of a test sees that every one was done once, and never from inside its start.
 */

#include "aws_world.h"

#include "hashtagd/aws/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define CALLS_MAX 8

struct test;

/* One call and what became of it. */
struct tried {
    struct ht_aws_call call;
    struct test *test;
    unsigned done_count;
    char answer[128];
    char date[64];
};

struct test {
    struct aws_world world;
    struct tried calls[CALLS_MAX];
    unsigned started, done;
    bool is_done, is_inside, was_inside;
};

/* Starts a call; what is not given is that of an UpdateItem on the table hashtags. */
struct ht_aws_call *client_calls_start(struct test *test, struct ht_aws_call what);

/* Starts an UpdateItem. */
struct ht_aws_call *client_calls_start_update(struct test *test);

/* Runs until every call is done. */
void client_calls_run(struct test *test);

/* An on_request that signs anew what arrived, and compares. */
void client_calls_check_signature(struct aws_world *world, const struct aws_world_request *request,
                                  struct aws_world_reply *reply);

/* Before and after each test. */
int client_calls_set_up(void **state);
int client_calls_tear_down(void **state);

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, client_calls_set_up, client_calls_tear_down)
