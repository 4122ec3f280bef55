// SPDX-License-Identifier: MIT
#include "hashtagd/tally/tally.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MINUTE 1000000
#define MANY   10000u

static struct ht_tally *make(void)
{
    struct ht_tally_options options = {.key = {1, 2}, .minute = MINUTE};
    struct ht_tally *tally = ht_tally_create(&options);
    assert_non_null(tally);
    return tally;
}

static struct ht_slice name(uint32_t number)
{
    static char text[20];
    int length = snprintf(text, sizeof(text), "tag%06u", number);
    return ht_slice_make(text, (size_t)length);
}

static void add(struct ht_tally *tally, uint32_t number, int64_t minute, uint32_t count)
{
    struct ht_tally_add one = {name(number), minute, minute * 60, count};
    assert_int_equal(ht_tally_add(tally, &one), 0);
}

/* The first thousand are the tags from `first` on, upwards or downwards. */
static void assert_top(struct ht_tally *tally, enum ht_tally_window window, uint32_t first,
                       int step)
{
    static struct ht_tally_row rows[HT_TALLY_TOP_MAX];
    struct ht_tally_query query = {.window = window, .limit = HT_TALLY_TOP_MAX};
    assert_int_equal(ht_tally_top(tally, &query, rows, NULL), HT_TALLY_TOP_MAX);
    for (uint32_t i = 0; i < HT_TALLY_TOP_MAX; i++) {
        uint32_t number = step > 0 ? first + i : first - i;
        assert_true(ht_slice_equal(rows[i].tag, name(number)));
        assert_int_equal(rows[i].rank, i + 1);
        struct ht_tally_item item;
        if (i % 100 == 0 || i == HT_TALLY_TOP_MAX - 1) {
            assert_int_equal(ht_tally_get(tally, name(number), &item), 0);
            assert_int_equal(item.ranks[window], i + 1);
        }
    }
    struct ht_tally_item item;
    uint32_t below = step > 0 ? first + HT_TALLY_TOP_MAX : first - HT_TALLY_TOP_MAX;
    assert_int_equal(ht_tally_get(tally, name(below), &item), 0);
    assert_int_equal(item.ranks[window], 0);
}

/* Every order of arrival in which candidates are pushed out by later ones. */
static void ranks_equal_counts_by_name(void **state)
{
    (void)state;
    static const uint32_t factors[] = {1, MANY - 1, 7919, 3};
    for (size_t i = 0; i < HT_COUNT_OF(factors); i++) {
        struct ht_tally *tally = make();
        for (uint32_t k = 0; k < MANY; k++) {
            add(tally, (uint32_t)((uint64_t)k * factors[i] % MANY), MINUTE, 5);
        }
        assert_top(tally, HT_TALLY_ALL, 0, 1);
        assert_top(tally, HT_TALLY_5M, 0, 1);
        ht_tally_destroy(tally);
    }
}

static void follows_rising_counts(void **state)
{
    (void)state;
    struct ht_tally *tally = make();
    for (uint32_t number = 0; number < MANY; number++) {
        add(tally, number, MINUTE, 1 + number);
    }
    assert_top(tally, HT_TALLY_ALL, MANY - 1, -1);
    for (uint32_t number = 0; number < MANY; number++) {
        add(tally, number, MINUTE, 2 * (MANY - number));
    }
    assert_top(tally, HT_TALLY_ALL, 0, 1);
    assert_top(tally, HT_TALLY_24H, 0, 1);
    ht_tally_destroy(tally);
}

/* All candidates leave the window; the others come up. */
static void finds_others_when_the_candidates_sink(void **state)
{
    (void)state;
    struct ht_tally *tally = make();
    for (uint32_t number = 0; number < MANY; number++) {
        add(tally, number, MINUTE, 1 + number);
        add(tally, number, MINUTE - 1, number < MANY / 2 ? 100000 : 0);
        add(tally, number, MINUTE - 2, number < 1500 ? 1000000 : 0);
    }
    assert_top(tally, HT_TALLY_5M, 1499, -1);
    assert_int_equal(ht_tally_advance(tally, MINUTE + 3), 0);
    assert_top(tally, HT_TALLY_5M, MANY / 2 - 1, -1);
    assert_int_equal(ht_tally_advance(tally, MINUTE + 4), 0);
    assert_top(tally, HT_TALLY_5M, MANY - 1, -1);
    assert_top(tally, HT_TALLY_1H, 1499, -1);
    ht_tally_destroy(tally);
}

static void finds_others_when_the_candidates_are_removed(void **state)
{
    (void)state;
    struct ht_tally *tally = make();
    for (uint32_t number = 0; number < MANY; number++) {
        add(tally, number, MINUTE, 1 + number);
    }
    for (uint32_t removed = 0; removed < 6000; removed++) {
        assert_int_equal(ht_tally_remove(tally, name(MANY - 1 - removed), NULL), 0);
        if (removed % 500 == 250) {
            assert_top(tally, HT_TALLY_ALL, MANY - 2 - removed, -1);
        }
    }
    ht_tally_destroy(tally);
}

static void forgets_the_rank_of_a_lowered_count(void **state)
{
    (void)state;
    struct ht_tally *tally = make();
    for (uint32_t number = 0; number < MANY; number++) {
        add(tally, number, MINUTE, 10 + number);
    }
    assert_int_equal(ht_tally_load(tally, name(MANY - 1), 1, 0, 0), 0);
    assert_int_equal(ht_tally_load(tally, name(MANY - 2), 0, 0, 0), 0);
    assert_top(tally, HT_TALLY_ALL, MANY - 3, -1);
    assert_top(tally, HT_TALLY_24H, MANY - 1, -1);
    assert_int_equal(ht_tally_distinct(tally, HT_TALLY_ALL), MANY - 1);
    ht_tally_destroy(tally);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_equal_counts_by_name),
        cmocka_unit_test(follows_rising_counts),
        cmocka_unit_test(finds_others_when_the_candidates_sink),
        cmocka_unit_test(finds_others_when_the_candidates_are_removed),
        cmocka_unit_test(forgets_the_rank_of_a_lowered_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
