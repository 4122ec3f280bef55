// SPDX-License-Identifier: MIT
#include "hashtagd/net/loop.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>

/* A loop with a timer or two, and what they did. */
struct trial {
    struct ht_loop *loop;
    struct ht_timer first, second;
    unsigned fired_count;
    unsigned order[4];
    int signal_number;
    bool inside;
    bool fired_inside;
};

static void set_up(struct trial *trial, struct ht_clock *clock)
{
    struct ht_error error;

    *trial = (struct trial){0};
    assert_int_equal(ht_loop_create(&trial->loop, clock, &error), 0);
}

static void stop_first(struct ht_timer *timer)
{
    struct trial *trial = HT_CONTAINER_OF(timer, struct trial, first);

    trial->fired_inside |= trial->inside;
    trial->order[trial->fired_count++] = 1;
    ht_loop_stop(trial->loop);
}

static void count_second(struct ht_timer *timer)
{
    struct trial *trial = HT_CONTAINER_OF(timer, struct trial, second);

    trial->fired_inside |= trial->inside;
    trial->order[trial->fired_count++] = 2;
}

static void test_empty_loop_closes(void **state)
{
    struct trial trial;

    (void)state;
    set_up(&trial, NULL);
    ht_loop_destroy(trial.loop);
    ht_loop_destroy(NULL);
}

static void test_timers_fire_in_order(void **state)
{
    struct trial trial;

    (void)state;
    set_up(&trial, NULL);
    ht_timer_init(&trial.first, stop_first);
    ht_timer_init(&trial.second, count_second);
    ht_timer_start(ht_loop_timers(trial.loop), &trial.first, 20);
    ht_timer_start(ht_loop_timers(trial.loop), &trial.second, 5);
    uint64_t start_ms = ht_clock_monotonic_ms(ht_loop_clock(trial.loop));
    ht_loop_run(trial.loop);
    assert_true(ht_clock_monotonic_ms(ht_loop_clock(trial.loop)) - start_ms >= 19);
    assert_int_equal(trial.fired_count, 2);
    assert_int_equal(trial.order[0], 2);
    assert_int_equal(trial.order[1], 1);
    ht_loop_destroy(trial.loop);
}

static void start_second_at_once(struct ht_timer *timer)
{
    struct trial *trial = HT_CONTAINER_OF(timer, struct trial, first);

    trial->inside = true;
    ht_timer_init(&trial->second, count_second);
    ht_timer_start(ht_loop_timers(trial->loop), &trial->second, 0);
    trial->inside = false;
    ht_timer_init(&trial->first, stop_first);
    ht_timer_start(ht_loop_timers(trial->loop), &trial->first, 0);
}

static void test_zero_means_the_next_turn(void **state)
{
    struct trial trial;

    (void)state;
    set_up(&trial, NULL);
    ht_timer_init(&trial.first, start_second_at_once);
    ht_timer_start(ht_loop_timers(trial.loop), &trial.first, 0);
    ht_loop_run(trial.loop);
    assert_false(trial.fired_inside);
    assert_int_equal(trial.fired_count, 2);
    assert_int_equal(trial.order[0], 2);
    ht_loop_destroy(trial.loop);
}

static void move_clock(struct ht_timer *timer)
{
    struct trial *trial = HT_CONTAINER_OF(timer, struct trial, second);
    struct ht_manual_clock *manual =
        HT_CONTAINER_OF(ht_loop_clock(trial->loop), struct ht_manual_clock, clock);

    ht_manual_clock_advance_ms(manual, 24u * 3600u * 1000u);
}

/* A day passes in a moment: the timer must be seen although no timer was started or stopped. */
static void test_manual_clock(void **state)
{
    struct ht_manual_clock manual;
    struct trial trial;

    (void)state;
    ht_manual_clock_init(&manual, 1, 0);
    set_up(&trial, &manual.clock);
    ht_timer_init(&trial.first, stop_first);
    ht_timer_init(&trial.second, move_clock);
    ht_timer_start(ht_loop_timers(trial.loop), &trial.first, 24u * 3600u * 1000u);
    ht_timer_start(ht_loop_timers(trial.loop), &trial.second, 0);
    ht_loop_run(trial.loop);
    assert_int_equal(trial.fired_count, 1);
    ht_loop_destroy(trial.loop);
}

static void on_signal(void *user, int signal_number)
{
    struct trial *trial = user;

    trial->signal_number = signal_number;
    ht_loop_stop(trial->loop);
}

static void raise_signal(struct ht_timer *timer)
{
    (void)timer;
    raise(SIGPIPE); /* ignored */
    raise(SIGHUP);
}

static void test_signals(void **state)
{
    struct ht_error error;
    struct trial trial;

    (void)state;
    set_up(&trial, NULL);
    assert_int_equal(ht_loop_watch_signals(trial.loop, on_signal, &trial, &error), 0);
    ht_timer_init(&trial.first, raise_signal);
    ht_timer_start(ht_loop_timers(trial.loop), &trial.first, 0);
    ht_loop_run(trial.loop);
    assert_int_equal(trial.signal_number, SIGHUP);
    ht_loop_destroy(trial.loop);
}

static void be_busy(struct ht_timer *timer)
{
    struct trial *trial = HT_CONTAINER_OF(timer, struct trial, second);
    struct ht_clock *clock = ht_loop_clock(trial->loop);
    uint64_t start_ms = ht_clock_monotonic_ms(clock);

    while (ht_clock_monotonic_ms(clock) - start_ms < 50) {
    }
}

static void test_busy_time_is_lag(void **state)
{
    struct trial trial;

    (void)state;
    set_up(&trial, NULL);
    ht_timer_init(&trial.first, stop_first);
    ht_timer_init(&trial.second, be_busy);
    ht_timer_start(ht_loop_timers(trial.loop), &trial.second, 0);
    ht_timer_start(ht_loop_timers(trial.loop), &trial.first, 60);
    ht_loop_run(trial.loop);
    assert_true(ht_loop_lag(trial.loop)->max_ns >= 49000000u);
    assert_true(ht_loop_lag(trial.loop)->count > 0);
    assert_true(ht_loop_busy(trial.loop)->max_ns > 0);
    assert_int_equal(ht_loop_busy(trial.loop)->count, ht_loop_lag(trial.loop)->count);
    ht_loop_destroy(trial.loop);
}

static void stand_still(struct ht_timer *timer)
{
    static const struct timespec moment = {.tv_nsec = 20000000};

    (void)timer;
    nanosleep(&moment, NULL);
}

/* As when the machine has the processor elsewhere. */
static void test_standing_still_is_lag_and_no_work(void **state)
{
    struct trial trial;

    (void)state;
    set_up(&trial, NULL);
    ht_timer_init(&trial.first, stop_first);
    ht_timer_init(&trial.second, stand_still);
    ht_timer_start(ht_loop_timers(trial.loop), &trial.second, 0);
    ht_timer_start(ht_loop_timers(trial.loop), &trial.first, 25);
    ht_loop_run(trial.loop);
    assert_true(ht_loop_lag(trial.loop)->max_ns >= 19000000u);
    assert_true(ht_loop_busy(trial.loop)->max_ns < 10000000u);
    ht_loop_destroy(trial.loop);
}

static void test_sleeping_is_no_lag(void **state)
{
    struct trial trial;

    (void)state;
    set_up(&trial, NULL);
    ht_timer_init(&trial.first, stop_first);
    ht_timer_start(ht_loop_timers(trial.loop), &trial.first, 1000);
    ht_loop_run(trial.loop);
    /* a machine under load may take its time, but not for the whole second */
    assert_true(ht_loop_lag(trial.loop)->max_ns < 900000000u);
    ht_loop_destroy(trial.loop);
}

static void test_run_again(void **state)
{
    struct trial trial;

    (void)state;
    set_up(&trial, NULL);
    for (unsigned i = 0; i < 2; i++) {
        ht_timer_init(&trial.first, stop_first);
        ht_timer_start(ht_loop_timers(trial.loop), &trial.first, 0);
        ht_loop_run(trial.loop);
        assert_int_equal(trial.fired_count, i + 1);
    }
    ht_loop_destroy(trial.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_loop_closes),
        cmocka_unit_test(test_timers_fire_in_order),
        cmocka_unit_test(test_zero_means_the_next_turn),
        cmocka_unit_test(test_manual_clock),
        cmocka_unit_test(test_signals),
        cmocka_unit_test(test_busy_time_is_lag),
        cmocka_unit_test(test_standing_still_is_lag_and_no_work),
        cmocka_unit_test(test_sleeping_is_no_lag),
        cmocka_unit_test(test_run_again),
    };
    return cmocka_run_group_tests_name("net/loop", tests, NULL, NULL);
}
