// SPDX-License-Identifier: MIT
#include "hashtagd/base/error.h"
#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

static void an_error_has_code_and_text(void **state)
{
    (void)state;
    struct ht_error error;
    assert_int_equal(ht_error_set(&error, HT_EIO, "%s failed", "read"), HT_EIO);
    assert_int_equal(error.code, HT_EIO);
    assert_string_equal(error.text, "read failed");
    assert_int_equal(ht_error_prefix(&error, "file %d", 3), HT_EIO);
    assert_string_equal(error.text, "file 3: read failed");
    ht_error_clear(&error);
    assert_int_equal(error.code, 0);
    assert_string_equal(error.text, "");
}

static void nobody_need_want_the_text(void **state)
{
    (void)state;
    assert_int_equal(ht_error_set(NULL, HT_EINVAL, "x"), HT_EINVAL);
    assert_int_equal(ht_error_prefix(NULL, "x"), 0);
    ht_error_clear(NULL);
}

static void a_long_text_ends_at_a_character(void **state)
{
    (void)state;
    for (size_t offset = 0; offset < 4; offset++) {
        char text[HT_ERROR_TEXT_BYTES * 2] = "xxxx";
        for (size_t at = offset; at + 3 < sizeof(text); at += 3) {
            memcpy(text + at, "\xE2\x82\xAC", 3);
        }
        struct ht_error error;
        (void)ht_error_set(&error, HT_EIO, "%s", text);
        size_t length = strlen(error.text);
        assert_true(length < HT_ERROR_TEXT_BYTES && length > HT_ERROR_TEXT_BYTES - 6);
        assert_int_equal((length - offset) % 3, 0);
    }
}

static void a_text_is_utf8_whatever_it_quotes(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
    } cases[] = {
        {"\xff", "?"},
        {"a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z", "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z"},
        {"\xc3", "?"},
        {"\xe2\x82z", "??z"},
        {"\xed\xa0\x80", "???"},
        {"\xc0\xaf\xe0\x80\xaf", "?????"},
        {"\xf4\x90\x80\x80", "????"},
        {"\xf0\x9f\x98", "???"}};
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_error error;
        (void)ht_error_set(&error, HT_EIO, "%s", cases[i].from);
        assert_string_equal(error.text, cases[i].to);
    }
}

static void every_code_has_a_name(void **state)
{
    (void)state;
    for (int code = 0; code >= HT_EFATAL; code--) {
        assert_string_not_equal(ht_error_name(code), "HT_E?");
        assert_string_not_equal(ht_error_meaning(code), "unknown error");
    }
    assert_string_equal(ht_error_name(-999), "HT_E?");
    assert_string_equal(ht_error_meaning(-999), "unknown error");
}

static void errno_says_how_to_react(void **state)
{
    (void)state;
    static const struct {
        int from, to;
    } cases[] = {{0, 0},
                 {ENOSPC, HT_ENOSPC},
                 {ENOENT, HT_ENOTFOUND},
                 {ENOTDIR, HT_ENOTFOUND},
                 {EEXIST, HT_EEXIST},
                 {EDQUOT, HT_ENOSPC},
                 {ENOMEM, HT_ENOMEM},
                 {EACCES, HT_EPERMISSION},
                 {EPERM, HT_EPERMISSION},
                 {EROFS, HT_EPERMISSION},
                 {EAGAIN, HT_EBUSY},
                 {EBUSY, HT_EBUSY},
                 {EMFILE, HT_EBUSY},
                 {ENFILE, HT_EBUSY},
                 {ETIMEDOUT, HT_ETIMEDOUT},
                 {EINVAL, HT_EINVAL},
                 {EPIPE, HT_ECONNECTION},
                 {ECONNRESET, HT_ECONNECTION},
                 {EIO, HT_EIO},
                 {ECONNREFUSED, HT_ECONNECTION},
                 {EXDEV, HT_EIO}};
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        assert_int_equal(ht_error_from_errno(cases[i].from), cases[i].to);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_has_code_and_text),
        cmocka_unit_test(nobody_need_want_the_text),
        cmocka_unit_test(a_long_text_ends_at_a_character),
        cmocka_unit_test(a_text_is_utf8_whatever_it_quotes),
        cmocka_unit_test(every_code_has_a_name),
        cmocka_unit_test(errno_says_how_to_react),
    };
    return cmocka_run_group_tests_name("base/error", tests, NULL, NULL);
}
