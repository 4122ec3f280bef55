// SPDX-License-Identifier: MIT
#include "hashtagd/pipeline/position.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void sequence_numbers_are_compared_as_numbers(void **state)
{
    (void)state;
    /* rising; real Kinesis numbers have 56 digits */
    static const char *const rising[] = {
        "0",
        "9",
        "10",
        "000000000099",
        "100",
        "49590338271490256608559692538361571095921575989136588898",
        "49590338271490256608559692540925702759324208523137515618",
        "149590338271490256608559692540925702759324208523137515618"};
    for (size_t i = 0; i < HT_COUNT_OF(rising); i++) {
        for (size_t j = 0; j < HT_COUNT_OF(rising); j++) {
            int order = ht_sequence_compare(ht_slice_text(rising[i]), ht_slice_text(rising[j]));
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
    }
    assert_int_equal(ht_sequence_compare(HT_SLICE("0007"), HT_SLICE("7")), 0);
}

static void user_records_of_one_sequence_number_are_told_apart(void **state)
{
    (void)state;
    assert_true(ht_sequence_compare_sub(HT_SLICE("5"), 1, HT_SLICE("5"), 2) < 0);
    assert_true(ht_sequence_compare_sub(HT_SLICE("5"), 9, HT_SLICE("6"), 0) < 0);
    assert_int_equal(ht_sequence_compare_sub(HT_SLICE("5"), 3, HT_SLICE("05"), 3), 0);
}

static void a_position_keeps_its_number(void **state)
{
    (void)state;
    struct ht_position position = {0};
    ht_position_after(&position, HT_SLICE("123"), 4);
    assert_int_equal(position.kind, HT_POSITION_AFTER);
    assert_string_equal(position.sequence_number, "123");
    assert_int_equal(position.sub_sequence, 4);
    char huge[400];
    memset(huge, '7', sizeof(huge));
    ht_position_after(&position, ht_slice_make(huge, sizeof(huge)), 0);
    assert_int_equal(strlen(position.sequence_number), HT_SEQUENCE_BYTES - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequence_numbers_are_compared_as_numbers),
        cmocka_unit_test(user_records_of_one_sequence_number_are_told_apart),
        cmocka_unit_test(a_position_keeps_its_number),
    };
    return cmocka_run_group_tests_name("pipeline/position", tests, NULL, NULL);
}
