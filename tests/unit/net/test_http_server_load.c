// SPDX-License-Identifier: MIT
#include "net_fixture.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#define HOST "Host: a\r\n"

enum { CLIENTS = 8, PIPELINED = 1000, FLOOD = 300 };

/* What the clients saw; filled on the worker's thread. */
struct seen {
    struct ht_buffer text;
    bool was_dropped[CLIENTS];
    bool ok;
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

/* Whether the server has ended the connection, without waiting for it. */
static bool has_ended(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

/* Two places are taken: by one who says nothing, then by one who is served again and again. */
static void take_places(struct fixture *fixture, void *user)
{
    struct seen *seen = user;
    int silent = client_connect(fixture->port);
    int busy = client_connect(fixture->port);

    client_send_text(busy, "GET /ok HTTP/1.1\r\n" HOST "\r\n");
    client_receive_answer(busy, &seen->text);
    client_pause(20); /* so that who is silent has been it for a while */
    client_send_text(busy, "GET /ok HTTP/1.1\r\n" HOST "\r\n");
    client_receive_answer(busy, &seen->text);
    int third = client_connect(fixture->port);
    client_send_text(third, "GET /ok HTTP/1.1\r\n" HOST "\r\n");
    client_receive_answer(third, &seen->text);
    seen->was_dropped[0] = has_ended(silent);
    seen->was_dropped[1] = has_ended(busy);
    close(silent);
    close(busy);
    close(third);
}

static void test_silent_client_makes_room(void **state)
{
    struct fixture fixture = {.options = {.max_connection_count = 2}};
    struct seen seen;

    (void)state;
    run(&fixture, &seen, take_places);
    assert_int_equal(answer_status(seen.text.data), 200);
    assert_int_equal(fixture.request_count, 3);
    assert_true(seen.was_dropped[0]);
    assert_false(seen.was_dropped[1]);
    assert_int_equal(fixture.stats.connections_dropped_total, 1);
    assert_int_equal(fixture.stats.connections_refused_total, 0);
    ht_buffer_finish(&seen.text);
}

/* Bodies that come slowly take every place; each newcomer is served all the same. */
static void send_slow_bodies(struct fixture *fixture, void *user)
{
    struct seen *seen = user;
    int slow[CLIENTS];

    for (int i = 0; i < CLIENTS; i++) {
        slow[i] = client_connect(fixture->port);
        client_send_text(slow[i], "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 500\r\n\r\nx");
    }
    int newcomer = client_connect(fixture->port);
    client_send_text(newcomer, "GET /ok HTTP/1.1\r\n" HOST "\r\n");
    seen->ok = client_receive_answer(newcomer, &seen->text);
    for (int i = 0; i < CLIENTS; i++) {
        close(slow[i]);
    }
    close(newcomer);
}

static void test_slow_body_makes_room(void **state)
{
    struct fixture fixture = {.options = {.max_connection_count = CLIENTS / 2}};
    struct seen seen;

    (void)state;
    run(&fixture, &seen, send_slow_bodies);
    assert_true(seen.ok);
    assert_int_equal(answer_status(seen.text.data), 200);
    assert_int_equal(fixture.stats.connections_dropped_total, CLIENTS / 2 + 1);
    assert_int_equal(fixture.stats.body_bytes_held, 0);
    ht_buffer_finish(&seen.text);
}

/* Each asks for 4 MiB and reads none of it. */
static void read_nothing(struct fixture *fixture, void *user)
{
    struct seen *seen = user;
    int deaf[CLIENTS];

    for (int i = 0; i < CLIENTS; i++) {
        deaf[i] = client_connect(fixture->port);
        client_send_text(deaf[i], "GET /big HTTP/1.1\r\n" HOST "\r\n");
    }
    int reader = client_connect(fixture->port);
    client_send_text(reader, "GET /large HTTP/1.1\r\n" HOST "\r\n");
    seen->ok = client_receive_answer(reader, &seen->text);
    for (int i = 0; i < CLIENTS; i++) {
        close(deaf[i]);
    }
    close(reader);
}

static void test_what_holds_most_bytes_is_cut(void **state)
{
    struct fixture fixture = {.options = {.max_buffered_bytes_in_total = FIXTURE_LARGE_BYTES * 2}};
    struct seen seen;

    (void)state;
    run(&fixture, &seen, read_nothing);
    assert_true(seen.ok);
    assert_int_equal(answer_status(seen.text.data), 200);
    assert_true(fixture.stats.connections_dropped_total > 0);
    ht_buffer_finish(&seen.text);
}

/* More requests than one turn takes. */
static void append_requests(struct ht_buffer *all, const char *path)
{
    ht_buffer_init(all, 1u << 20);
    for (int i = 0; i < PIPELINED; i++) {
        ht_buffer_append_format(all, "GET %s HTTP/1.1\r\n" HOST "\r\n", path);
    }
}

/* Sends them and `last`, and says at once that nothing more comes. */
static void pipeline_and_end(struct fixture *fixture, const char *last)
{
    struct ht_buffer all;

    append_requests(&all, "/ok");
    ht_buffer_append_text(&all, last);
    struct fixture_exchange exchange = {.request = all.data, .ends_after_send = true};
    fixture_exchange(fixture, &exchange);
    assert_true(exchange.ended_well);
    assert_int_equal(count_of(exchange.seen.data, "HTTP/1.1 200 OK"), PIPELINED);
    ht_buffer_finish(&exchange.seen);
    ht_buffer_finish(&all);
}

static void test_all_that_came_before_the_end_is_answered(void **state)
{
    struct fixture fixture = {0};

    (void)state;
    pipeline_and_end(&fixture, "");
}

/* Nobody waits for the rest of the body. */
static void test_an_end_within_a_body_is_noticed(void **state)
{
    struct fixture fixture = {0};

    (void)state;
    pipeline_and_end(&fixture, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nhalf");
    assert_int_equal(fixture.gone_count, 1);
}

/* Two send requests without end and read the answers; a third asks now and then. Before it got a turn
 * only when they paused. */
struct stream_of_requests {
    int fd;
    struct ht_slice block;
    size_t sent;
};

static void push_and_pull(struct stream_of_requests *stream)
{
    static char answers[1 << 16];
    ssize_t sent = send(stream->fd, stream->block.data + stream->sent,
                        stream->block.length - stream->sent, MSG_DONTWAIT | MSG_NOSIGNAL);

    stream->sent = (stream->sent + (sent > 0 ? (size_t)sent : 0)) % stream->block.length;
    while (recv(stream->fd, answers, sizeof answers, MSG_DONTWAIT) > 0) {
    }
}

static void ask_beside_streams(struct fixture *fixture, void *user)
{
    enum { ROUNDS_MAX = 400, ASKED = 5 };
    struct seen *seen = user;
    struct stream_of_requests streams[2];
    struct ht_buffer block;
    char answer[512];
    unsigned answered = 0;
    int honest = client_connect(fixture->port);

    append_requests(&block, "/work");
    for (int i = 0; i < 2; i++) {
        streams[i] = (struct stream_of_requests){.fd = client_connect(fixture->port),
                                                 .block = ht_buffer_slice(&block)};
        push_and_pull(&streams[i]);
    }
    client_send_text(honest, "GET /ok HTTP/1.1\r\n" HOST "\r\n");
    for (unsigned round = 0; round < ROUNDS_MAX && answered < ASKED; round++) {
        push_and_pull(&streams[0]);
        push_and_pull(&streams[1]);
        client_pause(5);
        if (recv(honest, answer, sizeof answer, MSG_DONTWAIT) > 0) {
            answered++;
            client_send_text(honest, "GET /ok HTTP/1.1\r\n" HOST "\r\n");
        }
    }
    seen->ok = answered == ASKED;
    close(streams[0].fd);
    close(streams[1].fd);
    close(honest);
    ht_buffer_finish(&block);
}

static void test_streams_of_requests_leave_others_their_turn(void **state)
{
    struct fixture fixture = {0};
    struct seen seen;

    (void)state;
    run(&fixture, &seen, ask_beside_streams);
    assert_true(seen.ok);
    ht_buffer_finish(&seen.text);
}

/* All places are taken by listeners to events, of whom none makes room. */
struct full_house {
    struct seen seen;
    int listeners[2], flood[FLOOD]; /* closed after the figures were taken */
};

static void flood_full_house(struct fixture *fixture, void *user)
{
    struct full_house *house = user;
    struct seen *seen = &house->seen;

    for (int i = 0; i < 2; i++) {
        house->listeners[i] = client_connect(fixture->port);
        client_send_text(house->listeners[i], "GET /events HTTP/1.1\r\n" HOST "\r\n");
        seen->ok = client_wait_for(house->listeners[i], &seen->text, "\r\n\r\n");
        ht_buffer_clear(&seen->text);
    }
    for (int i = 0; i < FLOOD; i++) {
        house->flood[i] = client_connect(fixture->port);
    }
    seen->ok = seen->ok && client_receive_all(house->flood[0], &seen->text);
    for (int i = 1; i < FLOOD - 1; i++) {
        while (!has_ended(house->flood[i])) { /* the last may hold the place of one refused */
            client_pause(1);
        }
    }
}

static void test_refused_connections_are_few_at_once(void **state)
{
    static struct full_house house;
    struct fixture fixture = {.options = {.max_connection_count = 2}};

    (void)state;
    ht_buffer_init(&house.seen.text, 64u << 20);
    fixture.client = flood_full_house;
    fixture.client_user = &house;
    fixture_run(&fixture);
    assert_true(house.seen.ok);
    assert_int_equal(answer_status(house.seen.text.data), 503);
    assert_true(fixture.stats.connections_refused_total > 0);
    assert_in_range(fixture.stats.connections_open, 2, 2 + 64);
    assert_int_equal(fixture.sse_gone_count, 2); /* at the end, when the server closes */
    for (int i = 0; i < FLOOD; i++) {
        close(house.flood[i]);
    }
    close(house.listeners[0]);
    close(house.listeners[1]);
    ht_buffer_finish(&house.seen.text);
}

/* Clients come all at once; looked at in each turn of the loop. */
struct rush {
    struct fixture fixture;
    struct ht_timer timer;
    int fds[FLOOD];
    uint64_t before, most; /* connections taken until a turn, and in one */
};

static void on_rush_turn(struct ht_timer *timer)
{
    struct rush *rush = HT_CONTAINER_OF(timer, struct rush, timer);
    uint64_t total = ht_http_server_stats(rush->fixture.server)->connections_total;

    rush->most = total - rush->before > rush->most ? total - rush->before : rush->most;
    rush->before = total;
    if (total < FLOOD) {
        ht_timer_start(ht_loop_timers(rush->fixture.loop), timer, 0);
        return;
    }
    for (int i = 0; i < FLOOD; i++) {
        close(rush->fds[i]);
    }
    fixture_end(&rush->fixture);
}

static void begin_rush(struct fixture *fixture)
{
    struct rush *rush = HT_CONTAINER_OF(fixture, struct rush, fixture);

    for (int i = 0; i < FLOOD; i++) {
        rush->fds[i] = client_connect(fixture->port);
    }
    ht_timer_init(&rush->timer, on_rush_turn);
    on_rush_turn(&rush->timer);
}

static void test_a_rush_of_clients_is_taken_in_several_turns(void **state)
{
    static struct rush rush = {
        .fixture = {.options = {.max_connection_count = 100}, .on_start = begin_rush}};

    (void)state;
    fixture_run(&rush.fixture);
    assert_in_range(rush.most, 1, 32);
    assert_int_equal(rush.fixture.stats.connections_total, FLOOD);
    assert_int_equal(rush.fixture.stats.connections_dropped_total, FLOOD - 100);
    assert_int_equal(rush.fixture.stats.connections_refused_total, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_silent_client_makes_room),
        cmocka_unit_test(test_slow_body_makes_room),
        cmocka_unit_test(test_what_holds_most_bytes_is_cut),
        cmocka_unit_test(test_all_that_came_before_the_end_is_answered),
        cmocka_unit_test(test_an_end_within_a_body_is_noticed),
        cmocka_unit_test(test_refused_connections_are_few_at_once),
        cmocka_unit_test(test_a_rush_of_clients_is_taken_in_several_turns),
        cmocka_unit_test(test_streams_of_requests_leave_others_their_turn),
    };
    return cmocka_run_group_tests_name("net/http_server_load", tests, NULL, NULL);
}
