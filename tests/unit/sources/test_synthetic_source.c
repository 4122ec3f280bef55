// SPDX-License-Identifier: MIT
#include "hashtagd/sources/synthetic_source.h"

#include "fake_sink.h"

#include "hashtagd/sources/synthetic_tweets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

struct bench {
    struct ht_manual_clock clock;
    struct ht_timer_queue timers;
    struct fake_sink sink;
    struct ht_source *source;
    int stops;
};

static void bench_init(struct bench *bench, uint64_t rate, uint64_t limit, struct ht_slice cursor)
{
    *bench = (struct bench){0};
    ht_manual_clock_init(&bench->clock, 1000000000, 1600000000000);
    ht_timer_queue_init(&bench->timers, &bench->clock.clock);
    fake_sink_init(&bench->sink);
    bench->source = ht_synthetic_source_create(&(struct ht_synthetic_source_options){
        .clock = &bench->clock.clock,
        .timers = &bench->timers,
        .seed = 1,
        .rate = rate,
        .limit = limit,
    });
    assert_non_null(bench->source);
    assert_int_equal(bench->source->health.state, HT_HEALTH_STARTING);
    bench->source->ops->start(bench->source, &bench->sink.sink, cursor);
    assert_int_equal(bench->sink.count, 0);
}

static void on_stopped(void *user)
{
    struct bench *bench = user;
    bench->stops++;
}

static void bench_finish(struct bench *bench)
{
    bench->source->ops->stop(bench->source, on_stopped, bench);
    assert_int_equal(bench->stops, 0);
    ht_timer_queue_run(&bench->timers);
    assert_int_equal(bench->stops, 1);
    assert_int_equal(bench->source->health.state, HT_HEALTH_STOPPED);
    assert_true(ht_timer_queue_next_ns(&bench->timers) == UINT64_MAX);
    bench->source->ops->destroy(bench->source);
    fake_sink_finish(&bench->sink);
    ht_timer_queue_finish(&bench->timers);
}

/* Lets `ms` milliseconds pass, one by one. */
static void pass(struct bench *bench, unsigned ms)
{
    for (unsigned i = 0; i < ms; i++) {
        ht_manual_clock_advance_ms(&bench->clock, 1);
        ht_timer_queue_run(&bench->timers);
    }
}

static void test_rate_is_even(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, 1000, 0, HT_SLICE(""));
    for (size_t second = 1; second <= 5; second++) {
        size_t before = bench.sink.count;
        pass(&bench, 20);
        assert_in_range(bench.sink.count - before, 10, 30);
        pass(&bench, 980);
        assert_in_range(bench.sink.count, second * 1000 - 20, second * 1000);
    }
    assert_int_equal(bench.source->health.state, HT_HEALTH_WORKING);
    assert_true(bench.source->position == bench.sink.count);
    assert_true(bench.source->messages.total == bench.sink.count);
    bench_finish(&bench);
}

static void test_slow_rates(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, 1, 0, HT_SLICE(""));
    pass(&bench, 950);
    assert_int_equal(bench.sink.count, 0);
    pass(&bench, 9100);
    assert_in_range(bench.sink.count, 9, 10);
    bench_finish(&bench);
}

static void test_messages_are_those_of_the_generator(void **state)
{
    (void)state;
    struct bench bench;
    struct ht_synthetic_tweets *tweets = ht_synthetic_tweets_create(1);
    struct ht_synthetic_message message;
    size_t at = 0;
    bench_init(&bench, 0, 300, HT_SLICE(""));
    pass(&bench, 1);
    assert_int_equal(bench.sink.count, 300);
    for (uint64_t i = 0; i < 300; i++) {
        ht_synthetic_tweets_get(tweets, i, &message);
        assert_memory_equal(bench.sink.bytes.data + at, message.bytes.data, message.bytes.length);
        at += message.bytes.length + 1;
    }
    assert_int_equal(at, bench.sink.bytes.length);
    ht_synthetic_tweets_destroy(tweets);
    bench_finish(&bench);
}

static void test_limit(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, 100, 25, HT_SLICE(""));
    pass(&bench, 2000);
    assert_int_equal(bench.sink.count, 25);
    assert_int_equal(bench.source->health.state, HT_HEALTH_IDLE);
    assert_string_equal(bench.source->health.text, "limit reached: 25 messages");
    bench_finish(&bench);
}

static void test_goes_on_at_its_cursor(void **state)
{
    (void)state;
    struct bench first, second;
    char cursor[HT_SOURCE_CURSOR_BYTES];
    bench_init(&first, 0, 40, HT_SLICE(""));
    pass(&first, 5);
    size_t length = first.sink.cursor_length;
    memcpy(cursor, first.sink.cursor, length);
    bench_finish(&first);

    bench_init(&second, 0, 100, ht_slice_make(cursor, length));
    assert_true(second.source->position == 40);
    pass(&second, 5);
    assert_int_equal(second.sink.count, 60);
    bench_finish(&second);
    /* The limit counts what came before the restart. */
    bench_init(&second, 0, 40, ht_slice_make(cursor, length));
    pass(&second, 5);
    assert_int_equal(second.sink.count, 0);
    assert_int_equal(second.source->health.state, HT_HEALTH_IDLE);
    bench_finish(&second);
}

static void test_other_cursors_are_ignored(void **state)
{
    (void)state;
    static const char *const cursors[] = {"synthetic:2:40",   "replay:1:40",   "synthetic:1", "x",
                                          "synthetic:1:40:1", "synthetic:1:-1"};
    for (size_t i = 0; i < HT_COUNT_OF(cursors); i++) {
        struct bench bench;
        bench_init(&bench, 0, 10, ht_slice_text(cursors[i]));
        assert_true(bench.source->position == 0);
        pass(&bench, 1);
        assert_int_equal(bench.sink.count, 10);
        bench_finish(&bench);
    }
}

static void test_pause_and_resume_without_a_burst(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, 1000, 0, HT_SLICE(""));
    bench.sink.full_at = 50;
    pass(&bench, 10000);
    assert_int_equal(bench.sink.count, 50);
    assert_int_equal(bench.source->health.state, HT_HEALTH_PAUSED);
    bench.sink.full_at = 0;
    bench.source->ops->resume(bench.source);
    assert_int_equal(bench.sink.count, 50);
    pass(&bench, 20);
    assert_in_range(bench.sink.count, 55, 75);
    assert_int_equal(bench.source->health.state, HT_HEALTH_WORKING);
    bench_finish(&bench);
}

static void test_no_burst_after_a_stalled_loop(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, 1000, 0, HT_SLICE(""));
    ht_manual_clock_advance_ms(&bench.clock, 60000);
    ht_timer_queue_run(&bench.timers);
    assert_in_range(bench.sink.count, 50, 100);
    bench_finish(&bench);
}

static void test_without_a_rate_the_loop_turns_in_between(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, 0, 0, HT_SLICE(""));
    ht_clock_init_system(&bench.clock.clock);
    uint64_t begun_ns = ht_clock_monotonic_ns(&bench.clock.clock);
    while (bench.sink.count == 0) {
        ht_timer_queue_run(&bench.timers);
    }
    /* Two milliseconds of work, and more than enough for a slow machine. */
    assert_true(ht_clock_monotonic_ns(&bench.clock.clock) - begun_ns < 5000000000u);
    assert_int_equal(bench.sink.count % 16, 0);
    bench_finish(&bench);
}

static void test_resume_when_nothing_is_paused(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, 0, 5, HT_SLICE(""));
    pass(&bench, 1);
    bench.source->ops->resume(bench.source);
    pass(&bench, 10);
    assert_int_equal(bench.sink.count, 5);
    assert_int_equal(bench.source->health.state, HT_HEALTH_IDLE);
    bench_finish(&bench);
}

static void test_destroy_without_start(void **state)
{
    (void)state;
    struct ht_manual_clock clock;
    struct ht_timer_queue timers;
    ht_manual_clock_init(&clock, 0, 0);
    ht_timer_queue_init(&timers, &clock.clock);
    struct ht_source *source = ht_synthetic_source_create(
        &(struct ht_synthetic_source_options){.clock = &clock.clock, .timers = &timers});
    source->ops->destroy(source);
    ht_timer_queue_finish(&timers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate_is_even),
        cmocka_unit_test(test_slow_rates),
        cmocka_unit_test(test_messages_are_those_of_the_generator),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_goes_on_at_its_cursor),
        cmocka_unit_test(test_other_cursors_are_ignored),
        cmocka_unit_test(test_pause_and_resume_without_a_burst),
        cmocka_unit_test(test_no_burst_after_a_stalled_loop),
        cmocka_unit_test(test_without_a_rate_the_loop_turns_in_between),
        cmocka_unit_test(test_resume_when_nothing_is_paused),
        cmocka_unit_test(test_destroy_without_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
