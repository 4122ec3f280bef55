// SPDX-License-Identifier: MIT
#include "hashtagd/sources/replay_source.h"

#include "fake_sink.h"
#include "temporary_files.h"

#include "hashtagd/net/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <sys/resource.h>

/* A loop with a worker and one source; a timer looks every millisecond whether the loop may end. */
struct bench {
    struct ht_clock clock;
    struct ht_loop *loop;
    struct ht_worker *worker;
    struct fake_sink sink;
    struct ht_source *source;
    struct temporary_files files;
    struct ht_timer watch;
    bool (*is_enough)(struct bench *bench);
    size_t wanted;
    uint64_t begun_ms;
    uint64_t enough_ms;
    int stops;
};

static void bench_init(struct bench *bench)
{
    *bench = (struct bench){0};
    ht_clock_init_system(&bench->clock);
    assert_int_equal(ht_loop_create(&bench->loop, &bench->clock, NULL), 0);
    assert_int_equal(ht_worker_create(&bench->worker, bench->loop, "test", NULL), 0);
    fake_sink_init(&bench->sink);
    temporary_files_init(&bench->files);
}

static void bench_create(struct bench *bench, struct ht_replay_source_options options)
{
    options.clock = &bench->clock;
    options.timers = ht_loop_timers(bench->loop);
    options.worker = bench->worker;
    bench->source = ht_replay_source_create(&options);
    assert_non_null(bench->source);
    bench->begun_ms = ht_clock_monotonic_ms(&bench->clock);
}

static void bench_start(struct bench *bench, struct ht_replay_source_options options,
                        struct ht_slice cursor)
{
    bench_create(bench, options);
    bench->source->ops->start(bench->source, &bench->sink.sink, cursor);
    assert_int_equal(bench->sink.count, 0);
    assert_int_equal(bench->source->health.state, HT_HEALTH_STARTING);
}

static void on_watch(struct ht_timer *timer)
{
    struct bench *bench = HT_CONTAINER_OF(timer, struct bench, watch);
    if (bench->is_enough(bench)) {
        bench->enough_ms = ht_clock_monotonic_ms(&bench->clock) - bench->begun_ms;
        ht_loop_stop(bench->loop);
    } else {
        HT_ASSERT(ht_clock_monotonic_ms(&bench->clock) - bench->begun_ms < 30000);
        ht_timer_start(ht_loop_timers(bench->loop), timer, 1);
    }
}

static void run_until(struct bench *bench, bool (*is_enough)(struct bench *bench))
{
    bench->is_enough = is_enough;
    ht_timer_init(&bench->watch, on_watch);
    ht_timer_start(ht_loop_timers(bench->loop), &bench->watch, 0);
    ht_loop_run(bench->loop);
}

static bool is_idle(struct bench *bench)
{
    return bench->source->health.state == HT_HEALTH_IDLE;
}

static bool is_failed(struct bench *bench)
{
    return bench->source->health.state == HT_HEALTH_FAILED;
}

static bool is_paused(struct bench *bench)
{
    return bench->source->health.state == HT_HEALTH_PAUSED;
}

static bool has_enough(struct bench *bench)
{
    return bench->sink.count >= bench->wanted;
}

static bool is_stopped(struct bench *bench)
{
    return bench->stops > 0;
}

static void on_stopped(void *user)
{
    ((struct bench *)user)->stops++;
}

static void bench_stop_source(struct bench *bench)
{
    bench->stops = 0;
    bench->source->ops->stop(bench->source, on_stopped, bench);
    assert_int_equal(bench->stops, 0);
    run_until(bench, is_stopped);
    assert_int_equal(bench->stops, 1);
    bench->source->ops->destroy(bench->source);
}

static void on_worker_stopped(void *user)
{
    ht_loop_stop(((struct bench *)user)->loop);
}

static void bench_finish(struct bench *bench)
{
    bench_stop_source(bench);
    ht_worker_stop(bench->worker, on_worker_stopped, bench);
    ht_loop_run(bench->loop);
    ht_loop_destroy(bench->loop);
    fake_sink_finish(&bench->sink);
    temporary_files_finish(&bench->files);
}

/* A file of `count` messages with the ids from `first` on. */
static const char *add_messages(struct bench *bench, unsigned first, unsigned count)
{
    struct ht_buffer content;
    ht_buffer_init(&content, 32 << 20);
    for (unsigned i = first; i < first + count; i++) {
        ht_buffer_append_format(&content, "{\"id\":%u,\"text\":\"%0200d\"}\n", i, 0);
    }
    const char *path = temporary_files_add(&bench->files, ht_buffer_slice(&content));
    ht_buffer_finish(&content);
    return path;
}

static void test_all_messages_in_order(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    const char *files[] = {add_messages(&bench, 0, 5000), add_messages(&bench, 5000, 1)};
    bench_start(&bench, (struct ht_replay_source_options){.files = files, .file_count = 2},
                HT_SLICE(""));
    run_until(&bench, is_idle);
    assert_int_equal(bench.sink.count, 5001);
    assert_string_equal(bench.source->health.text, "all files are read: 5001 messages, 0 rejected");
    const char *at = bench.sink.bytes.data;
    for (unsigned i = 0; i < 5001; i++) {
        char wanted[32];
        int length = snprintf(wanted, sizeof(wanted), "{\"id\":%u,", i);
        assert_memory_equal(at, wanted, (size_t)length);
        at = strchr(at, '\n') + 1;
    }
    assert_true(bench.source->position == 5001);
    bench_finish(&bench);
}

static void test_rate(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    const char *file = add_messages(&bench, 0, 5000);
    bench_start(&bench,
                (struct ht_replay_source_options){.files = &file, .file_count = 1, .rate = 1000},
                HT_SLICE(""));
    bench.wanted = 300;
    run_until(&bench, has_enough);
    assert_in_range(bench.enough_ms, 290, 25000);
    assert_true(bench.sink.count < 450);
    bench_finish(&bench);
}

static void test_limit(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    const char *file = add_messages(&bench, 0, 100);
    bench_start(&bench,
                (struct ht_replay_source_options){.files = &file, .file_count = 1, .limit = 42},
                HT_SLICE(""));
    run_until(&bench, is_idle);
    assert_int_equal(bench.sink.count, 42);
    assert_string_equal(bench.source->health.text, "limit reached: 42 messages");
    bench_finish(&bench);
}

static void test_loops(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    const char *file = add_messages(&bench, 1, 3);
    bench_start(&bench,
                (struct ht_replay_source_options){
                    .files = &file, .file_count = 1, .limit = 9, .loops = true},
                HT_SLICE(""));
    run_until(&bench, is_idle);
    assert_int_equal(bench.sink.count, 9);
    /* Each id of the file comes once: later rounds have others. */
    assert_null(strstr(strstr(bench.sink.bytes.data, "\"id\":1,") + 1, "\"id\":1,"));
    bench_finish(&bench);
}

static void test_pause_resume_and_cursor(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    const char *files[] = {add_messages(&bench, 0, 2000), add_messages(&bench, 2000, 2000)};
    struct ht_replay_source_options options = {.files = files, .file_count = 2};
    bench.sink.full_at = 1500;
    bench_start(&bench, options, HT_SLICE(""));
    run_until(&bench, is_paused);
    assert_int_equal(bench.sink.count, 1500);
    bench.sink.full_at = 2500;
    bench.source->ops->resume(bench.source);
    assert_int_equal(bench.sink.count, 1500);
    run_until(&bench, is_paused);
    assert_int_equal(bench.sink.count, 2500);
    bench_stop_source(&bench);

    /* A new source goes on where that one was. */
    bench.sink.full_at = 0;
    char cursor[HT_SOURCE_CURSOR_BYTES];
    size_t length = bench.sink.cursor_length;
    memcpy(cursor, bench.sink.cursor, length);
    ht_buffer_clear(&bench.sink.bytes);
    bench.sink.count = 0;
    bench_start(&bench, options, ht_slice_make(cursor, length));
    run_until(&bench, is_idle);
    assert_int_equal(bench.sink.count, 1500);
    assert_memory_equal(bench.sink.bytes.data, "{\"id\":2500,", 11);
    assert_true(bench.source->position == 4000);
    bench_finish(&bench);
}

static void test_cursor_of_other_files_is_ignored(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    const char *file = add_messages(&bench, 0, 10);
    bench_start(&bench, (struct ht_replay_source_options){.files = &file, .file_count = 1},
                HT_SLICE("replay:1:0:5:5"));
    run_until(&bench, is_idle);
    assert_int_equal(bench.sink.count, 10);
    bench_finish(&bench);
}

static void test_rejects_are_refused(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    const char *file =
        temporary_files_add(&bench.files, HT_SLICE("{\"id\":1}\ngarbage\n{\"id\":2}\n{\"id\":"));
    bench_start(&bench, (struct ht_replay_source_options){.files = &file, .file_count = 1},
                HT_SLICE(""));
    run_until(&bench, is_idle);
    assert_string_equal(bench.sink.bytes.data, "{\"id\":1}\n{\"id\":2}\n");
    assert_string_equal(bench.sink.reasons.data, "7 not_json\n6 cut_off\n");
    assert_string_equal(bench.source->health.text, "all files are read: 2 messages, 2 rejected");
    bench_finish(&bench);
}

static void test_missing_file(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    const char *files[] = {add_messages(&bench, 0, 10), "/tmp/hashtagd-is-not-there.json"};
    bench_start(&bench, (struct ht_replay_source_options){.files = files, .file_count = 2},
                HT_SLICE(""));
    run_until(&bench, is_failed);
    assert_int_equal(bench.sink.count, 10);
    assert_non_null(strstr(bench.source->health.text, "/tmp/hashtagd-is-not-there.json"));
    assert_non_null(strstr(bench.source->health.text, "correct the path"));
    bench_finish(&bench);
}

static bool is_waiting(struct bench *bench)
{
    return bench->source->health.state == HT_HEALTH_WAITING;
}

static void test_a_shortage_of_descriptors_passes(void **state)
{
    (void)state;
    struct bench bench;
    struct rlimit limit;
    bench_init(&bench);
    const char *file = add_messages(&bench, 0, 10);
    bench_create(&bench, (struct ht_replay_source_options){.files = &file, .file_count = 1});
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    (void)setrlimit(RLIMIT_NOFILE, &(struct rlimit){.rlim_cur = 0, .rlim_max = limit.rlim_max});
    bench.source->ops->start(bench.source, &bench.sink.sink, HT_SLICE(""));
    run_until(&bench, is_waiting);
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    assert_non_null(strstr(bench.source->health.text, "tried again"));
    run_until(&bench, is_idle);
    assert_int_equal(bench.sink.count, 10);
    bench_finish(&bench);
}

/* What lies at the address 0 gives EIO to who reads it. */
static void test_stop_while_it_waits(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    const char *file = "/proc/self/mem";
    bench_start(&bench, (struct ht_replay_source_options){.files = &file, .file_count = 1},
                HT_SLICE(""));
    run_until(&bench, is_waiting);
    bench_finish(&bench);
}

static void test_no_files(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench_start(&bench, (struct ht_replay_source_options){0}, HT_SLICE(""));
    run_until(&bench, is_failed);
    assert_non_null(strstr(bench.source->health.text, "source.files"));
    bench_finish(&bench);
}

static void test_stop_while_the_worker_reads(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    const char *file = add_messages(&bench, 0, 5000);
    bench_start(&bench, (struct ht_replay_source_options){.files = &file, .file_count = 1},
                HT_SLICE(""));
    bench_finish(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_messages_in_order),
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_loops),
        cmocka_unit_test(test_pause_resume_and_cursor),
        cmocka_unit_test(test_cursor_of_other_files_is_ignored),
        cmocka_unit_test(test_rejects_are_refused),
        cmocka_unit_test(test_missing_file),
        cmocka_unit_test(test_a_shortage_of_descriptors_passes),
        cmocka_unit_test(test_stop_while_it_waits),
        cmocka_unit_test(test_no_files),
        cmocka_unit_test(test_stop_while_the_worker_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
