// SPDX-License-Identifier: MIT
#include "hashtagd/base/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void observations_fall_into_their_buckets(void **state)
{
    (void)state;
    struct ht_histogram histogram = {0};
    ht_histogram_add(&histogram, 0);
    ht_histogram_add(&histogram, 100000);
    ht_histogram_add(&histogram, 100001);
    ht_histogram_add(&histogram, 200000000000);
    assert_int_equal(histogram.buckets[0], 2);
    assert_int_equal(histogram.buckets[1], 1);
    assert_int_equal(histogram.buckets[HT_HISTOGRAM_BORDER_COUNT], 1);
    assert_int_equal(histogram.count, 4);
    assert_int_equal(histogram.sum_ns, 200000200001);
    assert_int_equal(histogram.max_ns, 200000000000);
}

static void a_quantile_is_a_border_above_it(void **state)
{
    (void)state;
    struct ht_histogram histogram = {0};
    assert_int_equal(ht_histogram_quantile_ns(&histogram, 0.99), 0);
    for (int i = 0; i < 98; i++) {
        ht_histogram_add(&histogram, 50000);
    }
    ht_histogram_add(&histogram, 3000000);
    ht_histogram_add(&histogram, 40000000);
    assert_int_equal(ht_histogram_quantile_ns(&histogram, 0.5), 100000);
    assert_int_equal(ht_histogram_quantile_ns(&histogram, 0.99), 5000000);
    assert_int_equal(ht_histogram_quantile_ns(&histogram, 1.0), 40000000);
}

static void borders_rise(void **state)
{
    (void)state;
    const uint64_t *borders = ht_histogram_borders();
    for (int i = 1; i < HT_HISTOGRAM_BORDER_COUNT; i++) {
        assert_true(borders[i] > borders[i - 1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(observations_fall_into_their_buckets),
        cmocka_unit_test(a_quantile_is_a_border_above_it),
        cmocka_unit_test(borders_rise),
    };
    return cmocka_run_group_tests_name("base/histogram", tests, NULL, NULL);
}
