// SPDX-License-Identifier: MIT
#include "hashtagd/tally/pending.h"

#include "failing_memory.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct ht_pending *make(size_t max_bytes)
{
    struct ht_pending_options options = {.key = {1, 2}, .max_bytes = max_bytes};
    struct ht_pending *pending = ht_pending_create(&options);
    assert_non_null(pending);
    return pending;
}

static void add_at(struct ht_pending *pending, uint32_t shard, const char *tag, int64_t second,
                   uint32_t count)
{
    char sequence[32];
    uint32_t position;
    (void)snprintf(sequence, sizeof(sequence), "4960%lld", (long long)second);
    assert_int_equal(ht_pending_note_position(pending, ht_slice_text(sequence), shard, &position),
                     0);
    struct ht_pending_add add = {.tag = ht_slice_text(tag),
                                 .shard = shard,
                                 .position = position,
                                 .minute = second / 60,
                                 .seen_s = second,
                                 .count = count};
    assert_int_equal(ht_pending_add(pending, &add), 0);
}

static void assert_share(const struct ht_pending *pending, size_t index, const char *text)
{
    struct ht_pending_share share;
    assert_true(ht_pending_get_in_flight(pending, index, &share));
    char found[200];
    (void)snprintf(found, sizeof(found), "%u %.*s %llu %lld-%lld %.*s/%llu-%.*s/%llu", share.shard,
                   (int)share.tag.length, share.tag.data, (unsigned long long)share.count,
                   (long long)share.first_seen_s, (long long)share.last_seen_s,
                   (int)share.first_sequence.length, share.first_sequence.data,
                   (unsigned long long)share.first_sub_sequence, (int)share.last_sequence.length,
                   share.last_sequence.data, (unsigned long long)share.last_sub_sequence);
    assert_string_equal(found, text);
}

static void puts_in_flight_in_order_of_meeting(void **state)
{
    (void)state;
    struct ht_pending *pending = make(0);
    add_at(pending, 1, "b", 100, 1);
    add_at(pending, 0, "b", 101, 2);
    add_at(pending, 1, "a", 102, 3);
    add_at(pending, 1, "b", 99, 4);
    assert_int_equal(ht_pending_collected_count(pending), 3);
    assert_int_equal(ht_pending_in_flight_count(pending), 0);
    assert_int_equal(ht_pending_begin_flush(pending), 0);
    assert_int_equal(ht_pending_in_flight_count(pending), 3);
    assert_int_equal(ht_pending_collected_count(pending), 0);
    assert_share(pending, 0, "1 b 5 99-100 4960100/1-496099/1");
    assert_share(pending, 1, "0 b 2 101-101 4960101/0-4960101/0");
    assert_share(pending, 2, "1 a 3 102-102 4960102/1-4960102/1");
    ht_pending_finish_flush(pending);
    assert_int_equal(ht_pending_in_flight_count(pending), 0);
    ht_pending_destroy(pending);
}

static void collects_beside_a_flush(void **state)
{
    (void)state;
    struct ht_pending *pending = make(0);
    add_at(pending, 0, "a", 1, 1);
    assert_int_equal(ht_pending_begin_flush(pending), 0);
    add_at(pending, 0, "a", 2, 10);
    assert_int_equal(ht_pending_begin_flush(pending), HT_EBUSY);
    assert_share(pending, 0, "0 a 1 1-1 49601/0-49601/0");
    ht_pending_finish_flush(pending);
    assert_int_equal(ht_pending_begin_flush(pending), 0);
    assert_share(pending, 0, "0 a 10 2-2 49602/0-49602/0");
    ht_pending_destroy(pending);
}

static void collects_a_returned_flush_again(void **state)
{
    (void)state;
    struct ht_pending *pending = make(0);
    add_at(pending, 0, "a", 1, 1);
    add_at(pending, 0, "b", 2, 2);
    add_at(pending, 0, "c", 3, 4);
    assert_int_equal(ht_pending_begin_flush(pending), 0);
    add_at(pending, 0, "c", 70, 8);
    add_at(pending, 1, "c", 71, 16);
    add_at(pending, 0, "d", 72, 32);
    add_at(pending, 0, "b", 73, 64);
    ht_pending_settle(pending, 1);
    struct ht_pending_share share;
    assert_false(ht_pending_get_in_flight(pending, 1, &share));
    assert_int_equal(ht_pending_return_flush(pending), 0);
    add_at(pending, 0, "a", 140, 128);
    assert_int_equal(ht_pending_begin_flush(pending), 0);
    size_t live = 0;
    char text[1000] = "";
    for (size_t i = 0; i < ht_pending_in_flight_count(pending); i++) {
        if (ht_pending_get_in_flight(pending, i, &share)) {
            live++;
            size_t used = strlen(text);
            (void)snprintf(text + used, sizeof(text) - used, "%u %.*s %llu %.*s-%.*s\n",
                           share.shard, (int)share.tag.length, share.tag.data,
                           (unsigned long long)share.count, (int)share.first_sequence.length,
                           share.first_sequence.data, (int)share.last_sequence.length,
                           share.last_sequence.data);
        }
    }
    assert_int_equal(live, 5);
    assert_string_equal(text, "0 a 129 49601-4960140\n"
                              "0 c 12 49603-496070\n"
                              "1 c 16 496071-496071\n"
                              "0 d 32 496072-496072\n"
                              "0 b 64 496073-496073\n");
    ht_pending_destroy(pending);
}

static void removes_what_is_collected(void **state)
{
    (void)state;
    struct ht_pending *pending = make(0);
    add_at(pending, 0, "a", 1, 1);
    assert_int_equal(ht_pending_begin_flush(pending), 0);
    add_at(pending, 0, "a", 2, 2);
    add_at(pending, 1, "a", 3, 4);
    add_at(pending, 0, "b", 4, 8);
    assert_int_equal(ht_pending_remove(pending, HT_SLICE("a")), 6);
    assert_int_equal(ht_pending_remove(pending, HT_SLICE("a")), 0);
    assert_int_equal(ht_pending_remove(pending, HT_SLICE("none")), 0);
    add_at(pending, 1, "a", 5, 16);
    assert_share(pending, 0, "0 a 1 1-1 49601/0-49601/0");
    ht_pending_finish_flush(pending);
    assert_int_equal(ht_pending_begin_flush(pending), 0);
    struct ht_pending_share share;
    uint64_t sum = 0;
    for (size_t i = 0; i < ht_pending_in_flight_count(pending); i++) {
        sum += ht_pending_get_in_flight(pending, i, &share) ? share.count : 0;
    }
    assert_int_equal(sum, 24);
    ht_pending_destroy(pending);
}

static void forgets_all_at_once(void **state)
{
    (void)state;
    struct ht_pending *pending = make(0);
    add_at(pending, 0, "a", 1, 1);
    assert_int_equal(ht_pending_begin_flush(pending), 0);
    add_at(pending, 0, "a", 2, 2);
    add_at(pending, 0, "b", 3, 4);
    (void)failing_memory_set(0); /* whoever forgets needs no memory for it */
    ht_pending_clear(pending);
    assert_false(failing_memory_set(SIZE_MAX));
    assert_int_equal(ht_pending_collected_count(pending), 0);
    assert_int_equal(ht_pending_in_flight_count(pending), 0);
    assert_int_equal(ht_pending_collected_of(pending, HT_SLICE("a")), 0);
    add_at(pending, 1, "a", 9, 8);
    assert_int_equal(ht_pending_begin_flush(pending), 0);
    assert_int_equal(ht_pending_in_flight_count(pending), 1);
    assert_share(pending, 0, "1 a 8 9-9 49609/1-49609/1");
    ht_pending_clear(pending);
    assert_int_equal(ht_pending_begin_flush(pending), 0);
    ht_pending_destroy(pending);
}

static void restores_a_tally(void **state)
{
    (void)state;
    struct ht_tally_options options = {.key = {1, 2}, .minute = 1000};
    struct ht_tally *tally = ht_tally_create(&options);
    assert_non_null(tally);
    struct ht_pending *pending = make(0);
    add_at(pending, 0, "a", 1000 * 60, 1);
    add_at(pending, 3, "a", 999 * 60 + 1, 2);
    add_at(pending, 0, "b", 1000 * 60, 1);
    assert_int_equal(ht_pending_begin_flush(pending), 0);
    add_at(pending, 0, "a", 990 * 60, 4);
    add_at(pending, 0, "a", 1000 * 60 + 30, UINT32_MAX);
    add_at(pending, 0, "a", 1000 * 60 + 31, UINT32_MAX);
    assert_int_equal(ht_pending_restore(pending, HT_SLICE("a"), tally), 0);
    assert_int_equal(ht_pending_restore(pending, HT_SLICE("none"), tally), 0);
    struct ht_tally_item item;
    assert_int_equal(ht_tally_get(tally, HT_SLICE("a"), &item), 0);
    assert_int_equal(item.counts[HT_TALLY_ALL], 7 + 2 * (uint64_t)UINT32_MAX);
    assert_int_equal(item.counts[HT_TALLY_5M], 3 + 2 * (uint64_t)UINT32_MAX);
    assert_int_equal(item.series[58], 2);
    assert_int_equal(item.series[49], 4);
    assert_int_equal(item.first_seen_s, 990 * 60);
    assert_int_equal(item.last_seen_s, 1000 * 60 + 31);
    assert_int_equal(ht_tally_distinct(tally, HT_TALLY_ALL), 1);
    ht_pending_destroy(pending);
    ht_tally_destroy(tally);
}

static void refuses_what_is_wrong(void **state)
{
    (void)state;
    static char long_tag[HT_TALLY_TAG_MAX_BYTES + 1];
    static char digits[HT_PENDING_SEQUENCE_MAX_BYTES + 1];
    memset(digits, '9', sizeof(digits));
    struct ht_pending *pending = make(0);
    uint32_t position;
    assert_int_equal(ht_pending_note_position(pending, HT_SLICE(""), 0, &position), HT_EINVAL);
    assert_int_equal(
        ht_pending_note_position(pending, ht_slice_make(digits, sizeof(digits)), 0, &position),
        HT_EINVAL);
    struct ht_pending_add add = {.tag = HT_SLICE("a"), .count = 1};
    assert_int_equal(ht_pending_add(pending, &add), HT_EINVAL);
    assert_int_equal(
        ht_pending_note_position(pending, ht_slice_make(digits, sizeof(digits) - 1), 0, &position),
        0);
    assert_int_equal(ht_pending_add(pending, &add), 0);
    add.tag = HT_SLICE("");
    assert_int_equal(ht_pending_add(pending, &add), HT_EINVAL);
    add.tag = ht_slice_make(long_tag, sizeof(long_tag));
    assert_int_equal(ht_pending_add(pending, &add), HT_EINVAL);
    add.tag = ht_slice_make(long_tag, sizeof(long_tag) - 1);
    add.count = 0;
    assert_int_equal(ht_pending_add(pending, &add), 0);
    assert_int_equal(ht_pending_collected_count(pending), 1);
    ht_pending_destroy(pending);
    ht_pending_destroy(NULL);
}

static void names_a_repeated_position_once(void **state)
{
    (void)state;
    struct ht_pending *pending = make(0);
    static const struct {
        const char *sequence;
        uint64_t sub_sequence;
        uint32_t position;
    } steps[] = {{"1", 0, 0}, {"1", 0, 0}, {"1", 1, 1}, {"1", 1, 1}, {"11", 1, 2}, {"1", 0, 3}};
    for (size_t i = 0; i < HT_COUNT_OF(steps); i++) {
        uint32_t position;
        assert_int_equal(ht_pending_note_position(pending, ht_slice_text(steps[i].sequence),
                                                  steps[i].sub_sequence, &position),
                         0);
        assert_int_equal(position, steps[i].position);
    }
    ht_pending_destroy(pending);
}

static void stops_at_the_maximum(void **state)
{
    (void)state;
    struct ht_pending *pending = make(10000);
    uint32_t position;
    assert_int_equal(ht_pending_note_position(pending, HT_SLICE("1"), 0, &position), 0);
    int status = 0;
    char tag[20];
    uint32_t added = 0;
    for (; status == 0; added += status == 0) {
        int length = snprintf(tag, sizeof(tag), "tag%u", added);
        struct ht_pending_add add = {.tag = ht_slice_make(tag, (size_t)length), .count = 1};
        status = ht_pending_add(pending, &add);
    }
    assert_int_equal(status, HT_EBUSY);
    assert_in_range(ht_pending_used_bytes(pending), 10000, 10200);
    assert_in_range(added, 50, 150);
    assert_int_equal(ht_pending_note_position(pending, HT_SLICE("2"), 0, &position), HT_EBUSY);
    assert_int_equal(ht_pending_begin_flush(pending), 0);
    assert_int_equal(ht_pending_in_flight_count(pending), added);
    ht_pending_finish_flush(pending);
    assert_int_equal(ht_pending_used_bytes(pending), 0);
    assert_int_equal(ht_pending_note_position(pending, HT_SLICE("2"), 0, &position), 0);
    ht_pending_destroy(pending);
}

/* Random flushes, returned or finished: every count comes out once. */
static void loses_nothing(void **state)
{
    (void)state;
    struct ht_pending *pending = make(0);
    struct ht_random random;
    ht_random_init(&random, 9);
    uint64_t pending_sum = 0;
    bool is_flushing = false;
    for (int64_t step = 0; step < 30000; step++) {
        uint64_t kind = ht_random_below(&random, 100);
        if (kind < 97) {
            char tag[20];
            (void)snprintf(tag, sizeof(tag), "tag%u", (unsigned)ht_random_below(&random, 300));
            uint32_t count = 1 + (uint32_t)ht_random_below(&random, 3);
            add_at(pending, (uint32_t)ht_random_below(&random, 4), tag, step, count);
            pending_sum += count;
        } else if (!is_flushing) {
            assert_int_equal(ht_pending_begin_flush(pending), 0);
            is_flushing = true;
        } else {
            struct ht_pending_share share;
            for (size_t i = 0; i < ht_pending_in_flight_count(pending); i++) {
                bool is_written = kind == 97 || ht_random_below(&random, 2) == 0;
                if (ht_pending_get_in_flight(pending, i, &share) && is_written) {
                    pending_sum -= share.count;
                    ht_pending_settle(pending, i);
                }
            }
            if (kind == 97) {
                ht_pending_finish_flush(pending);
            } else {
                assert_int_equal(ht_pending_return_flush(pending), 0);
            }
            is_flushing = false;
        }
    }
    if (is_flushing) {
        assert_int_equal(ht_pending_return_flush(pending), 0);
    }
    assert_int_equal(ht_pending_begin_flush(pending), 0);
    struct ht_pending_share share;
    for (size_t i = 0; i < ht_pending_in_flight_count(pending); i++) {
        pending_sum -= ht_pending_get_in_flight(pending, i, &share) ? share.count : 0;
    }
    assert_int_equal(pending_sum, 0);
    ht_pending_destroy(pending);
}

static void add_again(struct ht_pending *pending, uint32_t number, uint32_t count)
{
    char text[20];
    int length = snprintf(text, sizeof(text), "9%u", number);
    struct ht_slice slice = ht_slice_make(text, (size_t)length);
    uint32_t position;
    while (ht_pending_note_position(pending, slice, 0, &position) == HT_ENOMEM) {
    }
    struct ht_pending_add add = {.tag = slice, .position = position, .minute = 5, .count = count};
    while (ht_pending_add(pending, &add) == HT_ENOMEM) {
    }
}

/* Each allocation in turn fails once, also in the middle of a return. */
static void outlives_every_failed_allocation(void **state)
{
    (void)state;
    bool failed = true;
    for (size_t at = 0; failed; at += 1 + at / 50) {
        failing_memory_set(at);
        struct ht_pending_options options = {.key = {1, 2}};
        struct ht_pending *pending;
        while ((pending = ht_pending_create(&options)) == NULL) {
        }
        uint64_t sum = 0;
        for (uint32_t i = 0; i < 1000; i++) {
            if (i == 400) {
                while (ht_pending_begin_flush(pending) == HT_ENOMEM) {
                }
            }
            add_again(pending, i % 600, i);
            sum += i;
        }
        while (ht_pending_return_flush(pending) == HT_ENOMEM) {
            add_again(pending, 700, 3);
            sum += 3;
        }
        while (ht_pending_begin_flush(pending) == HT_ENOMEM) {
        }
        failed = failing_memory_set(SIZE_MAX);
        struct ht_pending_share share;
        for (size_t i = 0; i < ht_pending_in_flight_count(pending); i++) {
            assert_true(ht_pending_get_in_flight(pending, i, &share));
            assert_true(ht_slice_equal(share.last_sequence, share.tag));
            assert_true(ht_slice_equal(share.first_sequence, share.tag));
            sum -= share.count;
        }
        assert_int_equal(sum, 0);
        ht_pending_destroy(pending);
    }
}

static struct ht_pending *make_keeping(void)
{
    struct ht_pending_options options = {.key = {1, 2}, .keeps_occurrences = true};
    struct ht_pending *pending = ht_pending_create(&options);
    assert_non_null(pending);
    return pending;
}

static void assert_after(const struct ht_pending *pending, size_t index, const char *sequence,
                         uint64_t sub_sequence, uint64_t count, const char *first)
{
    struct ht_pending_rest rest;
    ht_pending_count_after(pending, index, ht_slice_text(sequence), sub_sequence, &rest);
    assert_int_equal(rest.count, count);
    assert_true(ht_slice_equal(rest.sequence, ht_slice_text(first)));
}

static void tells_what_stands_behind_a_place(void **state)
{
    (void)state;
    struct ht_pending *pending = make_keeping();
    for (int64_t second = 1; second <= 9; second += 2) {
        add_at(pending, 0, "a", second, 1);
        add_at(pending, 0, "a", second, 2);
        add_at(pending, 1, "a", second, 10);
        add_at(pending, 0, "b", second, 5);
    }
    assert_int_equal(ht_pending_collected_of(pending, HT_SLICE("a")), 65);
    assert_int_equal(ht_pending_in_flight_of(pending, HT_SLICE("a")), 0);
    assert_int_equal(ht_pending_begin_flush(pending), 0);
    assert_int_equal(ht_pending_collected_of(pending, HT_SLICE("a")), 0);
    assert_int_equal(ht_pending_in_flight_of(pending, HT_SLICE("a")), 65);
    assert_after(pending, 0, "0", 0, 15, "49601");
    assert_after(pending, 0, "49601", 0, 12, "49603");
    assert_after(pending, 0, "49604", 7, 9, "49605");
    assert_after(pending, 0, "49609", 0, 0, "");
    assert_after(pending, 0, "100000", 0, 0, "");
    /* sub-sequence numbers are the second key: add_at() takes the shard for it */
    assert_after(pending, 1, "49603", 0, 40, "49603");
    assert_after(pending, 1, "49603", 1, 30, "49605");
    ht_pending_destroy(pending);
}

static void a_returned_flush_keeps_what_stands_behind_a_place(void **state)
{
    (void)state;
    struct ht_pending *pending = make_keeping();
    add_at(pending, 0, "a", 1, 1);
    add_at(pending, 0, "a", 2, 1);
    assert_int_equal(ht_pending_begin_flush(pending), 0);
    add_at(pending, 0, "b", 3, 1);
    add_at(pending, 0, "a", 4, 1);
    add_at(pending, 0, "a", 5, 3);
    add_at(pending, 0, "c", 6, 1);
    assert_int_equal(ht_pending_return_flush(pending), 0);
    add_at(pending, 0, "a", 7, 1);
    assert_int_equal(ht_pending_begin_flush(pending), 0);
    assert_after(pending, 0, "49600", 0, 7, "49601");
    assert_after(pending, 0, "49602", 0, 5, "49604");
    assert_after(pending, 0, "49604", 0, 4, "49605");
    assert_after(pending, 0, "49606", 0, 1, "49607");
    ht_pending_destroy(pending);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(puts_in_flight_in_order_of_meeting),
        cmocka_unit_test(collects_beside_a_flush),
        cmocka_unit_test(collects_a_returned_flush_again),
        cmocka_unit_test(removes_what_is_collected),
        cmocka_unit_test(forgets_all_at_once),
        cmocka_unit_test(restores_a_tally),
        cmocka_unit_test(refuses_what_is_wrong),
        cmocka_unit_test(names_a_repeated_position_once),
        cmocka_unit_test(stops_at_the_maximum),
        cmocka_unit_test(loses_nothing),
        cmocka_unit_test(outlives_every_failed_allocation),
        cmocka_unit_test(tells_what_stands_behind_a_place),
        cmocka_unit_test(a_returned_flush_keeps_what_stands_behind_a_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
