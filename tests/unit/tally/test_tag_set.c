// SPDX-License-Identifier: MIT
#include "hashtagd/tally/tag_set.h"

#include "failing_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct ht_hash_key key = {7, 8};

static void gives_each_tag_one_number(void **state)
{
    (void)state;
    struct ht_tag_set *set = ht_tag_set_create(&key);
    assert_non_null(set);
    char tag[16];
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 5000; i++) {
            uint32_t number;
            (void)snprintf(tag, sizeof(tag), "tag%u", i);
            assert_int_equal(ht_tag_set_add(set, ht_slice_text(tag), &number), 0);
            assert_int_equal(number, i);
            assert_true(ht_slice_equal(ht_tag_set_get(set, number), ht_slice_text(tag)));
        }
        assert_int_equal(ht_tag_set_count(set), 5000);
    }
    uint32_t number;
    assert_false(ht_tag_set_find(set, HT_SLICE("other"), &number));
    ht_tag_set_clear(set);
    assert_int_equal(ht_tag_set_count(set), 0);
    assert_false(ht_tag_set_find(set, HT_SLICE("tag1"), &number));
    assert_int_equal(ht_tag_set_add(set, HT_SLICE("tag1"), &number), 0);
    assert_int_equal(number, 0);
    ht_tag_set_destroy(set);
}

static void refuses_what_is_no_tag(void **state)
{
    (void)state;
    static char longest[2049];
    struct ht_tag_set *set = ht_tag_set_create(&key);
    uint32_t number;
    memset(longest, 'x', sizeof(longest));
    assert_int_equal(ht_tag_set_add(set, HT_SLICE(""), &number), HT_EINVAL);
    assert_int_equal(ht_tag_set_add(set, ht_slice_make(longest, 2049), &number), HT_EINVAL);
    assert_int_equal(ht_tag_set_add(set, ht_slice_make(longest, 2048), &number), 0);
    ht_tag_set_destroy(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_each_tag_one_number),
        cmocka_unit_test(refuses_what_is_no_tag),
    };
    return cmocka_run_group_tests_name("tally/tag_set", tests, NULL, NULL);
}
