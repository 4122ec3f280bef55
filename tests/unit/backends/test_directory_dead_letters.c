// SPDX-License-Identifier: MIT
#include "hashtagd/backends/directory_dead_letters.h"

#include "fixture.h"

#include "hashtagd/base/assert.h"

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
    struct ht_dead_letters_append append;
    struct fixture *fixture;
    bool is_done;
};

static void on_append(struct ht_dead_letters_append *append)
{
    struct appended *appended = append->user;
    appended->is_done = true;
    fixture_stop(appended->fixture);
}

static void start_append(struct fixture *fixture, struct ht_dead_letters *dead,
                         struct appended *appended, const struct ht_dead_letter *letters,
                         size_t count)
{
    *appended = (struct appended){.fixture = fixture};
    appended->append = (struct ht_dead_letters_append){
        .letters = letters, .count = count, .done = on_append, .status = 1};
    appended->append.user = appended;
    dead->ops->append(dead, &appended->append);
    assert_false(appended->is_done);
}

static int append(struct fixture *fixture, struct ht_dead_letters *dead,
                  const struct ht_dead_letter *letters, size_t count)
{
    struct appended appended;
    start_append(fixture, dead, &appended, letters, count);
    while (!appended.is_done) {
        fixture_run(fixture);
    }
    return appended.append.status;
}

static struct ht_dead_letters *make_dead_letters(struct fixture *fixture)
{
    struct ht_dead_letters *dead;
    struct ht_error error;
    struct ht_directory_dead_letters_options options = {fixture->loop, fixture->worker,
                                                        fixture_path(fixture, "dead-letters")};
    assert_int_equal(ht_directory_dead_letters_create(&dead, &options, &error), 0);
    return dead;
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

static void close_dead_letters(struct fixture *fixture, struct ht_dead_letters *dead)
{
    struct closing closing = {.fixture = fixture};
    dead->ops->close(dead, on_closed, &closing);
    assert_false(closing.is_closed);
    while (!closing.is_closed) {
        fixture_run(fixture);
    }
    dead->ops->destroy(dead);
}

/* The path of today's file (or of yesterday's, should the day just have ended). */
static const char *day_path(struct fixture *fixture)
{
    char name[64];
    time_t now = time(NULL);
    struct tm day;
    assert_non_null(gmtime_r(&now, &day));
    assert_true(strftime(name, sizeof(name), "dead-letters/%Y-%m-%d.jsonl", &day) > 0);
    return fixture_path(fixture, name);
}

static const struct ht_dead_letter letter = {
    .data = {"\x00\xff not \"JSON\"", 13},
    .shard_id = {"shard-1", 7},
    .sequence_number = {"42", 2},
    .source = {"art", 3},
    .reason = {"not_json", 8},
    .at_ms = 1700000000999,
};

static const char letter_line[] =
    "{\"data\":\"AP8gbm90ICJKU09OIg==\",\"shard\":\"shard-1\","
    "\"sequence_number\":\"42\",\"source\":\"art\",\"reason\":\"not_json\","
    "\"at\":1700000000}\n";

static void expect_file(struct fixture *fixture, const char *expected)
{
    char *file = fixture_read_file(day_path(fixture), NULL);
    assert_string_equal(file, expected);
    free(file);
}

static void test_format(void **state)
{
    struct fixture *fixture = *state;
    struct ht_dead_letters *dead = make_dead_letters(fixture);
    struct ht_dead_letter empty = {.reason = HT_SLICE("refused")};
    char expected[512];
    assert_int_equal(sizeof("\x00\xff not \"JSON\"") - 1, 13);
    assert_int_equal(append(fixture, dead, &letter, 1), 0);
    expect_file(fixture, letter_line);
    assert_int_equal(append(fixture, dead, &empty, 1), 0);
    (void)snprintf(expected, sizeof(expected),
                   "%s{\"data\":\"\",\"shard\":\"\",\"sequence_number\":\"\",\"source\":\"\","
                   "\"reason\":\"refused\",\"at\":0}\n",
                   letter_line);
    expect_file(fixture, expected);
    assert_int_equal(dead->letters, 2);
    assert_int_equal(dead->health.state, HT_HEALTH_WORKING);
    close_dead_letters(fixture, dead);
}

static void test_many_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct ht_dead_letters *dead = make_dead_letters(fixture);
    struct appended appended[20];
    struct ht_dead_letter letters[30];
    char *large = calloc(1, 1 << 20);
    assert_non_null(large);
    for (size_t i = 0; i < HT_COUNT_OF(letters); i++) {
        letters[i] = letter;
    }
    letters[7].data = ht_slice_make(large, 1 << 20);
    for (size_t i = 0; i < HT_COUNT_OF(appended); i++) {
        start_append(fixture, dead, &appended[i], letters, i == 3 ? 30 : 1);
    }
    close_dead_letters(fixture, dead); /* finishes them all */
    size_t lines = 0, length;
    char *file = fixture_read_file(day_path(fixture), &length);
    for (size_t i = 0; i < length; i++) {
        lines += file[i] == '\n';
    }
    for (size_t i = 0; i < HT_COUNT_OF(appended); i++) {
        assert_true(appended[i].is_done);
        assert_int_equal(appended[i].append.status, 0);
    }
    assert_int_equal(lines, 19 + 30);
    assert_int_equal(memcmp(file, letter_line, sizeof(letter_line) - 1), 0);
    assert_string_equal(file + length - (sizeof(letter_line) - 1), letter_line);
    free(file);
    free(large);
}

static void test_torn_line_gets_its_end(void **state)
{
    struct fixture *fixture = *state;
    char expected[512];
    assert_int_equal(mkdir(fixture_path(fixture, "dead-letters"), 0700), 0);
    fixture_write_file(day_path(fixture), "{\"data\":\"AP8g", 13);
    struct ht_dead_letters *dead = make_dead_letters(fixture);
    assert_int_equal(append(fixture, dead, &letter, 1), 0);
    (void)snprintf(expected, sizeof(expected), "{\"data\":\"AP8g\n%s", letter_line);
    expect_file(fixture, expected);
    close_dead_letters(fixture, dead);
}

static void test_full_disk_leaves_no_half_line(void **state)
{
    struct fixture *fixture = *state;
    struct ht_dead_letter large = letter;
    char *bytes = calloc(1, 60000);
    assert_non_null(bytes);
    if (!fixture_mount_small(fixture_path(fixture, "dead-letters"), 32)) {
        free(bytes);
        skip();
    }
    struct ht_dead_letters *dead = make_dead_letters(fixture);
    assert_int_equal(append(fixture, dead, &letter, 1), 0);
    large.data = ht_slice_make(bytes, 60000);
    assert_int_equal(append(fixture, dead, &large, 1), HT_ENOSPC);
    assert_int_equal(dead->health.state, HT_HEALTH_WAITING);
    assert_int_equal(dead->errors, 1);
    expect_file(fixture, letter_line);
    assert_int_equal(append(fixture, dead, &letter, 1), 0);
    assert_int_equal(dead->letters, 2);
    close_dead_letters(fixture, dead);
    fixture_unmount(fixture_path(fixture, "dead-letters"));
    free(bytes);
}

static void test_directory_that_cannot_be(void **state)
{
    struct fixture *fixture = *state;
    struct ht_dead_letters *dead = make_dead_letters(fixture);
    fixture_write_file(fixture_path(fixture, "dead-letters"), "x", 1);
    assert_int_not_equal(append(fixture, dead, &letter, 1), 0);
    assert_non_null(strstr(dead->health.text, fixture_path(fixture, "dead-letters")));
    assert_int_equal(unlink(fixture_path(fixture, "dead-letters")), 0);
    assert_int_equal(append(fixture, dead, &letter, 1), 0);
    close_dead_letters(fixture, dead);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_format),
        CASE(test_many_at_once),
        CASE(test_torn_line_gets_its_end),
        CASE(test_full_disk_leaves_no_half_line),
        CASE(test_directory_that_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
