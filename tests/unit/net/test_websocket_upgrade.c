// SPDX-License-Identifier: MIT
#include "../../../src/net/websocket_upgrade.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* RFC 6455 section 1.3 */
#define KEY    "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define START  "HTTP/1.1 101 Switching Protocols\r\n"
#define GOOD   START "Upgrade: websocket\r\nConnection: Upgrade\r\n" ACCEPT

static void test_accept_of_the_standard(void **state)
{
    char accept[HT_WEBSOCKET_ACCEPT_BYTES];

    (void)state;
    ht_websocket_accept_of(KEY, accept);
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static void test_keys_differ(void **state)
{
    char one[HT_WEBSOCKET_KEY_BYTES], two[HT_WEBSOCKET_KEY_BYTES];

    (void)state;
    assert_int_equal(ht_websocket_key_make(one), 0);
    assert_int_equal(ht_websocket_key_make(two), 0);
    assert_int_equal(strlen(one), 24);
    assert_string_not_equal(one, two);
}

/* --- URLs --- */

struct url_case {
    const char *url, *http_url, *host, *target; /* http_url NULL: refused */
};

static const struct url_case urls[] = {
    {"ws://a", "http://a/", "a", "/"},
    {"wss://a:8443/x/y?q=1&r=2", "https://a:8443/", "a:8443", "/x/y?q=1&r=2"},
    {"WSS://Host.example?only=query#fragment", "https://Host.example/", "Host.example",
     "/?only=query"},
    {"http://127.0.0.1:1/p", "http://127.0.0.1:1/", "127.0.0.1:1", "/p"},
    {"https://[::1]:9/", "https://[::1]:9/", "[::1]:9", "/"},
    {"ws://user:secret@a/", NULL, NULL, NULL},
    {"ws://", NULL, NULL, NULL},
    {"ws://a:99999/", NULL, NULL, NULL},
    {"ws://a/\r\nX: y", NULL, NULL, NULL},
    {"ws://a b/", NULL, NULL, NULL},
    {"ftp://a/", NULL, NULL, NULL},
    {"w", NULL, NULL, NULL},
    {"", NULL, NULL, NULL},
};

static void test_urls(void **state)
{
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(urls); i++) {
        struct ht_websocket_url parts;
        const char *problem;
        int status = ht_websocket_url_parse(urls[i].url, &parts, &problem);
        if (urls[i].http_url == NULL) {
            if (status != HT_EINVAL || problem[0] == '\0' || strstr(problem, "secret") != NULL) {
                fail_msg("%s: %d %s", urls[i].url, status, problem);
            }
        } else {
            assert_int_equal(status, 0);
            assert_string_equal(parts.http_url, urls[i].http_url);
            assert_string_equal(parts.host, urls[i].host);
            assert_string_equal(parts.target, urls[i].target);
        }
        ht_websocket_url_finish(&parts);
    }
}

/* --- requests --- */

static int format(const char *name, const char *value, const char *subprotocol,
                  struct ht_buffer *out)
{
    struct ht_http_header header = {ht_slice_text(name), ht_slice_text(value)};
    struct ht_websocket_url url = {.host = strdup("a:1"), .target = strdup("/p?q")};
    struct ht_websocket_request request = {.url = &url,
                                           .key = KEY,
                                           .subprotocol = subprotocol,
                                           .agent = "me/1",
                                           .headers = &header,
                                           .header_count = name == NULL ? 0 : 1};

    ht_buffer_init(out, 4096);
    int status = ht_websocket_request_format(&request, out);
    ht_websocket_url_finish(&url);
    return status;
}

static void test_requests(void **state)
{
    struct ht_buffer out;

    (void)state;
    assert_int_equal(format("Authorization", "Bearer x", "xrpc.v1.json", &out), 0);
    assert_string_equal(out.data, "GET /p?q HTTP/1.1\r\nHost: a:1\r\nUpgrade: websocket\r\n"
                                  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                  "Sec-WebSocket-Key: " KEY "\r\n"
                                  "Sec-WebSocket-Protocol: xrpc.v1.json\r\nUser-Agent: me/1\r\n"
                                  "Authorization: Bearer x\r\n\r\n");
    ht_buffer_finish(&out);
    assert_int_equal(format("user-agent", "other", NULL, &out), 0);
    assert_null(strstr(out.data, "me/1"));
    assert_null(strstr(out.data, "Protocol"));
    ht_buffer_finish(&out);
}

static void test_requests_that_are_refused(void **state)
{
    static const char *const headers[][2] = {{"X", "a\r\nY: b"}, {"X\n", "a"},
                                             {"", "a"},          {"host", "b"},
                                             {"Upgrade", "x"},   {"sec-websocket-key", KEY}};
    struct ht_buffer out;

    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(headers); i++) {
        assert_int_equal(format(headers[i][0], headers[i][1], NULL, &out), HT_EINVAL);
        ht_buffer_finish(&out);
    }
    assert_int_equal(format(NULL, "", "a\nb", &out), HT_EINVAL);
    ht_buffer_finish(&out);
}

/* --- answers --- */

struct answer_case {
    const char *text;
    const char *subprotocol;
    bool agrees;
};

static const struct answer_case answers[] = {
    {GOOD "\r\n", NULL, true},
    {"HTTP/1.1 101\r\nupgrade:WEBSOCKET\r\nCONNECTION: keep-alive ,\tUPGRADE\r\n" ACCEPT "\r\n",
     NULL, true},
    {"HTTP/1.1 101 Sure\nUpgrade: websocket\nConnection: upgrade\n" ACCEPT "\n", NULL, true},
    {"HTTP/1.1 103 Hints\r\nUpgrade: none\r\n\r\n" GOOD "\r\n", NULL, true},
    {GOOD "Sec-WebSocket-Extensions:\r\n\r\n", NULL, true},
    {GOOD "Sec-WebSocket-Protocol: chat\r\n\r\n", "chat", true},
    {GOOD "\r\n", "chat", false},
    {GOOD "Sec-WebSocket-Protocol: chat\r\n\r\n", NULL, false},
    {GOOD "Sec-WebSocket-Protocol: other\r\n\r\n", "chat", false},
    {GOOD "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", NULL, false},
    {GOOD ACCEPT "\r\n", NULL, false},
    {START "Connection: Upgrade\r\n" ACCEPT "\r\n", NULL, false},
    {START "Upgrade: h2c\r\nConnection: Upgrade\r\n" ACCEPT "\r\n", NULL, false},
    {START "Upgrade: websocket\r\n" ACCEPT "\r\n", NULL, false},
    {START "Upgrade: websocket\r\nConnection: close\r\n" ACCEPT "\r\n", NULL, false},
    {START "Upgrade: websocket\r\nConnection: notupgrade\r\n" ACCEPT "\r\n", NULL, false},
    {START "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n", NULL, false},
    {START "Upgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
     NULL, false},
};

static void test_answers_cut_anywhere(void **state)
{
    static struct ht_websocket_answer answer;

    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(answers); i++) {
        size_t length = strlen(answers[i].text);
        const char *problem;
        for (size_t cut = 0; cut < length; cut++) {
            assert_int_equal(ht_websocket_answer_read(&answer, ht_slice_make(answers[i].text, cut)),
                             HT_WEBSOCKET_ANSWER_NEEDS_MORE);
        }
        assert_int_equal(ht_websocket_answer_read(&answer, ht_slice_make(answers[i].text, length)),
                         HT_WEBSOCKET_ANSWER_COMPLETE);
        assert_int_equal(answer.status, 101);
        assert_int_equal(answer.head_bytes, length);
        int status = ht_websocket_answer_check(&answer, KEY, answers[i].subprotocol, &problem);
        if ((status == 0) != answers[i].agrees || (problem[0] == '\0') != answers[i].agrees) {
            fail_msg("answer %zu: %d %s", i, status, problem);
        }
    }
}

static void test_answers_that_are_none(void **state)
{
    static const char *const texts[] = {"SSH-2.0-x\r\n",
                                        "HTTP/2 101\r\n\r\n",
                                        "HTTP/1.1 99 \r\n\r\n",
                                        "HTTP/1.1 1011\r\n\r\n",
                                        "HTTP/1.1 abc\r\n\r\n",
                                        "HTTP/1.1 600 x\r\n\r\n",
                                        "HTTP/1.1 101 x\r\nno colon\r\n\r\n",
                                        "HTTP/1.1 101 x\r\n: no name\r\n\r\n",
                                        "HTTP/1.1 101 x\r\nA: b\r\n folded\r\n\r\n",
                                        "HTTP/1.1 101 x\r\nA: b\rC: d\r\n\r\n",
                                        "\r\n\r\n",
                                        "hello",
                                        "HTTQ"};
    static struct ht_websocket_answer answer;

    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(texts); i++) {
        if (ht_websocket_answer_read(&answer, ht_slice_text(texts[i])) !=
            HT_WEBSOCKET_ANSWER_BROKEN) {
            fail_msg("%s", texts[i]);
        }
    }
}

static void test_heads_over_the_limits(void **state)
{
    static struct ht_websocket_answer answer;
    static char text[HT_WEBSOCKET_HEAD_MAX_BYTES * 2];
    size_t length;

    (void)state;
    length = (size_t)snprintf(text, sizeof text, START "A: ");
    memset(text + length, 'x', HT_WEBSOCKET_HEAD_MAX_BYTES);
    assert_int_equal(
        ht_websocket_answer_read(&answer, ht_slice_make(text, HT_WEBSOCKET_HEAD_MAX_BYTES)),
        HT_WEBSOCKET_ANSWER_NEEDS_MORE);
    assert_int_equal(
        ht_websocket_answer_read(&answer, ht_slice_make(text, HT_WEBSOCKET_HEAD_MAX_BYTES + 1)),
        HT_WEBSOCKET_ANSWER_BROKEN);
    for (unsigned i = 0; i <= HT_WEBSOCKET_HEADERS_MAX; i++) {
        length += (size_t)snprintf(text + length, sizeof text - length, "%sA: %u\r\n",
                                   i == 0 ? "\r\n" : "", i);
    }
    memcpy(text + strlen(START) + 3, "b\r\n", 3); /* the long line is gone */
    assert_int_equal(ht_websocket_answer_read(&answer, ht_slice_make(text, length)),
                     HT_WEBSOCKET_ANSWER_BROKEN);
}

/* The head ends, but too late. */
static void test_a_head_that_ends_behind_the_limit(void **state)
{
    static struct ht_websocket_answer answer;
    static char text[HT_WEBSOCKET_HEAD_MAX_BYTES * 2];

    (void)state;
    for (size_t over = 0; over < 2; over++) {
        size_t rest = strlen(GOOD) + strlen("A: \r\n\r\n"), length = strlen(GOOD);
        memcpy(text, GOOD, length);
        memcpy(text + length, "A: ", 3);
        memset(text + length + 3, 'x', HT_WEBSOCKET_HEAD_MAX_BYTES - rest + over);
        memcpy(text + HT_WEBSOCKET_HEAD_MAX_BYTES - 4 + over, "\r\n\r\n", 4);
        assert_int_equal(ht_websocket_answer_read(
                             &answer, ht_slice_make(text, HT_WEBSOCKET_HEAD_MAX_BYTES + over)),
                         over > 0 ? HT_WEBSOCKET_ANSWER_BROKEN : HT_WEBSOCKET_ANSWER_COMPLETE);
    }
}

struct body_case {
    const char *text, *body;
    bool is_complete;
};

static const struct body_case bodies[] = {
    {"HTTP/1.1 400 x\r\nContent-Length: 3\r\n\r\nabcdef", "abc", true},
    {"HTTP/1.1 400 x\r\nContent-Length: 9\r\n\r\nabcdef", "abcdef", false},
    {"HTTP/1.1 400 x\r\nContent-Length: 0\r\n\r\n", "", true},
    {"HTTP/1.1 400 x\r\nContent-Length: many\r\n\r\nab", "ab", false},
    {"HTTP/1.1 204 x\r\n\r\n", "", true},
    {"HTTP/1.1 500 x\r\n\r\nuntil the end", "until the end", false},
    {"HTTP/1.1 500 x\r\nTransfer-Encoding: "
     "chunked\r\n\r\n3\r\nabc\r\n0A;x=y\r\n0123456789\r\n0\r\n\r\n",
     "abc0123456789", true},
    {"HTTP/1.1 500 x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5\r\nde", "abcde", false},
    {"HTTP/1.1 500 x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nwhat\r\nde", "abc", true},
    {"HTTP/1.1 500 x\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\nabc", "abc", false},
};

static void test_bodies_of_refusals(void **state)
{
    static struct ht_websocket_answer answer;
    struct ht_buffer body;

    (void)state;
    ht_buffer_init(&body, HT_WEBSOCKET_BODY_MAX_BYTES);
    for (size_t i = 0; i < HT_COUNT_OF(bodies); i++) {
        struct ht_slice text = ht_slice_text(bodies[i].text);
        assert_int_equal(ht_websocket_answer_read(&answer, text), HT_WEBSOCKET_ANSWER_COMPLETE);
        text = ht_slice_make(text.data + answer.head_bytes, text.length - answer.head_bytes);
        bool is_complete = ht_websocket_answer_body(&answer, text, &body);
        if (is_complete != bodies[i].is_complete ||
            !ht_slice_equal(ht_buffer_slice(&body), ht_slice_text(bodies[i].body))) {
            fail_msg("body %zu: \"%s\"", i, body.data);
        }
    }
    ht_buffer_finish(&body);
}

static void test_long_bodies_are_cut(void **state)
{
    static struct ht_websocket_answer answer;
    static char text[HT_WEBSOCKET_BODY_MAX_BYTES * 2];
    struct ht_buffer body;

    (void)state;
    memset(text, 'x', sizeof text);
    ht_buffer_init(&body, HT_WEBSOCKET_BODY_MAX_BYTES);
    (void)ht_websocket_answer_read(&answer, HT_SLICE("HTTP/1.1 500 x\r\n\r\n"));
    assert_true(ht_websocket_answer_body(&answer, ht_slice_make(text, sizeof text), &body));
    assert_int_equal(body.length, HT_WEBSOCKET_BODY_MAX_BYTES);
    ht_buffer_finish(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accept_of_the_standard),
        cmocka_unit_test(test_keys_differ),
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_requests_that_are_refused),
        cmocka_unit_test(test_answers_cut_anywhere),
        cmocka_unit_test(test_answers_that_are_none),
        cmocka_unit_test(test_heads_over_the_limits),
        cmocka_unit_test(test_a_head_that_ends_behind_the_limit),
        cmocka_unit_test(test_bodies_of_refusals),
        cmocka_unit_test(test_long_bodies_are_cut),
    };
    return cmocka_run_group_tests_name("net/websocket_upgrade", tests, NULL, NULL);
}
