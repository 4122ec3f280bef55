// SPDX-License-Identifier: MIT
#include "hashtagd/net/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void test_header_find(void **state)
{
    static const struct ht_http_header headers[] = {
        HT_HTTP_HEADER("Host", "a"), HT_HTTP_HEADER("X", ""), HT_HTTP_HEADER("x", "second")};

    (void)state;
    assert_true(ht_slice_equal(ht_http_header_find(headers, 3, "hOST"), HT_SLICE("a")));
    assert_int_equal(ht_http_header_find(headers, 3, "x").length, 0);
    assert_non_null(ht_http_header_find(headers, 3, "x").data); /* there, and empty */
    assert_null(ht_http_header_find(headers, 3, "Hos").data);
    assert_null(ht_http_header_find(NULL, 0, "Host").data);
}

static void test_status_texts(void **state)
{
    (void)state;
    assert_string_equal(ht_http_status_text(200), "OK");
    assert_string_equal(ht_http_status_text(431), "Request Header Fields Too Large");
    assert_string_equal(ht_http_status_text(299), "Unknown");
}

static void test_body_keeps_a_copy(void **state)
{
    char bytes[] = "abc";

    (void)state;
    struct ht_http_body *body = ht_http_body_create(ht_slice_make(bytes, 3));
    assert_non_null(body);
    bytes[0] = 'x';
    assert_ptr_equal(ht_http_body_hold(body), body);
    ht_http_body_release(body);
    assert_true(ht_slice_equal(ht_http_body_slice(body), HT_SLICE("abc")));
    ht_http_body_release(body);
    ht_http_body_release(NULL);
}

static void test_body_takes_a_buffer(void **state)
{
    struct ht_buffer buffer;

    (void)state;
    ht_buffer_init(&buffer, 100);
    ht_buffer_append_text(&buffer, "taken");
    const char *data = buffer.data;
    struct ht_http_body *body = ht_http_body_take(&buffer);
    assert_non_null(body);
    assert_ptr_equal(ht_http_body_slice(body).data, data); /* no copy */
    assert_int_equal(buffer.length, 0);
    ht_http_body_release(body);
}

static void test_body_refuses_a_failed_buffer(void **state)
{
    struct ht_buffer buffer;

    (void)state;
    ht_buffer_init(&buffer, 2);
    ht_buffer_append_text(&buffer, "ab");
    assert_int_equal(ht_buffer_append_text(&buffer, "c"), HT_ETOOBIG);
    assert_null(ht_http_body_take(&buffer));
    assert_int_equal(buffer.length, 0);
}

static void test_empty_body(void **state)
{
    struct ht_buffer buffer;

    (void)state;
    ht_buffer_init(&buffer, 2);
    struct ht_http_body *taken = ht_http_body_take(&buffer);
    struct ht_http_body *copied = ht_http_body_create(ht_slice_make(NULL, 0));
    assert_int_equal(ht_http_body_slice(taken).length, 0);
    assert_int_equal(ht_http_body_slice(copied).length, 0);
    ht_http_body_release(taken);
    ht_http_body_release(copied);
}

static void test_dates(void **state)
{
    static const struct {
        const char *text;
        int64_t time_s; /* -1: none */
    } cases[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},  {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Sun, 01 Mar 2026 12:00:00 GMT", 1772366400}, {"", -1},
        {"Sunday, 06-Nov-94 08:49:37 GMT", -1},        {"Sun Nov  6 08:49:37 1994", -1},
        {"Sun, 06 Nov 1994 08:49:37 UTC", -1},         {"Sun, 06 Xxx 1994 08:49:37 GMT", -1},
        {"Sun, 0a Nov 1994 08:49:37 GMT", -1},         {"Sun, 06 Nov 1994 08:49:37 GMT ", -1},
        {"Sun, 06 ovD 1994 08:49:37 GMT", -1},         {"Mon, 44 Nov 1994 08:49:37 GMT", -1},
        {"Sun, 06 Nov 1994 24:49:37 GMT", -1},         {"Sun, 06 Nov 1994 08:60:37 GMT", -1},
        {"Mon, 06 Nov 1994 08:49:37 GMT", -1},         {"Wed, 29 Feb 2023 08:49:37 GMT", -1},
        {"Sun,x06xNov 1994x08x49x37 GMT", -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t time_s = -1;
        assert_int_equal(ht_http_date_parse(ht_slice_text(cases[i].text), &time_s),
                         cases[i].time_s >= 0 ? 0 : HT_EPARSE);
        assert_int_equal(time_s, cases[i].time_s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header_find),
        cmocka_unit_test(test_status_texts),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_body_keeps_a_copy),
        cmocka_unit_test(test_body_takes_a_buffer),
        cmocka_unit_test(test_body_refuses_a_failed_buffer),
        cmocka_unit_test(test_empty_body),
    };
    return cmocka_run_group_tests_name("net/http", tests, NULL, NULL);
}
