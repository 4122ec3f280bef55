// SPDX-License-Identifier: MIT
#include "pace.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define MS 1000000ull

static void test_no_limit(void **state)
{
    (void)state;
    struct ht_pace pace = {.rate = 0};
    ht_pace_start(&pace, 5);
    assert_true(ht_pace_due(&pace, 5) == UINT64_MAX);
    ht_pace_take(&pace, 1000);
    assert_true(ht_pace_due(&pace, 5) == UINT64_MAX);
    assert_true(ht_pace_tick_ms(&pace) == 0);
}

/* Over a long time not one message more or less, however the looks fall. */
static void test_exact_over_time(void **state)
{
    (void)state;
    static const uint64_t rates[] = {1, 3, 200, 999, 143199, 1000000000};
    for (size_t i = 0; i < HT_COUNT_OF(rates); i++) {
        struct ht_pace pace = {.rate = rates[i]};
        uint64_t now_ns = 123, sent = 0;
        ht_pace_start(&pace, now_ns);
        for (unsigned look = 0; look < 3000; look++) {
            now_ns += (look % 7 + 7) * MS; /* 10 ms on the average, 30 s in all */
            uint64_t due = ht_pace_due(&pace, now_ns);
            ht_pace_take(&pace, due);
            sent += due;
        }
        uint64_t wanted = (now_ns - 123) / MS * rates[i] / 1000;
        assert_in_range(sent, wanted - 1, wanted + 1);
    }
}

static void test_what_is_not_taken_stays_due(void **state)
{
    (void)state;
    struct ht_pace pace = {.rate = 1000};
    ht_pace_start(&pace, 0);
    assert_true(ht_pace_due(&pace, 10 * MS) == 10);
    ht_pace_take(&pace, 4);
    assert_true(ht_pace_due(&pace, 10 * MS) == 6);
    assert_true(ht_pace_due(&pace, 11 * MS) == 7);
}

static void test_a_pause_is_not_made_up(void **state)
{
    (void)state;
    struct ht_pace pace = {.rate = 1000};
    ht_pace_start(&pace, 0);
    assert_true(ht_pace_due(&pace, 3600000 * MS) == HT_PACE_CATCH_UP_MS);
    ht_pace_take(&pace, HT_PACE_CATCH_UP_MS);
    ht_pace_start(&pace, 7200000 * MS);
    assert_true(ht_pace_due(&pace, 7200000 * MS) == 0);
}

static void test_slow_rates_come_to_their_turn(void **state)
{
    (void)state;
    struct ht_pace pace = {.rate = 1};
    ht_pace_start(&pace, 0);
    assert_true(ht_pace_due(&pace, 999 * MS) == 0);
    assert_true(ht_pace_due(&pace, 1000 * MS) == 1);
    ht_pace_take(&pace, 1);
    assert_true(ht_pace_due(&pace, 100000 * MS) == 1); /* one, not a hundred */
}

static void test_ticks(void **state)
{
    (void)state;
    static const struct {
        uint64_t rate, tick_ms;
    } cases[] = {{1, 100}, {5, 100}, {20, 50}, {100, 10}, {1000000, 10}};
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_pace pace = {.rate = cases[i].rate};
        assert_true(ht_pace_tick_ms(&pace) == cases[i].tick_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_limit),
        cmocka_unit_test(test_exact_over_time),
        cmocka_unit_test(test_what_is_not_taken_stays_due),
        cmocka_unit_test(test_a_pause_is_not_made_up),
        cmocka_unit_test(test_slow_rates_come_to_their_turn),
        cmocka_unit_test(test_ticks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
