// SPDX-License-Identifier: MIT
#include "net_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

struct raw_case {
    const char *name;
    const char *request;
    int status;
};

#define HOST  "Host: a\r\n"
#define CLOSE "Connection: close\r\n"

/* Each is sent as it stands; the server answers with the status and closes. */
static const struct raw_case raw_cases[] = {
    {"plain", "GET /ok HTTP/1.1\r\n" HOST CLOSE "\r\n", 200},
    {"HTTP/1.0 without Host", "GET /ok HTTP/1.0\r\n\r\n", 200},
    {"absolute form", "GET http://a/ok HTTP/1.1\r\n" HOST CLOSE "\r\n", 200},
    {"empty lines before", "\r\n\r\nGET /ok HTTP/1.1\r\n" HOST CLOSE "\r\n", 200},
    {"query", "GET /ok?a=b HTTP/1.1\r\n" HOST CLOSE "\r\n", 200},
    {"upgrade is ignored",
     "GET /ok HTTP/1.1\r\n" HOST "Connection: close, upgrade\r\nUpgrade: h2c\r\n\r\n", 200},
    {"empty value", "GET /ok HTTP/1.1\r\n" HOST "X:\r\n" CLOSE "\r\n", 200},
    {"not found", "GET /nothing HTTP/1.1\r\n" HOST CLOSE "\r\n", 404},
    {"bare LF after the request line", "GET /ok HTTP/1.1\n" HOST "\r\n", 400},
    {"bare LF everywhere", "GET /ok HTTP/1.1\nHost: a\n\n", 400},
    {"bare LF between headers", "GET /ok HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400},
    {"CR ends a header (CVE-2023-30589)",
     "GET /ok HTTP/1.1\r\n" HOST "X-Abc:\rTransfer-Encoding: chunked\r\n\r\n", 400},
    {"CR ends a header, short", "GET /ok HTTP/1.1\r\n" HOST "X:\rY: b\r\n\r\n", 400},
    {"CR at the end of the head", "GET /ok HTTP/1.1\r\n" HOST "\rX\r\n\r\n", 400},
    {"CR inside a value", "GET /ok HTTP/1.1\r\n" HOST "X: a\rb\r\n\r\n", 400},
    {"CR without any LF", "GET /ok HTTP/1.1\rHost: a\r\r", 400},
    {"folded header", "GET /ok HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n", 400},
    {"folded with a tab", "GET /ok HTTP/1.1\r\n" HOST "X: a\r\n\tb\r\n\r\n", 400},
    {"folded Content-Length", "POST /echo HTTP/1.1\r\n" HOST "Content-Length:\r\n 1\r\n\r\na", 400},
    {"space before the first header", "GET /ok HTTP/1.1\r\n Host: a\r\n\r\n", 400},
    {"space before the colon of Host", "GET /ok HTTP/1.1\r\nHost : a\r\n\r\n", 400},
    {"space before a colon", "POST /echo HTTP/1.1\r\n" HOST "Content-Length : 1\r\n\r\na", 400},
    {"tab before a colon", "GET /ok HTTP/1.1\r\n" HOST "X\t: a\r\n\r\n", 400},
    {"no colon", "GET /ok HTTP/1.1\r\n" HOST "nonsense\r\n\r\n", 400},
    {"empty name", "GET /ok HTTP/1.1\r\n" HOST ": a\r\n\r\n", 400},
    {"no Host", "GET /ok HTTP/1.1\r\n\r\n", 400},
    {"two Hosts", "GET /ok HTTP/1.1\r\n" HOST HOST "\r\n", 400},
    {"Host with a space", "GET /ok HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
    {"Host with a user", "GET /ok HTTP/1.1\r\nHost: a@b\r\n\r\n", 400},
    {"HTTP/0.9", "GET /ok\r\n\r\n", 400},
    {"HTTP/2.0", "GET /ok HTTP/2.0\r\n" HOST "\r\n", 505},
    {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
    {"HTTP/1.2", "GET /ok HTTP/1.2\r\n" HOST "\r\n", 505},
    {"another protocol", "GET /ok RTSP/1.0\r\n" HOST "\r\n", 400},
    {"lower case version", "GET /ok http/1.1\r\n" HOST "\r\n", 400},
    {"HTTP/1.0 with chunks", "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     400},
    {"chunked and length",
     "POST /echo HTTP/1.1\r\n" HOST
     "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
     400},
    {"length and chunked",
     "POST /echo HTTP/1.1\r\n" HOST
     "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     400},
    {"two lengths",
     "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\na", 400},
    {"list of lengths", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1, 1\r\n\r\na", 400},
    {"signed length", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: +1\r\n\r\na", 400},
    {"empty length", "POST /echo HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\na", 400},
    {"endless length",
     "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\na", 400},
    {"coding that does not end with chunked",
     "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400},
    {"unknown coding before chunked",
     "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
    {"chunked twice",
     "POST /echo HTTP/1.1\r\n" HOST
     "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     400},
    {"byte above 0x7f in a value", "GET /ok HTTP/1.1\r\n" HOST "X: \xc3\xa4\r\n\r\n", 400},
    {"byte above 0x7f in the target", "GET /\xc3\xa4 HTTP/1.1\r\n" HOST "\r\n", 400},
    {"byte above 0x7f in a name", "GET /ok HTTP/1.1\r\n" HOST "\xc3\xa4: a\r\n\r\n", 400},
    {"control byte in a value", "GET /ok HTTP/1.1\r\n" HOST "X: \x01\r\n\r\n", 400},
    {"fragment in the target", "GET /ok#a HTTP/1.1\r\n" HOST "\r\n", 400},
    {"target without slash", "GET ok HTTP/1.1\r\n" HOST "\r\n", 400},
    {"star without OPTIONS", "GET * HTTP/1.1\r\n" HOST "\r\n", 400},
    {"unknown method", "BREW /ok HTTP/1.1\r\n" HOST "\r\n", 501},
    {"method that is none", "g\x01t /ok HTTP/1.1\r\n" HOST "\r\n", 400},
    {"CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 501},
    {"TLS spoken to a plain port", "\x16\x03\x01\x02\r\n\r\n", 400},
    {"unknown expectation", "POST /echo HTTP/1.1\r\n" HOST "Expect: magic\r\n\r\n", 417},
    {"body missing where it is needed", "POST /need HTTP/1.1\r\n" HOST CLOSE "\r\n", 411},
    {"empty body where one is needed",
     "POST /need HTTP/1.1\r\n" HOST CLOSE "Content-Length: 0\r\n\r\n", 200},
    {"body over its limit", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1001\r\n\r\n", 413},
    {"chunk size that is none",
     "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400},
    {"chunk size that overflows",
     "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", 400},
    {"bare LF in chunk framing",
     "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n", 400},
    {"chunk longer than its size",
     "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n", 400},
};

static void check_raw_answer(const struct raw_case *raw, const struct fixture_exchange *exchange)
{
    const char *text = exchange->seen.data;

    if (answer_status(text) != raw->status || !exchange->ended_well) {
        fail_msg("%s: wanted %d, got: %s", raw->name, raw->status, text == NULL ? "" : text);
    }
    assert_int_equal(count_of(text, "\r\nConnection: close\r\n"), 1);
    assert_int_equal(count_of(text, "\r\nDate: "), 1);
    assert_int_equal(count_of(text, "\r\nContent-Length: "), 1);
    if (raw->status >= 400) {
        assert_int_equal(count_of(text, "\r\nContent-Type: application/problem+json\r\n"), 1);
        assert_int_equal(count_of(text, "{\"type\":\"about:blank\",\"title\":"), 1);
    }
}

static void test_raw_requests(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof raw_cases / sizeof raw_cases[0]; i++) {
        struct fixture fixture = {0};
        struct fixture_exchange exchange = {.request = raw_cases[i].request};
        fixture_exchange(&fixture, &exchange);
        check_raw_answer(&raw_cases[i], &exchange);
        ht_buffer_finish(&exchange.seen);
    }
}

static void run_long_request(const char *head, size_t filler, const char *tail, int status)
{
    struct fixture fixture = {0};
    struct ht_buffer request;
    struct raw_case raw = {head, NULL, status};

    ht_buffer_init(&request, 1u << 20);
    ht_buffer_append_text(&request, head);
    for (size_t i = 0; i < filler; i++) {
        ht_buffer_append_byte(&request, 'a');
    }
    ht_buffer_append_text(&request, tail);
    assert_int_equal(ht_buffer_status(&request), 0);
    struct fixture_exchange exchange = {.request = request.data};
    fixture_exchange(&fixture, &exchange);
    check_raw_answer(&raw, &exchange);
    ht_buffer_finish(&exchange.seen);
    ht_buffer_finish(&request);
}

static void test_long_target_is_414(void **state)
{
    (void)state;
    run_long_request("GET /", 8192, " HTTP/1.1\r\n" HOST "\r\n", 414);
    run_long_request("GET /", 200000, "", 414);
    run_long_request("GET /", 8191, " HTTP/1.1\r\n" HOST CLOSE "\r\n", 404);
}

static void test_long_head_is_431(void **state)
{
    (void)state;
    run_long_request("GET /ok HTTP/1.1\r\n" HOST "X: ", 17000, "\r\n\r\n", 431);
    run_long_request("GET /ok HTTP/1.1\r\n" HOST "X: ", 200000, "", 431);
    run_long_request("GET /ok HTTP/1.1\r\n" HOST CLOSE "X: ", 15000, "\r\n\r\n", 200);
}

static void test_many_headers_are_431(void **state)
{
    struct ht_buffer request;
    struct fixture fixture = {0};
    struct raw_case raw = {"many headers", NULL, 431};

    (void)state;
    ht_buffer_init(&request, 1u << 20);
    ht_buffer_append_text(&request, "GET /ok HTTP/1.1\r\n" HOST);
    for (int i = 0; i < 100; i++) {
        ht_buffer_append_text(&request, "X: y\r\n");
    }
    ht_buffer_append_text(&request, "\r\n");
    struct fixture_exchange exchange = {.request = request.data};
    fixture_exchange(&fixture, &exchange);
    check_raw_answer(&raw, &exchange);
    ht_buffer_finish(&exchange.seen);
    ht_buffer_finish(&request);
}

static void test_chunk_extensions_are_bounded(void **state)
{
    (void)state;
    run_long_request("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1;a=", 9000,
                     "\r\na\r\n0\r\n\r\n", 400);
    run_long_request("POST /echo HTTP/1.1\r\n" HOST CLOSE "Transfer-Encoding: chunked\r\n\r\n1;a=",
                     100, "\r\na\r\n0\r\n\r\n", 200);
}

static void test_trailers_are_bounded(void **state)
{
    (void)state;
    run_long_request(
        "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: ", 9000,
        "\r\n\r\n", 400);
}

static void test_chunked_body_over_the_limit_is_413(void **state)
{
    (void)state;
    run_long_request("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3e9\r\n",
                     1001, "\r\n0\r\n\r\n", 413);
}

static const char pipelined[] = "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nfirst"
                                "GET /later HTTP/1.1\r\n" HOST "\r\n"
                                "HEAD /ok HTTP/1.1\r\n" HOST "\r\n"
                                "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                                "2;x=y\r\nab\r\n3\r\ncde\r\n0\r\nTrailer: z\r\n\r\n\r\n"
                                "POST /ok HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nxyz"
                                "GET /ok HTTP/1.1\r\n" HOST CLOSE "\r\n";

struct split_client {
    struct ht_buffer seen;
    unsigned wrong_count;
    size_t first_wrong;
};

/* Whether `text` is the six answers in their order, the third without a body (HEAD). */
static bool pipeline_is_right(const char *text)
{
    static const char *const bodies[] = {"first", "later\n", "", "abcde", "hello\n", "hello\n"};

    for (size_t i = 0; text != NULL && i < sizeof bodies / sizeof bodies[0]; i++) {
        const char *end = strstr(text, "\r\n\r\n");
        if (answer_status(text) != 200 || end == NULL ||
            strncmp(end + 4, bodies[i], strlen(bodies[i])) != 0) {
            return false;
        }
        text = end + 4 + strlen(bodies[i]);
    }
    return text != NULL && *text == '\0';
}

/* Sends the pipeline in two pieces, cut at every byte. */
static void send_split(struct fixture *fixture, void *user)
{
    struct split_client *client = user;

    for (size_t cut = 1; cut < sizeof pipelined - 1; cut++) {
        int fd = client_connect(fixture->port);
        ht_buffer_clear(&client->seen);
        client_send(fd, pipelined, cut);
        client_pause(1); /* so that the two pieces usually arrive apart; either way is right */
        client_send(fd, pipelined + cut, sizeof pipelined - 1 - cut);
        bool ended = client_receive_all(fd, &client->seen);
        close(fd);
        if ((!ended || !pipeline_is_right(client->seen.data)) && client->wrong_count++ == 0) {
            client->first_wrong = cut;
            fprintf(stderr, "cut at %zu: %s\n", cut, client->seen.data);
        }
        if (fixture->later_count > FIXTURE_LATER_MAX - 2) {
            fixture->later_count = 0; /* all earlier ones are answered */
        }
    }
}

static void test_pipeline_cut_anywhere(void **state)
{
    struct fixture fixture = {.client = send_split};
    struct split_client client = {0};

    (void)state;
    ht_buffer_init(&client.seen, 1u << 20);
    fixture.client_user = &client;
    fixture_run(&fixture);
    assert_int_equal(client.wrong_count, 0);
    ht_buffer_finish(&client.seen);
}

static void send_bytewise(struct fixture *fixture, void *user)
{
    struct split_client *client = user;
    int fd = client_connect(fixture->port);

    for (size_t i = 0; i < sizeof pipelined - 1; i++) {
        client_send(fd, pipelined + i, 1);
        client_pause(0);
    }
    client_receive_all(fd, &client->seen);
    close(fd);
}

static void test_pipeline_byte_by_byte(void **state)
{
    struct fixture fixture = {.client = send_bytewise};
    struct split_client client = {0};

    (void)state;
    ht_buffer_init(&client.seen, 1u << 20);
    fixture.client_user = &client;
    fixture_run(&fixture);
    if (!pipeline_is_right(client.seen.data)) {
        fail_msg("got: %s", client.seen.data);
    }
    assert_int_equal(fixture.request_count, 6);
    ht_buffer_finish(&client.seen);
}

static void test_client_that_ends_its_side_gets_its_answer(void **state)
{
    struct fixture fixture = {0};
    struct fixture_exchange exchange = {.request = "GET /later HTTP/1.1\r\n" HOST
                                                   "\r\nGET /ok HTTP/1.1\r\n" HOST "\r\n",
                                        .ends_after_send = true};

    (void)state;
    fixture_exchange(&fixture, &exchange);
    assert_true(exchange.ended_well);
    assert_int_equal(count_of(exchange.seen.data, "HTTP/1.1 200 OK"), 2);
    ht_buffer_finish(&exchange.seen);
}

static void test_problem_detail_is_escaped(void **state)
{
    struct fixture fixture = {0};
    struct fixture_exchange exchange = {.request = "GET /x HTTP/1.1\r\n" HOST CLOSE "\r\n"};

    (void)state;
    fixture_exchange(&fixture, &exchange);
    assert_non_null(strstr(exchange.seen.data,
                           "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
                           "\"detail\":\"There is nothing under \\\"this\\\" path.\"}"));
    ht_buffer_finish(&exchange.seen);
}

/* What was sent is never more fields than the handler meant. */
static void test_a_field_that_would_be_two_is_not_sent(void **state)
{
    static const struct {
        struct ht_http_header field;
        int status;
    } cases[] = {
        {HT_HTTP_HEADER("X-Said", "a\tb \xc3\xa4"), 200},
        {HT_HTTP_HEADER("X-Said", "a\r\nX-More: b"), 500},
        {HT_HTTP_HEADER("X-Said", "a\x7f"), 500},
        {HT_HTTP_HEADER("X-More: b\r\nX", "a"), 500},
        {HT_HTTP_HEADER("X Said", "a"), 500},
        {HT_HTTP_HEADER("X-S\xc3\xa4id", "a"), 500},
        {HT_HTTP_HEADER("", "a"), 500},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture fixture = {.field = cases[i].field};
        struct fixture_exchange exchange = {.request = "GET /field HTTP/1.1\r\n" HOST CLOSE "\r\n"};
        fixture_exchange(&fixture, &exchange);
        assert_int_equal(answer_status(exchange.seen.data), cases[i].status);
        assert_null(strstr(exchange.seen.data, "X-More"));
        assert_int_equal(strstr(exchange.seen.data, "X-Said: a\tb \xc3\xa4\r\n") != NULL,
                         cases[i].status == 200);
        ht_buffer_finish(&exchange.seen);
    }
}

static void on_never(void *user, struct ht_http_request *request)
{
    (void)user;
    ht_http_respond_problem(request, 500, "Nobody asks here.");
}

static void stop_loop(void *user)
{
    ht_loop_stop(user);
}

/* Listens at `text`, and where that works, once more at the same place. */
static int listen_twice(const char *text, struct ht_error *error)
{
    struct ht_http_server_options options = {.on_request = on_never};
    struct ht_http_server *server;
    struct ht_http_server *second;

    assert_int_equal(ht_loop_create(&options.loop, NULL, error), 0);
    assert_int_equal(ht_address_parse(text, &options.address, error), 0);
    int status = ht_http_server_create(&server, &options, error);
    if (status == 0) {
        options.address = *ht_http_server_address(server);
        assert_true(options.address.port > 0);
        status = ht_http_server_create(&second, &options, error);
        assert_null(second);
        ht_http_server_close(server, 0, stop_loop, options.loop);
        ht_loop_run(options.loop);
    }
    ht_loop_destroy(options.loop);
    return status;
}

static void test_port_in_use(void **state)
{
    struct ht_error error = {0};

    (void)state;
    assert_int_equal(listen_twice("127.0.0.1:0", &error), HT_EBUSY);
    assert_non_null(strstr(error.text, "Cannot listen on 127.0.0.1:"));
    assert_non_null(strstr(error.text, "uses this port"));
}

static void test_address_of_another_machine(void **state)
{
    struct ht_error error = {0};

    (void)state;
    assert_int_equal(listen_twice("192.0.2.1:0", &error), HT_EINVAL);
    assert_non_null(strstr(error.text, "192.0.2.1:0"));
    assert_non_null(strstr(error.text, "no such address"));
}

static void test_ipv6(void **state)
{
    struct ht_error error = {0};

    (void)state;
    int status = listen_twice("[::1]:0", &error);
    /* a machine without IPv6 has no such address */
    assert_true(status == HT_EBUSY || status == HT_EINVAL);
    assert_non_null(strstr(error.text, "[::1]:"));
}

static void test_stats(void **state)
{
    struct fixture fixture = {0};
    struct fixture_exchange exchange = {.request = "GET /ok HTTP/1.1\r\n" HOST "\r\n"
                                                   "POST /echo HTTP/1.1\r\n" HOST
                                                   "Content-Length: 3\r\n\r\nabc"
                                                   "GET /nothing HTTP/1.1\r\n" HOST CLOSE "\r\n"};

    (void)state;
    fixture_exchange(&fixture, &exchange);
    assert_int_equal(fixture.stats.requests_total, 3);
    assert_int_equal(fixture.stats.connections_total, 1);
    assert_int_equal(fixture.stats.responses_total[2], 2);
    assert_int_equal(fixture.stats.responses_total[4], 1);
    assert_int_equal(fixture.stats.received_bytes_total, strlen(exchange.request));
    assert_int_equal(fixture.stats.sent_bytes_total, exchange.seen.length);
    assert_int_equal(fixture.stats.request_durations.count, 3);
    assert_int_equal(fixture.stats.body_bytes_held, 0);
    ht_buffer_finish(&exchange.seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_raw_requests),
        cmocka_unit_test(test_long_target_is_414),
        cmocka_unit_test(test_long_head_is_431),
        cmocka_unit_test(test_many_headers_are_431),
        cmocka_unit_test(test_chunk_extensions_are_bounded),
        cmocka_unit_test(test_trailers_are_bounded),
        cmocka_unit_test(test_chunked_body_over_the_limit_is_413),
        cmocka_unit_test(test_pipeline_cut_anywhere),
        cmocka_unit_test(test_pipeline_byte_by_byte),
        cmocka_unit_test(test_client_that_ends_its_side_gets_its_answer),
        cmocka_unit_test(test_problem_detail_is_escaped),
        cmocka_unit_test(test_a_field_that_would_be_two_is_not_sent),
        cmocka_unit_test(test_port_in_use),
        cmocka_unit_test(test_address_of_another_machine),
        cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_stats),
    };
    return cmocka_run_group_tests_name("net/http_server", tests, NULL, NULL);
}
