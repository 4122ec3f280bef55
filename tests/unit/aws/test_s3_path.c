// SPDX-License-Identifier: MIT
#include "../../../src/aws/s3_path.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void test_keys_become_paths(void **state)
{
    (void)state;
    const struct {
        const char *key, *path;
    } cases[] = {
        {"a", "/a"},
        {"a/b.c-d_e~f", "/a/b.c-d_e~f"},
        {"/a", "//a"},
        {"a//b/", "/a//b/"},
        {"a b+c", "/a%20b%2Bc"},
        {"%41", "/%2541"},
        {"../x", "/../x"},
        {"\xc3\xa9", "/%C3%A9"},
        {"?#&=*:@!$'(),;", "/%3F%23%26%3D%2A%3A%40%21%24%27%28%29%2C%3B"},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_buffer path;
        ht_buffer_init(&path, 100);
        assert_int_equal(ht_s3_path_append(&path, ht_slice_text(cases[i].key)), 0);
        assert_string_equal(path.data, cases[i].path);
        ht_buffer_finish(&path);
    }
}

static void test_keys_have_1_to_1024_bytes(void **state)
{
    (void)state;
    static const char key[1025] = {0};
    const size_t lengths[] = {0, 1, 1024, 1025};
    for (size_t i = 0; i < HT_COUNT_OF(lengths); i++) {
        struct ht_buffer path;
        ht_buffer_init(&path, 4096);
        assert_int_equal(ht_s3_path_append(&path, ht_slice_make(key, lengths[i])),
                         i == 0 || i == 3 ? HT_EINVAL : 0);
        ht_buffer_finish(&path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_become_paths),
        cmocka_unit_test(test_keys_have_1_to_1024_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
