// SPDX-License-Identifier: MIT
#include "hashtagd/base/zstd.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/random.h"

#include "../../support/zstd_training.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

enum { MOST = 300000 };

static void test_round_trip(void **state)
{
    (void)state;
    static const struct {
        int level;
        size_t length;
    } cases[] = {{1, 0}, {1, 1}, {1, 2700}, {-5, MOST}, {3, MOST}, {-1000, MOST}, {1000, 2700}};
    char *bytes = malloc(MOST), *back = malloc(MOST), *frame = malloc(ht_zstd_bound(MOST));
    assert_true(bytes != NULL && back != NULL && frame != NULL);
    struct ht_random random;
    ht_random_init(&random, 3);
    for (size_t i = 0; i < MOST; i++) {
        bytes[i] = (char)('a' + ht_random_below(&random, 9));
    }
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_zstd *zstd = ht_zstd_create(cases[i].level);
        size_t length = 0;
        assert_non_null(zstd);
        for (int again = 0; again < 2; again++) {
            struct ht_slice slice = {bytes, cases[i].length};
            assert_int_equal(ht_zstd_pack(zstd, slice, frame, ht_zstd_bound(MOST), &length), 0);
            memset(back, 0, MOST);
            assert_int_equal(
                ht_zstd_unpack(zstd, ht_slice_make(frame, length), back, cases[i].length), 0);
            assert_memory_equal(back, bytes, cases[i].length);
        }
        ht_zstd_destroy(zstd);
    }
    free(bytes);
    free(back);
    free(frame);
}

static void test_no_room(void **state)
{
    (void)state;
    struct ht_zstd *zstd = ht_zstd_create(1);
    char out[8];
    size_t length = 1;
    assert_non_null(zstd);
    assert_int_equal(
        ht_zstd_pack(zstd, HT_SLICE("some text that has no repeats"), out, sizeof(out), &length),
        HT_ETOOBIG);
    assert_int_equal(length, 0);
    ht_zstd_destroy(zstd);
}

static void test_broken_frames(void **state)
{
    (void)state;
    struct ht_zstd *zstd = ht_zstd_create(1);
    char frame[128], back[64];
    size_t length;
    assert_non_null(zstd);
    assert_int_equal(
        ht_zstd_pack(zstd, HT_SLICE("aaaaaaaaaaaaaaaaaaaabbbb"), frame, sizeof(frame), &length), 0);
    for (size_t cut = 0; cut < length; cut++) {
        assert_int_equal(ht_zstd_unpack(zstd, ht_slice_make(frame, cut), back, 24), HT_EPARSE);
    }
    assert_int_equal(ht_zstd_unpack(zstd, ht_slice_make(frame, length), back, 23), HT_EPARSE);
    assert_int_equal(ht_zstd_unpack(zstd, ht_slice_make(frame, length), back, 25), HT_EPARSE);
    assert_int_equal(ht_zstd_unpack(zstd, ht_slice_make(frame, length), back, 24), 0);
    frame[0] ^= 1;
    assert_int_equal(ht_zstd_unpack(zstd, ht_slice_make(frame, length), back, 24), HT_EPARSE);
    ht_zstd_destroy(zstd);
    ht_zstd_destroy(NULL);
}

/* A message packed with a dictionary trained on others like it, under several limits. */
static void test_a_dictionary_packs_small_and_comes_back(void **state)
{
    (void)state;
    static char bytes[16384];
    struct ht_slice dictionary = {bytes, train_dictionary(1234567, bytes, sizeof(bytes))};
    assert_true(dictionary.length > 0);
    assert_int_equal(ht_zstd_dictionary_id(dictionary), 1234567);
    struct ht_zstd *with = ht_zstd_create_with(3, dictionary), *without = ht_zstd_create(3);
    assert_true(with != NULL && without != NULL);
    char text[TRAINING_SAMPLE_BYTES], frame[1024], plain[1024], back[TRAINING_SAMPLE_BYTES + 1];
    const size_t room = sizeof(back) - 1;
    struct ht_slice message = {text, training_sample(1000, text)};
    size_t length, plain_length, back_length;
    assert_int_equal(ht_zstd_pack(with, message, frame, sizeof(frame), &length), 0);
    assert_int_equal(ht_zstd_pack(without, message, plain, sizeof(plain), &plain_length), 0);
    assert_true(length * 2 < plain_length);

    const struct {
        struct ht_zstd *zstd;
        struct ht_slice frame;
        size_t capacity;
        int status;
    } cases[] = {
        {with, {frame, length}, room, 0},
        {with, {frame, length}, message.length, 0},
        {with, {frame, length}, message.length - 1, HT_ETOOBIG},
        {with, {frame, length}, 0, HT_ETOOBIG},
        {with, {plain, plain_length}, room, 0},
        {without, {plain, plain_length}, room, 0},
        {without, {frame, length}, room, HT_EPARSE},
        {with, {text, message.length}, room, HT_EPARSE},
        {with, {text, 0}, room, HT_EPARSE},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        memset(back, 'x', sizeof(back));
        assert_int_equal(ht_zstd_unpack_some(cases[i].zstd, cases[i].frame, back, cases[i].capacity,
                                             &back_length),
                         cases[i].status);
        assert_int_equal(back_length, cases[i].status == 0 ? message.length : 0);
        assert_true(cases[i].status != 0 || memcmp(back, text, message.length) == 0);
        assert_int_equal(back[cases[i].capacity], 'x');
    }
    ht_zstd_destroy(with);
    ht_zstd_destroy(without);
}

static void test_frames_that_are_not_one_whole_frame(void **state)
{
    (void)state;
    static char bytes[16384];
    struct ht_slice dictionary = {bytes, train_dictionary(7, bytes, sizeof(bytes))};
    struct ht_zstd *zstd = ht_zstd_create_with(1, dictionary);
    char text[TRAINING_SAMPLE_BYTES], frame[1024], back[2 * TRAINING_SAMPLE_BYTES];
    struct ht_slice message = {text, training_sample(3, text)};
    size_t length, back_length;
    assert_non_null(zstd);
    assert_int_equal(ht_zstd_pack(zstd, message, frame, sizeof(frame) / 2, &length), 0);
    for (size_t cut = 0; cut < length; cut++) {
        assert_int_equal(
            ht_zstd_unpack_some(zstd, ht_slice_make(frame, cut), back, sizeof(back), &back_length),
            HT_EPARSE);
    }
    memcpy(frame + length, frame, length);
    assert_int_equal(ht_zstd_unpack_some(zstd, ht_slice_make(frame, 2 * length), back, sizeof(back),
                                         &back_length),
                     HT_EPARSE);
    assert_int_equal(
        ht_zstd_unpack_some(zstd, ht_slice_make(frame, length), back, sizeof(back), &back_length),
        0);
    assert_int_equal(back_length, message.length);
    ht_zstd_destroy(zstd);
}

static void test_damaged_dictionaries(void **state)
{
    (void)state;
    static char bytes[16384];
    struct ht_slice dictionary = {bytes, train_dictionary(7, bytes, sizeof(bytes))};
    assert_true(dictionary.length > 64);
    assert_int_equal(ht_zstd_dictionary_id(HT_SLICE("no dictionary at all")), 0);
    assert_int_equal(ht_zstd_dictionary_id(ht_slice_make("", 0)), 0);
    assert_int_equal(ht_zstd_dictionary_id(ht_slice_make(bytes, 7)), 0);
    memset(bytes + 8, 0xff, 32);
    assert_null(ht_zstd_create_with(1, dictionary));
    assert_null(ht_zstd_create_with(1, ht_slice_make(bytes, 12)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_broken_frames),
        cmocka_unit_test(test_a_dictionary_packs_small_and_comes_back),
        cmocka_unit_test(test_frames_that_are_not_one_whole_frame),
        cmocka_unit_test(test_damaged_dictionaries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
