// SPDX-License-Identifier: MIT
#include "net_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define HOST "Host: a\r\n"

/* What one client saw; the client's function fills it on its own thread. */
struct seen {
    struct ht_buffer text;
    struct ht_buffer more;
    bool ended_well;
    bool ok;
};

static void run(struct fixture *fixture, struct seen *seen,
                void (*client)(struct fixture *fixture, void *user))
{
    memset(seen, 0, sizeof *seen);
    ht_buffer_init(&seen->text, 128u << 20);
    ht_buffer_init(&seen->more, 1u << 20);
    fixture->client = client;
    fixture->client_user = seen;
    fixture_run(fixture);
}

static void forget(struct seen *seen)
{
    ht_buffer_finish(&seen->text);
    ht_buffer_finish(&seen->more);
}

static void send_half_a_head(struct fixture *fixture, void *user)
{
    struct seen *seen = user;
    int fd = client_connect(fixture->port);

    client_send_text(fd, "GET /ok HTTP/1.1\r\nHos");
    seen->ended_well = client_receive_all(fd, &seen->text);
    close(fd);
}

static void test_slow_head_is_408(void **state)
{
    struct fixture fixture = {.options = {.head_timeout_ms = 30}};
    struct seen seen;

    (void)state;
    run(&fixture, &seen, send_half_a_head);
    assert_int_equal(answer_status(seen.text.data), 408);
    assert_true(seen.ended_well);
    assert_int_equal(fixture.request_count, 0);
    forget(&seen);
}

static void send_nothing(struct fixture *fixture, void *user)
{
    struct seen *seen = user;
    int fd = client_connect(fixture->port);

    seen->ended_well = client_receive_all(fd, &seen->text);
    close(fd);
}

static void test_silent_client_is_closed_without_a_word(void **state)
{
    struct fixture fixture = {.options = {.head_timeout_ms = 30}};
    struct seen seen;

    (void)state;
    run(&fixture, &seen, send_nothing);
    assert_true(seen.ended_well);
    assert_int_equal(seen.text.length, 0);
    forget(&seen);
}

static void ask_and_stay(struct fixture *fixture, void *user)
{
    struct seen *seen = user;
    int fd = client_connect(fixture->port);

    client_send_text(fd, "GET /ok HTTP/1.1\r\n" HOST "\r\n");
    seen->ended_well = client_receive_all(fd, &seen->text);
    close(fd);
}

static void test_idle_client_is_closed(void **state)
{
    struct fixture fixture = {.options = {.idle_timeout_ms = 30}};
    struct seen seen;

    (void)state;
    run(&fixture, &seen, ask_and_stay);
    assert_true(seen.ended_well);
    assert_int_equal(count_of(seen.text.data, "HTTP/1.1"), 1);
    assert_int_equal(count_of(seen.text.data, "Connection: keep-alive"), 1);
    forget(&seen);
}

static void send_half_a_body(struct fixture *fixture, void *user)
{
    struct seen *seen = user;
    int fd = client_connect(fixture->port);

    client_send_text(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nhalf");
    seen->ended_well = client_receive_all(fd, &seen->text);
    close(fd);
}

static void test_slow_body_is_408(void **state)
{
    struct fixture fixture = {.options = {.progress_timeout_ms = 50}};
    struct seen seen;

    (void)state;
    run(&fixture, &seen, send_half_a_body);
    assert_int_equal(answer_status(seen.text.data), 408);
    assert_true(seen.ended_well);
    assert_int_equal(fixture.gone_count, 1); /* the handler waited for the body */
    assert_int_equal(fixture.stats.body_bytes_held, 0);
    forget(&seen);
}

static void send_body_in_time(struct fixture *fixture, void *user)
{
    static const char piece[100];
    struct seen *seen = user;
    int fd = client_connect(fixture->port);

    client_send_text(fd, "POST /echo HTTP/1.1\r\n" HOST
                         "Connection: close\r\nContent-Length: 1000\r\n\r\n");
    for (int i = 0; i < 10; i++) {
        client_pause(150);
        client_send(fd, piece, sizeof piece);
    }
    seen->ended_well = client_receive_all(fd, &seen->text);
    close(fd);
}

static void test_body_that_moves_is_waited_for(void **state)
{
    struct fixture fixture = {.options = {.progress_timeout_ms = 1000}};
    struct seen seen;

    (void)state;
    run(&fixture, &seen, send_body_in_time);
    assert_int_equal(answer_status(seen.text.data), 200);
    forget(&seen);
}

static void listen_and_ask(struct fixture *fixture, void *user)
{
    struct seen *seen = user;
    int first = client_connect(fixture->port);

    client_send_text(first, "GET /events HTTP/1.1\r\n" HOST "\r\n");
    seen->ok = client_wait_for(first, &seen->more, "\r\n\r\n");
    int second = client_connect(fixture->port);
    client_send_text(second, "GET /ok HTTP/1.1\r\n" HOST "\r\n");
    seen->ended_well = client_receive_all(second, &seen->text);
    close(first);
    close(second);
}

/* A stream of events is nobody who is slow: it makes no room. */
static void test_too_many_connections_are_503(void **state)
{
    struct fixture fixture = {.options = {.max_connection_count = 1}};
    struct seen seen;

    (void)state;
    run(&fixture, &seen, listen_and_ask);
    assert_int_equal(answer_status(seen.text.data), 503);
    assert_int_equal(count_of(seen.text.data, "\r\nRetry-After: 1\r\n"), 1);
    assert_true(seen.ended_well && seen.ok);
    assert_int_equal(answer_status(seen.more.data), 200);
    assert_int_equal(fixture.request_count, 1);
    assert_int_equal(fixture.stats.connections_refused_total, 1);
    forget(&seen);
}

static void send_body(struct fixture *fixture, void *user)
{
    struct seen *seen = user;
    int fd = client_connect(fixture->port);

    client_send_text(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 20\r\n\r\n"
                         "01234567890123456789");
    seen->ended_well = client_receive_all(fd, &seen->text);
    close(fd);
}

static void test_too_many_bodies_are_503(void **state)
{
    struct fixture fixture = {.options = {.max_body_bytes_in_total = 10}};
    struct seen seen;

    (void)state;
    run(&fixture, &seen, send_body);
    assert_int_equal(answer_status(seen.text.data), 503);
    assert_int_equal(fixture.gone_count, 1);
    assert_int_equal(fixture.stats.body_bytes_held, 0);
    forget(&seen);
}

static void wait_for_continue(struct fixture *fixture, void *user)
{
    struct seen *seen = user;
    int fd = client_connect(fixture->port);

    client_send_text(fd, "POST /echo HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n"
                         "Content-Length: 4\r\n\r\n");
    seen->ok = client_wait_for(fd, &seen->more, "HTTP/1.1 100 Continue\r\n\r\n");
    client_send_text(fd, "body");
    seen->ok = client_receive_answer(fd, &seen->text) && seen->ok;
    close(fd);
}

static void test_expect_continue(void **state)
{
    struct fixture fixture = {0};
    struct seen seen;

    (void)state;
    run(&fixture, &seen, wait_for_continue);
    assert_true(seen.ok);
    assert_int_equal(answer_status(seen.text.data), 200);
    assert_int_equal(count_of(seen.text.data, "\r\n\r\nbody"), 1);
    forget(&seen);
}

static void announce_too_much(struct fixture *fixture, void *user)
{
    struct seen *seen = user;
    int fd = client_connect(fixture->port);

    client_send_text(fd, "POST /echo HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n"
                         "Content-Length: 4000000\r\n\r\n");
    seen->ended_well = client_receive_all(fd, &seen->text);
    close(fd);
}

static void test_expect_continue_with_too_much(void **state)
{
    struct fixture fixture = {0};
    struct seen seen;

    (void)state;
    run(&fixture, &seen, announce_too_much);
    assert_int_equal(answer_status(seen.text.data), 413);
    assert_int_equal(count_of(seen.text.data, "100 Continue"), 0);
    assert_true(seen.ended_well);
    forget(&seen);
}

/* The client sends on although it was refused: it must see the answer, not a reset. */
static void send_on_after_refusal(struct fixture *fixture, void *user)
{
    static const char megabyte[1u << 20];
    struct seen *seen = user;
    int fd = client_connect(fixture->port);

    client_send_text(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1048576\r\n\r\n");
    seen->ok = client_send(fd, megabyte, sizeof megabyte);
    seen->ended_well = client_receive_all(fd, &seen->text);
    close(fd);
}

static void test_refused_client_sees_its_answer(void **state)
{
    struct fixture fixture = {.options = {.linger_timeout_ms = 20000}};
    struct seen seen;

    (void)state;
    run(&fixture, &seen, send_on_after_refusal);
    assert_true(seen.ok && seen.ended_well);
    assert_int_equal(answer_status(seen.text.data), 413);
    forget(&seen);
}

static void ask_and_break_off(struct fixture *fixture, void *user)
{
    struct seen *seen = user;

    for (int i = 0; i < 3; i++) {
        int fd = client_connect(fixture->port);
        client_send_text(fd, i == 0   ? "GET /never HTTP/1.1\r\n" HOST "\r\n"
                             : i == 1 ? "GET /later HTTP/1.1\r\n" HOST "\r\n"
                                      : "POST /echo HTTP/1.1\r\n" HOST
                                        "Content-Length: 9\r\n\r\na");
        client_pause(50); /* so that the handler has it */
        client_reset(fd);
    }
    client_pause(50);
    seen->ok = true;
}

static void test_client_that_breaks_off(void **state)
{
    struct fixture fixture = {0};
    struct seen seen;

    (void)state;
    run(&fixture, &seen, ask_and_break_off);
    assert_int_equal(fixture.request_count, 3);
    assert_int_equal(fixture.gone_count, 2); /* /later was not watched: its answer goes nowhere */
    assert_int_equal(fixture.stats.connections_open, 0);
    forget(&seen);
}

#define MANY 1000

static void send_many_at_once(struct fixture *fixture, void *user)
{
    struct seen *seen = user;
    struct ht_buffer requests;
    int fd = client_connect(fixture->port);

    ht_buffer_init(&requests, 1u << 20);
    for (int i = 0; i < MANY; i++) {
        ht_buffer_append_text(&requests, "GET /ok HTTP/1.1\r\n" HOST "\r\n");
    }
    ht_buffer_append_text(&requests, "GET /ok HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    client_send(fd, requests.data, requests.length);
    seen->ended_well = client_receive_all(fd, &seen->text);
    ht_buffer_finish(&requests);
    close(fd);
}

static void test_long_pipeline(void **state)
{
    struct fixture fixture = {0};
    struct seen seen;

    (void)state;
    run(&fixture, &seen, send_many_at_once);
    assert_true(seen.ended_well);
    assert_int_equal(count_of(seen.text.data, "HTTP/1.1 200 OK\r\n"), MANY + 1);
    assert_int_equal(count_of(seen.text.data, "\r\n\r\nhello\n"), MANY + 1);
    assert_int_equal(fixture.request_count, MANY + 1);
    forget(&seen);
}

static void ask_while_draining(struct fixture *fixture, void *user)
{
    struct seen *seen = user;
    int idle = client_connect(fixture->port);
    int fd = client_connect(fixture->port);

    client_send_text(idle, "GET /ok HTTP/1.1\r\n" HOST "\r\n");
    client_receive_answer(idle, &seen->more);
    client_send_text(fd, "GET /drain HTTP/1.1\r\n" HOST "\r\n");
    seen->ended_well = client_receive_all(fd, &seen->text);
    seen->ok = client_receive_all(idle, &seen->more);
    close(fd);
    close(idle);
}

static void test_drain_lets_requests_end(void **state)
{
    struct fixture fixture = {.close_deadline_ms = 20000};
    struct seen seen;

    (void)state;
    run(&fixture, &seen, ask_while_draining);
    assert_true(seen.ended_well && seen.ok);
    assert_int_equal(answer_status(seen.text.data), 200);
    assert_int_equal(count_of(seen.text.data, "\r\nConnection: close\r\n"), 1);
    assert_int_equal(count_of(seen.text.data, "\r\n\r\nlater\n"), 1);
    forget(&seen);
}

static void ask_for_ever(struct fixture *fixture, void *user)
{
    struct seen *seen = user;
    int fd = client_connect(fixture->port);

    client_send_text(fd, "GET /never HTTP/1.1\r\n" HOST "\r\nGET /drain HTTP/1.1\r\n" HOST "\r\n");
    client_receive_all(fd, &seen->text);
    seen->ok = true;
    close(fd);
}

static void test_drain_deadline_cuts_the_rest(void **state)
{
    struct fixture fixture = {.close_after_ms = 100, .close_deadline_ms = 50};
    struct seen seen;

    (void)state;
    run(&fixture, &seen, ask_for_ever);
    assert_true(seen.ok);
    assert_int_equal(seen.text.length, 0);
    assert_int_equal(fixture.request_count, 1); /* the second waited behind the first */
    assert_int_equal(fixture.gone_count, 1);
    forget(&seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slow_head_is_408),
        cmocka_unit_test(test_silent_client_is_closed_without_a_word),
        cmocka_unit_test(test_idle_client_is_closed),
        cmocka_unit_test(test_slow_body_is_408),
        cmocka_unit_test(test_body_that_moves_is_waited_for),
        cmocka_unit_test(test_too_many_connections_are_503),
        cmocka_unit_test(test_too_many_bodies_are_503),
        cmocka_unit_test(test_expect_continue),
        cmocka_unit_test(test_expect_continue_with_too_much),
        cmocka_unit_test(test_refused_client_sees_its_answer),
        cmocka_unit_test(test_client_that_breaks_off),
        cmocka_unit_test(test_long_pipeline),
        cmocka_unit_test(test_drain_lets_requests_end),
        cmocka_unit_test(test_drain_deadline_cuts_the_rest),
    };
    return cmocka_run_group_tests_name("net/http_connection", tests, NULL, NULL);
}
