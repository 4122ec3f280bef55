// SPDX-License-Identifier: MIT
#include "hashtagd/base/gzip.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

enum { MIB = 1024 * 1024 };

static struct ht_buffer member_of(struct ht_slice bytes)
{
    struct ht_buffer member;
    ht_buffer_init(&member, 4 * MIB);
    assert_int_equal(ht_gzip_format(bytes, &member), 0);
    return member;
}

/* Feeds `gzip` in pieces of `step` bytes through a room of `room_bytes`; returns the status. */
static int read_in_steps(struct ht_slice gzip, size_t step, size_t room_bytes,
                         struct ht_buffer *out, bool *complete)
{
    struct ht_gzip_reader *reader = ht_gzip_reader_create(0);
    char *room = malloc(room_bytes);
    int status = 0;
    assert_non_null(reader);
    assert_non_null(room);
    while (status == 0 && gzip.length > 0) {
        struct ht_slice input = {gzip.data, gzip.length < step ? gzip.length : step};
        gzip.data += input.length;
        gzip.length -= input.length;
        size_t length = room_bytes;
        while (status == 0 && (input.length > 0 || length == room_bytes)) {
            status = ht_gzip_reader_read(reader, &input, room, room_bytes, &length);
            assert_int_equal(ht_buffer_append(out, room, length), 0);
        }
    }
    *complete = ht_gzip_reader_is_complete(reader);
    free(room);
    ht_gzip_reader_destroy(reader);
    return status;
}

static void test_magic(void **state)
{
    (void)state;
    assert_true(ht_gzip_has_magic(HT_SLICE("\x1f\x8b")));
    assert_true(ht_gzip_has_magic(HT_SLICE("\x1f\x8b\x08rest")));
    assert_false(ht_gzip_has_magic(HT_SLICE("\x1f")));
    assert_false(ht_gzip_has_magic(HT_SLICE("")));
    assert_false(ht_gzip_has_magic(HT_SLICE("{}")));
}

static void test_same_bytes_same_member(void **state)
{
    (void)state;
    struct ht_buffer a = member_of(HT_SLICE("count")), b = member_of(HT_SLICE("count"));
    assert_true(ht_slice_equal(ht_buffer_slice(&a), ht_buffer_slice(&b)));
    ht_buffer_finish(&a);
    ht_buffer_finish(&b);
}

static void test_round_trip_of_all_sizes(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 100, 65535, 65536, 65537, MIB};
    char *bytes = malloc(MIB);
    struct ht_random random;
    ht_random_init(&random, 7);
    assert_non_null(bytes);
    for (size_t i = 0; i < MIB; i++) {
        bytes[i] = (char)ht_random_u64(&random);
    }
    for (size_t i = 0; i < HT_COUNT_OF(sizes); i++) {
        struct ht_slice slice = {bytes, sizes[i]};
        struct ht_buffer member = member_of(slice), back;
        ht_buffer_init(&back, sizes[i]);
        assert_int_equal(ht_gzip_parse(ht_buffer_slice(&member), &back), 0);
        assert_true(ht_slice_equal(slice, ht_buffer_slice(&back)));
        ht_buffer_finish(&member);
        ht_buffer_finish(&back);
    }
    free(bytes);
}

static void test_members_in_a_row_read_in_any_steps(void **state)
{
    (void)state;
    struct ht_buffer gzip, out;
    ht_buffer_init(&gzip, MIB);
    ht_buffer_init(&out, MIB);
    assert_int_equal(ht_gzip_format(HT_SLICE("first line\n"), &gzip), 0);
    assert_int_equal(ht_gzip_format(HT_SLICE(""), &gzip), 0);
    assert_int_equal(ht_gzip_format(HT_SLICE("second line\n"), &gzip), 0);
    assert_int_equal(ht_buffer_append(&gzip, "\0\0\0", 3), 0);
    for (size_t step = 1; step <= gzip.length; step++) {
        for (size_t room = 1; room <= 24; room++) {
            bool complete = false;
            ht_buffer_clear(&out);
            assert_int_equal(read_in_steps(ht_buffer_slice(&gzip), step, room, &out, &complete), 0);
            assert_true(complete);
            assert_string_equal(out.data, "first line\nsecond line\n");
        }
    }
    ht_buffer_finish(&gzip);
    ht_buffer_finish(&out);
}

static void test_cut_off_is_seen_at_every_length(void **state)
{
    (void)state;
    struct ht_buffer member = member_of(HT_SLICE("some text that is long enough")), out;
    ht_buffer_init(&out, MIB);
    for (size_t length = 0; length < member.length; length++) {
        bool complete = true;
        ht_buffer_clear(&out);
        assert_int_equal(read_in_steps(ht_slice_make(member.data, length), 7, 64, &out, &complete),
                         0);
        assert_false(complete);
        ht_buffer_clear(&out);
        assert_int_equal(ht_gzip_parse(ht_slice_make(member.data, length), &out), HT_EPARSE);
    }
    ht_buffer_finish(&member);
    ht_buffer_finish(&out);
}

static void test_damage_is_seen(void **state)
{
    (void)state;
    struct ht_buffer member = member_of(HT_SLICE("some text that is long enough")), out;
    ht_buffer_init(&out, MIB);
    member.data[member.length - 6] ^= 1; /* in the checksum */
    assert_int_equal(ht_gzip_parse(ht_buffer_slice(&member), &out), HT_EPARSE);
    member.data[0] = 'x';
    ht_buffer_clear(&out);
    assert_int_equal(ht_gzip_parse(ht_buffer_slice(&member), &out), HT_EPARSE);
    ht_buffer_finish(&member);
    ht_buffer_finish(&out);
}

static void test_bytes_behind_the_padding_are_refused(void **state)
{
    (void)state;
    struct ht_buffer member = member_of(HT_SLICE("x")), out;
    ht_buffer_init(&out, MIB);
    assert_int_equal(ht_buffer_append(&member, "\0garbage", 8), 0);
    assert_int_equal(ht_gzip_parse(ht_buffer_slice(&member), &out), HT_EPARSE);
    ht_buffer_finish(&member);
    ht_buffer_finish(&out);
}

static void test_an_error_stays(void **state)
{
    (void)state;
    struct ht_gzip_reader *reader = ht_gzip_reader_create(0);
    struct ht_slice input = HT_SLICE("this is no gzip"), more = HT_SLICE("\x1f\x8b");
    char room[16];
    size_t length;
    assert_int_equal(ht_gzip_reader_read(reader, &input, room, sizeof(room), &length), HT_EPARSE);
    assert_int_equal(ht_gzip_reader_read(reader, &more, room, sizeof(room), &length), HT_EPARSE);
    assert_int_equal(length, 0);
    assert_false(ht_gzip_reader_is_complete(reader));
    ht_gzip_reader_destroy(reader);
}

/* The check sum is found wrong in the same step that passes the limit. */
static void test_output_limit_of_a_damaged_member(void **state)
{
    (void)state;
    struct ht_buffer member;
    char room[100];
    size_t length;
    ht_buffer_init(&member, 1000);
    assert_int_equal(ht_gzip_format(HT_SLICE("hello"), &member), 0);
    member.data[member.length - 8] ^= 1;
    struct ht_slice input = ht_buffer_slice(&member);
    struct ht_gzip_reader *reader = ht_gzip_reader_create(3);
    assert_int_equal(ht_gzip_reader_read(reader, &input, room, sizeof(room), &length), HT_ETOOBIG);
    assert_int_equal(length, 3);
    assert_int_equal(ht_gzip_reader_read(reader, &input, room, sizeof(room), &length), HT_ETOOBIG);
    assert_int_equal(length, 0);
    ht_gzip_reader_destroy(reader);
    ht_buffer_finish(&member);
}

static void test_output_limit(void **state)
{
    (void)state;
    static const struct {
        uint64_t limit;
        int status;
        size_t length;
    } cases[] = {{5, 0, 5}, {4, HT_ETOOBIG, 4}, {1, HT_ETOOBIG, 1}, {0, 0, 5}};
    struct ht_buffer member = member_of(HT_SLICE("12345"));
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_gzip_reader *reader = ht_gzip_reader_create(cases[i].limit);
        struct ht_slice input = ht_buffer_slice(&member);
        char room[16];
        size_t length;
        assert_int_equal(ht_gzip_reader_read(reader, &input, room, sizeof(room), &length),
                         cases[i].status);
        assert_int_equal(length, cases[i].length);
        ht_gzip_reader_destroy(reader);
    }
    ht_buffer_finish(&member);
}

static void test_a_bomb_stays_small(void **state)
{
    (void)state;
    char *zeros = calloc(1, 3 * MIB);
    assert_non_null(zeros);
    struct ht_buffer member = member_of(ht_slice_make(zeros, 3 * MIB)), out;
    ht_buffer_init(&out, 1000);
    assert_true(member.length < 10000);
    assert_int_equal(ht_gzip_parse(ht_buffer_slice(&member), &out), HT_ETOOBIG);
    assert_true(out.capacity <= 1001);
    ht_buffer_finish(&member);
    ht_buffer_finish(&out);
    free(zeros);
}

static void test_no_room_for_the_member(void **state)
{
    (void)state;
    struct ht_buffer out;
    ht_buffer_init(&out, 10);
    assert_int_equal(ht_gzip_format(HT_SLICE("some text"), &out), HT_ETOOBIG);
    assert_int_equal(out.length, 0);
    ht_buffer_finish(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_magic),
        cmocka_unit_test(test_same_bytes_same_member),
        cmocka_unit_test(test_round_trip_of_all_sizes),
        cmocka_unit_test(test_members_in_a_row_read_in_any_steps),
        cmocka_unit_test(test_cut_off_is_seen_at_every_length),
        cmocka_unit_test(test_damage_is_seen),
        cmocka_unit_test(test_bytes_behind_the_padding_are_refused),
        cmocka_unit_test(test_an_error_stays),
        cmocka_unit_test(test_output_limit),
        cmocka_unit_test(test_output_limit_of_a_damaged_member),
        cmocka_unit_test(test_a_bomb_stays_small),
        cmocka_unit_test(test_no_room_for_the_member),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
