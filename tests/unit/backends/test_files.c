// SPDX-License-Identifier: MIT
#include "../../../src/backends/files.h"

#include "fixture.h"

#include "hashtagd/base/assert.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

/* The linker sends the calls here (--wrap). */
int __real_fsync(int fd);
int __wrap_fsync(int fd);

static unsigned failing_syncs;

int __wrap_fsync(int fd)
{
    if (failing_syncs > 0) {
        failing_syncs--;
        errno = EIO;
        return -1;
    }
    return __real_fsync(fd);
}

static void test_errors_say_what_to_do(void **state)
{
    (void)state;
    static const struct {
        int number, code;
        const char *words;
    } cases[] = {
        {ENOSPC, HT_ENOSPC, "Free some space"},
        {EDQUOT, HT_ENOSPC, "Free some space"},
        {EFBIG, HT_ENOSPC, "raise the limit"},
        {EACCES, HT_EPERMISSION, "Give the user that runs hashtagd access"},
        {ENOENT, HT_ENOTFOUND, "No such file"},
        {EIO, HT_EIO, "Input/output error"},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_error error = {0};
        assert_int_equal(ht_files_error(&error, cases[i].number, "write", "/some/file"),
                         cases[i].code);
        assert_int_equal(error.code, cases[i].code);
        assert_non_null(strstr(error.text, cases[i].words));
        assert_non_null(strstr(error.text, "Cannot write /some/file: "));
    }
}

static void test_make_directories(void **state)
{
    struct fixture *fixture = *state;
    struct ht_error error;
    const char *path = fixture_path(fixture, "a/b//c/");
    assert_int_equal(ht_files_make_directories(path, &error), 0);
    assert_int_equal(ht_files_make_directories(path, &error), 0);
    assert_int_equal(access(fixture_path(fixture, "a/b/c"), R_OK | W_OK | X_OK), 0);
    assert_int_equal(ht_files_make_directories("/", &error), 0);
    char *long_path = malloc(10000);
    assert_non_null(long_path);
    memset(long_path, 'a', 9999);
    long_path[9999] = '\0';
    assert_int_equal(ht_files_make_directories(long_path, &error), HT_EINVAL);
    free(long_path);
}

static void test_a_directory_is_durable_or_not_there(void **state)
{
    struct fixture *fixture = *state;
    struct ht_error error;
    const char *path = fixture_path(fixture, "a");
    failing_syncs = 1;
    assert_int_equal(ht_files_make_directories(path, &error), HT_EIO);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(ht_files_make_directories(path, &error), 0);
    assert_int_equal(access(path, R_OK | W_OK | X_OK), 0);
}

static void test_write_and_read_in_parts(void **state)
{
    struct fixture *fixture = *state;
    char one[] = "one", two[] = "two", back[16];
    struct iovec parts[] = {{one, 3}, {two, 0}, {two, 3}};
    int fd = open(fixture_path(fixture, "file"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ht_files_write_at(fd, parts, 3, 4), 0);
    assert_int_equal(ht_files_size(fd), 10);
    assert_int_equal(ht_files_read_at(fd, back, sizeof(back), 0), 10);
    assert_memory_equal(back, "\0\0\0\0onetwo", 10);
    assert_int_equal(ht_files_read_at(fd, back, 2, 8), 2);
    assert_int_equal(ht_files_read_at(fd, back, 2, 10), 0);
    close(fd);
    assert_int_equal(ht_files_read_at(fd, back, 2, 0), -EBADF);
    assert_int_equal(ht_files_size(fd), -EBADF);
    parts[0] = (struct iovec){one, 3};
    assert_int_equal(ht_files_write_at(fd, parts, 1, 0), EBADF);
}

static void test_limit_of_the_file_size(void **state)
{
    struct fixture *fixture = *state;
    struct rlimit before, limit;
    char bytes[8192] = {0};
    struct iovec part = {bytes, sizeof(bytes)};
    int fd = open(fixture_path(fixture, "file"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = (struct rlimit){5000, before.rlim_max};
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    int number = ht_files_write_at(fd, &part, 1, 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(number, EFBIG);
    close(fd);
}

static void test_join(void **state)
{
    (void)state;
    char *path = ht_files_join("/a", "b");
    assert_string_equal(path, "/a/b");
    free(path);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors_say_what_to_do),
        CASE(test_make_directories),
        CASE(test_a_directory_is_durable_or_not_there),
        CASE(test_write_and_read_in_parts),
        CASE(test_limit_of_the_file_size),
        cmocka_unit_test(test_join),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
