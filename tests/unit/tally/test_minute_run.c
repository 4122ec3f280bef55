// SPDX-License-Identifier: MIT
#include "../../../src/tally/minute_run.h"
#include "../../../src/tally/varint.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/random.h"

#include "../../support/effort.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct entry {
    uint32_t slot;
    uint64_t count;
};

static struct ht_minute_run *pack(struct ht_minute_run_writer *writer, const struct entry *entries,
                                  size_t count)
{
    ht_minute_run_writer_begin(writer);
    for (size_t i = 0; i < count; i++) {
        ht_minute_run_writer_put(writer, entries[i].slot, entries[i].count);
    }
    struct ht_minute_run *run = ht_minute_run_writer_end(writer);
    assert_non_null(run);
    assert_int_equal(run->entry_count, count);
    return run;
}

static void assert_holds(const struct ht_minute_run *run, const struct entry *entries, size_t count)
{
    struct ht_minute_run_cursor cursor = ht_minute_run_begin(run);
    for (size_t i = 0; i < count; i++) {
        assert_true(ht_minute_run_next(&cursor));
        assert_int_equal(cursor.slot, entries[i].slot);
        assert_int_equal(cursor.count, entries[i].count);
        assert_int_equal(ht_minute_run_find(run, entries[i].slot), entries[i].count);
    }
    assert_false(ht_minute_run_next(&cursor));
}

static void holds_what_was_put(void **state)
{
    (void)state;
    static const struct entry cases[][3] = {
        {{0, 1}, {1, 1}, {2, 1}},
        {{0, 2}, {63, 1}, {64, 300}},
        {{7, UINT64_MAX}, {8, 1}, {UINT32_MAX - 1, UINT64_C(1) << 40}},
        {{UINT32_MAX - 3, 1}, {UINT32_MAX - 2, 127}, {UINT32_MAX - 1, 128}},
    };
    struct ht_minute_run_writer writer = {0};
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        for (size_t count = 0; count <= 3; count++) {
            struct ht_minute_run *run = pack(&writer, cases[i], count);
            assert_holds(run, cases[i], count);
            free(run);
        }
    }
    ht_minute_run_writer_finish(&writer);
}

static void finds_nothing_between_entries(void **state)
{
    (void)state;
    struct entry entries[1000];
    for (uint32_t i = 0; i < HT_COUNT_OF(entries); i++) {
        entries[i] = (struct entry){10 + i * 3, 1 + i % 5};
    }
    struct ht_minute_run_writer writer = {0};
    struct ht_minute_run *run = pack(&writer, entries, HT_COUNT_OF(entries));
    for (uint32_t slot = 0; slot < 3100; slot++) {
        bool is_entry = slot >= 10 && (slot - 10) % 3 == 0 && slot < 3010;
        assert_int_equal(ht_minute_run_find(run, slot), is_entry ? 1 + (slot - 10) / 3 % 5 : 0);
    }
    free(run);
    ht_minute_run_writer_finish(&writer);
}

/* Bits an entry, the marks included, by the mean distance of the slots. */
static void takes_few_bits_an_entry(void **state)
{
    (void)state;
    static const struct {
        uint64_t distance;
        uint64_t most_bits;
    } cases[] = {{1, 3}, {2, 4}, {10, 7}, {100, 10}, {100000, 20}};
    struct ht_minute_run_writer writer = {0};
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_random random;
        ht_random_init(&random, i);
        ht_minute_run_writer_begin(&writer);
        uint32_t slot = 0;
        for (int k = 0; k < 10000; k++) {
            ht_minute_run_writer_put(&writer, slot, 1);
            slot += 1 + (uint32_t)ht_random_below(&random, 2 * cases[i].distance - 1);
        }
        struct ht_minute_run *run = ht_minute_run_writer_end(&writer);
        assert_non_null(run);
        assert_in_range(ht_minute_run_memory_bytes(run) * 8, 1, 10000 * cases[i].most_bits);
        free(run);
    }
    ht_minute_run_writer_finish(&writer);
}

/* Blocks of every length with distances and counts of every size. */
static void holds_random_entries(void **state)
{
    (void)state;
    struct ht_random random;
    ht_random_init(&random, 1);
    struct ht_minute_run_writer writer = {0};
    for (size_t count = 0; count < 700; count += effort(1, 5)) {
        struct entry entries[700];
        uint32_t slot = 0;
        for (size_t i = 0; i < count; i++) {
            slot += 1 + (uint32_t)(ht_random_u64(&random) >> (42 + ht_random_below(&random, 22)));
            uint64_t size = ht_random_u64(&random) >> ht_random_below(&random, 64);
            entries[i] = (struct entry){slot, size == 0 ? 1 : size};
        }
        struct ht_minute_run *run = pack(&writer, entries, count);
        assert_holds(run, entries, count);
        free(run);
    }
    ht_minute_run_writer_finish(&writer);
}

static void merges_to_the_sums(void **state)
{
    (void)state;
    struct ht_random random;
    ht_random_init(&random, 7);
    struct ht_minute_run_writer writer = {0};
    for (int round = 0; round < 200; round++) {
        uint64_t sums[600] = {0};
        struct ht_minute_run *runs = NULL;
        size_t count = 1 + (size_t)round % HT_MINUTE_RUN_MERGE_MAX;
        for (size_t side = 0; side < count; side++) {
            ht_minute_run_writer_begin(&writer);
            for (uint32_t slot = 0; slot < HT_COUNT_OF(sums); slot++) {
                uint64_t more = 1 + ht_random_below(&random, 400);
                if (ht_random_below(&random, 200) < (uint64_t)round) {
                    ht_minute_run_writer_put(&writer, slot, more);
                    sums[slot] += more;
                }
            }
            struct ht_minute_run *run = ht_minute_run_writer_end(&writer);
            assert_non_null(run);
            run->next = runs;
            runs = run;
        }
        runs->taken = true;
        struct ht_minute_run *merged = ht_minute_run_merge(&writer, runs, count);
        assert_non_null(merged);
        assert_true(merged->taken);
        for (uint32_t slot = 0; slot < HT_COUNT_OF(sums); slot++) {
            assert_int_equal(ht_minute_run_find(merged, slot), sums[slot]);
        }
        free(merged);
        while (runs != NULL) {
            struct ht_minute_run *next = runs->next;
            free(runs);
            runs = next;
        }
    }
    ht_minute_run_writer_finish(&writer);
}

static void reads_only_whole_varints(void **state)
{
    (void)state;
    static const struct {
        unsigned char bytes[11];
        size_t length;
        bool good;
        uint64_t value;
    } cases[] = {
        {{0}, 0, false, 0},
        {{0x80}, 1, false, 0},
        {{0x00}, 1, true, 0},
        {{0x7f}, 1, true, 127},
        {{0x80, 0x01}, 2, true, 128},
        {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, 10, true, UINT64_MAX},
        {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02}, 10, false, 0},
        {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, 11, false, 0},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        const unsigned char *at = cases[i].bytes;
        uint64_t value;
        assert_int_equal(ht_varint_read(&at, cases[i].bytes + cases[i].length, &value),
                         cases[i].good);
        if (cases[i].good) {
            assert_int_equal(value, cases[i].value);
            unsigned char written[HT_VARINT_MAX_BYTES];
            assert_int_equal(ht_varint_put(written, value), cases[i].length);
            assert_memory_equal(written, cases[i].bytes, cases[i].length);
            at = written;
            assert_int_equal(ht_varint_get(&at), value);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_what_was_put),      cmocka_unit_test(finds_nothing_between_entries),
        cmocka_unit_test(takes_few_bits_an_entry), cmocka_unit_test(holds_random_entries),
        cmocka_unit_test(merges_to_the_sums),      cmocka_unit_test(reads_only_whole_varints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
