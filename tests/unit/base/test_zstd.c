// SPDX-License-Identifier: MIT
#include "hashtagd/base/zstd.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/random.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_broken_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
