// SPDX-License-Identifier: MIT
#include "hashtagd/base/rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_steady_rate_is_found(void **state)
{
    (void)state;
    struct ht_rate rate = {0};
    for (uint64_t ms = 50000; ms < 70000; ms += 10) {
        ht_rate_add(&rate, ms, 2);
    }
    assert_true(ht_rate_per_second(&rate, 70000) == 200.0);
    assert_int_equal(rate.total, 4000);
}

static void silence_brings_it_down(void **state)
{
    (void)state;
    struct ht_rate rate = {0};
    for (uint64_t second = 100; second < 110; second++) {
        ht_rate_add(&rate, second * 1000, 10);
    }
    assert_true(ht_rate_per_second(&rate, 110000) == 10.0);
    assert_true(ht_rate_per_second(&rate, 115000) == 5.0);
    assert_true(ht_rate_per_second(&rate, 120000) == 0.0);
    assert_true(ht_rate_per_second(&rate, 99999000) == 0.0);
}

static void the_first_seconds_are_not_thinned(void **state)
{
    (void)state;
    struct ht_rate rate = {0};
    assert_true(ht_rate_per_second(&rate, 5000) == 0.0);
    ht_rate_add(&rate, 5000, 30);
    assert_true(ht_rate_per_second(&rate, 5500) == 30.0);
    ht_rate_add(&rate, 6100, 50);
    assert_true(ht_rate_per_second(&rate, 7000) == 40.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_steady_rate_is_found),
        cmocka_unit_test(silence_brings_it_down),
        cmocka_unit_test(the_first_seconds_are_not_thinned),
    };
    return cmocka_run_group_tests_name("base/rate", tests, NULL, NULL);
}
