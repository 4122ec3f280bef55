// SPDX-License-Identifier: MIT
#include "hashtagd/base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void the_same_seed_gives_the_same_numbers(void **state)
{
    (void)state;
    struct ht_random a;
    struct ht_random b;
    struct ht_random c;
    ht_random_init(&a, 42);
    ht_random_init(&b, 42);
    ht_random_init(&c, 43);
    uint64_t same = 0;
    for (int i = 0; i < 100; i++) {
        uint64_t value = ht_random_u64(&a);
        assert_int_equal(value, ht_random_u64(&b));
        same += value == ht_random_u64(&c);
    }
    assert_int_equal(same, 0);
}

static void xoshiro_gives_its_published_sequence(void **state)
{
    (void)state;
    /* the first outputs of xoshiro256** from the state 1, 2, 3, 4, worked out by hand */
    struct ht_random random = {{1, 2, 3, 4}};
    assert_int_equal(ht_random_u64(&random), 11520);
    assert_int_equal(ht_random_u64(&random), 0);
    assert_int_equal(ht_random_u64(&random), 1509978240);
}

static void bounded_numbers_are_even(void **state)
{
    (void)state;
    struct ht_random random;
    ht_random_init(&random, 3);
    unsigned counts[7] = {0};
    for (int i = 0; i < 70000; i++) {
        counts[ht_random_below(&random, 7)]++;
    }
    for (int i = 0; i < 7; i++) {
        assert_in_range(counts[i], 9500, 10500);
    }
    assert_int_equal(ht_random_below(&random, 0), 0);
    assert_int_equal(ht_random_below(&random, 1), 0);
}

static void unit_numbers_stay_below_one(void **state)
{
    (void)state;
    struct ht_random random;
    ht_random_init(&random, 9);
    double sum = 0;
    for (int i = 0; i < 10000; i++) {
        double value = ht_random_unit(&random);
        assert_true(value >= 0 && value < 1);
        sum += value;
    }
    assert_true(sum > 4800 && sum < 5200);
}

static void secrets_differ(void **state)
{
    (void)state;
    unsigned char a[32] = {0};
    unsigned char b[32] = {0};
    assert_int_equal(ht_random_secret(a, sizeof(a)), 0);
    assert_int_equal(ht_random_secret(b, sizeof(b)), 0);
    assert_memory_not_equal(a, b, sizeof(a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_numbers),
        cmocka_unit_test(xoshiro_gives_its_published_sequence),
        cmocka_unit_test(bounded_numbers_are_even),
        cmocka_unit_test(unit_numbers_stay_below_one),
        cmocka_unit_test(secrets_differ),
    };
    return cmocka_run_group_tests_name("base/random", tests, NULL, NULL);
}
