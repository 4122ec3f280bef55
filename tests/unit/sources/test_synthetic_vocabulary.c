// SPDX-License-Identifier: MIT
#include "synthetic_vocabulary.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/tweet/fold.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static struct ht_synthetic_vocabulary *make_vocabulary(uint64_t seed)
{
    struct ht_synthetic_vocabulary *vocabulary = calloc(1, sizeof(*vocabulary));
    assert_non_null(vocabulary);
    assert_int_equal(ht_synthetic_vocabulary_init(vocabulary, seed), 0);
    return vocabulary;
}

static void destroy_vocabulary(struct ht_synthetic_vocabulary *vocabulary)
{
    ht_synthetic_vocabulary_finish(vocabulary);
    free(vocabulary);
}

/* Each rank's share is as 1/rank says, within what chance allows. */
static void test_ranks_follow_zipf(void **state)
{
    (void)state;
    enum { DRAWS = 2000000 };
    struct ht_synthetic_vocabulary *vocabulary = make_vocabulary(1);
    unsigned *counts = calloc(HT_SYNTHETIC_RANK_COUNT + 1, sizeof(*counts));
    struct ht_random random;
    double harmonic = 0, tail = 0, tail_expected = 0;
    assert_non_null(counts);
    ht_random_init(&random, 1);
    for (unsigned i = 0; i < DRAWS; i++) {
        unsigned rank = ht_synthetic_draw_rank(vocabulary, &random);
        assert_in_range(rank, 1, HT_SYNTHETIC_RANK_COUNT);
        counts[rank]++;
    }
    for (unsigned rank = 1; rank <= HT_SYNTHETIC_RANK_COUNT; rank++) {
        harmonic += 1.0 / rank;
    }
    for (unsigned rank = 1; rank <= 64; rank++) {
        double expected = DRAWS / harmonic / rank;
        assert_in_range(counts[rank], (unsigned)(expected * 0.9), (unsigned)(expected * 1.1));
    }
    for (unsigned rank = 100000; rank <= HT_SYNTHETIC_RANK_COUNT; rank++) {
        tail += counts[rank];
        tail_expected += DRAWS / harmonic / rank;
    }
    assert_true(tail > tail_expected * 0.98 && tail < tail_expected * 1.02);
    free(counts);
    destroy_vocabulary(vocabulary);
}

static void test_spellings_fold_to_one(void **state)
{
    (void)state;
    struct ht_synthetic_vocabulary *vocabulary = make_vocabulary(3);
    for (unsigned rank = 1; rank < 30000; rank += 7) {
        char first[HT_FOLD_BYTES_MAX], other[HT_FOLD_BYTES_MAX];
        size_t first_length = 0, other_length = 0;
        for (unsigned spelling = 0; spelling < HT_SYNTHETIC_SPELLING_COUNT; spelling++) {
            struct ht_synthetic_tag tag;
            ht_synthetic_tag_make(vocabulary, rank, (enum ht_synthetic_spelling)spelling, &tag);
            assert_int_equal(ht_fold_tag(HT_FOLD_CASE, ht_slice_make(tag.utf8, tag.utf8_length),
                                         spelling == 0 ? first : other,
                                         spelling == 0 ? &first_length : &other_length),
                             0);
            if (spelling > 0 && !ht_slice_equal(ht_slice_make(first, first_length),
                                                ht_slice_make(other, other_length))) {
                print_error("%.*s is not %.*s\n", (int)first_length, first, (int)other_length,
                            other);
                fail();
            }
        }
    }
    destroy_vocabulary(vocabulary);
}

static int compare_tags(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void test_ranks_have_their_own_hashtags(void **state)
{
    (void)state;
    enum { COUNT = 20000, ROOM = 200 };
    struct ht_synthetic_vocabulary *vocabulary = make_vocabulary(4);
    char(*tags)[ROOM] = calloc(COUNT, ROOM);
    size_t distinct = 1;
    assert_non_null(tags);
    for (unsigned i = 0; i < COUNT; i++) {
        struct ht_synthetic_tag tag;
        ht_synthetic_tag_make(vocabulary, i + 1, HT_SYNTHETIC_TITLE, &tag);
        assert_true(tag.utf8_length > 0 && tag.utf8_length < ROOM);
        memcpy(tags[i], tag.utf8, tag.utf8_length);
    }
    qsort(tags, COUNT, ROOM, compare_tags);
    for (unsigned i = 1; i < COUNT; i++) {
        distinct += strcmp(tags[i], tags[i - 1]) != 0;
    }
    /* A few words are two others put together. */
    assert_true(distinct > COUNT * 99 / 100);
    free(tags);
    destroy_vocabulary(vocabulary);
}

static void test_every_rank_can_be_made(void **state)
{
    (void)state;
    struct ht_synthetic_vocabulary *vocabulary = make_vocabulary(UINT64_MAX);
    for (unsigned rank = 1; rank <= HT_SYNTHETIC_RANK_COUNT; rank++) {
        struct ht_synthetic_tag tag;
        ht_synthetic_tag_make(vocabulary, rank,
                              (enum ht_synthetic_spelling)(rank % HT_SYNTHETIC_SPELLING_COUNT),
                              &tag);
        assert_in_range(tag.points, 1, 60);
        assert_true(ht_synthetic_rank_language(vocabulary, rank) < HT_SYNTHETIC_LANGUAGE_COUNT);
    }
    destroy_vocabulary(vocabulary);
}

static void test_the_seed_changes_what_is_frequent(void **state)
{
    (void)state;
    struct ht_synthetic_vocabulary *one = make_vocabulary(1), *two = make_vocabulary(2);
    unsigned same = 0;
    for (unsigned rank = 1; rank <= 50; rank++) {
        struct ht_synthetic_tag a, b;
        ht_synthetic_tag_make(one, rank, HT_SYNTHETIC_LOWER, &a);
        ht_synthetic_tag_make(two, rank, HT_SYNTHETIC_LOWER, &b);
        same += ht_slice_equal(ht_slice_make(a.utf8, a.utf8_length),
                               ht_slice_make(b.utf8, b.utf8_length));
    }
    assert_true(same < 10);
    destroy_vocabulary(one);
    destroy_vocabulary(two);
}

static void test_spellings_are_mixed(void **state)
{
    (void)state;
    unsigned counts[HT_SYNTHETIC_SPELLING_COUNT] = {0};
    struct ht_random random;
    ht_random_init(&random, 1);
    for (unsigned i = 0; i < 10000; i++) {
        counts[ht_synthetic_draw_spelling(&random)]++;
    }
    for (unsigned spelling = 0; spelling < HT_SYNTHETIC_SPELLING_COUNT; spelling++) {
        assert_true(counts[spelling] > 100);
    }
    assert_true(counts[HT_SYNTHETIC_TITLE] > 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranks_follow_zipf),
        cmocka_unit_test(test_spellings_fold_to_one),
        cmocka_unit_test(test_ranks_have_their_own_hashtags),
        cmocka_unit_test(test_every_rank_can_be_made),
        cmocka_unit_test(test_the_seed_changes_what_is_frequent),
        cmocka_unit_test(test_spellings_are_mixed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
