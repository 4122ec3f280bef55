// SPDX-License-Identifier: MIT
#include "../../../src/aws/skew.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

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
    };

    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        int64_t time_s = -1;
        assert_int_equal(ht_aws_skew_parse_date(ht_slice_text(cases[i].text), &time_s),
                         cases[i].time_s >= 0);
        assert_int_equal(time_s, cases[i].time_s);
    }
}

/* the server's noon */
static const struct ht_slice noon = {"Sun, 01 Mar 2026 12:00:00 GMT", 29};
#define NOON_MS 1772366400000

static void test_small_differences_stay(void **state)
{
    int64_t skew_ms = 0;

    (void)state;
    assert_false(ht_aws_skew_learn(&skew_ms, noon, NOON_MS));
    assert_false(ht_aws_skew_learn(&skew_ms, noon, NOON_MS + 59000));
    assert_false(ht_aws_skew_learn(&skew_ms, noon, NOON_MS - 59000));
    assert_false(ht_aws_skew_learn(&skew_ms, HT_SLICE("noon"), NOON_MS - 3600000));
    assert_false(ht_aws_skew_learn(&skew_ms, (struct ht_slice){0}, NOON_MS - 3600000));
    assert_int_equal(skew_ms, 0);
}

static void test_large_differences_are_learned_and_forgotten(void **state)
{
    int64_t skew_ms = 0;

    (void)state;
    assert_true(ht_aws_skew_learn(&skew_ms, noon, NOON_MS - 3600000));
    assert_int_equal(skew_ms, 3600500);
    assert_false(ht_aws_skew_learn(&skew_ms, noon, NOON_MS - 3601000));
    assert_int_equal(skew_ms, 3600500);
    assert_true(ht_aws_skew_learn(&skew_ms, noon, NOON_MS + 3600000));
    assert_int_equal(skew_ms, -3599500);
    assert_true(ht_aws_skew_learn(&skew_ms, noon, NOON_MS + 100));
    assert_int_equal(skew_ms, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_small_differences_stay),
        cmocka_unit_test(test_large_differences_are_learned_and_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
