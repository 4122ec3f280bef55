// SPDX-License-Identifier: MIT
#include "../../../src/backends/archive_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void test_names_hold_the_time_in_utc(void **state)
{
    (void)state;
    char name[128];
    assert_int_equal(ht_archive_name_format(name, sizeof(name), "deleted/", 1769860800123, "abc-1"),
                     0);
    assert_string_equal(name, "deleted/2026/01/31/12/20260131T120000.123Z-abc-1.jsonl.gz");
    assert_int_equal(ht_archive_name_format(name, sizeof(name), "", 0, "x"), 0);
    assert_string_equal(name, "1970/01/01/00/19700101T000000.000Z-x.jsonl.gz");
}

static void test_names_sort_by_time(void **state)
{
    (void)state;
    char before[128], after[128];
    int64_t moment_ms = 1700000000000;
    for (int64_t step_ms = 1; step_ms < INT64_C(100000000000); step_ms *= 7) {
        assert_int_equal(ht_archive_name_format(before, sizeof(before), "d/", moment_ms, "z"), 0);
        moment_ms += step_ms;
        assert_int_equal(ht_archive_name_format(after, sizeof(after), "d/", moment_ms, "a"), 0);
        assert_true(strcmp(before, after) < 0);
    }
}

static void test_what_does_not_fit_or_has_no_date_is_refused(void **state)
{
    (void)state;
    char name[50];
    assert_int_equal(ht_archive_name_format(name, sizeof(name), "deleted/", 0, "abc"), HT_ETOOBIG);
    assert_int_equal(ht_archive_name_format(name, sizeof(name), "", -1, "a"), HT_EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_hold_the_time_in_utc),
        cmocka_unit_test(test_names_sort_by_time),
        cmocka_unit_test(test_what_does_not_fit_or_has_no_date_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
