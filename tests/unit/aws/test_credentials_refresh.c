// SPDX-License-Identifier: MIT
#include "../../../src/aws/credentials_refresh.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void divides_the_life_of_a_set(void **state)
{
    static const struct {
        int64_t life_s, left_s; /* left: until it expires */
        enum ht_aws_freshness expected;
    } rows[] = {
        {3600, 3600, HT_AWS_FRESH},   {3600, 1300, HT_AWS_FRESH},    {3600, 900, HT_AWS_ADVISORY},
        {3600, 601, HT_AWS_ADVISORY}, {3600, 600, HT_AWS_MANDATORY}, {3600, 1, HT_AWS_MANDATORY},
        {3600, 0, HT_AWS_EXPIRED},    {3600, -5, HT_AWS_EXPIRED},    {900, 900, HT_AWS_FRESH},
        {900, 541, HT_AWS_FRESH},     {900, 450, HT_AWS_ADVISORY},   {900, 300, HT_AWS_MANDATORY},
        {60, 60, HT_AWS_FRESH},       {60, 30, HT_AWS_ADVISORY},     {60, 20, HT_AWS_MANDATORY},
        {0, 0, HT_AWS_EXPIRED},
    };
    struct ht_random random;

    (void)state;
    ht_random_init(&random, 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int round = 0; round < 50; round++) { /* whatever the jitter is */
            struct ht_aws_refresh refresh =
                ht_aws_refresh_make(1000000, 1000000 + rows[i].life_s, &random);
            assert_int_equal(
                ht_aws_refresh_freshness(&refresh, 1000000 + rows[i].life_s - rows[i].left_s),
                rows[i].expected);
        }
    }
}

static void a_set_without_expiry_stays_fresh(void **state)
{
    struct ht_random random;

    (void)state;
    ht_random_init(&random, 1);
    struct ht_aws_refresh refresh = ht_aws_refresh_make(1000, 0, &random);
    assert_int_equal(ht_aws_refresh_freshness(&refresh, INT64_MAX - 1), HT_AWS_FRESH);
}

static void waits_for_the_advisory_time_spread_over_minutes(void **state)
{
    struct ht_random random;
    int64_t earliest_s = INT64_MAX, latest_s = 0;

    (void)state;
    ht_random_init(&random, 1);
    for (int i = 0; i < 1000; i++) {
        struct ht_aws_refresh refresh = ht_aws_refresh_make(0, 6 * 3600, &random);
        earliest_s = refresh.advisory_s < earliest_s ? refresh.advisory_s : earliest_s;
        latest_s = refresh.advisory_s > latest_s ? refresh.advisory_s : latest_s;
        assert_int_equal(ht_aws_refresh_wait_ms(&refresh, refresh.advisory_s - 7), 7000);
        assert_int_equal(ht_aws_refresh_wait_ms(&refresh, refresh.advisory_s), 1000);
        assert_int_equal(ht_aws_refresh_wait_ms(&refresh, 0), 3600 * 1000);
    }
    assert_in_range(earliest_s, 6 * 3600 - 1200, 6 * 3600 - 1190);
    assert_in_range(latest_s, 6 * 3600 - 910, 6 * 3600 - 900);
}

static void extends_by_17_to_25_minutes(void **state)
{
    struct ht_random random;

    (void)state;
    ht_random_init(&random, 1);
    for (int i = 0; i < 1000; i++) {
        assert_in_range(ht_aws_refresh_extended_s(50, &random), 50 + 17 * 60, 50 + 25 * 60);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(divides_the_life_of_a_set),
        cmocka_unit_test(a_set_without_expiry_stays_fresh),
        cmocka_unit_test(waits_for_the_advisory_time_spread_over_minutes),
        cmocka_unit_test(extends_by_17_to_25_minutes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
