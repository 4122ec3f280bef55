// SPDX-License-Identifier: MIT
#include "../../../src/pipeline/ingest_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { FULL_BYTES = 1024 * 1024, SPARES_MAX = 8, SPARES_AT_REST = 4 };

static struct ht_ingest_batch *open_with(struct ht_ingest *ingest, size_t bytes)
{
    struct ht_ingest_batch *batch = ht_ingest_batch_open(ingest);
    assert_non_null(batch);
    assert_int_equal(batch->count + batch->bytes.length + batch->cursor_length, 0);
    assert_int_equal(batch->reserved_bytes, 0);
    assert_int_equal(ht_ingest_batch_grow(batch), 0);
    assert_int_equal(ht_buffer_reserve(&batch->bytes, bytes), 0);
    batch->bytes.length = bytes;
    batch->count = 1;
    batch->cursor_length = 3;
    batch->is_running = true;
    return batch;
}

static void a_batch_is_filled_again_as_a_new_one(void **state)
{
    (void)state;
    struct ht_budget budget = {.limit_bytes = 100};
    struct ht_ingest ingest = {.options = {.budget = &budget}};
    struct ht_ingest_batch *first = open_with(&ingest, FULL_BYTES);
    ht_ingest_batch_end(&ingest, first);
    assert_null(ingest.head);
    assert_null(ingest.filling);
    assert_ptr_equal(ht_ingest_batch_open(&ingest), first);
    assert_false(first->is_running);
    assert_true(first->bytes.capacity > FULL_BYTES);
    assert_int_equal(first->count + first->bytes.length + first->cursor_length, 0);
    ht_ingest_batch_finish_all(&ingest);
}

static void few_stay_at_rest_and_none_in_the_end(void **state)
{
    (void)state;
    enum { BATCHES = 12 };
    struct ht_budget budget = {.limit_bytes = 100};
    struct ht_ingest ingest = {.options = {.budget = &budget}};
    for (size_t i = 0; i < BATCHES; i++) {
        (void)open_with(&ingest, FULL_BYTES);
    }
    for (size_t i = 0; i + 1 < BATCHES; i++) {
        ht_ingest_batch_end(&ingest, ingest.head);
    }
    assert_int_equal(ingest.spare_count, SPARES_MAX);
    ht_ingest_batch_end(&ingest, ingest.head);
    assert_int_equal(ingest.spare_count, SPARES_AT_REST);
    ht_ingest_batch_finish_all(&ingest);
    assert_int_equal(ingest.spare_count, 0);
    assert_null(ingest.spares);
}

static void a_larger_one_is_not_kept(void **state)
{
    (void)state;
    struct ht_budget budget = {.limit_bytes = 100};
    struct ht_ingest ingest = {.options = {.budget = &budget}};
    ht_ingest_batch_end(&ingest, open_with(&ingest, 2 * FULL_BYTES + 1));
    assert_int_equal(ingest.spare_count, 0);
    ht_ingest_batch_finish_all(&ingest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_is_filled_again_as_a_new_one),
        cmocka_unit_test(few_stay_at_rest_and_none_in_the_end),
        cmocka_unit_test(a_larger_one_is_not_kept),
    };
    return cmocka_run_group_tests_name("pipeline/ingest_batch", tests, NULL, NULL);
}
