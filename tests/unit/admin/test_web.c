// SPDX-License-Identifier: MIT
#include "admin/web.h"

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/gzip.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_files_are_found(void **state)
{
    (void)state;
    size_t count;
    const struct ht_web_file *files = ht_web_files(&count);
    assert_true(count > 5);
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(ht_web_find(ht_slice_text(files[i].name)), &files[i]);
        assert_true(files[i].etag[0] == '"');
        assert_string_not_equal(files[i].etag, files[i].etag_gzip);
    }
    assert_null(ht_web_find(HT_SLICE("")));
    assert_null(ht_web_find(HT_SLICE("nothing")));
    assert_null(ht_web_find(HT_SLICE("index.htm")));
}

static void test_types(void **state)
{
    (void)state;
    assert_string_equal(ht_web_find(HT_SLICE("index.html"))->type, "text/html; charset=utf-8");
    assert_string_equal(ht_web_find(HT_SLICE("app.js"))->type, "text/javascript; charset=utf-8");
    assert_string_equal(ht_web_find(HT_SLICE("app.css"))->type, "text/css; charset=utf-8");
}

static void test_the_packed_form_is_the_same(void **state)
{
    (void)state;
    size_t count;
    const struct ht_web_file *files = ht_web_files(&count);
    for (size_t i = 0; i < count; i++) {
        if (files[i].gzip.length == 0) {
            continue;
        }
        struct ht_buffer plain;
        ht_buffer_init(&plain, 1 << 24);
        assert_int_equal(ht_gzip_parse(files[i].gzip, &plain), 0);
        assert_true(ht_slice_equal(ht_buffer_slice(&plain), files[i].content));
        assert_true(files[i].gzip.length < files[i].content.length);
        ht_buffer_finish(&plain);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_are_found),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_the_packed_form_is_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
