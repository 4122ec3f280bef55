// SPDX-License-Identifier: MIT
#include "admin/process.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_memory(void **state)
{
    (void)state;
    assert_true(ht_process_resident_bytes() > 100000);
    assert_true(ht_process_virtual_bytes() > ht_process_resident_bytes());
}

static void test_an_open_file_counts(void **state)
{
    (void)state;
    uint64_t before = ht_process_open_files();
    int fd = open("/dev/null", O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(ht_process_open_files(), before + 1);
    assert_int_equal(close(fd), 0);
    assert_int_equal(ht_process_open_files(), before);
}

static void test_the_limit(void **state)
{
    (void)state;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(limit.rlim_cur == RLIM_INFINITY || ht_process_max_files() == limit.rlim_cur);
}

static void test_time_passes(void **state)
{
    (void)state;
    double before = ht_process_cpu_seconds();
    volatile uint64_t sum = 0;
    for (uint64_t i = 0; i < 50000000; i++) {
        sum += i;
    }
    (void)sum;
    assert_true(ht_process_cpu_seconds() > before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_an_open_file_counts),
        cmocka_unit_test(test_the_limit),
        cmocka_unit_test(test_time_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
