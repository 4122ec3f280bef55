// SPDX-License-Identifier: MIT
#include "../../../src/backends/kinesis_pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

/* Calls that are made in `ms`, each bringing `bytes`, by somebody who waits as told. */
static unsigned calls_in(struct ht_kinesis_pace *pace, uint64_t ms, uint64_t bytes)
{
    unsigned calls = 0;
    uint64_t now_ms = 0;
    while (now_ms < ms) {
        uint64_t wait_ms = ht_kinesis_pace_wait_ms(pace, now_ms);
        if (wait_ms > 0) {
            now_ms += wait_ms;
            continue;
        }
        ht_kinesis_pace_call(pace, now_ms);
        ht_kinesis_pace_bytes(pace, bytes);
        calls++;
    }
    return calls;
}

static void calls_are_so_many_a_second(void **state)
{
    (void)state;
    struct ht_kinesis_pace pace;
    ht_kinesis_pace_init(&pace, 5, 1000, 0);
    assert_in_range(calls_in(&pace, 10000, 0), 50, 52);
}

static void bytes_are_so_many_a_second(void **state)
{
    (void)state;
    struct ht_kinesis_pace pace;
    ht_kinesis_pace_init(&pace, 5, 1000, 0);
    assert_in_range(calls_in(&pace, 10000, 1000), 10, 12);
}

static void a_large_answer_is_waited_off(void **state)
{
    (void)state;
    struct ht_kinesis_pace pace;
    ht_kinesis_pace_init(&pace, 5, 2, 0);
    ht_kinesis_pace_call(&pace, 0);
    ht_kinesis_pace_bytes(&pace, 10);
    assert_int_equal(ht_kinesis_pace_wait_ms(&pace, 0), 4000);
    assert_int_equal(ht_kinesis_pace_wait_ms(&pace, 3999), 1);
    assert_int_equal(ht_kinesis_pace_wait_ms(&pace, 4000), 0);
}

static void a_long_rest_saves_nothing_up(void **state)
{
    (void)state;
    struct ht_kinesis_pace pace;
    ht_kinesis_pace_init(&pace, 5, 1000, 0);
    assert_int_equal(ht_kinesis_pace_wait_ms(&pace, 1000000), 0);
    ht_kinesis_pace_call(&pace, 1000000);
    ht_kinesis_pace_call(&pace, 1000000);
    assert_int_equal(ht_kinesis_pace_wait_ms(&pace, 1000000), 200);
}

static void a_clock_that_stands_or_goes_back_does_no_harm(void **state)
{
    (void)state;
    struct ht_kinesis_pace pace;
    ht_kinesis_pace_init(&pace, 5, 1000, 1000);
    ht_kinesis_pace_call(&pace, 1000);
    ht_kinesis_pace_call(&pace, 500);
    assert_in_range(ht_kinesis_pace_wait_ms(&pace, 500), 1, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_are_so_many_a_second),
        cmocka_unit_test(bytes_are_so_many_a_second),
        cmocka_unit_test(a_large_answer_is_waited_off),
        cmocka_unit_test(a_long_rest_saves_nothing_up),
        cmocka_unit_test(a_clock_that_stands_or_goes_back_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
