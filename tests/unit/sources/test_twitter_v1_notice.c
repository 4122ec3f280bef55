// SPDX-License-Identifier: MIT
#include "twitter_v1_notice.h"

#include "../../support/shared.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct ht_twitter_v1_notice parse(const char *message)
{
    struct ht_twitter_v1_notice notice;
    struct ht_slice text = ht_slice_text(message);
    assert_int_equal(ht_twitter_v1_notice_parse(ht_twitter_v1_notice_kind(text), text, &notice), 0);
    return notice;
}

static void test_kinds_by_the_first_key(void **state)
{
    static const struct {
        const char *message;
        enum ht_twitter_v1_notice_kind kind;
    } cases[] = {
        {"{\"disconnect\":{\"code\":4}}", HT_TWITTER_V1_NOTICE_DISCONNECT},
        {" { \"warning\" : {} }", HT_TWITTER_V1_NOTICE_WARNING},
        {"{\n\t\"limit\":{\"track\":5}}", HT_TWITTER_V1_NOTICE_LIMIT},
        {"{\"created_at\":\"x\",\"limit\":{\"track\":5}}", HT_TWITTER_V1_NOTICE_NONE},
        {"{\"delete\":{\"status\":{}}}", HT_TWITTER_V1_NOTICE_NONE},
        {"{\"text\":\"{\\\"disconnect\\\":1}\"}", HT_TWITTER_V1_NOTICE_NONE},
        {"{\"limits\":{}}", HT_TWITTER_V1_NOTICE_NONE},
        {"{\"limit\"}", HT_TWITTER_V1_NOTICE_NONE},
        {"{\"limit\"", HT_TWITTER_V1_NOTICE_NONE},
        {"{\"limit", HT_TWITTER_V1_NOTICE_NONE},
        {"{\"", HT_TWITTER_V1_NOTICE_NONE},
        {"{", HT_TWITTER_V1_NOTICE_NONE},
        {"", HT_TWITTER_V1_NOTICE_NONE},
        {"[\"limit\"]", HT_TWITTER_V1_NOTICE_NONE},
        {"{}", HT_TWITTER_V1_NOTICE_NONE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(ht_twitter_v1_notice_kind(ht_slice_text(cases[i].message)), cases[i].kind);
    }
}

static void test_long_messages_are_no_notices(void **state)
{
    static char message[HT_TWITTER_V1_NOTICE_MAX_BYTES + 1] = "{\"limit\":{}}";

    (void)state;
    memset(message + 12, ' ', sizeof message - 12);
    assert_int_equal(ht_twitter_v1_notice_kind(ht_slice_make(message, sizeof message)),
                     HT_TWITTER_V1_NOTICE_NONE);
    assert_int_equal(ht_twitter_v1_notice_kind(ht_slice_make(message, sizeof message - 1)),
                     HT_TWITTER_V1_NOTICE_LIMIT);
}

static void test_what_notices_say(void **state)
{
    (void)state;
    struct ht_twitter_v1_notice notice =
        parse("{\"disconnect\":{\"code\":7,\"stream_name\":\"a\",\"reason\":\"admin logout\"}}");
    assert_int_equal(notice.number, 7);
    assert_string_equal(notice.text, "admin logout");
    notice = parse("{\"warning\":{\"code\":\"FALLING_BEHIND\",\"message\":\"slow\","
                   "\"percent_full\":60}}");
    assert_int_equal(notice.number, 60);
    assert_string_equal(notice.code, "FALLING_BEHIND");
    assert_string_equal(notice.text, "slow");
    notice = parse("{\"warning\":{\"code\":\"FOLLOWS_OVER_LIMIT\",\"user_id\":1}}");
    assert_int_equal(notice.number, -1);
    notice = parse("{\"limit\":{\"track\":1234,\"timestamp_ms\":\"1482893264899\"}}");
    assert_int_equal(notice.number, 1234);
    notice = parse("{\"limit\":{\"track\":-5}}");
    assert_int_equal(notice.number, -1);
    notice = parse("{\"limit\":{\"track\":\"5\"}}");
    assert_int_equal(notice.number, -1);
    notice = parse("{\"disconnect\":{\"code\":null,\"reason\":null}}");
    assert_int_equal(notice.number, -1);
    assert_string_equal(notice.text, "");
}

static void test_other_shapes_say_nothing(void **state)
{
    static const char *const cases[] = {"{\"limit\":5}", "{\"disconnect\":[]}",
                                        "{\"warning\":{\"percent_full\":}}", "{\"limit\":null}"};
    struct ht_twitter_v1_notice notice;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ht_slice text = ht_slice_text(cases[i]);
        assert_int_equal(ht_twitter_v1_notice_parse(ht_twitter_v1_notice_kind(text), text, &notice),
                         HT_EPARSE);
        assert_int_equal(notice.number, -1);
    }
    assert_int_equal(ht_twitter_v1_notice_parse(HT_TWITTER_V1_NOTICE_NONE, HT_SLICE("{}"), &notice),
                     HT_EPARSE);
}

static void test_long_texts_are_cut_between_characters(void **state)
{
    struct ht_buffer message;

    (void)state;
    ht_buffer_init(&message, 10000);
    ht_buffer_append_text(&message, "{\"warning\":{\"code\":\"A\",\"message\":\"x");
    for (size_t i = 0; i < 300; i++) {
        ht_buffer_append_text(&message, "\u00e9");
    }
    ht_buffer_append_text(&message, "\"}}");
    struct ht_twitter_v1_notice notice = parse(message.data);
    assert_int_equal(strlen(notice.text), HT_TWITTER_V1_NOTICE_TEXT_BYTES - 1);
    notice = parse("{\"warning\":{\"message\":\"\"}}");
    assert_string_equal(notice.text, "");
    message.data[34] = ' ';
    memmove(message.data + 34, message.data + 35, strlen(message.data + 34));
    notice = parse(message.data);
    assert_int_equal(strlen(notice.text), HT_TWITTER_V1_NOTICE_TEXT_BYTES - 2);
    ht_buffer_finish(&message);
}

static void test_disconnect_codes(void **state)
{
    static const struct {
        int64_t code;
        enum ht_source_end end;
        const char *text;
    } cases[] = {
        {1, HT_SOURCE_END_TOLD, "(code 1): the feed was shut down"},
        /* it connects again by itself: a restart is asked for only where settings change */
        {2, HT_SOURCE_END_TOLD_TO_STOP,
         "; end the other program, or restart this one with an account of its own"},
        {3, HT_SOURCE_END_TOLD, "operator"},
        {4, HT_SOURCE_END_TOLD, "too slowly"},
        {5, HT_SOURCE_END_TOLD_TO_STOP, "; look whether another program uses the same account"},
        {6, HT_SOURCE_END_TOLD_TO_STOP,
         "set TWITTER_ACCESS_TOKEN and TWITTER_ACCESS_TOKEN_SECRET, then restart"},
        {7, HT_SOURCE_END_TOLD_TO_STOP,
         "logged in elsewhere; end the other program, or restart this one with credentials"},
        {8, HT_SOURCE_END_TOLD, "(code 8): the reason is not known"},
        {9, HT_SOURCE_END_TOLD, "most messages"},
        {10, HT_SOURCE_END_TOLD, "went wrong"},
        {11, HT_SOURCE_END_TOLD, "did not answer"},
        {12, HT_SOURCE_END_TOLD, "too busy"},
        {13, HT_SOURCE_END_TOLD, "(code 13): the reason is not known"},
        {INT64_MAX, HT_SOURCE_END_TOLD, "(code 9223372036854775807)"},
        {-1, HT_SOURCE_END_TOLD, "(no code)"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ht_twitter_v1_notice notice = {.number = cases[i].code};
        struct ht_error error;
        assert_int_equal(ht_twitter_v1_notice_explain(&notice, &error), cases[i].end);
        assert_int_equal(error.code, HT_ECONNECTION);
        assert_non_null(strstr(error.text, cases[i].text));
        assert_null(strstr(error.text, "(\""));
    }
}

static void test_the_reason_is_quoted(void **state)
{
    struct ht_twitter_v1_notice notice = {.number = 6, .text = "token revoked for app"};
    struct ht_error error;

    (void)state;
    ht_twitter_v1_notice_explain(&notice, &error);
    assert_non_null(strstr(error.text, "revoked (\"token revoked for app\"); make a new one"));
}

static void test_times(void **state)
{
    static const struct {
        const char *message;
        int64_t time_ms;
    } cases[] = {
        {"{\"id\":1,\"timestamp_ms\":\"1467998788211\"}", 1467998788211},
        {"{\"delete\":{\"status\":{\"id\":1},\"timestamp_ms\":\"1467998788211\"}}", 1467998788211},
        {"{\"created_at\":\"Wed Aug 27 13:08:45 +0000 2008\",\"id\":1}", 1219842525000},
        {"{\"created_at\": \"Wed Aug 27 13:08:45 +0000 2008\",\"timestamp_ms\":\"5\"}", 5},
        {"{\"created_at\":\"Wed Aug 27 13:08:45 +0200 2008\"}", 0},
        {"{\"created_at\":\"Wed anF 27 13:08:45 +0000 2008\"}", 0},
        {"{\"created_at\":\"Wed Aug 27 25:08:45 +0000 2008\"}", 0},
        {"{\"created_at\":\"Wed Aug 27\"}", 0},
        {"{\"created_at\":null}", 0},
        {"{\"text\":\"\\\"timestamp_ms\\\":\\\"1467998788211\\\"\"}", 0},
        {"{\"timestamp_ms\":\"14679", 0},
        {"{\"timestamp_ms\":\"", 0},
        {"{\"timestamp_ms\":\"x\"}", 0},
        {"", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(ht_twitter_v1_notice_time_ms(ht_slice_text(cases[i].message)),
                         cases[i].time_ms);
    }
}

/* Of the real messages those with a time are tweets of the years that they were taken in. */
static void test_real_messages(void **state)
{
    struct shared_lines lines;
    struct ht_slice line;
    size_t notices[HT_TWITTER_V1_NOTICE_LIMIT + 1] = {0}, timed = 0;

    (void)state;
    if (!shared_open_pattern(&lines, "{v11-search,extended-tweet,messages}/*.json*")) {
        print_message("no real messages in %s/data: notices are not tried on them\n",
                      shared_root());
        shared_close(&lines);
        skip();
    }
    while (shared_next(&lines, &line)) {
        struct ht_twitter_v1_notice notice;
        enum ht_twitter_v1_notice_kind kind = ht_twitter_v1_notice_kind(line);
        notices[kind]++;
        if (kind != HT_TWITTER_V1_NOTICE_NONE) {
            assert_int_equal(ht_twitter_v1_notice_parse(kind, line, &notice), 0);
            assert_true(notice.number > 0);
        }
        int64_t time_ms = ht_twitter_v1_notice_time_ms(line);
        if (time_ms != 0) {
            timed++;
            assert_in_range(time_ms / 1000, 1200000000, 1800000000);
        }
    }
    assert_true(notices[HT_TWITTER_V1_NOTICE_NONE] > 100);
    assert_true(notices[HT_TWITTER_V1_NOTICE_DISCONNECT] >= 2);
    assert_true(notices[HT_TWITTER_V1_NOTICE_LIMIT] >= 3);
    assert_true(notices[HT_TWITTER_V1_NOTICE_WARNING] >= 1);
    print_message("%zu messages with a time\n", timed);
    shared_close(&lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds_by_the_first_key),
        cmocka_unit_test(test_long_messages_are_no_notices),
        cmocka_unit_test(test_what_notices_say),
        cmocka_unit_test(test_other_shapes_say_nothing),
        cmocka_unit_test(test_long_texts_are_cut_between_characters),
        cmocka_unit_test(test_disconnect_codes),
        cmocka_unit_test(test_the_reason_is_quoted),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_real_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
