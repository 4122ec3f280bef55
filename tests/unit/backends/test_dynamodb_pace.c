// SPDX-License-Identifier: MIT
#include "../../../src/backends/dynamodb_pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void answers(struct ht_dynamodb_pace *pace, unsigned count)
{
    while (count-- > 0) {
        ht_dynamodb_pace_grow(pace);
    }
}

static void it_doubles_a_round_until_the_first_throttle(void **state)
{
    struct ht_dynamodb_pace pace;
    (void)state;
    ht_dynamodb_pace_init(&pace);
    assert_int_equal(ht_dynamodb_pace_window(&pace), HT_PACE_FIRST);
    answers(&pace, HT_PACE_FIRST);
    assert_int_equal(ht_dynamodb_pace_window(&pace), 2 * HT_PACE_FIRST);
    answers(&pace, 100000);
    assert_int_equal(ht_dynamodb_pace_window(&pace), HT_PACE_MOST);
}

static void a_burst_of_throttles_is_one_cut(void **state)
{
    struct ht_dynamodb_pace pace;
    (void)state;
    ht_dynamodb_pace_init(&pace);
    answers(&pace, 28);
    assert_int_equal(ht_dynamodb_pace_window(&pace), 60);
    for (unsigned i = 0; i < 50; i++) {
        ht_dynamodb_pace_cut(&pace, 5000 + i);
    }
    assert_int_equal(ht_dynamodb_pace_window(&pace), 42);
    ht_dynamodb_pace_cut(&pace, 5000 + HT_PACE_CUT_MS);
    assert_int_equal(ht_dynamodb_pace_window(&pace), 29);
}

static void after_a_cut_it_grows_by_one_a_round(void **state)
{
    struct ht_dynamodb_pace pace;
    (void)state;
    ht_dynamodb_pace_init(&pace);
    ht_dynamodb_pace_cut(&pace, 1000);
    unsigned window = ht_dynamodb_pace_window(&pace);
    answers(&pace, window + 2);
    assert_in_range(ht_dynamodb_pace_window(&pace), window + 1, window + 2);
}

static void it_stays_within_its_bounds(void **state)
{
    struct ht_dynamodb_pace pace;
    (void)state;
    ht_dynamodb_pace_init(&pace);
    for (unsigned i = 0; i < 100; i++) {
        ht_dynamodb_pace_cut(&pace, 1000 * (i + 1));
    }
    assert_int_equal(ht_dynamodb_pace_window(&pace), HT_PACE_LEAST);
    answers(&pace, 1000000);
    assert_int_equal(ht_dynamodb_pace_window(&pace), HT_PACE_MOST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_doubles_a_round_until_the_first_throttle),
        cmocka_unit_test(a_burst_of_throttles_is_one_cut),
        cmocka_unit_test(after_a_cut_it_grows_by_one_a_round),
        cmocka_unit_test(it_stays_within_its_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
