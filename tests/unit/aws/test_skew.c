// SPDX-License-Identifier: MIT
#include "../../../src/aws/skew.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

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
        cmocka_unit_test(test_small_differences_stay),
        cmocka_unit_test(test_large_differences_are_learned_and_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
