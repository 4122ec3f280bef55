// SPDX-License-Identifier: MIT
#include "hashtagd/tally/marks.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct ht_hash_key key = {7, 8};

static void covers_each_tag_up_to_its_own_record(void **state)
{
    (void)state;
    struct ht_marks *marks = ht_marks_create(&key);
    assert_non_null(marks);
    assert_true(ht_marks_are_past(marks, HT_SLICE("1"), 0));
    assert_int_equal(ht_marks_put(marks, HT_SLICE("a"), HT_SLICE("100"), 2), 0);
    assert_int_equal(ht_marks_put(marks, HT_SLICE("b"), HT_SLICE("99"), 7), 0);
    assert_int_equal(ht_marks_put(marks, HT_SLICE("b"), HT_SLICE("20"), 0), 0);
    static const struct {
        const char *tag, *sequence;
        uint64_t sub_sequence;
        bool is_covered;
    } cases[] = {
        {"a", "99", 9, true},   {"a", "100", 2, true},  {"a", "100", 3, false},
        {"a", "101", 0, false}, {"b", "99", 7, true},   {"b", "0099", 7, true},
        {"b", "99", 8, false},  {"b", "100", 0, false}, {"c", "1", 0, false},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        assert_int_equal(ht_marks_cover(marks, ht_slice_text(cases[i].tag),
                                        ht_slice_text(cases[i].sequence), cases[i].sub_sequence),
                         cases[i].is_covered);
    }
    assert_true(ht_marks_are_ahead(marks, HT_SLICE("a"), HT_SLICE("100"), 1));
    assert_false(ht_marks_are_ahead(marks, HT_SLICE("a"), HT_SLICE("100"), 2));
    assert_false(ht_marks_are_ahead(marks, HT_SLICE("c"), HT_SLICE("1"), 0));
    assert_false(ht_marks_are_past(marks, HT_SLICE("100"), 2));
    assert_true(ht_marks_are_past(marks, HT_SLICE("100"), 3));
    assert_int_equal(ht_marks_put(marks, HT_SLICE("b"), HT_SLICE("1000"), 0), 0);
    assert_false(ht_marks_are_past(marks, HT_SLICE("100"), 3));
    assert_true(ht_marks_are_past(marks, HT_SLICE("1000"), 1));
    assert_int_equal(ht_marks_count(marks), 2);
    assert_true(ht_marks_memory_bytes(marks) > 0);
    ht_marks_destroy(marks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(covers_each_tag_up_to_its_own_record),
    };
    return cmocka_run_group_tests_name("tally/marks", tests, NULL, NULL);
}
