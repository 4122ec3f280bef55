// SPDX-License-Identifier: MIT
#include "jetstream_cursor.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* 2026-07-04T14:38:08Z */
#define NOW_MS    INT64_C(1783175888000)
#define NOW_US    UINT64_C(1783175888000000)
#define HOUR_US   UINT64_C(3600000000)
#define SECOND_US UINT64_C(1000000)

static void test_cursor_comes_back(void **state)
{
    (void)state;
    char text[HT_SOURCE_OWN_CURSOR_BYTES];
    uint64_t time_us = 1;
    size_t length = ht_jetstream_cursor_format(NOW_US + 17, text);
    assert_int_equal(length, strlen(text));
    assert_string_equal(text, "jetstream:1:1783175888000017");
    assert_int_equal(ht_jetstream_cursor_parse(ht_slice_text(text), NOW_MS, &time_us),
                     HT_JETSTREAM_CURSOR_GOOD);
    assert_int_equal(time_us, NOW_US + 17);
    assert_int_equal(ht_jetstream_cursor_format(0, text), 0);
    assert_true(ht_jetstream_cursor_format(UINT64_MAX, text) < HT_SOURCE_OWN_CURSOR_BYTES);
}

static void test_what_is_no_cursor(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t now_ms;
        enum ht_jetstream_cursor_kind kind;
    } cases[] = {
        {"jetstream:1:1783175888000000", NOW_MS, HT_JETSTREAM_CURSOR_GOOD},
        {"jetstream:1:1783175888000000", 4102444800000, HT_JETSTREAM_CURSOR_GOOD},
        {"jetstream:1:1783176487000000", NOW_MS, HT_JETSTREAM_CURSOR_GOOD},
        {"jetstream:1:1783176489000000", NOW_MS, HT_JETSTREAM_CURSOR_FUTURE},
        {"jetstream:1:1783175888000000", 0, HT_JETSTREAM_CURSOR_FUTURE},
        {"jetstream:1:1783175888000000", -5, HT_JETSTREAM_CURSOR_FUTURE},
        {"jetstream:1:18446744073709551615", NOW_MS, HT_JETSTREAM_CURSOR_FUTURE},
        {"jetstream:1:999999999999999", NOW_MS, HT_JETSTREAM_CURSOR_FOREIGN},
        {"jetstream:2:1783175888000000", NOW_MS, HT_JETSTREAM_CURSOR_FOREIGN},
        {"jetstream:1783175888000000", NOW_MS, HT_JETSTREAM_CURSOR_FOREIGN},
        {"jetstream:1:1783175888000000:", NOW_MS, HT_JETSTREAM_CURSOR_FOREIGN},
        {"jetstream:1:-1", NOW_MS, HT_JETSTREAM_CURSOR_FOREIGN},
        {"jetstream:1:18446744073709551616", NOW_MS, HT_JETSTREAM_CURSOR_FOREIGN},
        {"mastodon:1:1783175888000000", NOW_MS, HT_JETSTREAM_CURSOR_FOREIGN},
        {"1783175888000000", NOW_MS, HT_JETSTREAM_CURSOR_FOREIGN},
        {"", NOW_MS, HT_JETSTREAM_CURSOR_FOREIGN},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        uint64_t time_us = 1;
        assert_int_equal(
            ht_jetstream_cursor_parse(ht_slice_text(cases[i].text), cases[i].now_ms, &time_us),
            cases[i].kind);
        assert_true((time_us != 0) == (cases[i].kind == HT_JETSTREAM_CURSOR_GOOD));
    }
}

static void test_how_the_time_moves(void **state)
{
    (void)state;
    static const struct {
        uint64_t time_us, event_us, expected_us;
    } cases[] = {
        {0, NOW_US, NOW_US},
        {NOW_US, 0, NOW_US},
        {NOW_US, 5000, NOW_US},
        {NOW_US, HT_JETSTREAM_TIME_MIN_US - 1, NOW_US},
        {NOW_US, NOW_US + 1, NOW_US + 1},
        {NOW_US, NOW_US, NOW_US},
        {NOW_US, NOW_US - 33000, NOW_US},
        {NOW_US, NOW_US - 5 * SECOND_US, NOW_US},
        {NOW_US, NOW_US - 60 * SECOND_US, NOW_US},
        {NOW_US, NOW_US - 61 * SECOND_US, NOW_US - 61 * SECOND_US},
        {INT64_MAX, NOW_US, NOW_US},
        {0, 0, 0},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        assert_int_equal(ht_jetstream_cursor_move(cases[i].time_us, cases[i].event_us),
                         cases[i].expected_us);
    }
}

static void test_when_less_came_than_was_asked_for(void **state)
{
    (void)state;
    assert_false(ht_jetstream_is_gap(0, NOW_US));
    assert_false(ht_jetstream_is_gap(NOW_US, NOW_US));
    assert_false(ht_jetstream_is_gap(NOW_US, NOW_US - 100 * SECOND_US));
    assert_false(ht_jetstream_is_gap(NOW_US, NOW_US + 59 * SECOND_US));
    assert_true(ht_jetstream_is_gap(NOW_US, NOW_US + 60 * SECOND_US));
    assert_true(ht_jetstream_is_gap(NOW_US, NOW_US + 30 * HOUR_US));
}

static void test_from_where_to_ask(void **state)
{
    (void)state;
    static const struct {
        uint64_t time_us;
        int64_t now_ms;
        uint64_t cursor_us;
        bool is_too_old;
    } cases[] = {
        {0, NOW_MS, 0, false},
        {NOW_US, NOW_MS, NOW_US - 5 * SECOND_US, false},
        {NOW_US, 0, NOW_US - 5 * SECOND_US, false},
        {NOW_US + HOUR_US, NOW_MS, NOW_US + HOUR_US - 5 * SECOND_US, false},
        {NOW_US - 36 * HOUR_US, NOW_MS, NOW_US - 36 * HOUR_US - 5 * SECOND_US, false},
        {NOW_US - 36 * HOUR_US - 1, NOW_MS, NOW_US - 36 * HOUR_US - 1 - 5 * SECOND_US, true},
        {HT_JETSTREAM_TIME_MIN_US, NOW_MS, HT_JETSTREAM_TIME_MIN_US, true},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_jetstream_resume resume =
            ht_jetstream_resume_at(cases[i].time_us, cases[i].now_ms);
        assert_int_equal(resume.cursor_us, cases[i].cursor_us);
        assert_int_equal(resume.is_too_old, cases[i].is_too_old);
    }
}

static void test_the_service_s_clock_is_believed_where_ours_agrees(void **state)
{
    (void)state;
    assert_int_equal(ht_jetstream_service_ms(NOW_MS / 1000, NOW_MS), NOW_MS / 1000 * 1000);
    assert_int_equal(ht_jetstream_service_ms(NOW_MS / 1000 + 599, NOW_MS), NOW_MS + 599000);
    assert_int_equal(ht_jetstream_service_ms(NOW_MS / 1000 - 599, NOW_MS), NOW_MS - 599000);
    assert_int_equal(ht_jetstream_service_ms(NOW_MS / 1000 + 602, NOW_MS), 0);
    assert_int_equal(ht_jetstream_service_ms(NOW_MS / 1000 - 602, NOW_MS), 0);
    assert_int_equal(ht_jetstream_service_ms(0, NOW_MS), 0);
    assert_int_equal(ht_jetstream_service_ms(INT64_MAX, NOW_MS), 0);
    assert_int_equal(ht_jetstream_service_ms(-1, 0), 0);
}

static void test_where_a_quiet_connection_goes_on(void **state)
{
    (void)state;
    static const struct {
        uint64_t time_us, hours, quiet_hours; /* passed since it was opened, since the last event */
        int64_t service_ms;
        uint64_t expected_us;
    } cases[] = {
        {NOW_US - 30 * HOUR_US, 2, 2, NOW_MS, NOW_US + HOUR_US},
        {NOW_US - 30 * HOUR_US, 1, 1, NOW_MS, NOW_US},
        {NOW_US - 30 * HOUR_US, 5, 0, NOW_MS, NOW_US - 30 * HOUR_US},
        {NOW_US - 30 * HOUR_US, 5, 5, 0, NOW_US - 30 * HOUR_US},
        {NOW_US + HOUR_US - 599 * SECOND_US, 2, 2, NOW_MS, NOW_US + HOUR_US - 599 * SECOND_US},
        {NOW_US + HOUR_US - 600 * SECOND_US, 2, 2, NOW_MS, NOW_US + HOUR_US},
        {NOW_US + 3 * HOUR_US, 2, 2, NOW_MS, NOW_US + 3 * HOUR_US},
        {0, 2, 2, NOW_MS, NOW_US + HOUR_US},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        uint64_t hour_ms = 3600000, now_ms = 100 * hour_ms;
        const struct ht_jetstream_quiet quiet = {.service_ms = cases[i].service_ms,
                                                 .opened_ms = now_ms - cases[i].hours * hour_ms,
                                                 .quiet_since_ms =
                                                     now_ms - cases[i].quiet_hours * hour_ms};
        assert_int_equal(ht_jetstream_cursor_rest(cases[i].time_us, &quiet, now_ms),
                         cases[i].expected_us);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cursor_comes_back),
        cmocka_unit_test(test_what_is_no_cursor),
        cmocka_unit_test(test_how_the_time_moves),
        cmocka_unit_test(test_when_less_came_than_was_asked_for),
        cmocka_unit_test(test_from_where_to_ask),
        cmocka_unit_test(test_the_service_s_clock_is_believed_where_ours_agrees),
        cmocka_unit_test(test_where_a_quiet_connection_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
