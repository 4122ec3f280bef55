// SPDX-License-Identifier: MIT
#include "live_world.h"

#include "hashtagd/base/assert.h"

#include "../../../src/net/http_client_internal.h"
#include "../../../src/net/loop_internal.h"
#include "live_world_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>
#include <cmocka.h>

#define PATIENCE_MS 20000
#define TICK_MS     1
#define JUMP_MAX_NS (3600u * 1000000000ull)

/* One run of the loop, with a timer of libuv's own, which no skipping touches. */
struct run {
    uv_timer_t tick;
    struct live_world *world;
    bool (*is_enough)(struct live_world *world, uint64_t wanted);
    bool (*is_enough_simple)(struct live_world *world);
    uint64_t wanted;
    uint64_t end_ms;
    bool is_met, is_closed;
};

static uint64_t monotonic_ns(struct ht_clock *clock);
static int64_t wall_ms(struct ht_clock *clock);
static bool run(struct run *run, struct live_world *world, unsigned patience_ms);
static bool is_met(struct run *run);
static void on_tick(uv_timer_t *tick);
static void jump(struct live_world *world);
static void on_tick_closed(uv_handle_t *handle);
static void on_stopped(void *user);

static const struct ht_clock_ops clock_ops = {monotonic_ns, wall_ms};

static uint64_t monotonic_ns(struct ht_clock *clock)
{
    struct live_world *world = HT_CONTAINER_OF(clock, struct live_world, time.clock);
    return ht_clock_monotonic_ns(&world->time.system) + world->time.skipped_ns;
}

static int64_t wall_ms(struct ht_clock *clock)
{
    struct live_world *world = HT_CONTAINER_OF(clock, struct live_world, time.clock);
    return ht_clock_wall_ms(&world->time.system) + (int64_t)(world->time.skipped_ns / 1000000u);
}

void live_world_start(struct live_world *world)
{
    struct ht_error error = {0};
    unsigned port;
    ht_clock_init_system(&world->time.system);
    world->time.clock.ops = &clock_ops;
    world->clock = &world->time.clock;
    ht_random_init(&world->random, 1);
    fake_sink_init(&world->sink);
    assert_int_equal(ht_loop_create(&world->loop, world->clock, &error), 0);
    world->timers = ht_loop_timers(world->loop);
    assert_int_equal(ht_http_client_create(&world->http, world->loop, &error), 0);
    world->server = live_world_server_create(world, &port);
    snprintf(world->url, sizeof(world->url), "http://127.0.0.1:%u", port);
}

void live_world_expect(struct live_world *world, const struct live_world_exchange *exchange)
{
    live_world_server_expect(world->server, exchange);
}

unsigned live_world_expected_count(const struct live_world *world)
{
    return live_world_server_expected_count(world->server);
}

void live_world_run_source(struct live_world *world, struct ht_source *source,
                           struct ht_slice cursor)
{
    assert_non_null(source);
    assert_null(world->source);
    world->source = source;
    source->ops->start(source, &world->sink.sink, cursor);
    assert_int_equal(source->connection.link, HT_SOURCE_LINK_CONNECTING);
}

static bool run(struct run *run, struct live_world *world, unsigned patience_ms)
{
    run->world = world;
    run->end_ms = ht_clock_monotonic_ms(&world->time.system) + patience_ms;
    assert_int_equal(uv_timer_init(ht_loop_uv(world->loop), &run->tick), 0);
    run->tick.data = run;
    uv_timer_start(&run->tick, on_tick, 0, TICK_MS);
    ht_loop_run(world->loop);
    assert_true(run->is_closed);
    return run->is_met;
}

static bool is_met(struct run *run)
{
    if (run->is_enough_simple != NULL) {
        return run->is_enough_simple(run->world);
    }
    return run->is_enough != NULL && run->is_enough(run->world, run->wanted);
}

static void on_tick(uv_timer_t *tick)
{
    struct run *run = tick->data;
    run->is_met = is_met(run);
    if (run->is_met || ht_clock_monotonic_ms(&run->world->time.system) >= run->end_ms) {
        uv_close((uv_handle_t *)tick, on_tick_closed);
    } else if (run->world->is_hasty) {
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
static void jump(struct live_world *world)
{
    uint64_t next_ns = ht_timer_queue_next_ns(world->timers);
    if (world->http != NULL && world->http->members == NULL && next_ns > 0 &&
        next_ns < JUMP_MAX_NS) {
        live_world_skip(world, next_ns / 1000000u + 1);
    }
}

void live_world_skip(struct live_world *world, uint64_t ms)
{
    struct ht_timer_queue *timers = world->timers;
    world->time.skipped_ns += ms * 1000000u;
    if (timers->on_change != NULL) {
        timers->on_change(timers->on_change_user);
    }
}

void live_world_await(struct live_world *world, bool (*is_enough)(struct live_world *world))
{
    struct run waiting = {.is_enough_simple = is_enough};
    assert_true(run(&waiting, world, PATIENCE_MS));
}

static bool has_messages(struct live_world *world, uint64_t wanted)
{
    return world->sink.count >= wanted;
}

static void await(struct live_world *world, bool (*is_enough)(struct live_world *world, uint64_t),
                  uint64_t wanted, const char *what)
{
    struct run waiting = {.is_enough = is_enough, .wanted = wanted};
    if (!run(&waiting, world, PATIENCE_MS)) {
        fail_msg("no %s %llu; %zu messages, %u requests, %s: %s", what, (unsigned long long)wanted,
                 world->sink.count, world->request_count,
                 ht_source_link_name(world->source->connection.link), world->source->health.text);
    }
}

void live_world_await_messages(struct live_world *world, size_t count)
{
    await(world, has_messages, count, "message");
}

static bool has_requests(struct live_world *world, uint64_t wanted)
{
    return world->request_count >= wanted;
}

void live_world_await_requests(struct live_world *world, unsigned count)
{
    await(world, has_requests, count, "request");
}

static bool has_link(struct live_world *world, uint64_t wanted)
{
    return world->source->connection.link == wanted;
}

void live_world_await_link(struct live_world *world, enum ht_source_link link)
{
    await(world, has_link, link, ht_source_link_name(link));
}

void live_world_run_for(struct live_world *world, unsigned ms)
{
    struct run waiting = {0};
    (void)run(&waiting, world, ms);
}

void live_world_send(struct live_world *world, struct ht_slice bytes)
{
    live_world_server_send(world->server, bytes);
}

void live_world_cut(struct live_world *world, enum live_world_ending ending)
{
    live_world_server_cut(world->server, ending);
}

bool live_world_request_has(const struct live_world *world, unsigned number, const char *part)
{
    assert_true(number < world->request_count && number < LIVE_WORLD_REQUESTS_MAX);
    const struct live_world_request *request = &world->requests[number];
    return memmem(request->head.data, request->head.length, part, strlen(part)) != NULL ||
           (request->body.length > 0 &&
            memmem(request->body.data, request->body.length, part, strlen(part)) != NULL);
}

static void on_stopped(void *user)
{
    struct live_world *world = user;
    world->stop_count++;
}

static bool is_stopped(struct live_world *world, uint64_t wanted)
{
    return world->stop_count == wanted;
}

void live_world_stop_source(struct live_world *world)
{
    size_t delivered;
    assert_int_equal(world->stop_count, 0);
    world->source->ops->stop(world->source, on_stopped, world);
    assert_int_equal(world->stop_count, 0);
    delivered = world->sink.count;
    await(world, is_stopped, 1, "stop");
    assert_int_equal(world->sink.count, delivered);
    assert_int_equal(world->source->connection.link, HT_SOURCE_LINK_CLOSED);
}

static bool is_down(struct live_world *world)
{
    return world->stop_count == 0;
}

static void on_part_closed(void *user)
{
    struct live_world *world = user;
    world->stop_count--;
}

void live_world_finish(struct live_world *world)
{
    unsigned left = live_world_expected_count(world);
    if (world->source != NULL) {
        if (world->stop_count == 0) {
            live_world_stop_source(world);
        }
        world->source->ops->destroy(world->source);
    }
    world->stop_count = 1;
    ht_http_client_close(world->http, on_part_closed, world);
    world->http = NULL;
    live_world_await(world, is_down);
    world->stop_count = 1;
    live_world_server_close(world->server, on_part_closed, world);
    live_world_await(world, is_down);
    ht_loop_destroy(world->loop);
    fake_sink_finish(&world->sink);
    for (unsigned i = 0; i < LIVE_WORLD_REQUESTS_MAX; i++) {
        free((char *)(uintptr_t)world->requests[i].head.data);
        free((char *)(uintptr_t)world->requests[i].body.data);
    }
    assert_int_equal(left, 0);
    *world = (struct live_world){0};
}
