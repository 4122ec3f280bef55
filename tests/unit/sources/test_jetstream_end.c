// SPDX-License-Identifier: MIT
#include "jetstream_end.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct ht_jetstream_end explain(const struct ht_websocket_end *end)
{
    struct ht_jetstream_end out;
    memset(&out, 0xff, sizeof(out));
    ht_jetstream_end_explain(end, HT_SLICE("jetstream.example:443"), &out);
    return out;
}

static void test_answers_to_the_upgrade(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *body;
        enum ht_source_end end;
        bool is_cursor_refused;
        const char *says; /* beside the host and the body */
    } cases[] = {
        {400, "invalid DID: bob", HT_SOURCE_END_REFUSED, false, "400"},
        {400, "subscribe: invalid Cursor: \"-1\"", HT_SOURCE_END_REFUSED, true, "400"},
        {401, "", HT_SOURCE_END_REFUSED, false, "needs no account"},
        {403, "", HT_SOURCE_END_REFUSED, false, "needs no account"},
        {404, "404 page not found", HT_SOURCE_END_REFUSED, false, "source.url"},
        {414, "", HT_SOURCE_END_HTTP_ERROR, false, "source.follow"},
        {429, "slow down", HT_SOURCE_END_RATE_LIMITED, false, "429"},
        {500, "", HT_SOURCE_END_HTTP_ERROR, false, "500"},
        {502, "", HT_SOURCE_END_HTTP_ERROR, false, "502"},
        {503, "service not ready: cursor replay warming up", HT_SOURCE_END_HTTP_ERROR, false,
         "503"},
        {200, "Welcome to Jetstream", HT_SOURCE_END_REFUSED, false, "no WebSocket"},
        {301, "", HT_SOURCE_END_REFUSED, false, "no WebSocket"},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_websocket_end end = {.code = HT_EUNSUPPORTED,
                                       .error_text = "another answer than 101",
                                       .status = cases[i].status,
                                       .body = ht_slice_text(cases[i].body)};
        struct ht_jetstream_end out = explain(&end);
        assert_int_equal(out.end, cases[i].end);
        assert_int_equal(out.is_cursor_refused, cases[i].is_cursor_refused);
        assert_int_not_equal(out.error.code, 0);
        assert_non_null(strstr(out.error.text, "jetstream.example:443"));
        assert_non_null(strstr(out.error.text, cases[i].says));
    }
}

static void test_close_frames(void **state)
{
    (void)state;
    static const struct {
        unsigned code;
        enum ht_source_end end;
    } cases[] = {
        {1000, HT_SOURCE_END_ENDED},    {1001, HT_SOURCE_END_ENDED},
        {1002, HT_SOURCE_END_PROTOCOL}, {1003, HT_SOURCE_END_PROTOCOL},
        {1005, HT_SOURCE_END_ENDED},    {1007, HT_SOURCE_END_PROTOCOL},
        {1008, HT_SOURCE_END_REFUSED},  {1009, HT_SOURCE_END_PROTOCOL},
        {1010, HT_SOURCE_END_PROTOCOL}, {1011, HT_SOURCE_END_HTTP_ERROR},
        {1012, HT_SOURCE_END_TOLD},     {1013, HT_SOURCE_END_TOLD},
        {3000, HT_SOURCE_END_ENDED},    {4999, HT_SOURCE_END_ENDED},
        {0, HT_SOURCE_END_ENDED},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_websocket_end end = {
            .error_text = "", .close_code = cases[i].code, .was_open = true};
        assert_int_equal(ht_jetstream_end_of_close(cases[i].code), cases[i].end);
        assert_int_equal(explain(&end).end, cases[i].end);
        end.close_reason = HT_SLICE("shutting down");
        struct ht_jetstream_end out = explain(&end);
        assert_int_equal(out.end, cases[i].end);
        assert_non_null(strstr(out.error.text, "shutting down"));
        assert_non_null(strstr(out.error.text, "jetstream.example:443"));
        assert_int_equal(strstr(out.error.text, "source.follow") != NULL, cases[i].code == 1008);
    }
}

static void test_failures(void **state)
{
    (void)state;
    static const struct {
        int code;
        enum ht_source_end end;
    } cases[] = {
        {HT_ECONNECTION, HT_SOURCE_END_NETWORK},   {HT_ETIMEDOUT, HT_SOURCE_END_NETWORK},
        {HT_EPERMISSION, HT_SOURCE_END_REFUSED},   {HT_EINVAL, HT_SOURCE_END_REFUSED},
        {HT_EPARSE, HT_SOURCE_END_PROTOCOL},       {HT_ETOOBIG, HT_SOURCE_END_PROTOCOL},
        {HT_EUNSUPPORTED, HT_SOURCE_END_PROTOCOL}, {HT_ENOMEM, HT_SOURCE_END_NETWORK},
        {HT_EIO, HT_SOURCE_END_NETWORK},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_websocket_end end = {.code = cases[i].code, .error_text = "it went wrong"};
        struct ht_jetstream_end out = explain(&end);
        assert_int_equal(out.end, cases[i].end);
        assert_int_equal(out.error.code, cases[i].code);
        assert_non_null(strstr(out.error.text, "it went wrong"));
    }
    struct ht_websocket_end canceled = {.code = HT_ECANCELED, .error_text = "Canceled"};
    assert_int_equal(explain(&canceled).error.code, 0);
}

/* A body that fills all there is: the text is cut, nothing else happens. */
static void test_large_and_odd_bodies(void **state)
{
    (void)state;
    char body[4096];
    for (int filler = 0; filler < 256; filler++) {
        memset(body, filler, sizeof(body));
        struct ht_websocket_end end = {
            .code = HT_EUNSUPPORTED, .error_text = "", .status = 404, .body = {body, sizeof(body)}};
        struct ht_jetstream_end out = explain(&end);
        assert_int_equal(out.end, HT_SOURCE_END_REFUSED);
        assert_true(strlen(out.error.text) < HT_ERROR_TEXT_BYTES);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_to_the_upgrade),
        cmocka_unit_test(test_close_frames),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_large_and_odd_bodies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
