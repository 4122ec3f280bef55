// SPDX-License-Identifier: MIT
#include "hashtagd/backends/directory_archive.h"

#include "fixture.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/buffer.h"
#include "hashtagd/base/gzip.h"
#include "hashtagd/base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

struct appended {
    struct ht_archive_append append;
    struct fixture *fixture;
    bool is_done;
};

static void on_append(struct ht_archive_append *append)
{
    struct appended *appended = append->user;
    appended->is_done = true;
    fixture_stop(appended->fixture);
}

static void start_append(struct fixture *fixture, struct ht_archive *archive,
                         struct appended *appended, const char *lines)
{
    *appended = (struct appended){.fixture = fixture};
    appended->append = (struct ht_archive_append){
        .lines = ht_slice_text(lines), .count = 1, .done = on_append, .status = 1};
    appended->append.user = appended;
    archive->ops->append(archive, &appended->append);
    assert_false(appended->is_done);
}

static void await(struct appended *appended)
{
    while (!appended->is_done) {
        fixture_run(appended->fixture);
    }
}

static struct ht_archive *make_archive(struct fixture *fixture, uint32_t buffer_s,
                                       size_t buffer_bytes)
{
    struct ht_archive *archive;
    struct ht_error error;
    struct ht_directory_archive_options options = {
        .loop = fixture->loop,
        .worker = fixture->worker,
        .log = &fixture->log,
        .directory = fixture_path(fixture, "archive"),
        .prefix = "deleted/",
        .buffer_s = buffer_s,
        .buffer_bytes = buffer_bytes,
    };
    assert_int_equal(ht_directory_archive_create(&archive, &options, &error), 0);
    return archive;
}

struct closing {
    struct fixture *fixture;
    bool is_closed;
};

static void on_closed(void *user)
{
    struct closing *closing = user;
    closing->is_closed = true;
    fixture_stop(closing->fixture);
}

static void close_archive(struct fixture *fixture, struct ht_archive *archive)
{
    struct closing closing = {.fixture = fixture};
    archive->ops->close(archive, on_closed, &closing);
    assert_false(closing.is_closed);
    while (!closing.is_closed) {
        fixture_run(fixture);
    }
    archive->ops->destroy(archive);
}

/* The object's content must be this, in exactly one gzip member. */
static void expect_object(struct fixture *fixture, const char *name, const char *content)
{
    char path[1024];
    size_t length;
    struct ht_buffer member, back;
    (void)snprintf(path, sizeof(path), "%s/%s", fixture_path(fixture, "archive"), name);
    char *file = fixture_read_file(path, &length);
    ht_buffer_init(&back, 1 << 20);
    ht_buffer_init(&member, 1 << 20);
    assert_int_equal(ht_gzip_parse(ht_slice_make(file, length), &back), 0);
    assert_true(ht_slice_equal(ht_buffer_slice(&back), ht_slice_text(content)));
    assert_int_equal(ht_gzip_format(ht_slice_text(content), &member), 0);
    assert_true(ht_slice_equal(ht_buffer_slice(&member), ht_slice_make(file, length)));
    ht_buffer_finish(&back);
    ht_buffer_finish(&member);
    free(file);
}

static size_t unfinished_count(struct fixture *fixture)
{
    size_t count;
    char **names = fixture_list(fixture_path(fixture, "archive/.tmp"), &count);
    fixture_free_names(names, count);
    return count;
}

static void test_flush_makes_one_object(void **state)
{
    struct fixture *fixture = *state;
    struct ht_archive *archive = make_archive(fixture, 60, 1 << 20);
    struct appended first, second;
    char expected[64];
    time_t now = time(NULL);
    start_append(fixture, archive, &first, "{\"a\":1}\n");
    start_append(fixture, archive, &second, "{\"b\":2}\n{\"c\":3}\n");
    fixture_run_ms(fixture, 30);
    assert_false(first.is_done);
    assert_int_equal(archive->counters.lines_waiting, 2);
    archive->ops->flush(archive);
    assert_false(first.is_done);
    await(&first);
    await(&second);
    assert_int_equal(first.append.status, 0);
    assert_string_equal(first.append.object, second.append.object);
    struct tm day;
    assert_non_null(gmtime_r(&now, &day));
    assert_true(strftime(expected, sizeof(expected), "deleted/%Y/%m/%d/", &day) > 0);
    assert_memory_equal(first.append.object, expected, strlen(expected));
    assert_non_null(strstr(first.append.object, ".jsonl.gz"));
    expect_object(fixture, first.append.object, "{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n");
    assert_int_equal(unfinished_count(fixture), 0);
    assert_int_equal(archive->counters.objects, 1);
    assert_int_equal(archive->counters.lines_delivered, 2);
    assert_int_equal(archive->counters.lines_waiting, 0);
    assert_true(archive->counters.bytes > 20);
    archive->ops->flush(archive); /* nothing is open: nothing happens */
    fixture_run_ms(fixture, 10);
    assert_int_equal(archive->counters.objects, 1);
    close_archive(fixture, archive);
}

/* What comes while an object is written, and is asked for as well, does not wait for its time. */
static void test_a_flush_while_an_object_is_written_makes_the_next_one(void **state)
{
    struct fixture *fixture = *state;
    struct ht_archive *archive = make_archive(fixture, 3600, 1 << 20);
    struct appended first, second;
    start_append(fixture, archive, &first, "one\n");
    archive->ops->flush(archive);
    fixture_run_ms(fixture, 0); /* it begins */
    start_append(fixture, archive, &second, "two\n");
    archive->ops->flush(archive);
    await(&first);
    await(&second);
    assert_int_equal(second.append.status, 0);
    expect_object(fixture, second.append.object,
                  strcmp(first.append.object, second.append.object) == 0 ? "one\ntwo\n" : "two\n");
    assert_int_equal(archive->counters.lines_delivered, 2);
    close_archive(fixture, archive);
}

static void test_time_closes_an_object(void **state)
{
    struct fixture *fixture = *state;
    struct ht_archive *archive = make_archive(fixture, 1, 1 << 20);
    struct appended first, second;
    uint64_t before = ht_clock_monotonic_ms(&fixture->clock);
    start_append(fixture, archive, &first, "one\n");
    fixture_run_ms(fixture, 300);
    start_append(fixture, archive, &second, "two\n");
    await(&first);
    assert_in_range(ht_clock_monotonic_ms(&fixture->clock) - before, 1000, 1900);
    assert_true(second.is_done);
    expect_object(fixture, first.append.object, "one\ntwo\n");
    close_archive(fixture, archive);
}

static void test_bytes_close_an_object(void **state)
{
    struct fixture *fixture = *state;
    struct ht_archive *archive = make_archive(fixture, 3600, 10);
    struct appended appended[5];
    for (size_t i = 0; i < 5; i++) {
        start_append(fixture, archive, &appended[i], "123456789\n");
        await(&appended[i]);
        expect_object(fixture, appended[i].append.object, "123456789\n");
        /* later objects have other names, which sort behind */
        assert_true(i == 0 ||
                    strcmp(appended[i].append.object, appended[i - 1].append.object) != 0);
        fixture_run_ms(fixture, 2);
    }
    assert_true(strcmp(appended[4].append.object, appended[0].append.object) > 0);
    close_archive(fixture, archive);
}

static void test_close_writes_what_is_open(void **state)
{
    struct fixture *fixture = *state;
    struct ht_archive *archive = make_archive(fixture, 3600, 1 << 20);
    struct appended appended;
    start_append(fixture, archive, &appended, "line\n");
    close_archive(fixture, archive);
    assert_true(appended.is_done);
    expect_object(fixture, appended.append.object, "line\n");
}

static void test_unfinished_objects_are_removed_at_the_start(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(mkdir(fixture_path(fixture, "archive"), 0700), 0);
    assert_int_equal(mkdir(fixture_path(fixture, "archive/.tmp"), 0700), 0);
    fixture_write_file(fixture_path(fixture, "archive/.tmp/torn.jsonl.gz"), "\x1f\x8b", 2);
    struct ht_archive *archive = make_archive(fixture, 3600, 1 << 20);
    struct appended appended;
    start_append(fixture, archive, &appended, "line\n");
    fixture_run_ms(fixture, 50);
    assert_int_equal(unfinished_count(fixture), 0);
    assert_false(appended.is_done);
    assert_int_equal(fixture_log_count(fixture, "unfinished object removed"), 1);
    close_archive(fixture, archive);
}

static void test_failure_leaves_nothing_and_can_be_tried_again(void **state)
{
    struct fixture *fixture = *state;
    struct ht_archive *archive = make_archive(fixture, 3600, 1);
    struct appended appended;
    fixture_write_file(fixture_path(fixture, "archive"), "in the way", 10);
    start_append(fixture, archive, &appended, "line\n");
    await(&appended);
    assert_int_not_equal(appended.append.status, 0);
    assert_non_null(strstr(appended.append.error.text, fixture_path(fixture, "archive")));
    assert_string_equal(appended.append.object, "");
    assert_int_equal(archive->health.state, HT_HEALTH_WAITING);
    assert_int_equal(archive->counters.lines_retried, 1);
    assert_int_equal(unlink(fixture_path(fixture, "archive")), 0);
    start_append(fixture, archive, &appended, "line\n");
    await(&appended);
    assert_int_equal(appended.append.status, 0);
    assert_int_equal(archive->health.state, HT_HEALTH_WORKING);
    expect_object(fixture, appended.append.object, "line\n");
    close_archive(fixture, archive);
}

/* Appends behind an object that is being written, and clears the way for the next object. */
struct overtaking {
    struct ht_timer timer;
    struct fixture *fixture;
    struct ht_archive *archive;
    struct appended first, second;
};

static void on_first(struct ht_archive_append *append)
{
    struct overtaking *overtaking = HT_CONTAINER_OF(append, struct overtaking, first.append);
    (void)unlink(fixture_path(overtaking->fixture, "archive"));
    overtaking->first.is_done = true;
    fixture_stop(overtaking->fixture);
}

static void on_being_written(struct ht_timer *timer)
{
    struct overtaking *overtaking = HT_CONTAINER_OF(timer, struct overtaking, timer);
    start_append(overtaking->fixture, overtaking->archive, &overtaking->second, "second\n");
}

static void test_nothing_overtakes_what_failed(void **state)
{
    struct fixture *fixture = *state;
    struct ht_archive *archive = make_archive(fixture, 3600, 1);
    struct overtaking overtaking = {.fixture = fixture, .archive = archive};
    fixture_write_file(fixture_path(fixture, "archive"), "in the way", 10);
    ht_timer_init(&overtaking.timer, on_being_written);
    start_append(fixture, archive, &overtaking.first, "first\n");
    overtaking.first.append.done = on_first;
    ht_timer_start(ht_loop_timers(fixture->loop), &overtaking.timer, 0);
    await(&overtaking.first);
    await(&overtaking.second);
    assert_int_not_equal(overtaking.first.append.status, 0);
    assert_int_not_equal(overtaking.second.append.status, 0);
    assert_int_equal(archive->counters.lines_waiting, 0);
    start_append(fixture, archive, &overtaking.first, "first\n");
    await(&overtaking.first);
    assert_int_equal(overtaking.first.append.status, 0);
    close_archive(fixture, archive);
}

static void test_full_disk_and_room_again(void **state)
{
    struct fixture *fixture = *state;
    struct appended appended;
    char *line = malloc(100001);
    assert_non_null(line);
    struct ht_random random;
    ht_random_init(&random, 1);
    for (size_t i = 0; i < 100000; i++) {
        line[i] = (char)('a' + ht_random_below(&random, 26));
    }
    line[99999] = '\n';
    line[100000] = '\0';
    if (!fixture_mount_small(fixture_path(fixture, "archive"), 128)) {
        free(line);
        skip();
    }
    char *bytes = calloc(1, 100 * 1024);
    assert_non_null(bytes);
    fixture_write_file(fixture_path(fixture, "archive/ballast"), bytes, 100 * 1024);
    free(bytes);
    struct ht_archive *archive = make_archive(fixture, 3600, 1);
    start_append(fixture, archive, &appended, line);
    await(&appended);
    assert_int_equal(appended.append.status, HT_ENOSPC);
    assert_int_equal(unfinished_count(fixture), 0);
    assert_int_equal(access(fixture_path(fixture, "archive/deleted"), F_OK), -1);
    assert_int_equal(unlink(fixture_path(fixture, "archive/ballast")), 0);
    start_append(fixture, archive, &appended, line);
    await(&appended);
    assert_int_equal(appended.append.status, 0);
    expect_object(fixture, appended.append.object, line);
    close_archive(fixture, archive);
    fixture_unmount(fixture_path(fixture, "archive"));
    free(line);
}

static void test_prefixes(void **state)
{
    (void)state;
    char long_prefix[300];
    memset(long_prefix, 'a', sizeof(long_prefix));
    long_prefix[299] = '\0';
    const struct {
        const char *prefix;
        bool is_accepted;
    } cases[] = {
        {"deleted/", true}, {"", true},        {"a/b/c-", true},      {"a..b/", true},
        {"../", false},     {"a/../b", false}, {"/etc/", false},      {"a//b", false},
        {"./a", false},     {".tmp/", false},  {"a/.hidden/", false}, {"a\nb", false},
        {"..", false},      {"a/..", false},   {long_prefix, false},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_error error = {0};
        int status = ht_directory_archive_check_prefix(cases[i].prefix, &error);
        if ((status == 0) != cases[i].is_accepted) {
            fail_msg("'%s' gives %d", cases[i].prefix, status);
        }
        assert_int_equal(status == 0, error.text[0] == '\0');
    }
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_flush_makes_one_object),
        CASE(test_time_closes_an_object),
        CASE(test_a_flush_while_an_object_is_written_makes_the_next_one),
        CASE(test_bytes_close_an_object),
        CASE(test_close_writes_what_is_open),
        CASE(test_unfinished_objects_are_removed_at_the_start),
        CASE(test_failure_leaves_nothing_and_can_be_tried_again),
        CASE(test_nothing_overtakes_what_failed),
        CASE(test_full_disk_and_room_again),
        cmocka_unit_test(test_prefixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
