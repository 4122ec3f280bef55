// SPDX-License-Identifier: MIT
#include "hashtagd/tally/tally.h"

#include "failing_memory.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MINUTE 1000000

static struct ht_tally *make(void)
{
    struct ht_tally_options options = {.key = {1, 2}, .minute = MINUTE, .keep_parts = true};
    struct ht_tally *tally = ht_tally_create(&options);
    assert_non_null(tally);
    return tally;
}

static void add(struct ht_tally *tally, const char *tag, int64_t minute, uint32_t count)
{
    struct ht_tally_add one = {ht_slice_text(tag), minute, minute * 60, count};
    assert_int_equal(ht_tally_add(tally, &one), 0);
}

static void load(struct ht_tally *tally, const char *tag)
{
    assert_int_equal(ht_tally_load(tally, ht_slice_text(tag), 100, 1, 2), 0);
}

static uint64_t count_of(struct ht_tally *tally, const char *tag, enum ht_tally_window window)
{
    struct ht_tally_item item;
    return ht_tally_get(tally, ht_slice_text(tag), &item) == 0 ? item.counts[window] : 0;
}

static int apply(struct ht_tally *tally, int64_t minute, enum ht_tally_part_kind kind,
                 struct ht_slice data)
{
    char *copy = malloc(data.length + 1);
    assert_non_null(copy);
    memcpy(copy, data.data, data.length);
    struct ht_tally_part part = {minute, kind, copy, data.length};
    struct ht_error error = {0};
    int status = ht_tally_apply_part(tally, &part, &error);
    assert_int_equal(error.code, status);
    assert_int_equal(strlen(error.text) > 0, status != 0);
    free(copy);
    return status;
}

static void hands_out_each_count_once(void **state)
{
    (void)state;
    struct ht_tally *tally = make();
    struct ht_tally_parts parts;
    assert_int_equal(ht_tally_take_parts(tally, &parts), 0);
    assert_int_equal(parts.count, 0);
    add(tally, "a", MINUTE, 2);
    add(tally, "b", MINUTE - 1, 200);
    add(tally, "a", MINUTE, 1);
    add(tally, "old", MINUTE - 1440, 1);
    assert_int_equal(ht_tally_take_parts(tally, &parts), 0);
    assert_int_equal(parts.count, 2);
    assert_int_equal(parts.items[0].minute, MINUTE - 1);
    assert_int_equal(parts.items[0].length, 4);
    assert_memory_equal(parts.items[0].data, "\1b\310\1", 4);
    assert_int_equal(parts.items[1].minute, MINUTE);
    assert_int_equal(parts.items[1].length, 3);
    assert_memory_equal(parts.items[1].data, "\1a\3", 3);
    ht_tally_parts_finish(&parts);
    assert_int_equal(ht_tally_take_parts(tally, &parts), 0);
    assert_int_equal(parts.count, 0);
    ht_tally_destroy(tally);
}

static void hands_out_nothing_of_what_was_removed(void **state)
{
    (void)state;
    struct ht_tally *tally = make();
    struct ht_tally_parts parts;
    add(tally, "a", MINUTE, 2);
    add(tally, "a", MINUTE - 3, 2);
    assert_int_equal(ht_tally_remove(tally, HT_SLICE("a"), NULL), 0);
    assert_int_equal(ht_tally_take_parts(tally, &parts), 0);
    assert_int_equal(parts.count, 0);
    add(tally, "a", MINUTE, 5);
    assert_int_equal(ht_tally_advance(tally, MINUTE + 1), 0);
    assert_int_equal(ht_tally_remove(tally, HT_SLICE("a"), NULL), 0);
    add(tally, "a", MINUTE, 7);
    assert_int_equal(ht_tally_take_parts(tally, &parts), 0);
    assert_int_equal(parts.count, 1);
    assert_memory_equal(parts.items[0].data, "\1a\7", 3);
    ht_tally_parts_finish(&parts);
    ht_tally_destroy(tally);
}

static void exports_what_was_taken(void **state)
{
    (void)state;
    struct ht_tally *tally = make();
    struct ht_tally_parts parts;
    int64_t minute;
    for (int i = 0; i < 3; i++) {
        add(tally, "a", MINUTE, 1);
        add(tally, "gone", MINUTE, 1);
        assert_int_equal(ht_tally_take_parts(tally, &parts), 0);
        ht_tally_parts_finish(&parts);
    }
    add(tally, "a", MINUTE, 50);
    assert_int_equal(ht_tally_remove(tally, HT_SLICE("gone"), NULL), 0);
    assert_false(ht_tally_find_compactable(tally, 1, &minute));
    assert_int_equal(ht_tally_advance(tally, MINUTE + 1), 0);
    assert_true(ht_tally_find_compactable(tally, 3, &minute));
    assert_int_equal(minute, MINUTE);
    assert_false(ht_tally_find_compactable(tally, 4, &minute));
    struct ht_buffer data;
    ht_buffer_init(&data, 100);
    assert_int_equal(ht_tally_export_minute(tally, MINUTE, &data), 0);
    assert_int_equal(data.length, 3);
    assert_memory_equal(data.data, "\1a\3", 3);
    assert_false(ht_tally_find_compactable(tally, 0, &minute));
    assert_int_equal(ht_tally_take_parts(tally, &parts), 0);
    assert_int_equal(parts.count, 1);
    assert_memory_equal(parts.items[0].data, "\1a\62", 3);
    ht_tally_parts_finish(&parts);
    assert_int_equal(ht_tally_export_minute(tally, MINUTE - 1440, &data), HT_ENOTFOUND);
    assert_int_equal(ht_tally_export_minute(tally, MINUTE + 2, &data), HT_ENOTFOUND);
    ht_buffer_finish(&data);
    ht_buffer_init(&data, 2);
    assert_int_equal(ht_tally_export_minute(tally, MINUTE, &data), HT_ETOOBIG);
    assert_true(ht_tally_find_compactable(tally, 1, &minute));
    ht_buffer_finish(&data);
    ht_tally_destroy(tally);
}

static void replays_a_log(void **state)
{
    (void)state;
    struct ht_tally *tally = make();
    load(tally, "a");
    load(tally, "b");
    assert_int_equal(apply(tally, MINUTE, HT_TALLY_PART_ADD, HT_SLICE("\1a\3\1b\1\1a\1")), 0);
    assert_int_equal(count_of(tally, "a", HT_TALLY_5M), 4);
    assert_int_equal(count_of(tally, "a", HT_TALLY_ALL), 100);
    assert_int_equal(apply(tally, MINUTE - 30, HT_TALLY_PART_ADD, HT_SLICE("\1a\5\7missing\1")), 0);
    assert_int_equal(count_of(tally, "a", HT_TALLY_5M), 4);
    assert_int_equal(count_of(tally, "a", HT_TALLY_1H), 9);
    assert_int_equal(count_of(tally, "missing", HT_TALLY_1H), 0);
    assert_int_equal(apply(tally, MINUTE, HT_TALLY_PART_REPLACE, HT_SLICE("\1b\11")), 0);
    assert_int_equal(count_of(tally, "a", HT_TALLY_24H), 5);
    assert_int_equal(count_of(tally, "b", HT_TALLY_5M), 9);
    assert_int_equal(ht_tally_apply_deletion(tally, HT_SLICE("a")), 0);
    assert_int_equal(ht_tally_apply_deletion(tally, HT_SLICE("a")), 0);
    assert_int_equal(ht_tally_apply_deletion(tally, HT_SLICE("missing")), 0);
    assert_int_equal(count_of(tally, "a", HT_TALLY_24H), 0);
    assert_int_equal(count_of(tally, "a", HT_TALLY_ALL), 100);
    assert_int_equal(apply(tally, MINUTE - 1, HT_TALLY_PART_ADD, HT_SLICE("\1a\1")), 0);
    assert_int_equal(count_of(tally, "a", HT_TALLY_5M), 1);
    assert_int_equal(apply(tally, MINUTE - 1, HT_TALLY_PART_REPLACE, HT_SLICE("")), 0);
    assert_int_equal(count_of(tally, "a", HT_TALLY_5M), 0);
    assert_int_equal(ht_tally_total(tally, HT_TALLY_24H), 9);
    assert_int_equal(ht_tally_distinct(tally, HT_TALLY_24H), 1);
    ht_tally_destroy(tally);
}

static void skips_minutes_outside_the_day(void **state)
{
    (void)state;
    static const int64_t minutes[] = {MINUTE + 1, MINUTE - 1440, INT64_MIN, INT64_MAX, -1};
    struct ht_tally *tally = make();
    load(tally, "a");
    for (size_t i = 0; i < HT_COUNT_OF(minutes); i++) {
        assert_int_equal(apply(tally, minutes[i], HT_TALLY_PART_ADD, HT_SLICE("\1a\1")), 0);
    }
    assert_int_equal(ht_tally_total(tally, HT_TALLY_24H), 0);
    assert_int_equal(apply(tally, MINUTE - 1439, HT_TALLY_PART_ADD, HT_SLICE("\1a\1")), 0);
    assert_int_equal(ht_tally_total(tally, HT_TALLY_24H), 1);
    ht_tally_destroy(tally);
}

static void refuses_damaged_parts(void **state)
{
    (void)state;
    const struct ht_slice cases[] = {
        HT_SLICE("\0"),
        HT_SLICE("\1"),
        HT_SLICE("\1a"),
        HT_SLICE("\1a\0"),
        HT_SLICE("\2a\1"),
        HT_SLICE("\0\1"),
        HT_SLICE("\1a\1\1"),
        HT_SLICE("\1a\1\1a\200"),
        HT_SLICE("\201\20a\1"),
        HT_SLICE("\377\377\377\377\377\377\377\377\377\1a\1"),
        HT_SLICE("\377\377\377\377\377\377\377\377\377\377\377a\1"),
        HT_SLICE("\1a\377\377\377\377\377\377\377\377\377\1"),
        HT_SLICE("\1a\200\200\200\200\200\40"),
        /* The sum is too large. */
        HT_SLICE("\1a\377\377\377\377\377\37\1a\1"),
    };
    struct ht_tally *tally = make();
    load(tally, "a");
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        uint64_t version = ht_tally_version(tally);
        assert_int_equal(apply(tally, MINUTE, HT_TALLY_PART_ADD, cases[i]), HT_ECORRUPT);
        assert_int_equal(apply(tally, MINUTE, HT_TALLY_PART_REPLACE, cases[i]), HT_ECORRUPT);
        assert_int_equal(ht_tally_version(tally), version);
    }
    assert_int_equal(apply(tally, MINUTE, (enum ht_tally_part_kind)9, HT_SLICE("\1a\1")),
                     HT_ECORRUPT);
    assert_int_equal(ht_tally_total(tally, HT_TALLY_24H), 0);
    assert_int_equal(
        apply(tally, MINUTE, HT_TALLY_PART_ADD, HT_SLICE("\1a\377\377\377\377\377\37")), 0);
    assert_int_equal(count_of(tally, "a", HT_TALLY_24H), HT_TALLY_COUNT_OF_DAY_MAX);
    assert_int_equal(apply(tally, MINUTE, HT_TALLY_PART_ADD, HT_SLICE("\1a\1")), HT_ECORRUPT);
    struct ht_tally_add one = {HT_SLICE("a"), MINUTE, 0, 1};
    assert_int_equal(ht_tally_add(tally, &one), HT_ETOOBIG);
    ht_tally_destroy(tally);
}

/* Every cut and every changed byte of a good part: an error or not, but never anything worse. */
static void survives_any_damage(void **state)
{
    (void)state;
    static const char good[] = "\3abc\1\2de\200\1\5fghij\377\1\1k\1";
    struct ht_tally *tally = make();
    load(tally, "abc");
    load(tally, "k");
    for (size_t length = 0; length < sizeof(good); length++) {
        (void)apply(tally, MINUTE, HT_TALLY_PART_REPLACE, ht_slice_make(good, length));
    }
    for (size_t at = 0; at + 1 < sizeof(good); at++) {
        for (int byte = 0; byte < 256; byte++) {
            char bad[sizeof(good)];
            memcpy(bad, good, sizeof(good));
            bad[at] = (char)byte;
            (void)apply(tally, MINUTE, HT_TALLY_PART_REPLACE, ht_slice_make(bad, sizeof(bad) - 1));
        }
    }
    assert_int_equal(apply(tally, MINUTE, HT_TALLY_PART_REPLACE, HT_SLICE("")), 0);
    assert_int_equal(ht_tally_total(tally, HT_TALLY_24H), 0);
    ht_tally_destroy(tally);
}

/* Adds 1200 tags to a minute; an addition that found no memory is made again. */
static void add_all(struct ht_tally *tally, int64_t minute)
{
    for (uint32_t i = 0; i < 1200; i++) {
        char tag[20];
        int length = snprintf(tag, sizeof(tag), "tag%u", i);
        struct ht_tally_add one = {ht_slice_make(tag, (size_t)length), minute, minute * 60, 1 + i};
        int status;
        do {
            uint64_t total = ht_tally_total(tally, HT_TALLY_ALL);
            status = ht_tally_add(tally, &one);
            assert_true(status == 0 || ht_tally_total(tally, HT_TALLY_ALL) == total);
        } while (status == HT_ENOMEM);
        assert_int_equal(status, 0);
    }
}

/* Fills one tally, and another from its log; whatever finds no memory is done again. */
static void fill_two(struct ht_tally *from, struct ht_tally *to)
{
    struct ht_tally_parts parts;
    add_all(from, MINUTE);
    add_all(from, MINUTE - 3);
    while (ht_tally_take_parts(from, &parts) == HT_ENOMEM) {
        assert_null(parts.items);
    }
    add_all(from, MINUTE);
    while (ht_tally_advance(from, MINUTE + 1) == HT_ENOMEM) {
        assert_int_equal(ht_tally_minute(from), MINUTE);
    }
    while (ht_tally_reserve(to, 1200) == HT_ENOMEM) {
    }
    for (uint32_t i = 0; i < 1200; i++) {
        char tag[20];
        int length = snprintf(tag, sizeof(tag), "tag%u", i);
        struct ht_slice name = ht_slice_make(tag, (size_t)length);
        while (ht_tally_load(to, name, 3 * (1 + i), 0, 0) == HT_ENOMEM) {
        }
    }
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < parts.count; i++) {
            while (ht_tally_apply_part(to, &parts.items[i], NULL) == HT_ENOMEM) {
            }
        }
        while (round == 0 && ht_tally_apply_deletion(to, HT_SLICE("tag7")) == HT_ENOMEM) {
        }
        ht_tally_parts_finish(&parts);
        while (round == 0 && ht_tally_take_parts(from, &parts) == HT_ENOMEM) {
        }
    }
}

/* Pages through a window: tag N is there once, with 3 * (1 + N), tag 7 with `less` less. */
static void assert_counts(struct ht_tally *tally, enum ht_tally_window window, uint64_t less)
{
    static struct ht_tally_row rows[400];
    struct ht_tally_query query = {.window = window, .limit = HT_COUNT_OF(rows)};
    uint64_t seen = 0;
    for (bool more = true; more; query.has_after = true) {
        size_t count = ht_tally_top(tally, &query, rows, &more);
        for (size_t i = 0; i < count; i++) {
            char name[20];
            (void)snprintf(name, sizeof(name), "%.*s", (int)rows[i].tag.length, rows[i].tag.data);
            uint64_t number = strtoull(name + 3, NULL, 10);
            assert_int_equal(rows[i].count, 3 * (1 + number) - (number == 7 ? less : 0));
            seen++;
            query.after_count = rows[i].count;
            query.after_tag = rows[i].tag;
        }
    }
    assert_int_equal(seen, 1200);
}

static void assert_the_same(struct ht_tally *a, struct ht_tally *b)
{
    assert_counts(a, HT_TALLY_ALL, 0);
    assert_counts(b, HT_TALLY_ALL, 0);
    assert_counts(a, HT_TALLY_5M, 0);
    assert_counts(b, HT_TALLY_5M, 16);
    assert_int_equal(ht_tally_total(b, HT_TALLY_24H) + 16, ht_tally_total(a, HT_TALLY_24H));
}

/* Each allocation of the whole in turn fails once: nothing is lost, and nothing counts twice. */
static void outlives_every_failed_allocation(void **state)
{
    (void)state;
    struct ht_tally_options options = {.key = {1, 2}, .minute = MINUTE, .keep_parts = true};
    bool failed = true;
    for (size_t at = 0; failed; at += 1 + at / 20) {
        failing_memory_set(at);
        struct ht_tally *from;
        struct ht_tally *to;
        while ((from = ht_tally_create(&options)) == NULL) {
        }
        options.minute = MINUTE + 1;
        while ((to = ht_tally_create(&options)) == NULL) {
        }
        options.minute = MINUTE;
        fill_two(from, to);
        failed = failing_memory_set(SIZE_MAX);
        assert_the_same(from, to);
        ht_tally_destroy(from);
        ht_tally_destroy(to);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hands_out_each_count_once),
        cmocka_unit_test(hands_out_nothing_of_what_was_removed),
        cmocka_unit_test(exports_what_was_taken),
        cmocka_unit_test(replays_a_log),
        cmocka_unit_test(skips_minutes_outside_the_day),
        cmocka_unit_test(refuses_damaged_parts),
        cmocka_unit_test(survives_any_damage),
        cmocka_unit_test(outlives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
