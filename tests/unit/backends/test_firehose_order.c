// SPDX-License-Identifier: MIT
#include "../../../src/backends/firehose_order.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static size_t lines_of(const char *record)
{
    size_t lines = 0;
    for (; *record != '\0'; record++) {
        lines += *record == '\n';
    }
    return lines;
}

static bool take(struct ht_firehose_order *order, const char *record)
{
    return ht_firehose_order_take(order, ht_slice_text(record), lines_of(record));
}

#define LINE(id_, hashtag_) "{\"event_id\":\"" id_ "\",\"hashtag\":\"" hashtag_ "\",\"count\":1}\n"

static void records_of_one_hashtag_go_into_calls_of_their_own(void **state)
{
    (void)state;
    static const struct {
        const char *first, *second;
        bool goes_along;
    } cases[] = {
        {LINE("1", "cats"), LINE("2", "dogs"), true},
        {LINE("1", "cats"), LINE("2", "cats"), false},
        {LINE("cats", "dogs"), LINE("dogs", "cats"), true},
        {LINE("1", "a") LINE("2", "b") LINE("3", "c"), LINE("4", "d") LINE("5", "c"), false},
        {LINE("1", "a") LINE("2", "a"), LINE("3", "b") LINE("4", "b"), true},
        {LINE("1", "caf\xc3\xa9"), LINE("2", "caf\xc3\xa9"), false},
        {LINE("1", "a") "{\"event_id\":\"2\"}\n", "{\"event_id\":\"3\"}\n", true},
        {"no json\n", "no json\n", true},
        {LINE("1", "a"), "{\"item\":{\"hashtag\":\"a\"},\"hashtag\":\"b\"}\n", true},
        {LINE("1", "a"), "{\"item\":{\"hashtag\":\"b\"},\"hashtag\":\"a\"}", false},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_firehose_order order = {.count = 0};
        assert_true(take(&order, cases[i].first));
        if (take(&order, cases[i].second) != cases[i].goes_along) {
            fail_msg("case %zu", i);
        }
        ht_firehose_order_finish(&order);
    }
}

static void what_waits_leaves_nothing_behind(void **state)
{
    (void)state;
    struct ht_firehose_order order = {.count = 0};
    assert_true(take(&order, LINE("1", "a")));
    assert_false(take(&order, LINE("2", "b") LINE("3", "a")));
    assert_true(take(&order, LINE("4", "b")));
    ht_firehose_order_clear(&order);
    assert_true(take(&order, LINE("5", "a")));
    ht_firehose_order_finish(&order);
}

/* Against a table of which numbers were there. */
static void thousands_of_hashtags_are_told_apart(void **state)
{
    (void)state;
    enum { RECORDS = 5000, HASHTAGS = 4000 };
    static bool is_known[HASHTAGS];
    struct ht_firehose_order order = {.secret = {1, 2}};
    struct ht_random random;
    memset(is_known, 0, sizeof(is_known));
    ht_random_init(&random, 1);
    for (size_t i = 0; i < RECORDS; i++) {
        size_t hashtag = (size_t)ht_random_below(&random, HASHTAGS);
        char record[100];
        (void)snprintf(record, sizeof(record), LINE("x", "%zu"), hashtag);
        assert_int_equal(take(&order, record), !is_known[hashtag]);
        is_known[hashtag] = true;
    }
    ht_firehose_order_finish(&order);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_of_one_hashtag_go_into_calls_of_their_own),
        cmocka_unit_test(what_waits_leaves_nothing_behind),
        cmocka_unit_test(thousands_of_hashtags_are_told_apart),
    };
    return cmocka_run_group_tests_name("backends/firehose_order", tests, NULL, NULL);
}
