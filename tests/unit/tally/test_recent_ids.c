// SPDX-License-Identifier: MIT
#include "hashtagd/tally/recent_ids.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct ht_hash_key key = {5, 6};

static struct ht_recent_ids *make(size_t capacity)
{
    struct ht_recent_ids *ids = ht_recent_ids_create(capacity, &key);
    assert_non_null(ids);
    return ids;
}

static void keeps_the_last_ones(void **state)
{
    (void)state;
    struct ht_recent_ids *ids = make(3);
    static const struct {
        uint64_t id;
        bool seen;
    } steps[] = {
        {10, false}, {20, false},         {10, true},         {0, false}, {0, true}, {20, true},
        {30, false},              /* 10 falls out although it was repeated */
        {20, true},  {10, false}, /* 20 falls out */
        {20, false},              /* 0 falls out */
        {0, false},  {UINT64_MAX, false}, {UINT64_MAX, true}, {20, true}, {0, true}, {10, false},
    };
    for (size_t i = 0; i < HT_COUNT_OF(steps); i++) {
        assert_int_equal(ht_recent_ids_has(ids, steps[i].id), steps[i].seen);
        assert_int_equal(ht_recent_ids_seen(ids, steps[i].id), steps[i].seen);
        assert_true(ht_recent_ids_has(ids, steps[i].id));
    }
    assert_int_equal(ht_recent_ids_count(ids), 3);
    ht_recent_ids_destroy(ids);
}

static void remembers_nothing_without_capacity(void **state)
{
    (void)state;
    struct ht_recent_ids *ids = make(0);
    assert_false(ht_recent_ids_seen(ids, 1));
    assert_false(ht_recent_ids_seen(ids, 1));
    assert_false(ht_recent_ids_seen(ids, 0));
    assert_false(ht_recent_ids_seen(ids, 0));
    assert_int_equal(ht_recent_ids_count(ids), 0);
    ht_recent_ids_destroy(ids);
}

static void remembers_one(void **state)
{
    (void)state;
    struct ht_recent_ids *ids = make(1);
    for (uint64_t id = 0; id < 100; id++) {
        assert_false(ht_recent_ids_seen(ids, id));
        assert_true(ht_recent_ids_seen(ids, id));
        assert_int_equal(ht_recent_ids_count(ids), 1);
    }
    ht_recent_ids_destroy(ids);
}

static void refuses_too_large_a_capacity(void **state)
{
    (void)state;
    assert_null(ht_recent_ids_create(HT_RECENT_IDS_MAX + 1, &key));
    ht_recent_ids_destroy(NULL);
}

static void forgets_all_when_cleared(void **state)
{
    (void)state;
    struct ht_recent_ids *ids = make(10);
    for (uint64_t id = 0; id < 25; id++) {
        (void)ht_recent_ids_seen(ids, id);
    }
    ht_recent_ids_clear(ids);
    for (uint64_t id = 0; id < 25; id++) {
        assert_false(ht_recent_ids_has(ids, id));
    }
    assert_false(ht_recent_ids_seen(ids, 24));
    assert_int_equal(ht_recent_ids_count(ids), 1);
    ht_recent_ids_destroy(ids);
}

/* Against a plain list of the last ids. */
static void agrees_with_a_list(void **state)
{
    (void)state;
    static const struct {
        size_t capacity;
        uint64_t range;
    } cases[] = {{1, 3}, {2, 4}, {7, 9}, {100, 110}, {100, 400}, {333, 300}};
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_recent_ids *ids = make(cases[i].capacity);
        uint64_t *list = calloc(cases[i].capacity, sizeof(*list));
        assert_non_null(list);
        size_t count = 0;
        struct ht_random random;
        ht_random_init(&random, i);
        for (size_t step = 0; step < 20000; step++) {
            uint64_t id = ht_random_below(&random, cases[i].range) << (step % 2 == 0 ? 0 : 40);
            bool seen = false;
            for (size_t k = 0; k < count && k < cases[i].capacity; k++) {
                seen = seen || list[k] == id;
            }
            assert_int_equal(ht_recent_ids_seen(ids, id), seen);
            if (!seen) {
                list[count++ % cases[i].capacity] = id;
            }
        }
        free(list);
        ht_recent_ids_destroy(ids);
    }
}

static void takes_twenty_bytes_an_id(void **state)
{
    (void)state;
    struct ht_recent_ids *ids = make(100000);
    assert_in_range(ht_recent_ids_memory_bytes(ids), 1600000, 2001000);
    ht_recent_ids_destroy(ids);
}

static void reads_decimal_ids(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
        uint64_t id;
    } cases[] = {
        {"0", true, 0},
        {"1", true, 1},
        {"1234567890123456789", true, 1234567890123456789u},
        {"18446744073709551615", true, UINT64_MAX},
        {"18446744073709551616", false, 0},
        {"99999999999999999999999", false, 0},
        {"", false, 0},
        {"01", false, 0},
        {"00", false, 0},
        {"-1", false, 0},
        {"+1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"1a", false, 0},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        uint64_t id = 0;
        assert_int_equal(ht_recent_ids_parse(ht_slice_text(cases[i].text), &id), cases[i].good);
        if (cases[i].good) {
            assert_int_equal(id, cases[i].id);
        }
    }
}

static void a_child_inherits_by_age(void **state)
{
    (void)state;
    struct ht_recent_ids *first = make(4);
    struct ht_recent_ids *second = make(4);
    struct ht_recent_ids *child = make(4);
    for (uint64_t id = 1; id <= 6; id++) {
        (void)ht_recent_ids_seen(first, id);
        (void)ht_recent_ids_seen(second, id * 100);
    }
    ht_recent_ids_inherit(child, first, second);
    static const uint64_t known[] = {5, 6, 500, 600};
    for (size_t i = 0; i < HT_COUNT_OF(known); i++) {
        assert_true(ht_recent_ids_has(child, known[i]));
    }
    assert_false(ht_recent_ids_has(child, 4));
    assert_false(ht_recent_ids_has(child, 400));
    struct ht_recent_ids *only = make(4);
    ht_recent_ids_inherit(only, first, NULL);
    for (uint64_t id = 1; id <= 6; id++) {
        assert_int_equal(ht_recent_ids_has(only, id), id >= 3);
    }
    ht_recent_ids_destroy(first);
    ht_recent_ids_destroy(second);
    ht_recent_ids_destroy(child);
    ht_recent_ids_destroy(only);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_the_last_ones),
        cmocka_unit_test(remembers_nothing_without_capacity),
        cmocka_unit_test(remembers_one),
        cmocka_unit_test(refuses_too_large_a_capacity),
        cmocka_unit_test(forgets_all_when_cleared),
        cmocka_unit_test(agrees_with_a_list),
        cmocka_unit_test(takes_twenty_bytes_an_id),
        cmocka_unit_test(reads_decimal_ids),
        cmocka_unit_test(a_child_inherits_by_age),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
