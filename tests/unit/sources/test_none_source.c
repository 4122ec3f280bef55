// SPDX-License-Identifier: MIT
#include "hashtagd/sources/none_source.h"

#include "fake_sink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static void on_stopped(void *user)
{
    ++*(int *)user;
}

static void test_nothing_comes(void **state)
{
    (void)state;
    struct ht_manual_clock clock;
    struct ht_timer_queue timers;
    struct fake_sink sink;
    int stops = 0;
    ht_manual_clock_init(&clock, 0, 0);
    ht_timer_queue_init(&timers, &clock.clock);
    fake_sink_init(&sink);
    struct ht_source *source = ht_none_source_create(&clock.clock, &timers);
    assert_non_null(source);
    assert_string_equal(source->ops->type, "none");
    source->ops->start(source, &sink.sink, HT_SLICE("synthetic:1:2"));
    source->ops->resume(source);
    ht_manual_clock_advance_ms(&clock, 100000);
    assert_int_equal(ht_timer_queue_run(&timers), 0);
    assert_int_equal(sink.count, 0);
    assert_int_equal(source->health.state, HT_HEALTH_OFF);
    source->ops->stop(source, on_stopped, &stops);
    assert_int_equal(stops, 0);
    ht_timer_queue_run(&timers);
    assert_int_equal(stops, 1);
    source->ops->destroy(source);
    fake_sink_finish(&sink);
    ht_timer_queue_finish(&timers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nothing_comes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
