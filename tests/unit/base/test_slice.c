// SPDX-License-Identifier: MIT
#include "hashtagd/base/slice.h"
#include "hashtagd/base/assert.h"
#include "hashtagd/base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void numbers_are_read_whole_or_not_at_all(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t max, value;
        int status;
    } cases[] = {
        {"0", 10, 0, 0},
        {"10", 10, 10, 0},
        {"11", 10, 0, HT_ETOOBIG},
        {"18446744073709551615", UINT64_MAX, UINT64_MAX, 0},
        {"18446744073709551616", UINT64_MAX, 0, HT_ETOOBIG},
        {"99999999999999999999999", UINT64_MAX, 0, HT_ETOOBIG},
        {"", 10, 0, HT_EPARSE},
        {"-1", 10, 0, HT_EPARSE},
        {"+1", 10, 0, HT_EPARSE},
        {"1x", 10, 0, HT_EPARSE},
        {" 1", 10, 0, HT_EPARSE},
        {"99999999999999999999999x", UINT64_MAX, 0, HT_EPARSE},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        uint64_t value = 0;
        assert_int_equal(ht_slice_to_u64(ht_slice_text(cases[i].text), cases[i].max, &value),
                         cases[i].status);
        assert_int_equal(value, cases[i].value);
    }
}

static void order_is_by_bytes_then_length(void **state)
{
    (void)state;
    static const char *const rising[] = {"", "A", "a", "aa", "ab", "b", "\xc3\xa4"};
    for (size_t i = 0; i < HT_COUNT_OF(rising); i++) {
        for (size_t j = 0; j < HT_COUNT_OF(rising); j++) {
            int order = ht_slice_compare(ht_slice_text(rising[i]), ht_slice_text(rising[j]));
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
            assert_int_equal(ht_slice_equal(ht_slice_text(rising[i]), ht_slice_text(rising[j])),
                             i == j);
        }
    }
}

static void case_prefix_and_trim(void **state)
{
    (void)state;
    assert_true(ht_slice_equal_ignoring_case(HT_SLICE("Host"), HT_SLICE("hOST")));
    assert_false(ht_slice_equal_ignoring_case(HT_SLICE("Host"), HT_SLICE("Hos")));
    assert_false(ht_slice_equal_ignoring_case(HT_SLICE("@"), HT_SLICE("`")));
    assert_true(ht_slice_starts_with(HT_SLICE("abc"), HT_SLICE("ab")));
    assert_true(ht_slice_starts_with(HT_SLICE("abc"), ht_slice_text(NULL)));
    assert_false(ht_slice_starts_with(HT_SLICE("a"), HT_SLICE("ab")));
    assert_true(ht_slice_equal(ht_slice_trim(HT_SLICE(" \t a b\t ")), HT_SLICE("a b")));
    assert_int_equal(ht_slice_trim(HT_SLICE(" \t ")).length, 0);
}

static void characters_of_utf8_have_their_length(void **state)
{
    static const struct {
        const char *text;
        size_t bytes;
    } rows[] = {
        {"", 0},
        {"a\xc3", 1},
        {"\x7f", 1},
        {"\x80", 0},
        {"\xc1\xbf", 0},
        {"\xc2\x80", 2},
        {"\xc3", 0},
        {"\xc3\x28", 0},
        {"\xe0\x9f\xbf", 0},
        {"\xe0\xa0\x80", 3},
        {"\xed\x9f\xbf", 3},
        {"\xed\xa0\x80", 0},
        {"\xef\xbf\xbfx", 3},
        {"\xef\xbf", 0},
        {"\xf0\x8f\xbf\xbf", 0},
        {"\xf0\x90\x80\x80", 4},
        {"\xf4\x8f\xbf\xbf", 4},
        {"\xf4\x90\x80\x80", 0},
        {"\xf5\x80\x80\x80", 0},
        {"\xf0\x9f\x98", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (ht_slice_character_bytes(ht_slice_text(rows[i].text)) != rows[i].bytes) {
            fail_msg("row %zu", i);
        }
    }
}

static void text_is_a_copy_with_an_end(void **state)
{
    (void)state;
    char *text = ht_slice_to_text(ht_slice_make("abcdef", 3));
    assert_string_equal(text, "abc");
    free(text);
    text = ht_slice_to_text(ht_slice_text(NULL));
    assert_string_equal(text, "");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read_whole_or_not_at_all),
        cmocka_unit_test(order_is_by_bytes_then_length),
        cmocka_unit_test(case_prefix_and_trim),
        cmocka_unit_test(characters_of_utf8_have_their_length),
        cmocka_unit_test(text_is_a_copy_with_an_end),
    };
    return cmocka_run_group_tests_name("base/slice", tests, NULL, NULL);
}
