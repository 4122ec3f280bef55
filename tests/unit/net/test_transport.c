// SPDX-License-Identifier: MIT
#include "net_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#define HOST "Host: a\r\n"

struct seen {
    struct ht_buffer text;
    unsigned wrong_bytes;
    bool ended_well;
};

static void run(struct fixture *fixture, struct seen *seen,
                void (*client)(struct fixture *fixture, void *user))
{
    memset(seen, 0, sizeof *seen);
    ht_buffer_init(&seen->text, 256u << 20);
    fixture->client = client;
    fixture->client_user = seen;
    fixture_run(fixture);
}

/* Reads with pauses, so that many writes are partial. */
static void read_slowly(struct fixture *fixture, void *user)
{
    struct seen *seen = user;
    int fd = client_connect(fixture->port);
    char piece[40000];
    ssize_t count;

    client_send_text(fd, "GET /big HTTP/1.1\r\n" HOST "\r\nGET /ok HTTP/1.1\r\n" HOST "\r\n"
                         "GET /big HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    while ((count = recv(fd, piece, sizeof piece, 0)) > 0) {
        ht_buffer_append(&seen->text, piece, (size_t)count);
        client_pause(1);
    }
    seen->ended_well = count == 0;
    close(fd);
}

/* Checks one answer of /big at `text`; returns what is behind it. */
static const char *check_big(const char *text)
{
    const char *body = strstr(text, "\r\n\r\n");

    assert_int_equal(answer_status(text), 200);
    assert_non_null(body);
    for (size_t i = 0; i < FIXTURE_BIG_BYTES; i++) {
        if (body[4 + i] != fixture_big_byte(i)) {
            fail_msg("byte %zu is wrong", i);
        }
    }
    return body + 4 + FIXTURE_BIG_BYTES;
}

static void test_slow_reader_gets_every_byte(void **state)
{
    struct fixture fixture = {0};
    struct seen seen;

    (void)state;
    run(&fixture, &seen, read_slowly);
    assert_true(seen.ended_well);
    assert_true(seen.text.length > 2u * FIXTURE_BIG_BYTES);
    const char *rest = check_big(seen.text.data);
    assert_int_equal(answer_status(rest), 200);
    rest = strstr(rest, "hello\n") + 6;
    rest = check_big(rest);
    assert_ptr_equal(rest, seen.text.data + seen.text.length);
    ht_buffer_finish(&seen.text);
}

/* The kernel takes an answer of this size at once, though it is over what may wait unsent. */
static void send_ahead_of_large_answers(struct fixture *fixture, void *user)
{
    struct seen *seen = user;
    int fd = client_connect(fixture->port);

    for (int i = 0; i < 20; i++) {
        client_send_text(fd, "GET /large HTTP/1.1\r\n" HOST "\r\n");
    }
    client_send_text(fd, "GET /ok HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    seen->ended_well = client_receive_all(fd, &seen->text);
    close(fd);
}

static void test_requests_behind_an_answer_that_goes_out_at_once_are_answered(void **state)
{
    struct fixture fixture = {.options = {.head_timeout_ms = 2000}};
    struct seen seen;

    (void)state;
    run(&fixture, &seen, send_ahead_of_large_answers);
    assert_true(seen.ended_well);
    assert_int_equal(fixture.request_count, 21);
    assert_true(seen.text.length > 20u * FIXTURE_LARGE_BYTES);
    ht_buffer_finish(&seen.text);
}

/* Sends three requests at once, and reads nothing for longer than a head may take. */
static void read_late(struct fixture *fixture, void *user)
{
    struct seen *seen = user;
    int fd = client_connect(fixture->port);

    client_send_text(fd, "GET /big HTTP/1.1\r\n" HOST "\r\nGET /ok HTTP/1.1\r\n" HOST "\r\n"
                         "GET /ok HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    client_pause(600);
    seen->ended_well = client_receive_all(fd, &seen->text);
    close(fd);
}

static void test_requests_that_wait_for_an_answer_to_go_out_are_not_late(void **state)
{
    struct fixture fixture = {.options = {.head_timeout_ms = 100}};
    struct seen seen;

    (void)state;
    run(&fixture, &seen, read_late);
    assert_true(seen.ended_well);
    assert_true(seen.text.length > FIXTURE_BIG_BYTES);
    const char *rest = check_big(seen.text.data);
    assert_int_equal(answer_status(rest), 200);
    assert_int_equal(answer_status(strstr(rest, "hello\n") + 6), 200);
    ht_buffer_finish(&seen.text);
}

/* The same with half a head behind: that is late once the answer is out. */
static void read_late_and_stop(struct fixture *fixture, void *user)
{
    struct seen *seen = user;
    int fd = client_connect(fixture->port);

    client_send_text(fd, "GET /big HTTP/1.1\r\n" HOST "\r\nGET /ok HT");
    client_pause(600);
    seen->ended_well = client_receive_all(fd, &seen->text);
    close(fd);
}

static void test_half_a_head_behind_a_large_answer_is_late_after_it(void **state)
{
    struct fixture fixture = {.options = {.head_timeout_ms = 100}};
    struct seen seen;

    (void)state;
    run(&fixture, &seen, read_late_and_stop);
    assert_true(seen.ended_well);
    assert_true(seen.text.length > FIXTURE_BIG_BYTES);
    assert_int_equal(answer_status(check_big(seen.text.data)), 408);
    ht_buffer_finish(&seen.text);
}

#define BIG_REQUESTS 50

static void ask_and_do_not_read(struct fixture *fixture, void *user)
{
    struct seen *seen = user;
    int fd = client_connect(fixture->port);

    for (int i = 0; i < BIG_REQUESTS; i++) {
        client_send_text(fd, "GET /big HTTP/1.1\r\n" HOST "\r\n");
    }
    client_pause(1500);
    seen->ended_well = client_receive_all(fd, &seen->text);
    close(fd);
}

static void test_client_that_does_not_read_is_cut(void **state)
{
    struct fixture fixture = {.options = {.progress_timeout_ms = 100}};
    struct seen seen;

    (void)state;
    run(&fixture, &seen, ask_and_do_not_read);
    assert_true(seen.text.length < (size_t)BIG_REQUESTS * FIXTURE_BIG_BYTES);
    /* answers wait in the kernel and a little in memory; the requests behind them wait too */
    assert_true(fixture.request_count < BIG_REQUESTS);
    assert_int_equal(fixture.stats.connections_open, 0);
    ht_buffer_finish(&seen.text);
}

static void break_off_while_writing(struct fixture *fixture, void *user)
{
    (void)user;
    for (int i = 0; i < 20; i++) {
        int fd = client_connect(fixture->port);
        client_send_text(fd, "GET /big HTTP/1.1\r\n" HOST "\r\nGET /big HTTP/1.1\r\n" HOST "\r\n");
        client_pause(i % 4);
        client_reset(fd);
    }
}

static void test_client_that_breaks_off_while_it_is_written_to(void **state)
{
    struct fixture fixture = {0};
    struct seen seen;

    (void)state;
    run(&fixture, &seen, break_off_while_writing);
    ht_buffer_finish(&seen.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slow_reader_gets_every_byte),
        cmocka_unit_test(test_requests_behind_an_answer_that_goes_out_at_once_are_answered),
        cmocka_unit_test(test_requests_that_wait_for_an_answer_to_go_out_are_not_late),
        cmocka_unit_test(test_half_a_head_behind_a_large_answer_is_late_after_it),
        cmocka_unit_test(test_client_that_does_not_read_is_cut),
        cmocka_unit_test(test_client_that_breaks_off_while_it_is_written_to),
    };
    return cmocka_run_group_tests_name("net/transport", tests, NULL, NULL);
}
