// SPDX-License-Identifier: MIT
#include "source_cursor.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void test_there_and_back(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {0, 1, UINT64_MAX, 42};
    for (size_t count = 0; count <= HT_COUNT_OF(numbers); count++) {
        char text[HT_SOURCE_CURSOR_BYTES];
        uint64_t read[HT_COUNT_OF(numbers)] = {7, 7, 7, 7};
        struct ht_slice cursor = ht_source_cursor_format(text, "type", numbers, count);
        assert_true(ht_source_cursor_parse(cursor, "type", read, count));
        for (size_t i = 0; i < HT_COUNT_OF(numbers); i++) {
            assert_true(read[i] == (i < count ? numbers[i] : 7));
        }
    }
}

static void test_text(void **state)
{
    (void)state;
    char text[HT_SOURCE_CURSOR_BYTES];
    struct ht_slice cursor =
        ht_source_cursor_format(text, "replay", (const uint64_t[]){3, UINT64_MAX}, 2);
    assert_true(ht_slice_equal(cursor, HT_SLICE("replay:3:18446744073709551615")));
}

static void test_what_is_no_cursor(void **state)
{
    (void)state;
    static const char *const cursors[] = {
        "",
        "type",
        "type:",
        "type:1",
        "type:1:",
        "type:1:2:",
        "type:1:2:3",
        "type:1:x",
        "type:-1:2",
        "other:1:2",
        "typed:1:2",
        "type 1:2",
        "type:1:18446744073709551616",
    };
    for (size_t i = 0; i < HT_COUNT_OF(cursors); i++) {
        uint64_t numbers[2] = {5, 6};
        assert_false(ht_source_cursor_parse(ht_slice_text(cursors[i]), "type", numbers, 2));
        assert_true(numbers[0] == 5 && numbers[1] == 6);
    }
}

static void test_a_source_finds_its_own_among_many(void **state)
{
    (void)state;
    static const struct {
        const char *cursor, *own;
    } cases[] = {
        {"", ""},
        {"one:1", "one:1"},
        {"many", ""},
        {"many\ntwo two:2\none one:1 and more", "one:1 and more"},
        {"many\none one:1\ntwo two:2\n", "one:1"},
        {"many\none\none ", ""},
        {"many\nones 1\non 2", ""},
        {"many more\none 1", "many more\none 1"},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_slice own = ht_source_cursor_own(ht_slice_text(cases[i].cursor), "one");
        assert_true(ht_slice_equal(own, ht_slice_text(cases[i].own)));
    }
    assert_int_equal(ht_source_cursor_own((struct ht_slice){0}, "one").length, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_a_source_finds_its_own_among_many),
        cmocka_unit_test(test_what_is_no_cursor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
