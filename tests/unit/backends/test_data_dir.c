// SPDX-License-Identifier: MIT
#include "hashtagd/backends/data_dir.h"

#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static void test_makes_private_directories(void **state)
{
    struct fixture *fixture = *state;
    const char *path = fixture_path(fixture, "a/b/c");
    struct ht_data_dir *data_dir;
    struct ht_error error;
    struct stat info;
    assert_int_equal(ht_data_dir_open(&data_dir, path, &error), 0);
    assert_string_equal(ht_data_dir_path(data_dir), path);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    char *inside = ht_data_dir_join(data_dir, "hashtagd.db");
    assert_string_equal(inside, fixture_path(fixture, "a/b/c/hashtagd.db"));
    free(inside);
    ht_data_dir_close(data_dir);
}

static void test_second_opener_is_told_who_is_there(void **state)
{
    struct fixture *fixture = *state;
    struct ht_data_dir *data_dir, *second;
    struct ht_error error;
    char expected[192];
    assert_int_equal(ht_data_dir_open(&data_dir, fixture->directory, &error), 0);
    assert_int_equal(ht_data_dir_open(&second, fixture->directory, &error), HT_EBUSY);
    assert_null(second);
    (void)snprintf(expected, sizeof(expected),
                   "%s is in use by process %ld (hashtagd): stop it or choose another data.dir",
                   fixture->directory, (long)getpid());
    assert_non_null(strstr(error.text, expected));
    ht_data_dir_close(data_dir);
    assert_int_equal(ht_data_dir_open(&second, fixture->directory, &error), 0);
    ht_data_dir_close(second);
}

static void test_lock_ends_with_its_process(void **state)
{
    struct fixture *fixture = *state;
    struct ht_data_dir *data_dir;
    struct ht_error error;
    int status;
    pid_t child = fork();
    if (child == 0) {
        _exit(ht_data_dir_open(&data_dir, fixture->directory, &error) == 0 ? 7 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 7);
    assert_int_equal(ht_data_dir_open(&data_dir, fixture->directory, &error), 0);
    ht_data_dir_close(data_dir);
}

static void test_lock_file_without_a_number(void **state)
{
    struct fixture *fixture = *state;
    struct ht_data_dir *data_dir, *second;
    struct ht_error error;
    assert_int_equal(ht_data_dir_open(&data_dir, fixture->directory, &error), 0);
    fixture_write_file(fixture_path(fixture, "lock"), "rubbish", 7);
    assert_int_equal(ht_data_dir_open(&second, fixture->directory, &error), HT_EBUSY);
    assert_non_null(strstr(error.text, "another process"));
    ht_data_dir_close(data_dir);
}

static void test_path_that_is_a_file(void **state)
{
    struct fixture *fixture = *state;
    struct ht_data_dir *data_dir;
    struct ht_error error;
    fixture_write_file(fixture_path(fixture, "file"), "x", 1);
    assert_int_not_equal(ht_data_dir_open(&data_dir, fixture_path(fixture, "file"), &error), 0);
    assert_non_null(strstr(error.text, fixture_path(fixture, "file")));
    assert_int_not_equal(ht_data_dir_open(&data_dir, fixture_path(fixture, "file/x"), &error), 0);
    assert_null(data_dir);
    assert_int_equal(ht_data_dir_open(&data_dir, "", &error), HT_EINVAL);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_makes_private_directories),  CASE(test_second_opener_is_told_who_is_there),
        CASE(test_lock_ends_with_its_process), CASE(test_lock_file_without_a_number),
        CASE(test_path_that_is_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
