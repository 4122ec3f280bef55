// SPDX-License-Identifier: MIT
#include "../../../src/tally/tag_texts.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static char letters[4096];

static struct ht_slice text(size_t length)
{
    memset(letters, 'a' + (int)(length % 26), sizeof(letters));
    return ht_slice_make(letters, length);
}

static void gives_back_every_length(void **state)
{
    (void)state;
    struct ht_tag_texts texts = {0};
    uint64_t places[2049];
    for (size_t length = 1; length <= 2048; length++) {
        assert_int_equal(ht_tag_texts_append(&texts, text(length), &places[length]), 0);
    }
    for (size_t length = 1; length <= 2048; length++) {
        assert_true(ht_slice_equal(ht_tag_texts_get(&texts, places[length]), text(length)));
    }
    assert_in_range(ht_tag_texts_memory_bytes(&texts), 2049 * 1024, 2049 * 1024 * 11 / 10 + 131072);
    ht_tag_texts_finish(&texts);
}

/* Records of exactly a quarter of a chunk and less, so that one chunk is full to its last byte. */
static void walks_a_full_chunk(void **state)
{
    (void)state;
    struct ht_tag_texts texts = {0};
    uint64_t place;
    for (size_t i = 0; i < HT_TAG_TEXTS_CHUNK_BYTES / 1024; i++) {
        assert_int_equal(ht_tag_texts_append(&texts, text(1022), &place), 0);
    }
    assert_int_equal(texts.chunks[0].used_bytes, HT_TAG_TEXTS_CHUNK_BYTES);
    size_t count = 1;
    place = 0;
    while (ht_tag_texts_next(&texts, &place)) {
        count++;
    }
    assert_int_equal(count, HT_TAG_TEXTS_CHUNK_BYTES / 1024);
    ht_tag_texts_finish(&texts);
}

static void names_a_sparse_chunk(void **state)
{
    (void)state;
    struct ht_tag_texts texts = {0};
    uint64_t places[256];
    for (size_t i = 0; i < HT_COUNT_OF(places); i++) {
        assert_int_equal(ht_tag_texts_append(&texts, text(1022), &places[i]), 0);
    }
    for (size_t i = 0; i < 64; i++) {
        ht_tag_texts_remove(&texts, places[i]);
    }
    assert_int_equal(texts.sparse, 0);
    ht_tag_texts_remove(&texts, places[64]);
    assert_int_equal(texts.sparse, 1);
    size_t held = ht_tag_texts_memory_bytes(&texts);
    for (size_t i = 65; i < 128; i++) {
        assert_int_equal(ht_tag_texts_move(&texts, places[i], &places[i]), 0);
        assert_true(ht_slice_equal(ht_tag_texts_get(&texts, places[i]), text(1022)));
    }
    ht_tag_texts_free_chunk(&texts, 0);
    assert_int_equal(ht_tag_texts_memory_bytes(&texts), held);
    /* The number is used again. */
    for (size_t i = 0; i < 128; i++) {
        assert_int_equal(ht_tag_texts_append(&texts, text(1022), &places[i]), 0);
    }
    assert_int_equal(texts.chunk_count, 3);
    assert_int_equal(places[127] >> HT_TAG_TEXTS_CHUNK_BITS, 0);
    assert_int_equal(places[0] >> HT_TAG_TEXTS_CHUNK_BITS, 2);
    ht_tag_texts_finish(&texts);
}

static void names_a_chunk_that_was_sparse_when_it_was_full(void **state)
{
    (void)state;
    struct ht_tag_texts texts = {0};
    uint64_t place;
    for (size_t i = 0; i < 128; i++) {
        assert_int_equal(ht_tag_texts_append(&texts, text(1022), &place), 0);
        ht_tag_texts_remove(&texts, place);
    }
    assert_int_equal(texts.sparse, 0);
    assert_int_equal(ht_tag_texts_append(&texts, text(5), &place), 0);
    assert_int_equal(texts.sparse, 1);
    ht_tag_texts_free_chunk(&texts, 0);
    ht_tag_texts_finish(&texts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_back_every_length),
        cmocka_unit_test(walks_a_full_chunk),
        cmocka_unit_test(names_a_sparse_chunk),
        cmocka_unit_test(names_a_chunk_that_was_sparse_when_it_was_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
