// SPDX-License-Identifier: MIT
#include "hashtagd/net/http_client.h"

#include "hashtagd/base/assert.h"
#include "net_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#define TRANSFERS_MAX 8

struct script;

/* One transfer and what became of it. */
struct call {
    struct script *script;
    struct ht_http_transfer *transfer;
    unsigned done_count;
    int code;
    int status;
    size_t body_bytes;
    size_t data_bytes; /* through on_data */
    unsigned data_calls_while_paused;
    bool is_paused;
    bool is_connection_reused;
    char body[64];
    char date[64];
    char error_text[256];
    struct ht_timer resume_timer;
};

/* What a test does with a client and the fixture's server. */
struct script {
    struct fixture fixture;
    struct ht_http_client *client;
    struct call calls[TRANSFERS_MAX];
    unsigned started, done, closed_count;
    void (*begin)(struct script *script);
    bool closes_at_once; /* without waiting for the transfers */
    bool in_start;       /* inside ht_http_transfer_start() or cancel: nothing may be done then */
    bool done_inside;
};

static void on_closed(void *user)
{
    struct script *script = user;

    script->closed_count++;
    fixture_end(&script->fixture);
}

static void on_done(void *user, struct ht_http_result *result)
{
    struct call *call = user;
    struct script *script = call->script;

    script->done_inside |= script->in_start;
    call->done_count++;
    call->transfer = NULL;
    call->code = result->code;
    call->status = result->status;
    call->is_connection_reused = result->is_connection_reused;
    call->body_bytes = result->body.length;
    snprintf(call->body, sizeof call->body, "%s",
             result->body.data == NULL ? "" : result->body.data);
    snprintf(call->error_text, sizeof call->error_text, "%s", result->error_text);
    struct ht_slice date = ht_http_header_find(result->headers, result->header_count, "date");
    snprintf(call->date, sizeof call->date, "%.*s", (int)date.length, date.data);
    if (++script->done == script->started && !script->closes_at_once) {
        ht_http_client_close(script->client, on_closed, script);
    }
}

/* Starts one; `options` has what the test sets, the rest is filled in. */
static struct call *start(struct script *script, const char *path,
                          struct ht_http_transfer_options options)
{
    struct call *call = &script->calls[script->started++];
    struct ht_error error;
    char url[128];

    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", script->fixture.port, path);
    call->script = script;
    options.url = options.url == NULL ? url : options.url;
    options.on_done = on_done;
    options.user = call;
    script->in_start = true;
    int status = ht_http_transfer_start(script->client, &options, &call->transfer, &error);
    script->in_start = false;
    assert_int_equal(status, 0);
    return call;
}

static void on_start(struct fixture *fixture)
{
    struct script *script = HT_CONTAINER_OF(fixture, struct script, fixture);
    struct ht_error error;

    assert_int_equal(ht_http_client_create(&script->client, fixture->loop, &error), 0);
    script->begin(script);
    if (script->closes_at_once) {
        ht_http_client_close(script->client, on_closed, script);
    }
}

static void run(struct script *script, void (*begin)(struct script *script))
{
    script->begin = begin;
    script->fixture.on_start = on_start;
    fixture_run(&script->fixture);
    assert_int_equal(script->closed_count, 1);
    assert_int_equal(script->done, script->started);
    assert_false(script->done_inside);
    for (unsigned i = 0; i < script->started; i++) {
        assert_int_equal(script->calls[i].done_count, 1);
    }
}

static unsigned secret_lines_seen, secret_lines_unwiped;

/* Our own stands before the library's: it looks at what is given back. */
struct curl_slist {
    char *data;
    struct curl_slist *next;
};

void curl_slist_free_all(struct curl_slist *list);

void curl_slist_free_all(struct curl_slist *list)
{
    while (list != NULL) {
        struct curl_slist *next = list->next;
        secret_lines_seen++;
        secret_lines_unwiped += list->data[0] != '\0';
        free(list->data);
        free(list);
        list = next;
    }
}

static void begin_with_secrets(struct script *script)
{
    static const struct ht_http_header headers[] = {
        HT_HTTP_HEADER("Authorization", "Bearer secret"),
        HT_HTTP_HEADER("X-Amz-Security-Token", "secret")};
    start(script, "/ok", (struct ht_http_transfer_options){.headers = headers, .header_count = 2});
}

static void test_headers_are_wiped(void **state)
{
    struct script script = {0};

    (void)state;
    secret_lines_seen = secret_lines_unwiped = 0;
    run(&script, begin_with_secrets);
    assert_int_equal(script.calls[0].status, 200);
    assert_true(secret_lines_seen >= 2);
    assert_int_equal(secret_lines_unwiped, 0);
}

static void begin_get(struct script *script)
{
    start(script, "/ok", (struct ht_http_transfer_options){0});
}

static void test_get(void **state)
{
    struct script script = {0};

    (void)state;
    run(&script, begin_get);
    assert_int_equal(script.calls[0].code, 0);
    assert_int_equal(script.calls[0].status, 200);
    assert_string_equal(script.calls[0].body, "hello\n");
    assert_non_null(strstr(script.calls[0].date, " GMT"));
    assert_string_equal(script.calls[0].error_text, "");
}

static void test_tells_its_name(void **state)
{
    struct script script = {0};

    (void)state;
    run(&script, begin_get);
    assert_int_equal(strncmp(script.fixture.agent, "hashtagd/", 9), 0);
    assert_true(strlen(script.fixture.agent) > 9);
}

static void begin_methods(struct script *script)
{
    static const struct ht_http_header headers[] = {HT_HTTP_HEADER("X-Empty", "")};

    start(script, "/echo",
          (struct ht_http_transfer_options){
              .body = HT_SLICE("a body"), .headers = headers, .header_count = 1});
    start(script, "/need", (struct ht_http_transfer_options){.method = "POST"});
    start(script, "/ok", (struct ht_http_transfer_options){.method = "HEAD"});
    start(script, "/echo",
          (struct ht_http_transfer_options){.method = "PUT", .body = HT_SLICE("put it")});
    start(script, "/nothing", (struct ht_http_transfer_options){.method = "DELETE"});
}

static void test_methods_and_bodies(void **state)
{
    struct script script = {0};

    (void)state;
    run(&script, begin_methods);
    assert_string_equal(script.calls[0].body, "a body");
    assert_int_equal(script.calls[1].status, 200); /* POST without a body has Content-Length: 0 */
    assert_int_equal(script.calls[2].status, 200);
    assert_int_equal(script.calls[2].body_bytes, 0);
    assert_string_equal(script.calls[3].body, "put it");
    assert_int_equal(script.calls[4].status, 404);
}

static void begin_timeout(struct script *script)
{
    start(script, "/never", (struct ht_http_transfer_options){.timeout_ms = 50});
}

/* The one transfer there is ends by its time alone: its result must still be collected. */
static void test_last_transfer_times_out(void **state)
{
    struct script script = {0};

    (void)state;
    run(&script, begin_timeout);
    assert_int_equal(script.calls[0].code, HT_ETIMEDOUT);
    assert_int_equal(script.calls[0].status, 0);
    assert_true(script.calls[0].error_text[0] != '\0');
    assert_int_equal(script.fixture.gone_count, 1);
}

static void begin_two_timeouts(struct script *script)
{
    start(script, "/never", (struct ht_http_transfer_options){.timeout_ms = 20});
    start(script, "/never", (struct ht_http_transfer_options){.timeout_ms = 60});
    start(script, "/ok", (struct ht_http_transfer_options){.timeout_ms = 20000});
}

static void test_timeouts_beside_each_other(void **state)
{
    struct script script = {0};

    (void)state;
    run(&script, begin_two_timeouts);
    assert_int_equal(script.calls[0].code, HT_ETIMEDOUT);
    assert_int_equal(script.calls[1].code, HT_ETIMEDOUT);
    assert_int_equal(script.calls[2].code, 0);
}

/* A port that nobody listens on: bound, never listened to, so that nobody else gets it. */
static int take_dead_port(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static void begin_refused(struct script *script)
{
    uint16_t port;
    char url[64];
    int fd = take_dead_port(&port);

    snprintf(url, sizeof url, "http://127.0.0.1:%u/", port);
    start(script, "", (struct ht_http_transfer_options){.url = url});
    script->fixture.port = (uint16_t)fd; /* closed when the test is over */
}

static void test_refused_connection(void **state)
{
    struct script script = {0};

    (void)state;
    run(&script, begin_refused);
    close(script.fixture.port);
    assert_int_equal(script.calls[0].code, HT_ECONNECTION);
    assert_true(script.calls[0].error_text[0] != '\0');
}

static void begin_oversize(struct script *script)
{
    start(script, "/big", (struct ht_http_transfer_options){.max_response_bytes = 1000});
    start(script, "/big",
          (struct ht_http_transfer_options){.max_response_bytes = FIXTURE_BIG_BYTES});
    start(script, "/big",
          (struct ht_http_transfer_options){.max_response_bytes = FIXTURE_BIG_BYTES - 1});
}

static void test_answer_over_its_limit(void **state)
{
    struct script script = {0};

    (void)state;
    run(&script, begin_oversize);
    assert_int_equal(script.calls[0].code, HT_ETOOBIG);
    assert_int_equal(script.calls[1].code, 0);
    assert_int_equal(script.calls[1].body_bytes, FIXTURE_BIG_BYTES);
    /* its length is announced: nothing of it is waited for */
    assert_int_equal(script.calls[2].code, HT_ETOOBIG);
    assert_int_equal(script.calls[2].body_bytes, 0);
}

static void begin_bad_urls(struct script *script)
{
    start(script, "", (struct ht_http_transfer_options){.url = "file:///etc/hostname"});
    start(script, "", (struct ht_http_transfer_options){.url = "http://127.0.0.1:99999/"});
}

static void test_bad_urls(void **state)
{
    struct script script = {0};

    (void)state;
    run(&script, begin_bad_urls);
    assert_int_equal(script.calls[0].code, HT_EINVAL);
    assert_int_equal(script.calls[1].code, HT_EINVAL);
}

static void begin_bad_header(struct script *script)
{
    static const struct ht_http_header bad[] = {HT_HTTP_HEADER("X", "a\r\nEvil: b")};
    struct ht_http_transfer_options options = {
        .url = "http://127.0.0.1/", .headers = bad, .header_count = 1, .on_done = on_done};
    struct ht_error error;

    assert_int_equal(ht_http_transfer_start(script->client, &options, NULL, &error), HT_EINVAL);
}

static void test_header_with_a_line_break(void **state)
{
    struct script script = {.closes_at_once = true};

    (void)state;
    run(&script, begin_bad_header);
}

static void begin_cancel(struct script *script)
{
    struct call *call = start(script, "/never", (struct ht_http_transfer_options){0});

    script->in_start = true;
    ht_http_transfer_cancel(call->transfer);
    ht_http_transfer_cancel(call->transfer);
    script->in_start = false;
}

static void test_cancel(void **state)
{
    struct script script = {0};

    (void)state;
    run(&script, begin_cancel);
    assert_int_equal(script.calls[0].code, HT_ECANCELED);
}

static void begin_close_with_running(struct script *script)
{
    for (int i = 0; i < 4; i++) {
        start(script, i % 2 == 0 ? "/never" : "/big", (struct ht_http_transfer_options){0});
    }
}

static void test_close_with_transfers_running(void **state)
{
    struct script script = {.closes_at_once = true};

    (void)state;
    run(&script, begin_close_with_running);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(script.calls[i].code, HT_ECANCELED);
    }
}

static void on_data_plain(void *user, int status, struct ht_slice data)
{
    struct call *call = user;

    assert_int_equal(status, 200);
    call->data_bytes += data.length;
}

static void on_resume_due(struct ht_timer *timer)
{
    struct call *call = HT_CONTAINER_OF(timer, struct call, resume_timer);

    call->is_paused = false;
    ht_http_transfer_resume(call->transfer);
}

static void on_data_pausing(void *user, int status, struct ht_slice data)
{
    struct call *call = user;
    bool is_first = call->data_bytes == 0;

    on_data_plain(user, status, data);
    call->data_calls_while_paused += call->is_paused;
    if (is_first) {
        call->is_paused = true;
        ht_http_transfer_pause(call->transfer);
        ht_timer_init(&call->resume_timer, on_resume_due);
        ht_timer_start(ht_loop_timers(call->script->fixture.loop), &call->resume_timer, 30);
    }
}

static void on_data_starting(void *user, int status, struct ht_slice data)
{
    struct call *call = user;
    bool is_first = call->data_bytes == 0;

    on_data_plain(user, status, data);
    if (is_first) {
        start(call->script, "/ok", (struct ht_http_transfer_options){0});
    }
}

static void on_data_canceling(void *user, int status, struct ht_slice data)
{
    struct call *call = user;

    on_data_plain(user, status, data);
    ht_http_transfer_cancel(call->transfer);
}

static void begin_streams(struct script *script)
{
    start(script, "/big", (struct ht_http_transfer_options){.on_data = on_data_plain});
    start(script, "/big", (struct ht_http_transfer_options){.on_data = on_data_pausing});
    start(script, "/big", (struct ht_http_transfer_options){.on_data = on_data_starting});
    start(script, "/big", (struct ht_http_transfer_options){.on_data = on_data_canceling});
}

static void test_streaming_bodies(void **state)
{
    struct script script = {0};

    (void)state;
    run(&script, begin_streams);
    assert_int_equal(script.calls[0].data_bytes, FIXTURE_BIG_BYTES);
    assert_int_equal(script.calls[0].body_bytes, 0);
    assert_int_equal(script.calls[1].data_bytes, FIXTURE_BIG_BYTES);
    assert_int_equal(script.calls[1].data_calls_while_paused, 0);
    assert_int_equal(script.calls[2].data_bytes, FIXTURE_BIG_BYTES);
    assert_int_equal(script.calls[3].code, HT_ECANCELED);
    assert_true(script.calls[3].data_bytes < FIXTURE_BIG_BYTES);
    assert_int_equal(script.calls[4].code, 0); /* was started from inside on_data */
    assert_string_equal(script.calls[4].body, "hello\n");
}

static void begin_paths(struct script *script)
{
    start(script, "/a/../ok", (struct ht_http_transfer_options){0});
    start(script, "/a/../ok", (struct ht_http_transfer_options){.is_path_as_is = true});
}

static void test_path_as_it_is(void **state)
{
    struct script script = {0};

    (void)state;
    run(&script, begin_paths);
    assert_int_equal(script.calls[0].status, 200);
    assert_int_equal(script.calls[1].status, 404);
}

static void begin_limited(struct script *script)
{
    ht_http_client_limit(script->client, 1);
    for (unsigned i = 0; i < 4; i++) {
        start(script, "/echo",
              (struct ht_http_transfer_options){.body = HT_SLICE("x"), .is_sent_once = true});
    }
}

static void begin_fresh(struct script *script)
{
    ht_http_client_limit(script->client, 1);
    for (unsigned i = 0; i < 3; i++) {
        start(script, "/ok", (struct ht_http_transfer_options){.is_fresh = true});
    }
}

static void test_fresh_connections_are_nobody_elses(void **state)
{
    struct script script = {0};

    (void)state;
    run(&script, begin_fresh);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(script.calls[i].status, 200);
        assert_false(script.calls[i].is_connection_reused);
    }
    assert_int_equal(script.fixture.stats.connections_total, 3);
}

static void test_connections_are_limited_and_kept(void **state)
{
    struct script script = {0};
    unsigned reused = 0;

    (void)state;
    run(&script, begin_limited);
    for (unsigned i = 0; i < 4; i++) {
        assert_string_equal(script.calls[i].body, "x");
        reused += script.calls[i].is_connection_reused;
    }
    assert_int_equal(reused, 3);
    assert_int_equal(script.fixture.stats.connections_total, 1);
}

/* The server plays the proxy; the address is one of those for documentation. */
static void begin_proxy(struct script *script)
{
    char proxy[64];

    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%u", script->fixture.port);
    setenv("http_proxy", proxy, 1);
    start(script, "/ok", (struct ht_http_transfer_options){.url = "http://192.0.2.1/ok"});
    start(script, "/ok",
          (struct ht_http_transfer_options){
              .url = "http://192.0.2.1/ok", .connect_timeout_ms = 50, .is_without_proxy = true});
}

static void test_proxy_is_used_and_can_be_passed_by(void **state)
{
    struct script script = {0};

    (void)state;
    run(&script, begin_proxy);
    unsetenv("http_proxy");
    assert_int_equal(script.calls[0].code, 0);
    assert_int_equal(script.calls[0].status, 200);
    assert_int_not_equal(script.calls[1].code, 0);
    assert_int_equal(script.calls[1].status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get),
        cmocka_unit_test(test_headers_are_wiped),
        cmocka_unit_test(test_tells_its_name),
        cmocka_unit_test(test_methods_and_bodies),
        cmocka_unit_test(test_last_transfer_times_out),
        cmocka_unit_test(test_timeouts_beside_each_other),
        cmocka_unit_test(test_refused_connection),
        cmocka_unit_test(test_answer_over_its_limit),
        cmocka_unit_test(test_bad_urls),
        cmocka_unit_test(test_header_with_a_line_break),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_close_with_transfers_running),
        cmocka_unit_test(test_streaming_bodies),
        cmocka_unit_test(test_path_as_it_is),
        cmocka_unit_test(test_connections_are_limited_and_kept),
        cmocka_unit_test(test_fresh_connections_are_nobody_elses),
        cmocka_unit_test(test_proxy_is_used_and_can_be_passed_by),
    };
    return cmocka_run_group_tests_name("net/http_client", tests, NULL, NULL);
}
