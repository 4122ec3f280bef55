// SPDX-License-Identifier: MIT
#include "daemon/nearest.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
    const char *a, *b;
    size_t distance;
} pairs[] = {
    {"", "", 0},         {"abc", "abc", 0},        {"abc", "ABC", 0}, {"", "abc", 3},
    {"abc", "", 3},      {"abc", "ab", 1},         {"abc", "axc", 1}, {"abc", "acb", 1},
    {"abcd", "badc", 2}, {"kitten", "sitting", 3}, {"ca", "abc", 3},
};

static void test_distances(void **state)
{
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(pairs); i++) {
        assert_int_equal(ht_nearest_distance(ht_slice_text(pairs[i].a), ht_slice_text(pairs[i].b)),
                         pairs[i].distance);
    }
}

static void test_long_words_are_near_to_nothing(void **state)
{
    (void)state;
    char word[100];
    memset(word, 'a', sizeof(word));
    struct ht_nearest nearest = {0};
    ht_nearest_offer(&nearest, ht_slice_make(word, sizeof(word)), "aaaa");
    assert_null(nearest.word);
}

static void test_the_nearest_wins(void **state)
{
    (void)state;
    struct ht_nearest nearest = {0};
    ht_nearest_offer(&nearest, HT_SLICE("stats"), "start");
    ht_nearest_offer(&nearest, HT_SLICE("stats"), "status");
    ht_nearest_offer(&nearest, HT_SLICE("stats"), "help");
    assert_string_equal(nearest.word, "status");
}

static void test_a_beginning_is_near(void **state)
{
    (void)state;
    struct ht_nearest nearest = {0};
    ht_nearest_offer(&nearest, HT_SLICE("warn"), "warning");
    assert_string_equal(nearest.word, "warning");
}

static void test_of_a_short_word_nothing_is_near(void **state)
{
    (void)state;
    struct ht_nearest nearest = {0};
    ht_nearest_offer(&nearest, HT_SLICE("x"), "yz");
    ht_nearest_offer(&nearest, HT_SLICE("xy"), "zz");
    assert_null(nearest.word);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distances),
        cmocka_unit_test(test_long_words_are_near_to_nothing),
        cmocka_unit_test(test_the_nearest_wins),
        cmocka_unit_test(test_a_beginning_is_near),
        cmocka_unit_test(test_of_a_short_word_nothing_is_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
