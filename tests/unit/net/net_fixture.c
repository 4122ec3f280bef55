// SPDX-License-Identifier: MIT
#include "net_fixture.h"

#include "hashtagd/base/assert.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ECHO_MAX_BYTES    1000
#define LATER_MS          2
#define FLOOD_PIECE_BYTES 65536

static void on_start_due(struct ht_timer *timer);
static void run_client(struct ht_job *job);
static void client_done(struct ht_job *job);
static void on_close_due(struct ht_timer *timer);
static void begin_closing(struct fixture *fixture);
static void on_server_closed(void *user);
static void on_worker_stopped(void *user);
static void on_request(void *user, struct ht_http_request *request);
static void on_body(void *user, struct ht_http_request *request);
static void on_gone(void *user, struct ht_http_request *request);
static void answer_later(struct fixture *fixture, struct ht_http_request *request);
static void begin_events(struct fixture *fixture, struct ht_http_request *request);
static void begin_flood(struct fixture *fixture, struct ht_http_request *request);

void fixture_run(struct fixture *fixture)
{
    struct ht_error error;
    char *pattern = malloc(FIXTURE_BIG_BYTES);

    HT_ASSERT(ht_loop_create(&fixture->loop, NULL, &error) == 0);
    HT_ASSERT(ht_worker_create(&fixture->worker, fixture->loop, "client", &error) == 0);
    fixture->hello = ht_http_body_create(HT_SLICE("hello\n"));
    for (size_t i = 0; i < FIXTURE_BIG_BYTES; i++) {
        pattern[i] = fixture_big_byte(i);
    }
    fixture->big = ht_http_body_create(ht_slice_make(pattern, FIXTURE_BIG_BYTES));
    fixture->large = ht_http_body_create(ht_slice_make(pattern, FIXTURE_LARGE_BYTES));
    free(pattern);
    fixture->options.loop = fixture->loop;
    HT_ASSERT(ht_address_parse("127.0.0.1:0", &fixture->options.address, &error) == 0);
    fixture->options.on_request = on_request;
    fixture->options.user = fixture;
    HT_ASSERT(ht_http_server_create(&fixture->server, &fixture->options, &error) == 0);
    fixture->port = ht_http_server_address(fixture->server)->port;
    ht_timer_init(&fixture->close_timer, on_close_due);
    if (fixture->close_after_ms != 0) {
        ht_timer_start(ht_loop_timers(fixture->loop), &fixture->close_timer,
                       fixture->close_after_ms);
    }
    ht_timer_init(&fixture->start_timer, on_start_due);
    if (fixture->on_start != NULL) {
        ht_timer_start(ht_loop_timers(fixture->loop), &fixture->start_timer, 0);
    }
    ht_job_init(&fixture->job, run_client, client_done);
    if (fixture->client != NULL) {
        ht_worker_submit(fixture->worker, &fixture->job);
    }
    ht_loop_run(fixture->loop);
    ht_http_body_release(fixture->hello);
    ht_http_body_release(fixture->big);
    ht_http_body_release(fixture->large);
    ht_loop_destroy(fixture->loop);
}

static void on_start_due(struct ht_timer *timer)
{
    struct fixture *fixture = HT_CONTAINER_OF(timer, struct fixture, start_timer);

    fixture->on_start(fixture);
}

char fixture_big_byte(size_t position)
{
    return (char)(position * 31 + (position >> 8) * 17);
}

static void run_client(struct ht_job *job)
{
    struct fixture *fixture = HT_CONTAINER_OF(job, struct fixture, job);

    fixture->client(fixture, fixture->client_user);
}

static void client_done(struct ht_job *job)
{
    fixture_end(HT_CONTAINER_OF(job, struct fixture, job));
}

void fixture_end(struct fixture *fixture)
{
    if (!fixture->closing) {
        fixture->stats = *ht_http_server_stats(fixture->server);
    }
    begin_closing(fixture);
    ht_worker_stop(fixture->worker, on_worker_stopped, fixture);
    fixture->worker = NULL;
}

static void on_close_due(struct ht_timer *timer)
{
    begin_closing(HT_CONTAINER_OF(timer, struct fixture, close_timer));
}

static void begin_closing(struct fixture *fixture)
{
    if (!fixture->closing) {
        fixture->closing = true;
        ht_http_server_close(fixture->server, fixture->close_deadline_ms, on_server_closed,
                             fixture);
    }
}

static void on_server_closed(void *user)
{
    struct fixture *fixture = user;

    fixture->server = NULL;
    if (fixture->worker == NULL) {
        ht_loop_stop(fixture->loop);
    }
}

static void on_worker_stopped(void *user)
{
    struct fixture *fixture = user;

    if (fixture->server == NULL) {
        ht_loop_stop(fixture->loop);
    }
}

static void on_request(void *user, struct ht_http_request *request)
{
    struct fixture *fixture = user;
    struct ht_http_response response = {.status = 200};
    struct ht_http_body_wanted wanted = {
        .max_bytes = ECHO_MAX_BYTES, .on_body = on_body, .on_gone = on_gone, .user = fixture};

    fixture->request_count++;
    if (ht_slice_equal(request->path, HT_SLICE("/ok"))) {
        struct ht_slice agent = ht_http_request_header(request, "user-agent");
        snprintf(fixture->agent, sizeof fixture->agent, "%.*s", (int)agent.length, agent.data);
        response.body = fixture->hello;
        ht_http_respond(request, &response);
    } else if (ht_slice_equal(request->path, HT_SLICE("/field"))) {
        response.headers = &fixture->field;
        response.header_count = 1;
        ht_http_respond(request, &response);
    } else if (ht_slice_equal(request->path, HT_SLICE("/work"))) {
        uint64_t end_ns = ht_clock_monotonic_ns(ht_loop_clock(fixture->loop)) + 1000000;
        while (ht_clock_monotonic_ns(ht_loop_clock(fixture->loop)) < end_ns) {
        }
        response.body = fixture->hello;
        ht_http_respond(request, &response);
    } else if (ht_slice_equal(request->path, HT_SLICE("/big"))) {
        response.body = fixture->big;
        ht_http_respond(request, &response);
    } else if (ht_slice_equal(request->path, HT_SLICE("/large"))) {
        response.body = fixture->large;
        ht_http_respond(request, &response);
    } else if (ht_slice_equal(request->path, HT_SLICE("/echo"))) {
        ht_http_request_collect_body(request, &wanted);
    } else if (ht_slice_equal(request->path, HT_SLICE("/need"))) {
        wanted.is_required = true;
        ht_http_request_collect_body(request, &wanted);
    } else if (ht_slice_equal(request->path, HT_SLICE("/later"))) {
        answer_later(fixture, request);
    } else if (ht_slice_equal(request->path, HT_SLICE("/never"))) {
        ht_http_request_watch(request, on_gone, fixture);
    } else if (ht_slice_equal(request->path, HT_SLICE("/events"))) {
        begin_events(fixture, request);
    } else if (ht_slice_equal(request->path, HT_SLICE("/once"))) {
        begin_events(fixture, request);
        ht_sse_close(fixture->events);
        fixture->events = NULL;
    } else if (ht_slice_equal(request->path, HT_SLICE("/flood"))) {
        begin_flood(fixture, request);
    } else if (ht_slice_equal(request->path, HT_SLICE("/drain"))) {
        begin_closing(fixture);
        answer_later(fixture, request);
    } else {
        ht_http_respond_problem(request, 404, "There is nothing under \"this\" path.");
    }
}

static void on_body(void *user, struct ht_http_request *request)
{
    struct fixture *fixture = user;
    struct ht_http_response response = {.status = 200, .content = request->body};

    fixture->body_count++;
    ht_http_respond(request, &response);
}

static void on_gone(void *user, struct ht_http_request *request)
{
    struct fixture *fixture = user;

    (void)request;
    fixture->gone_count++;
}

static void on_later(struct ht_timer *timer)
{
    struct fixture_later *later = HT_CONTAINER_OF(timer, struct fixture_later, timer);
    struct ht_http_response response = {.status = 200, .content = HT_SLICE("later\n")};

    ht_http_respond(later->request, &response);
}

static void answer_later(struct fixture *fixture, struct ht_http_request *request)
{
    HT_ASSERT(fixture->later_count < FIXTURE_LATER_MAX);
    struct fixture_later *later = &fixture->later[fixture->later_count++];

    later->request = request;
    ht_timer_init(&later->timer, on_later);
    ht_timer_start(ht_loop_timers(fixture->loop), &later->timer, LATER_MS);
}

static void on_events_gone(void *user)
{
    struct fixture *fixture = user;

    fixture->sse_gone_count++;
    fixture->events = NULL;
}

static void begin_events(struct fixture *fixture, struct ht_http_request *request)
{
    struct ht_sse_options options = {
        .on_gone = on_events_gone, .user = fixture, .keep_alive_ms = 20};

    if (ht_sse_begin(request, &options, &fixture->events) == 0) {
        ht_sse_send(fixture->events, "top", HT_SLICE("{\"a\":1}"));
        ht_sse_send(fixture->events, "lines", HT_SLICE("one\ntwo\r\nthree"));
    }
}

static void on_flood_due(struct ht_timer *timer)
{
    struct fixture *fixture = HT_CONTAINER_OF(timer, struct fixture, flood_timer);
    static const char piece[FLOOD_PIECE_BYTES];

    ht_timer_start(ht_loop_timers(fixture->loop), timer, 0);
    ht_sse_send(fixture->flood, "flood", ht_slice_make(piece, sizeof piece));
}

static void on_flood_gone(void *user)
{
    struct fixture *fixture = user;

    fixture->sse_gone_count++;
    fixture->flood = NULL;
    ht_timer_stop(ht_loop_timers(fixture->loop), &fixture->flood_timer);
}

static void begin_flood(struct fixture *fixture, struct ht_http_request *request)
{
    struct ht_sse_options options = {.on_gone = on_flood_gone, .user = fixture};

    if (ht_sse_begin(request, &options, &fixture->flood) == 0) {
        ht_timer_init(&fixture->flood_timer, on_flood_due);
        ht_timer_start(ht_loop_timers(fixture->loop), &fixture->flood_timer, 0);
    }
}

int client_connect(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = 20};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int one = 1;

    if (fd < 0) {
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

bool client_send(int fd, const void *data, size_t length)
{
    const char *bytes = data;

    while (length > 0) {
        ssize_t count = send(fd, bytes, length, MSG_NOSIGNAL);
        if (count <= 0) {
            return false;
        }
        bytes += count;
        length -= (size_t)count;
    }
    return true;
}

bool client_send_text(int fd, const char *text)
{
    return client_send(fd, text, strlen(text));
}

bool client_receive_all(int fd, struct ht_buffer *out)
{
    char piece[65536];
    ssize_t count;

    while ((count = recv(fd, piece, sizeof piece, 0)) > 0) {
        if (ht_buffer_append(out, piece, (size_t)count) != 0) {
            return false;
        }
    }
    return count == 0;
}

bool client_wait_for(int fd, struct ht_buffer *out, const char *text)
{
    char byte;

    while (out->data == NULL || strstr(out->data, text) == NULL) {
        if (recv(fd, &byte, 1, 0) != 1 || ht_buffer_append_byte(out, byte) != 0) {
            return false;
        }
    }
    return true;
}

void client_reset(int fd)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd);
}

void client_pause(int ms)
{
    poll(NULL, 0, ms);
}

bool client_receive_answer(int fd, struct ht_buffer *out)
{
    size_t wanted = SIZE_MAX;
    char byte;

    ht_buffer_clear(out);
    while (out->length < wanted) {
        if (recv(fd, &byte, 1, 0) != 1 || ht_buffer_append_byte(out, byte) != 0) {
            return false;
        }
        if (wanted == SIZE_MAX && out->length >= 4 &&
            memcmp(out->data + out->length - 4, "\r\n\r\n", 4) == 0) {
            const char *length = strstr(out->data, "Content-Length: ");
            wanted = out->length + (length == NULL ? 0 : strtoul(length + 16, NULL, 10));
        }
    }
    return true;
}

int answer_status(const char *text)
{
    return text != NULL && strncmp(text, "HTTP/1.1 ", 9) == 0 ? (int)strtoul(text + 9, NULL, 10)
                                                              : 0;
}

unsigned count_of(const char *text, const char *needle)
{
    unsigned count = 0;

    for (const char *at = text; at != NULL && (at = strstr(at, needle)) != NULL; at++) {
        count++;
    }
    return count;
}

static void exchange_once(struct fixture *fixture, void *user)
{
    struct fixture_exchange *exchange = user;
    int fd = client_connect(fixture->port);

    client_send_text(fd, exchange->request);
    if (exchange->ends_after_send) {
        shutdown(fd, SHUT_WR);
    }
    exchange->ended_well = client_receive_all(fd, &exchange->seen);
    close(fd);
}

void fixture_exchange(struct fixture *fixture, struct fixture_exchange *exchange)
{
    ht_buffer_init(&exchange->seen, 16u * 1024u * 1024u);
    fixture->client = exchange_once;
    fixture->client_user = exchange;
    fixture_run(fixture);
}
