// SPDX-License-Identifier: MIT
#include "hashtagd/tweet/width.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
    const char *name, *text;
    size_t max_columns;
    const char *expected;
    size_t columns;
} rows[] = {
    {"plain", "abc", 10, "abc", 3},
    {"empty", "", 10, "", 0},
    {"fits", "abc", 3, "abc", 3},
    {"cut", "abcdef", 4, "abc\xe2\x80\xa6", 4},
    {"wide", "\xe6\x9d\xb1\xe4\xba\xac", 10, "\xe6\x9d\xb1\xe4\xba\xac", 4},
    {"wide cut before the border", "\xe6\x9d\xb1\xe4\xba\xac", 3, "\xe6\x9d\xb1\xe2\x80\xa6", 3},
    {"wide into one column", "\xe6\x9d\xb1\xe4\xba\xac", 1, "\xe2\x80\xa6", 1},
    {"combining",
     "e\xcc\x81"
     "a",
     10,
     "e\xcc\x81"
     "a",
     2},
    {"too many combining",
     "e\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81"
     "a",
     10,
     "e\xcc\x81\xcc\x81\xcc\x81\xcc\x81"
     "a",
     2},
    {"escape", "a\x1b[2Jb", 10, "a\xef\xbf\xbd[2Jb", 6},
    {"line end and tab", "a\n\tb", 10,
     "a\xef\xbf\xbd\xef\xbf\xbd"
     "b",
     4},
    {"delete and C1", "\x7f\xc2\x9b", 10, "\xef\xbf\xbd\xef\xbf\xbd", 2},
    {"right-to-left override",
     "a\xe2\x80\xae"
     "b",
     10,
     "a\xef\xbf\xbd"
     "b",
     3},
    {"line separator", "\xe2\x80\xa8", 10, "\xef\xbf\xbd", 1},
    {"joiner",
     "a\xe2\x80\x8d"
     "b",
     10,
     "a\xe2\x80\x8d"
     "b",
     2},
    {"no UTF-8",
     "a\xff"
     "b",
     10,
     "a\xef\xbf\xbd"
     "b",
     3},
    {"cut off", "a\xe6\x9d", 10, "a\xef\xbf\xbd\xef\xbf\xbd", 3},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(rows); i++) {
        struct ht_buffer out;
        ht_buffer_init(&out, 4096);
        size_t columns = ht_width_append(&out, ht_slice_text(rows[i].text), rows[i].max_columns);
        if (columns != rows[i].columns ||
            !ht_slice_equal(ht_buffer_slice(&out), ht_slice_text(rows[i].expected))) {
            fail_msg("%s: '%s' in %zu columns", rows[i].name, ht_buffer_slice(&out).data, columns);
        }
        if (columns < rows[i].max_columns) {
            assert_int_equal(ht_width_columns(ht_slice_text(rows[i].text)), columns);
        }
        ht_buffer_finish(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
