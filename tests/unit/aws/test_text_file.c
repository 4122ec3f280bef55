// SPDX-License-Identifier: MIT
#include "../../../src/aws/text_file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static void reads_a_file_up_to_the_maximum(void **state)
{
    char path[] = "/tmp/hashtagd-text-file-XXXXXX";
    int fd = mkstemp(path);
    struct ht_error error;
    struct ht_buffer text;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "SECRET token\n", 13), 13);
    close(fd);
    ht_buffer_init(&text, 13);
    assert_int_equal(ht_aws_text_file_read(path, &text, &error), 0);
    assert_string_equal(text.data, "SECRET token\n");
    ht_aws_wipe_buffer(&text);
    ht_buffer_init(&text, 12);
    assert_int_equal(ht_aws_text_file_read(path, &text, &error), HT_ETOOBIG);
    assert_non_null(strstr(error.text, "12 bytes"));
    assert_null(strstr(error.text, "SECRET"));
    ht_aws_wipe_buffer(&text);
    unlink(path);
}

static void takes_the_null_device_for_an_empty_file(void **state)
{
    (void)state;
    struct ht_buffer text;
    struct ht_error error;
    ht_buffer_init(&text, 100);
    assert_int_equal(ht_aws_text_file_read("/dev/null", &text, &error), 0);
    assert_int_equal(text.length, 0);
    assert_int_equal(ht_aws_text_file_read("/dev/zero", &text, &error), HT_EINVAL);
    ht_buffer_finish(&text);
}

static void says_why_it_cannot(void **state)
{
    char path[] = "/tmp/hashtagd-text-file-XXXXXX";
    struct ht_error error;
    struct ht_buffer text;

    (void)state;
    ht_buffer_init(&text, 100);
    assert_int_equal(ht_aws_text_file_read("/nowhere/token", &text, &error), HT_ENOTFOUND);
    assert_non_null(strstr(error.text, "/nowhere/token"));
    assert_int_equal(ht_aws_text_file_read("/tmp", &text, &error), HT_EINVAL);
    assert_non_null(mkdtemp(path));
    rmdir(path);
    assert_int_equal(mkfifo(path, 0600), 0); /* nobody writes: it must not wait */
    assert_int_equal(ht_aws_text_file_read(path, &text, &error), HT_EINVAL);
    unlink(path);
    ht_aws_wipe_buffer(&text);
    ht_aws_wipe_buffer(NULL);
    ht_aws_wipe_text(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_file_up_to_the_maximum),
        cmocka_unit_test(takes_the_null_device_for_an_empty_file),
        cmocka_unit_test(says_why_it_cannot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
