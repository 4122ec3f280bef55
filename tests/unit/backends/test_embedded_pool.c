// SPDX-License-Identifier: MIT
#include "../../../src/backends/embedded_stream_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

enum { MEBIBYTE = 1024 * 1024 };

static struct ht_embedded_pool *begin(void)
{
    struct ht_embedded_pool *pool = ht_embedded_pool_create();
    assert_non_null(pool);
    return pool;
}

/* What one write does: takes a block for so many bytes. */
static struct ht_segment_block *take(struct ht_embedded_pool *pool, size_t bytes)
{
    struct ht_embedded_spares lent;
    ht_embedded_pool_lend(pool, &lent);
    struct ht_segment_block *block = ht_embedded_spares_take(&lent, bytes);
    ht_embedded_pool_take_back(pool, &lent);
    assert_non_null(block);
    assert_true(block->capacity >= bytes);
    assert_int_equal(block->references, 1);
    assert_int_equal(block->length + block->record_count + block->notes_length, 0);
    assert_null(block->notes);
    return block;
}

static void a_large_block_is_filled_again(void **state)
{
    (void)state;
    struct ht_embedded_pool *pool = begin();
    struct ht_segment_block *block = take(pool, 3 * MEBIBYTE);
    ht_segment_block_add(block, HT_SLICE("data"), HT_SLICE("key"));
    block->notes = malloc(10);
    block->notes_length = 10;
    ht_embedded_pool_release(pool, block);
    assert_ptr_equal(take(pool, 3 * MEBIBYTE - 1000), block);
    assert_int_equal(pool->spares.count, 0);
    ht_embedded_pool_release(pool, block);
    ht_embedded_pool_drop(pool);
}

static void a_small_block_and_one_in_use_are_not_kept(void **state)
{
    (void)state;
    struct ht_embedded_pool *pool = begin();
    ht_embedded_pool_release(pool, take(pool, MEBIBYTE / 2));
    struct ht_segment_block *block = take(pool, 2 * MEBIBYTE);
    block->references++;
    ht_embedded_pool_release(pool, block);
    assert_int_equal(pool->spares.count, 0);
    assert_int_equal(block->references, 1);
    ht_embedded_pool_release(pool, block);
    ht_embedded_pool_release(pool, NULL);
    assert_int_equal(pool->spares.count, 1);
    ht_embedded_pool_drop(pool);
}

static void a_block_is_not_taken_for_much_less(void **state)
{
    (void)state;
    struct ht_embedded_pool *pool = begin();
    ht_embedded_pool_release(pool, take(pool, 4 * MEBIBYTE));
    struct ht_segment_block *small = take(pool, 2 * MEBIBYTE);
    assert_true(small->capacity < 3 * MEBIBYTE);
    assert_int_equal(pool->spares.count, 1);
    ht_embedded_pool_release(pool, small);
    ht_embedded_pool_drop(pool);
}

static void the_oldest_makes_room(void **state)
{
    (void)state;
    struct ht_embedded_pool *pool = begin();
    const struct ht_segment_block *second = NULL;
    for (size_t i = 0; i < HT_EMBEDDED_SPARES_MOST + 1; i++) {
        struct ht_segment_block *block = ht_segment_block_create(MEBIBYTE);
        assert_non_null(block);
        second = i == 1 ? block : second;
        ht_embedded_pool_release(pool, block);
    }
    assert_int_equal(pool->spares.count, HT_EMBEDDED_SPARES_MOST);
    assert_ptr_equal(pool->spares.blocks[0], second);
    ht_embedded_pool_drop(pool);
}

static void what_nobody_uses_goes(void **state)
{
    (void)state;
    struct ht_embedded_pool *pool = begin();
    ht_embedded_pool_release(pool, take(pool, MEBIBYTE));
    ht_embedded_pool_release(pool, take(pool, MEBIBYTE));
    ht_embedded_pool_age(pool);
    assert_int_equal(pool->spares.count, 1);
    ht_embedded_pool_age(pool);
    assert_int_equal(pool->spares.count, 0);
    ht_embedded_pool_drop(pool);
}

static void a_batch_may_outlive_the_stream(void **state)
{
    (void)state;
    struct ht_embedded_pool *pool = begin();
    struct ht_segment_block *block = take(pool, MEBIBYTE);
    pool->holders++;
    ht_embedded_pool_drop(pool);
    ht_embedded_pool_release(pool, block);
    ht_embedded_pool_drop(pool);
    ht_embedded_pool_drop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_large_block_is_filled_again),
        cmocka_unit_test(a_small_block_and_one_in_use_are_not_kept),
        cmocka_unit_test(a_block_is_not_taken_for_much_less),
        cmocka_unit_test(the_oldest_makes_room),
        cmocka_unit_test(what_nobody_uses_goes),
        cmocka_unit_test(a_batch_may_outlive_the_stream),
    };
    return cmocka_run_group_tests_name("backends/embedded_pool", tests, NULL, NULL);
}
