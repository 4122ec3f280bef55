// SPDX-License-Identifier: MIT
#include "hashtagd/tally/tally.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MINUTE 1000000
#define MANY   90001u

static struct ht_tally *make(bool keep_parts)
{
    struct ht_tally_options options = {.key = {1, 2}, .minute = MINUTE, .keep_parts = keep_parts};
    struct ht_tally *tally = ht_tally_create(&options);
    assert_non_null(tally);
    return tally;
}

static void add(struct ht_tally *tally, const char *tag, int64_t minute, uint32_t count)
{
    struct ht_tally_add one = {ht_slice_text(tag), minute, minute * 60, count};
    assert_int_equal(ht_tally_add(tally, &one), 0);
}

static void add_many(struct ht_tally *tally, int64_t minute)
{
    for (uint32_t i = 0; i < MANY; i++) {
        char tag[20];
        (void)snprintf(tag, sizeof(tag), "tag%u", i * 7919 % MANY);
        add(tally, tag, minute, 1 + i % 3);
    }
}

static void assert_totals(const struct ht_tally *tally, uint64_t all, uint64_t day, uint64_t hour,
                          uint64_t five)
{
    assert_int_equal(ht_tally_total(tally, HT_TALLY_ALL), all);
    assert_int_equal(ht_tally_total(tally, HT_TALLY_24H), day);
    assert_int_equal(ht_tally_total(tally, HT_TALLY_1H), hour);
    assert_int_equal(ht_tally_total(tally, HT_TALLY_5M), five);
}

/* A count in the running minute leaves each window after exactly its length. */
static void leaves_each_window_in_time(void **state)
{
    (void)state;
    struct ht_tally *tally = make(true);
    add(tally, "a", MINUTE, 9);
    for (int64_t age = 0; age <= 1500; age++) {
        assert_int_equal(ht_tally_advance(tally, MINUTE + age), 0);
        assert_totals(tally, 9, age < 1440 ? 9 : 0, age < 60 ? 9 : 0, age < 5 ? 9 : 0);
        assert_int_equal(ht_tally_distinct(tally, HT_TALLY_24H), age < 1440);
        assert_int_equal(ht_tally_distinct(tally, HT_TALLY_ALL), 1);
    }
    ht_tally_destroy(tally);
}

static void counts_late_additions_where_they_belong(void **state)
{
    (void)state;
    static const struct {
        int64_t age;
        uint64_t day, hour, five;
    } cases[] = {
        {-1000, 1, 1, 1}, {0, 1, 1, 1},  {4, 1, 1, 1},    {5, 1, 1, 0},
        {59, 1, 1, 0},    {60, 1, 0, 0}, {1439, 1, 0, 0}, {1440, 0, 0, 0},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_tally *tally = make(i % 2 == 0);
        add(tally, "a", MINUTE - cases[i].age, 1);
        assert_totals(tally, 1, cases[i].day, cases[i].hour, cases[i].five);
        assert_int_equal(ht_tally_advance(tally, MINUTE + 1440), 0);
        assert_totals(tally, 1, 0, 0, 0);
        ht_tally_destroy(tally);
    }
}

static void takes_any_minute(void **state)
{
    (void)state;
    struct ht_tally *tally = make(true);
    add(tally, "a", 1, 1);
    struct ht_tally_add one = {HT_SLICE("a"), INT64_MIN, INT64_MIN, 1};
    assert_int_equal(ht_tally_add(tally, &one), 0);
    one.minute = INT64_MAX;
    one.seen_s = INT64_MAX;
    assert_int_equal(ht_tally_add(tally, &one), 0);
    assert_totals(tally, 3, 1, 1, 1);
    assert_int_equal(ht_tally_advance(tally, INT64_MIN), 0);
    assert_int_equal(ht_tally_minute(tally), MINUTE);
    assert_int_equal(ht_tally_advance(tally, INT64_MAX), 0);
    assert_totals(tally, 3, 0, 0, 0);
    struct ht_tally_item item;
    assert_int_equal(ht_tally_get(tally, HT_SLICE("a"), &item), 0);
    assert_int_equal(item.first_seen_s, 0);
    assert_int_equal(item.last_seen_s, UINT32_MAX);
    ht_tally_destroy(tally);
}

/* More than the lists of dirty slots and late deltas hold. */
static void folds_when_the_lists_are_full(void **state)
{
    (void)state;
    struct ht_tally *tally = make(true);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < MANY; i++) {
        sum += 1 + i % 3;
    }
    add_many(tally, MINUTE);
    assert_int_equal(ht_tally_distinct(tally, HT_TALLY_5M), MANY);
    add_many(tally, MINUTE - 10);
    add_many(tally, MINUTE - 100);
    add_many(tally, MINUTE);
    assert_totals(tally, 4 * sum, 4 * sum, 3 * sum, 2 * sum);
    struct ht_tally_item item;
    assert_int_equal(ht_tally_get(tally, HT_SLICE("tag7919"), &item), 0);
    assert_int_equal(item.series[59], 4);
    assert_int_equal(item.series[49], 2);
    assert_int_equal(item.series_24h[44], 2);
    assert_int_equal(ht_tally_advance(tally, MINUTE + 5), 0);
    assert_totals(tally, 4 * sum, 4 * sum, 3 * sum, 0);
    assert_int_equal(ht_tally_advance(tally, MINUTE + 1340), 0);
    assert_totals(tally, 4 * sum, 3 * sum, 0, 0);
    assert_int_equal(ht_tally_advance(tally, MINUTE + 1439), 0);
    assert_totals(tally, 4 * sum, 2 * sum, 0, 0);
    assert_int_equal(ht_tally_advance(tally, MINUTE + 1440), 0);
    assert_totals(tally, 4 * sum, 0, 0, 0);
    ht_tally_destroy(tally);
}

static void holds_counts_beyond_32_bits(void **state)
{
    (void)state;
    struct ht_tally *tally = make(true);
    for (int i = 0; i < 5; i++) {
        add(tally, "a", MINUTE, UINT32_MAX);
        add(tally, "a", MINUTE - 2, UINT32_MAX);
    }
    uint64_t five = 5 * (uint64_t)UINT32_MAX;
    assert_totals(tally, 2 * five, 2 * five, 2 * five, 2 * five);
    struct ht_tally_item item;
    assert_int_equal(ht_tally_get(tally, HT_SLICE("a"), &item), 0);
    assert_int_equal(item.series[59], five);
    assert_int_equal(item.series[57], five);
    assert_int_equal(ht_tally_advance(tally, MINUTE + 3), 0);
    assert_totals(tally, 2 * five, 2 * five, 2 * five, five);
    ht_tally_destroy(tally);
}

static void refuses_what_is_too_much(void **state)
{
    (void)state;
    static char long_tag[HT_TALLY_TAG_MAX_BYTES + 1];
    struct ht_tally *tally = make(true);
    struct ht_tally_add one = {HT_SLICE(""), MINUTE, 0, 1};
    assert_int_equal(ht_tally_add(tally, &one), HT_EINVAL);
    one.tag = ht_slice_make(long_tag, sizeof(long_tag));
    assert_int_equal(ht_tally_add(tally, &one), HT_EINVAL);
    assert_int_equal(ht_tally_load(tally, one.tag, 1, 0, 0), HT_EINVAL);
    struct ht_tally_add adds[20];
    for (size_t i = 0; i < HT_COUNT_OF(adds); i++) {
        adds[i] = (struct ht_tally_add){HT_SLICE("b"), MINUTE, 0, 1};
    }
    adds[17].tag = HT_SLICE("");
    size_t done;
    assert_int_equal(ht_tally_add_batch(tally, adds, HT_COUNT_OF(adds), &done), HT_EINVAL);
    assert_int_equal(done, 17);
    assert_int_equal(ht_tally_total(tally, HT_TALLY_ALL), 17);
    assert_int_equal(ht_tally_load(tally, HT_SLICE("a"), UINT64_MAX, 0, 0), 0);
    one.tag = HT_SLICE("a");
    assert_int_equal(ht_tally_add(tally, &one), HT_ETOOBIG);
    assert_int_equal(ht_tally_total(tally, HT_TALLY_ALL), 17 + HT_TALLY_COUNT_MAX);
    assert_int_equal(ht_tally_total(tally, HT_TALLY_24H), 17);
    one.count = 0;
    assert_int_equal(ht_tally_add(tally, &one), 0);
    one.tag = HT_SLICE("new");
    assert_int_equal(ht_tally_add(tally, &one), 0);
    assert_int_equal(ht_tally_distinct(tally, HT_TALLY_ALL), 2);
    ht_tally_destroy(tally);
}

/* A slot that runs still name is not given to another tag; afterwards it is. */
static void uses_dead_slots_again(void **state)
{
    (void)state;
    struct ht_tally *tally = make(false);
    size_t first_bytes = 0;
    for (int day = 0; day < 6; day++) {
        int64_t minute = MINUTE + day * 1440;
        assert_int_equal(ht_tally_advance(tally, minute), 0);
        add_many(tally, minute);
        for (uint32_t i = 0; i < MANY; i++) {
            char tag[20];
            (void)snprintf(tag, sizeof(tag), "tag%u", i);
            assert_int_equal(ht_tally_remove(tally, ht_slice_text(tag), NULL), 0);
        }
        add(tally, "fresh", minute, 1);
        assert_totals(tally, (uint64_t)day + 1, 1, 1, 1);
        size_t bytes = ht_tally_memory_bytes(tally);
        first_bytes = day == 1 ? bytes : first_bytes;
        assert_true(day < 2 || bytes <= first_bytes + first_bytes / 10);
    }
    ht_tally_destroy(tally);
}

/* Texts of removed tags are given back although others that came between them live on. */
static void gives_back_the_texts_of_removed_tags(void **state)
{
    (void)state;
    struct ht_tally *tally = make(false);
    static char tag[1000];
    memset(tag, 'x', sizeof(tag));
    size_t most = 0;
    for (uint32_t i = 0; i < 20000; i++) {
        memcpy(tag, &i, sizeof(i));
        struct ht_slice name = ht_slice_make(tag, sizeof(tag));
        assert_int_equal(ht_tally_load(tally, name, 1 + i, 0, 0), 0);
        if (i >= 100 && (i - 100) % 50 != 0) {
            uint32_t old = i - 100;
            memcpy(tag, &old, sizeof(old));
            assert_int_equal(ht_tally_remove(tally, name, NULL), 0);
        }
        most = i == 10000 ? ht_tally_memory_bytes(tally) : most;
    }
    /* 20 MB of texts were stored; some 500 of 1000 bytes live. */
    assert_in_range(ht_tally_memory_bytes(tally), 1, 5000000);
    assert_in_range(most, 1, 5000000);
    for (uint32_t i = 0; i < 19900; i += 50) {
        memcpy(tag, &i, sizeof(i));
        struct ht_tally_item item;
        assert_int_equal(ht_tally_get(tally, ht_slice_make(tag, sizeof(tag)), &item), 0);
        assert_int_equal(item.counts[HT_TALLY_ALL], 1 + i);
    }
    ht_tally_destroy(tally);
}

static void takes_no_memory_for_known_tags(void **state)
{
    (void)state;
    struct ht_tally *tally = make(true);
    size_t bytes = 0;
    for (int round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < 10000; i++) {
            char tag[20];
            (void)snprintf(tag, sizeof(tag), "tag%u", i);
            add(tally, tag, MINUTE, 1);
        }
        bytes = round == 0 ? ht_tally_memory_bytes(tally) : bytes;
        assert_int_equal(ht_tally_memory_bytes(tally), bytes);
    }
    ht_tally_destroy(tally);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_each_window_in_time),
        cmocka_unit_test(counts_late_additions_where_they_belong),
        cmocka_unit_test(takes_any_minute),
        cmocka_unit_test(folds_when_the_lists_are_full),
        cmocka_unit_test(holds_counts_beyond_32_bits),
        cmocka_unit_test(refuses_what_is_too_much),
        cmocka_unit_test(uses_dead_slots_again),
        cmocka_unit_test(gives_back_the_texts_of_removed_tags),
        cmocka_unit_test(takes_no_memory_for_known_tags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
