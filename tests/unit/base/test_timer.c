// SPDX-License-Identifier: MIT
#include "hashtagd/base/timer.h"
#include "hashtagd/base/assert.h"
#include "hashtagd/base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct alarm {
    struct ht_timer timer;
    int number;
    uint64_t again_ms; /* start again from the callback where not 0 */
};

static struct ht_manual_clock manual;
static struct ht_timer_queue queue;
static int fired[1000];
static size_t fired_count;

static void on_due(struct ht_timer *timer)
{
    struct alarm *alarm = HT_CONTAINER_OF(timer, struct alarm, timer);
    fired[fired_count++ % HT_COUNT_OF(fired)] = alarm->number;
    if (alarm->again_ms > 0) {
        ht_timer_start(&queue, timer, alarm->again_ms);
    }
}

static int set_up(void **state)
{
    (void)state;
    ht_manual_clock_init(&manual, 1000000000, 0);
    ht_timer_queue_init(&queue, &manual.clock);
    fired_count = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ht_timer_queue_finish(&queue);
    return 0;
}

static void timers_fire_in_order_of_time_then_start(void **state)
{
    (void)state;
    struct alarm alarms[5] = {
        {.number = 0}, {.number = 1}, {.number = 2}, {.number = 3}, {.number = 4}};
    static const uint64_t delays_ms[5] = {30, 10, 20, 10, 40};
    for (size_t i = 0; i < 5; i++) {
        ht_timer_init(&alarms[i].timer, on_due);
        ht_timer_start(&queue, &alarms[i].timer, delays_ms[i]);
    }
    assert_int_equal(ht_timer_queue_next_ns(&queue), 10000000);
    assert_int_equal(ht_timer_queue_run(&queue), 0);
    ht_manual_clock_advance_ms(&manual, 30);
    assert_int_equal(ht_timer_queue_run(&queue), 4);
    static const int expected[4] = {1, 3, 2, 0};
    assert_memory_equal(fired, expected, sizeof(expected));
    assert_true(ht_timer_is_running(&alarms[4].timer));
    assert_false(ht_timer_is_running(&alarms[0].timer));
    ht_timer_stop(&queue, &alarms[4].timer); /* the queue outlives it */
}

static void a_stopped_timer_does_not_fire(void **state)
{
    (void)state;
    struct alarm alarm = {.number = 1};
    ht_timer_init(&alarm.timer, on_due);
    ht_timer_stop(&queue, &alarm.timer);
    ht_timer_start(&queue, &alarm.timer, 5);
    ht_timer_start(&queue, &alarm.timer, 50);
    ht_manual_clock_advance_ms(&manual, 10);
    assert_int_equal(ht_timer_queue_run(&queue), 0);
    ht_timer_stop(&queue, &alarm.timer);
    ht_manual_clock_advance_ms(&manual, 100);
    assert_int_equal(ht_timer_queue_run(&queue), 0);
    assert_int_equal(ht_timer_queue_next_ns(&queue), UINT64_MAX);
}

static void a_zero_delay_waits_for_the_next_turn(void **state)
{
    (void)state;
    struct alarm alarm = {.number = 7};
    ht_timer_init(&alarm.timer, on_due);
    ht_timer_start(&queue, &alarm.timer, 0);
    assert_int_equal(fired_count, 0);
    assert_int_equal(ht_timer_queue_next_ns(&queue), 0);
    assert_int_equal(ht_timer_queue_run(&queue), 1);
}

static void one_started_from_a_callback_waits_for_the_next_run(void **state)
{
    (void)state;
    struct alarm endless = {.number = 1, .again_ms = 1};
    ht_timer_init(&endless.timer, on_due);
    ht_timer_start(&queue, &endless.timer, 0);
    for (size_t run = 1; run <= 3; run++) {
        assert_int_equal(ht_timer_queue_run(&queue), 1);
        assert_int_equal(fired_count, run);
        ht_manual_clock_advance_ms(&manual, 5);
    }
    ht_timer_stop(&queue, &endless.timer);
}

static void many_timers_keep_their_order(void **state)
{
    (void)state;
    static struct alarm alarms[500];
    static uint64_t due_ms[500];
    struct ht_random random;
    ht_random_init(&random, 5);
    for (int i = 0; i < 500; i++) {
        alarms[i] = (struct alarm){.number = i};
        ht_timer_init(&alarms[i].timer, on_due);
        due_ms[i] = ht_random_below(&random, 1000);
        ht_timer_start(&queue, &alarms[i].timer, due_ms[i]);
    }
    size_t stopped = 0;
    for (int i = 0; i < 500; i += 3, stopped++) {
        ht_timer_stop(&queue, &alarms[i].timer);
    }
    ht_manual_clock_advance_ms(&manual, 1000);
    assert_int_equal(ht_timer_queue_run(&queue), 500 - stopped);
    for (size_t i = 1; i < fired_count; i++) {
        assert_true(due_ms[fired[i - 1]] <= due_ms[fired[i]]);
        assert_int_not_equal(fired[i] % 3, 0);
    }
}

/* Starts, restarts and stops in any order, judged by looking at all of them. */
static void starts_and_stops_in_any_order_keep_it(void **state)
{
    (void)state;
    static struct alarm alarms[64];
    static uint64_t due_ms[64]; /* 0: not running */
    struct ht_random random;
    ht_random_init(&random, 11);
    for (int i = 0; i < 64; i++) {
        alarms[i] = (struct alarm){.number = i};
        ht_timer_init(&alarms[i].timer, on_due);
    }
    for (uint64_t now_ms = 1; now_ms < 3000; now_ms++) {
        size_t due = 0;
        for (int i = 0; i < 8; i++) {
            size_t at = (size_t)ht_random_below(&random, 64);
            if (ht_random_below(&random, 3) == 0) {
                ht_timer_stop(&queue, &alarms[at].timer);
                due_ms[at] = 0;
            } else {
                uint64_t delay_ms = 1 + ht_random_below(&random, 40);
                ht_timer_start(&queue, &alarms[at].timer, delay_ms);
                due_ms[at] = now_ms + delay_ms;
            }
        }
        ht_manual_clock_advance_ms(&manual, 1);
        for (int i = 0; i < 64; i++) {
            bool is_due = due_ms[i] != 0 && due_ms[i] <= now_ms + 1;
            due += is_due;
            due_ms[i] = is_due ? 0 : due_ms[i];
        }
        assert_int_equal(ht_timer_queue_run(&queue), due);
        for (int i = 0; i < 64; i++) {
            assert_int_equal(ht_timer_is_running(&alarms[i].timer), due_ms[i] != 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(timers_fire_in_order_of_time_then_start, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stopped_timer_does_not_fire, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_zero_delay_waits_for_the_next_turn, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_started_from_a_callback_waits_for_the_next_run, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(many_timers_keep_their_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(starts_and_stops_in_any_order_keep_it, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("base/timer", tests, NULL, NULL);
}
