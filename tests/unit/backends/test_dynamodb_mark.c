// SPDX-License-Identifier: MIT
#include "../../../src/backends/dynamodb_mark.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void names_are_short_and_lead_back_to_the_shard(void **state)
{
    static const struct {
        const char *shard_id, *name;
    } cases[] = {
        {"shardId-000000000000", "m0"},
        {"shardId-000000000031", "m1f"},
        {"shardId-999999999999", "me8d4a50fff"},
        {"shardId-00000001700000000000-abcdef01", "m:shardId-00000001700000000000-abcdef01"},
        {"shardId-00000000003x", "m:shardId-00000000003x"},
        {"shard 7", "m:shard 7"},
    };
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        char name[HT_MARK_NAME_BYTES], shard_id[HT_SHARD_ID_BYTES];
        ht_mark_name(cases[i].shard_id, name);
        assert_string_equal(name, cases[i].name);
        assert_true(ht_mark_shard(ht_slice_text(name), shard_id));
        assert_string_equal(shard_id, cases[i].shard_id);
    }
}

static void other_attributes_are_no_marks(void **state)
{
    static const char *const names[] = {"m",  "",    "htCount", "mood",         "m01", "mF",
                                        "m:", "m-1", "made by", "mfffffffffff", "x1"};
    char shard_id[HT_SHARD_ID_BYTES];
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(names); i++) {
        assert_false(ht_mark_shard(ht_slice_text(names[i]), shard_id));
    }
    assert_false(ht_mark_shard(ht_slice_make("m:a\0b", 5), shard_id));
}

/* As strings they order as the records do. */
static void values_order_as_records_do(void **state)
{
    static const struct {
        const char *sequence;
        uint64_t sub;
    } places[] = {{"0", 0},
                  {"9", 0},
                  {"9", 1},
                  {"9", 10},
                  {"10", 0},
                  {"99", 999},
                  {"100", 0},
                  {"49590338271490256608559692538361571095921575989136588898", 0},
                  {"49590338271490256608559692538361571095921575989136588898", 3}};
    char before[HT_MARK_VALUE_BYTES] = "", value[HT_MARK_VALUE_BYTES];
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(places); i++) {
        struct ht_slice sequence;
        uint64_t sub;
        ht_mark_value(ht_slice_text(places[i].sequence), places[i].sub, value);
        assert_true(strcmp(before, value) < 0);
        assert_true(ht_mark_read(ht_slice_text(value), &sequence, &sub));
        assert_true(ht_slice_equal(sequence, ht_slice_text(places[i].sequence)));
        assert_int_equal(sub, places[i].sub);
        memcpy(before, value, sizeof(before));
    }
    ht_mark_value(HT_SLICE("0042"), 0, value);
    assert_string_equal(value, "00242");
}

static void what_is_no_value_is_refused(void **state)
{
    static const char *const values[] = {
        "",        "001",           "000",           "0025",  "002x5", "00215.",
        "00215.1", "00215.123456x", "00215x1234567", "99915", "-0215"};
    struct ht_slice sequence;
    uint64_t sub;
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(values); i++) {
        assert_false(ht_mark_read(ht_slice_text(values[i]), &sequence, &sub));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_short_and_lead_back_to_the_shard),
        cmocka_unit_test(other_attributes_are_no_marks),
        cmocka_unit_test(values_order_as_records_do),
        cmocka_unit_test(what_is_no_value_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
