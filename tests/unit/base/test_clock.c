// SPDX-License-Identifier: MIT
#include "hashtagd/base/clock.h"
#include "hashtagd/base/assert.h"
#include "hashtagd/base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void times_are_written_in_utc(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {951782400000, "2000-02-29T00:00:00.000Z"},
        {1767225599999, "2025-12-31T23:59:59.999Z"},
        {253402300799999, "9999-12-31T23:59:59.999Z"},
        {INT64_MAX, "9999-12-31T23:59:59.999Z"},
        {INT64_MIN, "0000-01-01T00:00:00.000Z"},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        char text[HT_TIME_UTC_BYTES];
        assert_string_equal(ht_time_format_utc(cases[i].ms, text), cases[i].text);
    }
}

static void times_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-01-31T12:00:00.25Z", 1769860800250},
        {"2026-01-31T12:00:00.1239999+02:30", 1769851800123},
        {"2026-01-31t12:00:00-00:30", 1769862600000},
        {"2000-02-29 00:00:00z", 951782400000},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        int64_t ms = -1;
        assert_int_equal(ht_time_parse_utc(cases[i].text, &ms), 0);
        assert_int_equal(ms, cases[i].ms);
    }
}

static void what_is_no_time_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {"",
                                        "now",
                                        "2026-01-31",
                                        "2026-01-31T12:00:00",
                                        "2026-13-01T00:00:00Z",
                                        "2025-02-29T00:00:00Z",
                                        "2026-01-01T24:00:00Z",
                                        "2026-01-01T00:60:00Z",
                                        "2026-01-01T00:00:00.Z",
                                        "2026-01-01T00:00:00+2:00",
                                        "2026-01-01T00:00:00Zx"};
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        int64_t ms = 0;
        assert_int_equal(ht_time_parse_utc(cases[i], &ms), HT_EPARSE);
    }
}

static void reading_gives_back_what_was_written(void **state)
{
    (void)state;
    for (int64_t ms = -62167219200000; ms < 253402300799999; ms += 7777777777777) {
        char text[HT_TIME_UTC_BYTES];
        int64_t again = 0;
        assert_int_equal(ht_time_parse_utc(ht_time_format_utc(ms, text), &again), 0);
        assert_int_equal(again, ms);
    }
}

static void a_manual_clock_moves_when_told(void **state)
{
    (void)state;
    struct ht_manual_clock manual;
    ht_manual_clock_init(&manual, 5000000, 1000);
    ht_manual_clock_advance_ms(&manual, 20);
    assert_int_equal(ht_clock_monotonic_ms(&manual.clock), 25);
    assert_int_equal(ht_clock_wall_ms(&manual.clock), 1020);
}

static void the_systems_clock_goes_forward(void **state)
{
    (void)state;
    struct ht_clock clock;
    ht_clock_init_system(&clock);
    uint64_t first = ht_clock_monotonic_ns(&clock);
    assert_true(ht_clock_monotonic_ns(&clock) >= first);
    assert_true(ht_clock_wall_s(&clock) > 1700000000);
}

static void work_takes_time_of_the_thread(void **state)
{
    (void)state;
    uint64_t before_ns = ht_time_of_thread_ns();
    while (ht_time_of_thread_ns() - before_ns < 1000000) {
    }
    assert_true(ht_time_of_thread_ns() > before_ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_takes_time_of_the_thread),
        cmocka_unit_test(times_are_written_in_utc),
        cmocka_unit_test(times_are_read),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(reading_gives_back_what_was_written),
        cmocka_unit_test(a_manual_clock_moves_when_told),
        cmocka_unit_test(the_systems_clock_goes_forward),
    };
    return cmocka_run_group_tests_name("base/clock", tests, NULL, NULL);
}
