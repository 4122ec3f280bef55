// SPDX-License-Identifier: MIT
#include "../../../src/tally/pending_generation.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct ht_hash_key key = {3, 4};

static void add(struct ht_pending_generation *generation, const char *tag, uint32_t shard,
                uint32_t minute, uint64_t count)
{
    struct ht_pending_sum sum = {.count = count, .shard = shard, .first_seen_s = 9};
    struct ht_pending_minute at = {.count = count, .minute = minute};
    assert_int_equal(ht_pending_generation_add(generation, ht_slice_text(tag), &sum, &at, 1), 0);
}

static uint64_t minute_of(const struct ht_pending_generation *generation, const char *tag,
                          uint32_t minute)
{
    uint32_t number = ht_pending_generation_find(generation, ht_slice_text(tag));
    assert_int_not_equal(number, HT_PENDING_NONE);
    uint64_t count = 0;
    uint32_t share = ht_pending_tag_at(generation, number)->first_share;
    for (; share != HT_PENDING_NONE; share = ht_pending_sum_at(generation, share)->next) {
        uint32_t at = ht_pending_sum_at(generation, share)->first_minute;
        for (; at != HT_PENDING_NONE; at = ht_pending_minute_at(generation, at)->next) {
            const struct ht_pending_minute *found = ht_pending_minute_at(generation, at);
            count += found->minute == minute ? found->count : 0;
        }
    }
    return count;
}

static void keeps_minutes_apart(void **state)
{
    (void)state;
    struct ht_pending_generation generation;
    ht_pending_generation_init(&generation, &key, true);
    static const uint32_t minutes[] = {5, 6, 5, 7, 6, 4, 4, 7};
    for (uint32_t i = 0; i < HT_COUNT_OF(minutes); i++) {
        add(&generation, "a", i % 2, minutes[i], UINT64_C(1) << i);
    }
    assert_int_equal(minute_of(&generation, "a", 4), 32 + 64);
    assert_int_equal(minute_of(&generation, "a", 5), 1 + 4);
    assert_int_equal(minute_of(&generation, "a", 6), 2 + 16);
    assert_int_equal(minute_of(&generation, "a", 7), 8 + 128);
    assert_int_equal(generation.shares.count, 2);
    assert_int_equal(generation.minutes.count, 6);
    ht_pending_generation_finish(&generation);
}

static void is_empty_after_a_clear(void **state)
{
    (void)state;
    struct ht_pending_generation generation;
    ht_pending_generation_init(&generation, &key, true);
    for (int round = 0; round < 3; round++) {
        uint32_t position;
        assert_int_equal(ht_pending_generation_note(&generation, HT_SLICE("12345"), 7, &position),
                         0);
        assert_int_equal(position, 0);
        assert_true(ht_slice_equal(ht_pending_sequence(&generation, 0), HT_SLICE("12345")));
        add(&generation, "a", 0, 1, 1);
        assert_true(ht_pending_generation_used_bytes(&generation) > 0);
        ht_pending_generation_clear(&generation);
        assert_int_equal(ht_pending_generation_used_bytes(&generation), 0);
        assert_int_equal(ht_pending_generation_find(&generation, HT_SLICE("a")), HT_PENDING_NONE);
    }
    ht_pending_generation_finish(&generation);
}

static void finds_a_removed_tag_no_more(void **state)
{
    (void)state;
    struct ht_pending_generation generation;
    ht_pending_generation_init(&generation, &key, true);
    add(&generation, "a", 0, 1, 1);
    add(&generation, "a", 1, 1, 2);
    assert_int_equal(ht_pending_generation_remove(&generation, HT_SLICE("a")), 3);
    assert_int_equal(ht_pending_generation_remove(&generation, HT_SLICE("a")), 0);
    assert_int_equal(ht_pending_generation_find(&generation, HT_SLICE("a")), HT_PENDING_NONE);
    add(&generation, "a", 0, 1, 4);
    assert_int_equal(minute_of(&generation, "a", 1), 4);
    ht_pending_generation_finish(&generation);
}

static void refuses_numbers_beyond_32_bits(void **state)
{
    (void)state;
    struct ht_pending_array array = {.item_bytes = 8};
    assert_int_equal(ht_pending_array_reserve(&array, (size_t)UINT32_MAX + 1), HT_ENOMEM);
    assert_int_equal(array.capacity, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_minutes_apart),
        cmocka_unit_test(is_empty_after_a_clear),
        cmocka_unit_test(finds_a_removed_tag_no_more),
        cmocka_unit_test(refuses_numbers_beyond_32_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
