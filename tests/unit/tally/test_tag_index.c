// SPDX-License-Identifier: MIT
#include "../../../src/tally/tag_index.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define SLOTS 20000u

/* The hashes of the slots, by kind: well mixed, or so that many meet. */
struct owner {
    uint64_t hashes[SLOTS];
    bool present[SLOTS];
};

enum kind { MIXED, ONE_TABLE, ONE_HOME, ALL_THE_SAME };

static uint64_t hash_of(const void *owner, uint32_t slot)
{
    return ((const struct owner *)owner)->hashes[slot];
}

static struct owner *make_owner(enum kind kind)
{
    struct owner *owner = calloc(1, sizeof(*owner));
    assert_non_null(owner);
    struct ht_random random;
    ht_random_init(&random, 3);
    for (size_t i = 0; i < SLOTS; i++) {
        uint64_t hash = ht_random_u64(&random);
        hash = kind == ONE_TABLE ? hash & ~UINT64_C(0) >> 9 : hash;
        hash = kind == ONE_HOME ? hash & 0xff : hash;
        owner->hashes[i] = kind == ALL_THE_SAME ? 77 : hash;
    }
    return owner;
}

static bool has(const struct ht_tag_index *index, uint64_t hash, uint32_t slot)
{
    struct ht_tag_index_probe probe = ht_tag_index_probe(index, hash);
    uint32_t found;
    do {
        found = ht_tag_index_next(&probe);
    } while (found != slot && found != HT_TAG_INDEX_NO_SLOT);
    return found == slot;
}

static void check_all(const struct ht_tag_index *index, const struct owner *owner, uint32_t slots)
{
    for (uint32_t slot = 0; slot < slots; slot++) {
        assert_int_equal(has(index, owner->hashes[slot], slot), owner->present[slot]);
    }
}

static void finds_what_is_there(void **state)
{
    (void)state;
    static const struct {
        enum kind kind;
        uint32_t slots;
    } cases[] = {{MIXED, SLOTS}, {ONE_TABLE, 3000}, {ONE_HOME, 500}, {ALL_THE_SAME, 300}};
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        uint32_t slots = cases[i].slots;
        struct owner *owner = make_owner(cases[i].kind);
        struct ht_tag_index index = {.hash_of = hash_of, .owner = owner};
        struct ht_random random;
        ht_random_init(&random, i);
        for (uint32_t step = 0; step < 4 * slots; step++) {
            uint32_t slot = (uint32_t)ht_random_below(&random, slots);
            uint64_t hash = owner->hashes[slot];
            if (owner->present[slot]) {
                ht_tag_index_remove(&index, hash, slot);
            } else {
                assert_int_equal(ht_tag_index_make_room(&index, hash), 0);
                ht_tag_index_insert(&index, hash, slot);
            }
            owner->present[slot] = !owner->present[slot];
        }
        check_all(&index, owner, slots);
        ht_tag_index_clear(&index);
        memset(owner->present, 0, sizeof(owner->present));
        check_all(&index, owner, slots);
        ht_tag_index_finish(&index);
        free(owner);
    }
}

static void needs_no_growing_after_a_reserve(void **state)
{
    (void)state;
    struct owner *owner = make_owner(MIXED);
    struct ht_tag_index index = {.hash_of = hash_of, .owner = owner};
    assert_int_equal(ht_tag_index_reserve(&index, SLOTS), 0);
    size_t bytes = ht_tag_index_memory_bytes(&index);
    for (uint32_t slot = 0; slot < SLOTS / 2; slot++) {
        assert_int_equal(ht_tag_index_make_room(&index, owner->hashes[slot]), 0);
        ht_tag_index_insert(&index, owner->hashes[slot], slot);
    }
    assert_int_equal(ht_tag_index_memory_bytes(&index), bytes);
    assert_int_equal(ht_tag_index_reserve(&index, 10), 0);
    assert_int_equal(ht_tag_index_memory_bytes(&index), bytes);
    ht_tag_index_finish(&index);
    free(owner);
}

static void refuses_to_reserve_too_much(void **state)
{
    (void)state;
    struct ht_tag_index index = {.hash_of = hash_of};
    assert_int_equal(ht_tag_index_reserve(&index, SIZE_MAX), -1);
    ht_tag_index_finish(&index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_is_there),
        cmocka_unit_test(needs_no_growing_after_a_reserve),
        cmocka_unit_test(refuses_to_reserve_too_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
