// SPDX-License-Identifier: MIT
#include "../../../src/net/http_parser.h"

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define HEADERS_MAX   100
#define BODY_MAX      1000
#define MUTANTS_COUNT 20000

static const struct ht_http_head_limits limits = {4096, HEADERS_MAX, 1024};

/* What became of the first request in some bytes. */
struct outcome {
    int status; /* 0: read to its end; -1: more is needed; else the status of the refusal */
    size_t consumed;
    struct ht_buffer head; /* a copy that the parsed head points into */
    struct ht_http_header headers[HEADERS_MAX];
    struct ht_http_parsed_head parsed;
    struct ht_buffer body;
};

static int collect(void *user, struct ht_slice piece)
{
    struct outcome *outcome = user;

    return ht_buffer_append_slice(&outcome->body, piece) == 0 ? 0 : 413;
}

static void forget(struct outcome *outcome)
{
    ht_buffer_finish(&outcome->head);
    ht_buffer_finish(&outcome->body);
}

/* The head, given `step` bytes more at a time. */
static enum ht_http_verdict find_head(struct ht_slice input, size_t step,
                                      struct ht_http_head_scan *scan,
                                      struct ht_http_refusal *refusal)
{
    enum ht_http_verdict verdict = HT_HTTP_NEEDS_MORE;
    size_t given = 0;

    while (verdict == HT_HTTP_NEEDS_MORE && given < input.length) {
        given = input.length - given < step ? input.length : given + step;
        verdict = ht_http_head_scan_run(scan, ht_slice_make(input.data, given), &limits, refusal);
    }
    return verdict;
}

static void read_body(struct outcome *outcome, struct ht_http_parser *parser, struct ht_slice input,
                      size_t step)
{
    enum ht_http_verdict verdict = parser->is_complete ? HT_HTTP_COMPLETE : HT_HTTP_NEEDS_MORE;
    struct ht_http_refusal refusal;

    parser->on_body = collect;
    parser->user = outcome;
    while (verdict == HT_HTTP_NEEDS_MORE && outcome->consumed < input.length) {
        size_t left = input.length - outcome->consumed;
        size_t consumed;
        struct ht_slice piece =
            ht_slice_make(input.data + outcome->consumed, left < step ? left : step);
        verdict = ht_http_parser_body(parser, piece, &consumed, &refusal);
        assert_true(consumed <= piece.length);
        outcome->consumed += consumed;
    }
    outcome->status = verdict == HT_HTTP_COMPLETE ? 0 : -1;
    if (verdict == HT_HTTP_REFUSED) {
        outcome->status = refusal.status;
    }
}

/* Reads the first request of `input`, at most `step` bytes at a time. */
static void read_request(struct outcome *outcome, struct ht_slice input, size_t step)
{
    struct ht_http_head_scan scan = {0};
    struct ht_http_parser parser;
    struct ht_http_refusal refusal = {0, NULL};

    memset(outcome, 0, sizeof *outcome);
    ht_buffer_init(&outcome->head, limits.max_head_bytes);
    ht_buffer_init(&outcome->body, BODY_MAX);
    enum ht_http_verdict verdict = find_head(input, step, &scan, &refusal);
    if (verdict != HT_HTTP_COMPLETE) {
        outcome->status = verdict == HT_HTTP_NEEDS_MORE ? -1 : refusal.status;
        return;
    }
    assert_int_equal(ht_buffer_append(&outcome->head, input.data + scan.request_start,
                                      scan.line_start - scan.request_start),
                     0);
    outcome->consumed = scan.line_start;
    outcome->parsed.headers = outcome->headers;
    outcome->parsed.header_capacity = scan.header_count;
    ht_http_parser_init(&parser);
    if (ht_http_parser_head(&parser, ht_buffer_slice(&outcome->head), &outcome->parsed,
                            limits.max_target_bytes, &refusal) != 0) {
        outcome->status = refusal.status;
        return;
    }
    read_body(outcome, &parser, input, step);
}

static const char get[] = "GET http://h:1/a%20b?c=d HTTP/1.1\r\nHost: other\r\nX-A:  b c \t\r\n"
                          "Empty:\r\nConnection: close\r\n\r\nrest";

static void test_parts_of_a_head(void **state)
{
    struct outcome outcome;

    (void)state;
    read_request(&outcome, HT_SLICE(get), SIZE_MAX);
    assert_int_equal(outcome.status, 0);
    assert_int_equal(outcome.consumed, sizeof get - 1 - 4);
    assert_int_equal(outcome.parsed.method, HT_HTTP_GET);
    assert_true(ht_slice_equal(outcome.parsed.method_name, HT_SLICE("GET")));
    assert_true(ht_slice_equal(outcome.parsed.target, HT_SLICE("http://h:1/a%20b?c=d")));
    assert_true(ht_slice_equal(outcome.parsed.parts.path, HT_SLICE("/a%20b")));
    assert_true(ht_slice_equal(outcome.parsed.parts.query, HT_SLICE("c=d")));
    assert_true(ht_slice_equal(outcome.parsed.host, HT_SLICE("h:1")));
    assert_int_equal(outcome.parsed.version_minor, 1);
    assert_int_equal(outcome.parsed.header_count, 4);
    assert_true(ht_slice_equal(outcome.headers[1].name, HT_SLICE("X-A")));
    assert_true(ht_slice_equal(outcome.headers[1].value, HT_SLICE("b c")));
    assert_int_equal(outcome.headers[2].value.length, 0);
    assert_false(outcome.parsed.keep_alive);
    assert_false(outcome.parsed.is_chunked || outcome.parsed.has_length);
    forget(&outcome);
}

static const char chunked[] = "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n"
                              "3;a=\"b\"\r\nabc\r\n0A\r\n0123456789\r\n0\r\nT: u\r\n\r\nGET ";

static void test_chunked_body_in_steps(void **state)
{
    (void)state;
    for (size_t step = 1; step < sizeof chunked; step++) {
        struct outcome outcome;
        read_request(&outcome, HT_SLICE(chunked), step);
        assert_int_equal(outcome.status, 0);
        assert_int_equal(outcome.consumed, sizeof chunked - 1 - 4);
        assert_string_equal(outcome.body.data, "abc0123456789");
        forget(&outcome);
    }
}

/* What one reader takes for the end of a body, or of its head, and another does not. */
static const char *const unclear[] = {
    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\n",
    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\n\r\n",
    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n: b\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n c\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n\r\r\n0\n\r\n",
    "GET  / HTTP/1.1\r\nHost: h\r\n\r\n",
    "GET /  HTTP/1.1\r\nHost: h\r\n\r\n",
};

static void test_what_is_unclear_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof unclear / sizeof unclear[0]; i++) {
        for (size_t step = 1; step <= strlen(unclear[i]); step++) {
            struct outcome outcome;
            read_request(&outcome, ht_slice_text(unclear[i]), step);
            if (outcome.status != 400) {
                fail_msg("%zu in steps of %zu: %d", i, step, outcome.status);
            }
            forget(&outcome);
        }
    }
}

struct keep_case {
    const char *name;
    const char *head;
    bool keeps;
};

static const struct keep_case keep_cases[] = {
    {"1.1", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
    {"1.1 close", "GET / HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n", false},
    {"1.1 close in a list", "GET / HTTP/1.1\r\nHost: a\r\nConnection: x, close\r\n\r\n", false},
    {"1.0", "GET / HTTP/1.0\r\n\r\n", false},
    {"1.0 keep-alive", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true},
};

static void test_keep_alive(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof keep_cases / sizeof keep_cases[0]; i++) {
        struct outcome outcome;
        read_request(&outcome, ht_slice_text(keep_cases[i].head), SIZE_MAX);
        if (outcome.status != 0 || outcome.parsed.keep_alive != keep_cases[i].keeps) {
            fail_msg("%s", keep_cases[i].name);
        }
        forget(&outcome);
    }
}

/* Changes, removes or doubles a few bytes of a good request. */
static void mutate(struct ht_random *random, const char *good, struct ht_buffer *mutant)
{
    static const char likely[] = "\r\n\t :;,0\x00\x80/*?#%AchT1=\"";
    size_t length = strlen(good);

    ht_buffer_clear(mutant);
    for (size_t i = 0; i < length; i++) {
        uint64_t dice = ht_random_below(random, length * 2);
        char likely_byte = likely[ht_random_below(random, sizeof likely - 1)];
        if (dice == 0) {
            continue;
        }
        if (dice == 1) {
            ht_buffer_append_byte(mutant, likely_byte);
        }
        ht_buffer_append_byte(mutant, dice == 2 ? likely_byte : good[i]);
        if (dice == 3) {
            ht_buffer_append_byte(mutant, good[i]);
        }
    }
}

/* Returns what became of it. */
static int check_mutant(const struct ht_buffer *mutant, size_t step, uint64_t number)
{
    struct outcome whole;
    struct outcome pieces;

    read_request(&whole, ht_buffer_slice(mutant), SIZE_MAX);
    read_request(&pieces, ht_buffer_slice(mutant), step);
    bool same = whole.status == pieces.status;
    if (whole.status == 0 && same) {
        same = whole.consumed == pieces.consumed &&
               ht_slice_equal(ht_buffer_slice(&whole.body), ht_buffer_slice(&pieces.body)) &&
               ht_slice_equal(whole.parsed.target, pieces.parsed.target) &&
               whole.parsed.header_count == pieces.parsed.header_count;
        /* what got through has one length and one host */
        assert_true(whole.parsed.parts.path.length > 0);
        assert_false(whole.parsed.is_chunked && whole.parsed.has_length);
        assert_null(memchr(whole.parsed.target.data, ' ', whole.parsed.target.length));
    }
    if (!same) {
        fail_msg("mutant %llu in steps of %zu: %d and %d\n%s", (unsigned long long)number, step,
                 whole.status, pieces.status, mutant->data);
    }
    forget(&whole);
    forget(&pieces);
    return whole.status;
}

/* How the bytes are cut must make no difference, whatever they are. */
static void test_mutants_are_read_the_same_in_any_pieces(void **state)
{
    static const char length[] = "PUT /y?z HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n"
                                 "Expect: 100-continue\r\n\r\nhello world";
    static const char *const good[] = {get, chunked, length};
    struct ht_random random;
    struct ht_buffer mutant;
    unsigned good_count = 0;
    unsigned refused_count = 0;

    (void)state;
    ht_random_init(&random, 1);
    ht_buffer_init(&mutant, 4096);
    for (uint64_t i = 0; i < MUTANTS_COUNT; i++) {
        mutate(&random, good[i % 3], &mutant);
        int status = check_mutant(&mutant, 1 + ht_random_below(&random, 9), i);
        good_count += status == 0;
        refused_count += status > 0;
    }
    assert_true(good_count > MUTANTS_COUNT / 10);
    assert_true(refused_count > MUTANTS_COUNT / 10);
    ht_buffer_finish(&mutant);
}

static void test_a_request_line_has_two_spaces(void **state)
{
    static const char *const lines[] = {"GET  / HTTP/1.1", "GET   / HTTP/1.1", "GET /  HTTP/1.1",
                                        "GET HTTP/1.1", "GET / / HTTP/1.1"};

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char text[100];
        struct outcome outcome;
        int length = snprintf(text, sizeof text, "%s\r\nHost: a\r\n\r\n", lines[i]);
        read_request(&outcome, ht_slice_make(text, (size_t)length), SIZE_MAX);
        if (outcome.status != 400) {
            fail_msg("%s: %d", lines[i], outcome.status);
        }
        forget(&outcome);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_of_a_head),
        cmocka_unit_test(test_chunked_body_in_steps),
        cmocka_unit_test(test_what_is_unclear_is_refused),
        cmocka_unit_test(test_keep_alive),
        cmocka_unit_test(test_a_request_line_has_two_spaces),
        cmocka_unit_test(test_mutants_are_read_the_same_in_any_pieces),
    };
    return cmocka_run_group_tests_name("net/http_parser", tests, NULL, NULL);
}
