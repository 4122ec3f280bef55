// SPDX-License-Identifier: MIT
#include "hashtagd/net/sse.h"

#include "net_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define HOST "Host: a\r\n"

struct seen {
    struct ht_buffer text;
    bool ended_well;
};

static void run(struct fixture *fixture, struct seen *seen,
                void (*client)(struct fixture *fixture, void *user))
{
    memset(seen, 0, sizeof *seen);
    ht_buffer_init(&seen->text, 64u << 20);
    fixture->client = client;
    fixture->client_user = seen;
    fixture_run(fixture);
}

struct frame_case {
    const char *name;
    const char *data;
    const char *frame;
};

static const struct frame_case frame_cases[] = {
    {"one line", "{}", "event: e\ndata: {}\n\n"},
    {"nothing", "", "event: e\ndata: \n\n"},
    {"two lines", "a\nb", "event: e\ndata: a\ndata: b\n\n"},
    {"CR LF is one end", "a\r\nb", "event: e\ndata: a\ndata: b\n\n"},
    {"CR is an end", "a\rb", "event: e\ndata: a\ndata: b\n\n"},
    {"end at the end", "a\n", "event: e\ndata: a\ndata: \n\n"},
    {"empty line cannot end the event", "a\n\nevent: evil",
     "event: e\ndata: a\ndata: \ndata: event: evil\n\n"},
};

static void test_frames(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof frame_cases / sizeof frame_cases[0]; i++) {
        struct ht_http_body *frame = ht_sse_format("e", ht_slice_text(frame_cases[i].data));
        if (!ht_slice_equal(ht_http_body_slice(frame), ht_slice_text(frame_cases[i].frame))) {
            fail_msg("%s", frame_cases[i].name);
        }
        ht_http_body_release(frame);
    }
}

static void listen_a_while(struct fixture *fixture, void *user)
{
    struct seen *seen = user;
    int fd = client_connect(fixture->port);

    client_send_text(fd, "GET /events HTTP/1.1\r\n" HOST "\r\n");
    seen->ended_well = client_wait_for(fd, &seen->text, ":\n\n:\n\n");
    close(fd);
    client_pause(100);
}

static void test_stream_of_events(void **state)
{
    struct fixture fixture = {0};
    struct seen seen;

    (void)state;
    run(&fixture, &seen, listen_a_while);
    assert_true(seen.ended_well);
    assert_int_equal(answer_status(seen.text.data), 200);
    assert_int_equal(count_of(seen.text.data, "\r\nContent-Type: text/event-stream\r\n"), 1);
    assert_int_equal(count_of(seen.text.data, "Content-Length"), 0);
    assert_non_null(strstr(seen.text.data,
                           "\r\n\r\nretry: 1000\n\nevent: top\ndata: {\"a\":1}\n\n"
                           "event: lines\ndata: one\ndata: two\ndata: three\n\n:\n\n:\n\n"));
    assert_int_equal(fixture.sse_gone_count, 1); /* the client went away */
    ht_buffer_finish(&seen.text);
}

static void listen_to_the_end(struct fixture *fixture, void *user)
{
    struct seen *seen = user;
    int fd = client_connect(fixture->port);

    client_send_text(fd, "GET /events HTTP/1.1\r\n" HOST "\r\n");
    seen->ended_well = client_receive_all(fd, &seen->text);
    close(fd);
}

static void test_server_that_closes_ends_the_stream(void **state)
{
    struct fixture fixture = {.close_after_ms = 200, .close_deadline_ms = 20000};
    struct seen seen;

    (void)state;
    run(&fixture, &seen, listen_to_the_end);
    assert_true(seen.ended_well);
    assert_int_equal(fixture.sse_gone_count, 1);
    ht_buffer_finish(&seen.text);
}

static void listen_once(struct fixture *fixture, void *user)
{
    struct seen *seen = user;
    int fd = client_connect(fixture->port);

    client_send_text(fd, "GET /once HTTP/1.1\r\n" HOST "\r\n");
    seen->ended_well = client_receive_all(fd, &seen->text);
    close(fd);
}

static void test_owner_that_closes(void **state)
{
    struct fixture fixture = {0};
    struct seen seen;

    (void)state;
    run(&fixture, &seen, listen_once);
    assert_true(seen.ended_well);
    assert_int_equal(count_of(seen.text.data, "data: three\n\n"), 1);
    assert_int_equal(fixture.sse_gone_count, 0);
    ht_buffer_finish(&seen.text);
}

static void ask_for_the_head(struct fixture *fixture, void *user)
{
    struct seen *seen = user;
    int fd = client_connect(fixture->port);

    client_send_text(fd, "HEAD /events HTTP/1.1\r\n" HOST "\r\n");
    seen->ended_well = client_receive_all(fd, &seen->text);
    close(fd);
}

static void test_head_gets_the_head_alone(void **state)
{
    struct fixture fixture = {0};
    struct seen seen;

    (void)state;
    run(&fixture, &seen, ask_for_the_head);
    assert_true(seen.ended_well);
    assert_int_equal(answer_status(seen.text.data), 200);
    assert_string_equal(strstr(seen.text.data, "\r\n\r\n"), "\r\n\r\n");
    assert_int_equal(fixture.sse_gone_count, 0);
    ht_buffer_finish(&seen.text);
}

static void listen_without_reading(struct fixture *fixture, void *user)
{
    struct seen *seen = user;
    int fd = client_connect(fixture->port);

    client_send_text(fd, "GET /flood HTTP/1.1\r\n" HOST "\r\n");
    client_pause(1000);
    client_receive_all(fd, &seen->text);
    close(fd);
}

static void test_client_that_is_too_slow_is_cut(void **state)
{
    struct fixture fixture = {.options = {.max_output_bytes = 256 * 1024}};
    struct seen seen;

    (void)state;
    run(&fixture, &seen, listen_without_reading);
    assert_int_equal(fixture.sse_gone_count, 1);
    assert_int_equal(fixture.stats.connections_open, 0);
    ht_buffer_finish(&seen.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_stream_of_events),
        cmocka_unit_test(test_server_that_closes_ends_the_stream),
        cmocka_unit_test(test_owner_that_closes),
        cmocka_unit_test(test_head_gets_the_head_alone),
        cmocka_unit_test(test_client_that_is_too_slow_is_cut),
    };
    return cmocka_run_group_tests_name("net/sse", tests, NULL, NULL);
}
