// SPDX-License-Identifier: MIT
#include "../../../src/backends/firehose_batch.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const struct ht_firehose_limits real = {
    .record_bytes = 1000000,
    .line_bytes = HT_FIREHOSE_RECORD_BYTES,
    .batch_bytes = HT_FIREHOSE_BATCH_BYTES,
    .batch_records = HT_FIREHOSE_BATCH_RECORDS,
};

static struct ht_firehose_batch *make(struct ht_archive_append *append, char *lines, size_t length)
{
    struct ht_firehose_batch *batch = calloc(1, sizeof(*batch));
    assert_non_null(batch);
    *append = (struct ht_archive_append){.lines = {lines, length}, .count = 1};
    ht_firehose_batch_take(batch, append);
    return batch;
}

static void end(struct ht_firehose_batch *batch, char *lines)
{
    (void)ht_firehose_batch_take_rest(batch);
    ht_firehose_batch_finish(batch);
    free(batch);
    free(lines);
}

/* What a service without limits of its own took together may be too much for a call later. */
static void test_a_call_takes_no_more_bytes_than_it_may(void **state)
{
    (void)state;
    struct ht_firehose_limits limits = real;
    struct ht_archive_append append;
    char *lines = strdup("aaaaaaaa\nbbbbbbbb\ncccccccc\n");
    limits.record_bytes = 9;
    struct ht_firehose_batch *batch = make(&append, lines, 27);
    assert_int_equal(ht_firehose_batch_pack(batch, &limits), 0);
    assert_int_equal(batch->count, 3);
    limits.batch_bytes = limits.frame_bytes + 2 * ht_firehose_record_frame_bytes(9);
    assert_int_equal(ht_firehose_batch_select(batch, &limits), 2);
    assert_true(ht_slice_equal(batch->records[1], HT_SLICE("bbbbbbbb\n")));
    end(batch, lines);
}

/* The body of four records is one byte below, at and above 4 MiB. */
static void test_4_mib_is_the_most_of_a_call(void **state)
{
    (void)state;
    for (int over = -1; over <= 1; over++) {
        const size_t each = 786000;
        struct ht_firehose_limits limits = real;
        struct ht_archive_append append;
        limits.record_bytes = each;
        limits.frame_bytes = HT_FIREHOSE_BATCH_BYTES - 4 * ht_firehose_record_frame_bytes(each);
        limits.frame_bytes += (size_t)(over + 1) - 1;
        char *lines = malloc(4 * each);
        assert_non_null(lines);
        memset(lines, 'x', 4 * each);
        for (size_t i = 1; i <= 4; i++) {
            lines[i * each - 1] = '\n';
        }
        struct ht_firehose_batch *batch = make(&append, lines, 4 * each);
        assert_int_equal(ht_firehose_batch_pack(batch, &limits), 0);
        assert_int_equal(batch->count, over > 0 ? 3 : 4);
        assert_int_equal(ht_firehose_batch_select(batch, &limits), over > 0 ? 3 : 4);
        end(batch, lines);
    }
}

static void test_a_record_is_filled_to_its_last_byte(void **state)
{
    (void)state;
    for (size_t record_bytes = 11; record_bytes <= 13; record_bytes++) {
        struct ht_firehose_limits limits = real;
        struct ht_archive_append append;
        limits.record_bytes = record_bytes;
        char *lines = strdup("abc\ndef\nghi\n");
        assert_non_null(lines);
        struct ht_firehose_batch *batch = make(&append, lines, 12);
        assert_int_equal(ht_firehose_batch_pack(batch, &limits), 0);
        assert_int_equal(batch->count, record_bytes < 12 ? 2 : 1);
        assert_int_equal(batch->pieces[0].lines, record_bytes < 12 ? 2 : 3);
        end(batch, lines);
    }
}

/* The middle lies in the last line: it is split off whole, and nothing empty is made. */
static void test_a_short_line_before_a_long_one_is_halved_between_them(void **state)
{
    (void)state;
    struct ht_archive_append append;
    char *lines = strdup("a\nbbbbbbbbbbbb\n");
    assert_non_null(lines);
    struct ht_firehose_batch *batch = make(&append, lines, 15);
    assert_int_equal(ht_firehose_batch_pack(batch, &real), 0);
    assert_int_equal(ht_firehose_batch_select(batch, &real), 1);
    assert_int_equal(ht_firehose_batch_refuse(batch), 0);
    assert_int_equal(batch->count, 2);
    assert_true(ht_slice_equal(batch->pieces[0].data, HT_SLICE("a\n")));
    assert_true(ht_slice_equal(batch->pieces[1].data, HT_SLICE("bbbbbbbbbbbb\n")));
    assert_int_equal(batch->pieces[0].lines, 1);
    assert_int_equal(batch->pieces[1].lines, 1);
    end(batch, lines);
}

/* Of the first call the first record fails: the second deletion of its hashtag is not there yet. */
static void test_deletions_of_one_hashtag_never_share_a_call(void **state)
{
    (void)state;
    struct ht_firehose_limits limits = real;
    struct ht_archive_append append;
    char *lines = strdup("{\"hashtag\":\"a\",\"count\":1}\n"
                         "{\"hashtag\":\"b\",\"count\":2}\n"
                         "{\"hashtag\":\"a\",\"count\":3}\n"
                         "{\"hashtag\":\"c\",\"count\":4}\n");
    assert_non_null(lines);
    limits.record_bytes = strlen(lines) / 4;
    struct ht_firehose_batch *batch = make(&append, lines, strlen(lines));
    struct ht_firehose_progress progress;
    assert_int_equal(ht_firehose_batch_pack(batch, &limits), 0);
    assert_int_equal(batch->count, 4);
    assert_int_equal(ht_firehose_batch_select(batch, &limits), 2);
    batch->outcomes[0] = HT_FIREHOSE_THROTTLED;
    batch->outcomes[1] = HT_FIREHOSE_ACCEPTED;
    assert_int_equal(ht_firehose_batch_apply(batch, &progress), 0);
    assert_int_equal(ht_firehose_batch_select(batch, &limits), 1); /* the first again, alone */
    assert_true(ht_slice_equal(batch->records[0], batch->pieces[0].data));
    batch->outcomes[0] = HT_FIREHOSE_ACCEPTED;
    assert_int_equal(ht_firehose_batch_apply(batch, &progress), 0);
    assert_int_equal(ht_firehose_batch_select(batch, &limits), 2);
    end(batch, lines);
}

/* However the lines lie: what is packed, put together, is what came. */
static void test_no_line_is_torn_or_lost(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 200; seed++) {
        struct ht_random random;
        struct ht_archive_append append;
        struct ht_buffer together;
        ht_random_init(&random, seed);
        size_t length = 1 + ht_random_below(&random, 400), at = 0;
        char *lines = malloc(length);
        assert_non_null(lines);
        for (size_t i = 0; i < length; i++) {
            lines[i] = ht_random_below(&random, 6) == 0 ? '\n' : 'x';
        }
        lines[length - 1] = '\n';
        struct ht_firehose_limits limits = {
            .record_bytes = 1 + ht_random_below(&random, 40),
            .line_bytes = 1 + ht_random_below(&random, 40),
            .batch_bytes = 100 + ht_random_below(&random, 400),
            .batch_records = 1 + ht_random_below(&random, 5),
        };
        struct ht_firehose_batch *batch = make(&append, lines, length);
        ht_buffer_init(&together, 1000);
        while (batch->next != NULL) {
            assert_int_equal(ht_firehose_batch_pack(batch, &limits), 0);
            assert_in_range(batch->count, 1, limits.batch_records);
            size_t ended = 0;
            for (size_t i = 0; i < batch->count; i++) {
                struct ht_firehose_piece *piece = &batch->pieces[i];
                assert_true(piece->data.data[piece->data.length - 1] == '\n');
                assert_int_equal(piece->state == HT_FIREHOSE_PIECE_LETTER,
                                 piece->data.length > limits.line_bytes && piece->lines == 1);
                assert_true(piece->data.length <= limits.record_bytes || piece->lines == 1);
                assert_int_equal(ht_buffer_append_slice(&together, piece->data), 0);
                ended += piece->ended;
                piece->state = HT_FIREHOSE_PIECE_ACCEPTED;
            }
            at += ended;
            assert_ptr_equal(ht_firehose_batch_take_done(batch), ended == 0 ? NULL : &append);
            ht_firehose_batch_clear(batch);
        }
        assert_int_equal(at, 1);
        assert_true(ht_slice_equal(ht_buffer_slice(&together), ht_slice_make(lines, length)));
        ht_buffer_finish(&together);
        end(batch, lines);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_4_mib_is_the_most_of_a_call),
        cmocka_unit_test(test_a_call_takes_no_more_bytes_than_it_may),
        cmocka_unit_test(test_a_record_is_filled_to_its_last_byte),
        cmocka_unit_test(test_a_short_line_before_a_long_one_is_halved_between_them),
        cmocka_unit_test(test_deletions_of_one_hashtag_never_share_a_call),
        cmocka_unit_test(test_no_line_is_torn_or_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
