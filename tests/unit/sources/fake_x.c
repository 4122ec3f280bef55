// SPDX-License-Identifier: MIT
#include "fake_x.h"

#include "../../support/json_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#define TICK_MS      1
#define PATIENCE_NS  20000000000u
#define LOGGED_BYTES (1u << 20)

static uint64_t monotonic_ns(struct ht_clock *clock)
{
    struct fake_x *x = HT_CONTAINER_OF(clock, struct fake_x, clock);
    return ht_clock_monotonic_ns(&x->system) + x->jumped_ns;
}

static int64_t wall_ms(struct ht_clock *clock)
{
    struct fake_x *x = HT_CONTAINER_OF(clock, struct fake_x, clock);
    return ht_clock_wall_ms(&x->system) + (int64_t)(x->jumped_ns / 1000000u);
}

static void on_request(void *user, struct ht_http_request *request);
static void on_body(void *user, struct ht_http_request *request);
static void on_gone(void *user, struct ht_http_request *request);
static void on_tick(struct ht_timer *timer);

void fake_x_start(struct fake_x *x)
{
    static const struct ht_clock_ops ops = {monotonic_ns, wall_ms};
    struct ht_error error = {0};
    ht_clock_init_system(&x->system);
    x->clock.ops = &ops;
    assert_int_equal(ht_loop_create(&x->loop, &x->clock, &error), 0);
    x->timers = ht_loop_timers(x->loop);
    ht_random_init(&x->random, 7);
    ht_timer_init(&x->tick, on_tick);
    fake_sink_init(&x->sink);
    x->log = (struct ht_log){.clock = &x->clock,
                             .fd = memfd_create("log", MFD_CLOEXEC),
                             .level = HT_LOG_DEBUG,
                             .format = HT_LOG_FORMAT_LOGFMT};
    struct ht_http_server_options options = {.loop = x->loop, .on_request = on_request, .user = x};
    assert_int_equal(ht_address_parse("127.0.0.1:0", &options.address, &error), 0);
    assert_int_equal(ht_http_server_create(&x->server, &options, &error), 0);
    assert_int_equal(ht_http_client_create(&x->client, x->loop, &error), 0);
    snprintf(x->url, sizeof x->url, "http://127.0.0.1:%u",
             (unsigned)ht_http_server_address(x->server)->port);
}

/* -- the server --------------------------------------------------------------------------- */

static void on_request(void *user, struct ht_http_request *request)
{
    struct ht_http_body_wanted wanted = {
        .max_bytes = 1u << 24, .on_body = on_body, .on_gone = on_gone, .user = user};
    if (request->has_body) {
        (void)ht_http_request_collect_body(request, &wanted);
    } else {
        on_body(user, request);
    }
}

static void compare(struct fake_x *x, const char *what, struct ht_slice got, const char *expected,
                    bool is_whole)
{
    struct ht_slice wanted = ht_slice_text(expected);
    bool is_right = is_whole ? ht_slice_equal(got, wanted) : ht_slice_starts_with(got, wanted);
    if (expected != NULL && !is_right && x->wrong[0] == '\0') {
        snprintf(x->wrong, sizeof x->wrong, "step %zu, %s: \"%.*s\" in place of \"%s\"", x->at,
                 what, (int)got.length, got.data == NULL ? "" : got.data, expected);
    }
}

static void on_stream_gone(void *user)
{
    struct fake_x *x = user;
    x->open = NULL;
    x->gone_count++;
}

/* The server has one kind of stream only; its first bytes are a line that is no tweet. */
static void stay_open(struct fake_x *x, struct ht_http_request *request)
{
    const struct ht_sse_options options = {
        .keep_alive_ms = 1u << 30, .on_gone = on_stream_gone, .user = x};
    assert_null(x->open);
    assert_int_equal(ht_sse_begin(request, &options, &x->open), 0);
}

static void on_body(void *user, struct ht_http_request *request)
{
    struct fake_x *x = user;
    /* the next try of a source that goes on at once: the end of the script */
    static const struct fake_x_step nothing = {.request = "GET "};
    const struct fake_x_step *step = x->at < x->step_count ? &x->steps[x->at] : &nothing;
    char line[1024];
    json_memory_give_back();
    snprintf(line, sizeof line, "%.*s %.*s", (int)request->method_name.length,
             request->method_name.data, (int)request->target.length, request->target.data);
    compare(x, "request", ht_slice_text(line), step->request, false);
    compare(x, "Authorization", ht_http_request_header(request, "Authorization"),
            step->authorization, true);
    compare(x, "body", request->body, step->body, true);
    x->at += x->at < x->step_count ? 1 : 0;
    x->is_over |= step == &nothing;
    if (step->status == 0) {
        assert_true(x->unanswered_count < HT_COUNT_OF(x->unanswered));
        x->unanswered[x->unanswered_count++] = request;
        ht_http_request_watch(request, on_gone, x);
        return;
    }
    if (step->stays_open) {
        stay_open(x, request);
        return;
    }
    struct ht_http_header header = {ht_slice_text(step->header), ht_slice_text(step->value)};
    struct ht_http_response response = {
        .status = step->status,
        .headers = &header,
        .header_count = step->header != NULL ? 1 : 0,
        .content = ht_slice_make(step->answer, step->answer_length),
    };
    if (step->answer_length == 0) {
        response.content = ht_slice_text(step->answer);
    }
    if (step->lacks_memory) {
        json_memory_take();
    }
    ht_http_respond(request, &response);
}

static void on_gone(void *user, struct ht_http_request *request)
{
    struct fake_x *x = user;
    for (unsigned i = 0; i < x->unanswered_count; i++) {
        if (x->unanswered[i] == request) {
            x->unanswered[i] = x->unanswered[--x->unanswered_count];
        }
    }
}

/* -- running ------------------------------------------------------------------------------ */

void fake_x_jump(struct fake_x *x, uint64_t ms)
{
    x->jumped_ns += ms * 1000000u;
}

static void on_tick(struct ht_timer *timer)
{
    struct fake_x *x = HT_CONTAINER_OF(timer, struct fake_x, tick);
    bool waits = x->source != NULL && x->source->connection.link == HT_SOURCE_LINK_WAITING;
    if (waits && x->at >= x->step_count && !x->wants_all_waits) {
        x->is_over = true;
    }
    if (waits && !x->is_over) {
        int64_t wait_s = x->source->connection.next_try_s - ht_clock_wall_s(&x->clock);
        if (x->wait_count < FAKE_X_WAITS) {
            x->waits_s[x->wait_count++] = wait_s;
        }
        fake_x_jump(x, (uint64_t)(wait_s < 0 ? 0 : wait_s) * 1000u + 1);
    }
    bool is_late = ht_clock_monotonic_ns(&x->system) > x->patience_ns;
    if (x->is_over || is_late || x->wrong[0] != '\0') {
        ht_loop_stop(x->loop);
    } else {
        ht_timer_start(x->timers, &x->tick, TICK_MS);
    }
}

static void run_until(struct fake_x *x, uint64_t patience_ns)
{
    x->patience_ns = ht_clock_monotonic_ns(&x->system) + patience_ns;
    ht_timer_start(x->timers, &x->tick, 0);
    ht_loop_run(x->loop);
}

void fake_x_run(struct fake_x *x)
{
    x->is_over = false;
    if (x->source != NULL && !x->is_started) {
        x->is_started = true;
        x->source->ops->start(x->source, &x->sink.sink, (struct ht_slice){0});
    }
    run_until(x, PATIENCE_NS);
    json_memory_give_back();
    assert_string_equal(x->wrong, "");
    assert_true(x->is_over);
}

void fake_x_run_for(struct fake_x *x, unsigned ms)
{
    x->is_over = false;
    bool wanted = x->wants_all_waits;
    x->wants_all_waits = true;
    run_until(x, (uint64_t)ms * 1000000u);
    x->wants_all_waits = wanted;
}

const char *fake_x_logged(struct fake_x *x)
{
    static char text[LOGGED_BYTES];
    ssize_t length = pread(x->log.fd, text, sizeof text - 1, 0);
    text[length < 0 ? 0 : length] = '\0';
    return text;
}

/* -- the end ------------------------------------------------------------------------------ */

static void on_part_closed(void *user)
{
    struct fake_x *x = user;
    if (--x->open_parts == 0) {
        ht_loop_stop(x->loop);
    }
}

static void on_stopped(void *user)
{
    struct fake_x *x = user;
    x->is_stopped = true;
    ht_loop_stop(x->loop);
}

void fake_x_finish(struct fake_x *x)
{
    ht_timer_stop(x->timers, &x->tick);
    if (x->is_started) {
        x->source->ops->stop(x->source, on_stopped, x);
        assert_false(x->is_stopped);
        ht_loop_run(x->loop);
        assert_true(x->is_stopped);
        assert_int_equal(x->source->connection.link, HT_SOURCE_LINK_CLOSED);
    }
    if (x->source != NULL) {
        x->source->ops->destroy(x->source);
    }
    x->open_parts = 2;
    ht_http_client_close(x->client, on_part_closed, x);
    ht_http_server_close(x->server, 0, on_part_closed, x);
    ht_loop_run(x->loop);
    ht_loop_destroy(x->loop);
    close(x->log.fd);
    fake_sink_finish(&x->sink);
    assert_string_equal(x->wrong, "");
    assert_int_equal(x->at, x->step_count);
}
