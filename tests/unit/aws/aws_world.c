// SPDX-License-Identifier: MIT
#include "aws_world.h"

#include "hashtagd/base/assert.h"

#include "../../../src/net/http_client_internal.h"
#include "../../../src/net/loop_internal.h"
#include "aws_world_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>
#include <cmocka.h>

#define PATIENCE_MS 20000
#define TICK_MS     1
#define JUMP_MAX_NS (3600u * 1000000000ull)
#define CODE_BYTES  128

/* What the next request must be, and its answer. */
struct aws_world_expectation {
    struct aws_world_expectation *next;
    char *operation, *body_part; /* owned; NULL: any */
    char *body;                  /* owned: of the reply */
    struct aws_world_reply reply;
};

/* One run of the loop, with a timer of libuv's own, which no skipping touches. */
struct run {
    uv_timer_t tick;
    struct aws_world *world;
    const bool *flag;
    uint64_t end_ms;
    bool is_over, is_closed;
};

static uint64_t monotonic_ns(struct ht_clock *clock);
static int64_t wall_ms(struct ht_clock *clock);
static void load_settings(struct aws_world *world, unsigned port);
static void on_tick(uv_timer_t *tick);
static void jump(struct aws_world *world);
static void on_tick_closed(uv_handle_t *handle);
static void free_expectation(struct aws_world_expectation *expectation);
static void on_part_closed(void *user);

static const struct ht_clock_ops clock_ops = {monotonic_ns, wall_ms};

static uint64_t monotonic_ns(struct ht_clock *clock)
{
    struct aws_world *world = HT_CONTAINER_OF(clock, struct aws_world, time.clock);

    return ht_clock_monotonic_ns(&world->time.system) + world->time.skipped_ns;
}

static int64_t wall_ms(struct ht_clock *clock)
{
    struct aws_world *world = HT_CONTAINER_OF(clock, struct aws_world, time.clock);

    return ht_clock_wall_ms(&world->time.system) + (int64_t)(world->time.skipped_ns / 1000000u);
}

void aws_world_start(struct aws_world *world)
{
    struct ht_error error = {0};
    unsigned port;

    ht_clock_init_system(&world->time.system);
    world->time.clock.ops = &clock_ops;
    world->clock = &world->time.clock;
    ht_random_init(&world->random, 1);
    assert_int_equal(ht_loop_create(&world->loop, world->clock, &error), 0);
    world->timers = ht_loop_timers(world->loop);
    assert_int_equal(ht_worker_create(&world->worker, world->loop, "world", &error), 0);
    assert_int_equal(ht_http_client_create(&world->http, world->loop, &error), 0);
    world->server = aws_world_server_create(world, &port);
    load_settings(world, port);
    struct ht_aws_credentials_options chain = {
        .loop = world->loop,
        .worker = world->worker,
        .http = world->http,
        .random = &world->random,
        .settings = &world->settings,
    };
    assert_int_equal(ht_aws_credentials_create(&world->credentials, &chain, &error), 0);
    struct ht_aws_client_options options = {
        .loop = world->loop,
        .http = world->http,
        .credentials = world->credentials,
        .settings = &world->settings,
        .random = &world->random,
        .log = world->log,
    };
    assert_int_equal(ht_aws_client_create(&world->aws, &options, &error), 0);
}

static void load_settings(struct aws_world *world, unsigned port)
{
    char url[96];
    const char *environment[] = {"HOME=/nonexistent",
                                 "AWS_REGION=eu-west-1",
                                 "AWS_ACCESS_KEY_ID=AKIDWORLD",
                                 "AWS_SECRET_ACCESS_KEY=secret",
                                 url,
                                 NULL};
    struct ht_error error = {0};

    snprintf(world->endpoint, sizeof world->endpoint, "http://127.0.0.1:%u", port);
    snprintf(url, sizeof url, "AWS_ENDPOINT_URL=%s/", world->endpoint); /* as many write it */
    if (ht_aws_settings_load(&world->settings, environment, &error) != 0) {
        fail_msg("%s", error.text);
    }
}

struct aws_world_reply aws_world_json(const char *json)
{
    return (struct aws_world_reply){.body = ht_slice_text(json)};
}

struct aws_world_reply aws_world_error(int status, const char *code)
{
    return (struct aws_world_reply){
        .status = status,
        .headers = {{HT_SLICE("x-amzn-ErrorType"), ht_slice_text(code)}},
        .header_count = 1};
}

static char *copy_text(const char *text)
{
    return text == NULL ? NULL : ht_slice_to_text(ht_slice_text(text));
}

void aws_world_expect(struct aws_world *world, const char *operation, const char *body_part,
                      struct aws_world_reply reply)
{
    struct aws_world_expectation *expectation = calloc(1, sizeof *expectation);

    assert_non_null(expectation);
    expectation->operation = copy_text(operation);
    expectation->body_part = copy_text(body_part);
    expectation->body = ht_slice_to_text(reply.body);
    expectation->reply = reply;
    expectation->reply.body = ht_slice_make(expectation->body, reply.body.length);
    if (world->expectations == NULL) {
        world->expectations = expectation;
    } else {
        world->last_expectation->next = expectation;
    }
    world->last_expectation = expectation;
}

unsigned aws_world_expected_count(const struct aws_world *world)
{
    unsigned count = 0;

    for (const struct aws_world_expectation *at = world->expectations; at != NULL; at = at->next) {
        count++;
    }
    return count;
}

/* An error without a body gets the one that its code is told in. */
static void add_error_body(struct aws_world_reply *reply)
{
    static char bodies[16][CODE_BYTES];
    static unsigned turn;
    struct ht_slice code =
        ht_http_header_find(reply->headers, reply->header_count, "x-amzn-ErrorType");

    if (reply->body.length == 0 && code.length > 0) {
        char *text = bodies[turn++ % 16];
        int length = snprintf(text, CODE_BYTES, "{\"__type\":\"%.*s\",\"message\":\"as asked\"}",
                              (int)code.length, code.data);
        reply->body = ht_slice_make(text, (size_t)length);
    }
}

void aws_world_answer(struct aws_world *world, const struct aws_world_request *request,
                      struct aws_world_reply *reply)
{
    struct aws_world_expectation *expectation = world->expectations;

    if (expectation == NULL) {
        reply->body = HT_SLICE("{}");
        if (world->on_request != NULL) {
            world->on_request(world, request, reply);
        }
        add_error_body(reply);
        return;
    }
    world->expectations = expectation->next;
    if (expectation->operation != NULL &&
        !ht_slice_equal(request->operation, ht_slice_text(expectation->operation))) {
        fail_msg("request %u is %.*s where %s was expected; body: %.*s", request->number,
                 (int)request->operation.length, request->operation.data, expectation->operation,
                 (int)request->body.length, request->body.data);
    }
    if (expectation->body_part != NULL &&
        (request->body.length == 0 ||
         memmem(request->body.data, request->body.length, expectation->body_part,
                strlen(expectation->body_part)) == NULL)) {
        fail_msg("request %u, %.*s, lacks %s; body: %.*s", request->number,
                 (int)request->operation.length, request->operation.data, expectation->body_part,
                 (int)request->body.length, request->body.data);
    }
    *reply = expectation->reply;
    add_error_body(reply);
    /* freed with the answer sent: the server copies it before the next request is looked at */
    expectation->next = world->met;
    world->met = expectation;
}

struct ht_slice aws_world_header(const struct aws_world_request *request, const char *name)
{
    return ht_http_header_find(request->headers, request->header_count, name);
}

bool aws_world_run_until(struct aws_world *world, const bool *flag)
{
    struct run run = {.world = world, .flag = flag};

    run.end_ms = ht_clock_monotonic_ms(&world->time.system) + PATIENCE_MS;
    assert_int_equal(uv_timer_init(ht_loop_uv(world->loop), &run.tick), 0);
    run.tick.data = &run;
    uv_timer_start(&run.tick, on_tick, 0, TICK_MS);
    ht_loop_run(world->loop);
    assert_true(run.is_closed);
    return *flag;
}

void aws_world_run_for(struct aws_world *world, unsigned ms)
{
    static const bool never;
    struct run run = {.world = world, .flag = &never};

    run.end_ms = ht_clock_monotonic_ms(&world->time.system) + ms;
    assert_int_equal(uv_timer_init(ht_loop_uv(world->loop), &run.tick), 0);
    run.tick.data = &run;
    uv_timer_start(&run.tick, on_tick, 0, TICK_MS);
    ht_loop_run(world->loop);
    assert_true(run.is_closed);
}

static void on_tick(uv_timer_t *tick)
{
    struct run *run = tick->data;

    if (*run->flag || ht_clock_monotonic_ms(&run->world->time.system) >= run->end_ms) {
        uv_close((uv_handle_t *)tick, on_tick_closed);
        return;
    }
    if (run->world->is_hasty) {
        jump(run->world);
    }
}

static void on_tick_closed(uv_handle_t *handle)
{
    struct run *run = handle->data;

    run->is_closed = true;
    ht_loop_stop(run->world->loop);
}

/* Nothing is on the wire: the next thing to happen is a timer. */
static void jump(struct aws_world *world)
{
    uint64_t next_ns = ht_timer_queue_next_ns(world->timers);

    if (world->http != NULL && world->http->members == NULL && next_ns > 0 &&
        next_ns < JUMP_MAX_NS) {
        aws_world_skip(world, next_ns / 1000000u + 1);
    }
}

void aws_world_skip(struct aws_world *world, uint64_t ms)
{
    struct ht_timer_queue *timers = world->timers;

    world->time.skipped_ns += ms * 1000000u;
    if (timers->on_change != NULL) {
        timers->on_change(timers->on_change_user);
    }
}

void aws_world_drop_connections(struct aws_world *world)
{
    aws_world_server_drop_idle(world->server);
}

static void free_expectation(struct aws_world_expectation *expectation)
{
    free(expectation->operation);
    free(expectation->body_part);
    free(expectation->body);
    free(expectation);
}

static void on_part_closed(void *user)
{
    bool *is_closed = user;

    *is_closed = true;
}

void aws_world_close_client(struct aws_world *world)
{
    bool is_closed = false;

    ht_aws_client_close(world->aws, on_part_closed, &is_closed);
    world->aws = NULL;
    assert_false(is_closed);
    assert_true(aws_world_run_until(world, &is_closed));
}

void aws_world_finish(struct aws_world *world)
{
    bool is_closed = false;
    unsigned left = aws_world_expected_count(world);

    if (world->aws != NULL) {
        aws_world_close_client(world);
    }
    ht_aws_credentials_close(world->credentials, on_part_closed, &is_closed);
    assert_true(aws_world_run_until(world, &is_closed));
    is_closed = false;
    ht_http_client_close(world->http, on_part_closed, &is_closed);
    world->http = NULL;
    assert_true(aws_world_run_until(world, &is_closed));
    is_closed = false;
    aws_world_server_close(world->server, on_part_closed, &is_closed);
    assert_true(aws_world_run_until(world, &is_closed));
    is_closed = false;
    ht_worker_stop(world->worker, on_part_closed, &is_closed);
    assert_true(aws_world_run_until(world, &is_closed));
    ht_loop_destroy(world->loop);
    ht_aws_settings_finish(&world->settings);
    while (world->met != NULL) {
        struct aws_world_expectation *met = world->met;
        world->met = met->next;
        free_expectation(met);
    }
    while (world->expectations != NULL) {
        struct aws_world_expectation *unmet = world->expectations;
        world->expectations = unmet->next;
        free_expectation(unmet);
    }
    if (left > 0) {
        fail_msg("%u requests that were expected did not come", left);
    }
}
