// SPDX-License-Identifier: MIT
#include "hashtagd/tally/tally.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MINUTE 1000000

struct item {
    struct ht_slice tag;
    uint32_t count;
};

static struct ht_tally *make(void)
{
    const struct item items[] = {
        {HT_SLICE("b"), 5},   {HT_SLICE("a"), 5},        {HT_SLICE("ab"), 5},
        {HT_SLICE("aa"), 7},  {HT_SLICE("a\0b"), 1},     {HT_SLICE("\xff"), 5},
        {HT_SLICE("abc"), 9}, {HT_SLICE("\xc3\xa4"), 2},
    };
    struct ht_tally_options options = {.key = {1, 2}, .minute = MINUTE};
    struct ht_tally *tally = ht_tally_create(&options);
    assert_non_null(tally);
    for (size_t i = 0; i < HT_COUNT_OF(items); i++) {
        struct ht_tally_add one = {items[i].tag, MINUTE, MINUTE * 60, items[i].count};
        assert_int_equal(ht_tally_add(tally, &one), 0);
    }
    return tally;
}

/* What a query finds: "rank.tag=count" for each row, then "..." where more follow. */
static const char *ask(struct ht_tally *tally, const struct ht_tally_query *query)
{
    static char text[500];
    struct ht_tally_row rows[20];
    bool more;
    size_t count = ht_tally_top(tally, query, rows, &more);
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%u.%.*s=%u ",
                                 (unsigned)rows[i].rank, (int)rows[i].tag.length, rows[i].tag.data,
                                 (unsigned)rows[i].count);
    }
    (void)snprintf(text + used, sizeof(text) - used, "%s", more ? "..." : "");
    return text;
}

static void answers_as_asked(void **state)
{
    (void)state;
    const struct {
        struct ht_tally_query query;
        const char *answer;
    } cases[] = {
        {{.limit = 3}, "1.abc=9 2.aa=7 3.a=5 ..."},
        {{.limit = 0}, "1.abc=9 ..."},
        {{.limit = 7, .window = HT_TALLY_5M},
         "1.abc=9 2.aa=7 3.a=5 4.ab=5 5.b=5 6.\xff=5 7.\xc3\xa4=2 ..."},
        {{.limit = 20, .prefix = HT_SLICE("a")}, "1.abc=9 2.aa=7 3.a=5 4.ab=5 5.a=1 "},
        {{.limit = 20, .prefix = HT_SLICE("a\0")}, "1.a=1 "},
        {{.limit = 20, .prefix = HT_SLICE("abc")}, "1.abc=9 "},
        {{.limit = 20, .prefix = HT_SLICE("abcd")}, ""},
        {{.limit = 20, .prefix = HT_SLICE("\xc3")}, "1.\xc3\xa4=2 "},
        {{.limit = 2, .has_after = true, .after_count = 5, .after_tag = HT_SLICE("a")},
         "4.ab=5 5.b=5 ..."},
        {{.limit = 3, .has_after = true, .after_count = 5, .after_tag = HT_SLICE("aZ")},
         "4.ab=5 5.b=5 6.\xff=5 ..."},
        {{.limit = 1, .has_after = true, .after_count = 6, .after_tag = HT_SLICE("zzz")},
         "3.a=5 ..."},
        {{.limit = 2, .has_after = true, .after_count = 1, .after_tag = HT_SLICE("a\0b")}, ""},
        {{.limit = 2, .has_after = true, .after_count = UINT64_MAX, .after_tag = HT_SLICE("")},
         "1.abc=9 2.aa=7 ..."},
        {{.limit = 2,
          .has_after = true,
          .after_count = 7,
          .after_tag = HT_SLICE("aa"),
          .prefix = HT_SLICE("a")},
         "3.a=5 4.ab=5 ..."},
    };
    struct ht_tally *tally = make();
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        assert_string_equal(ask(tally, &cases[i].query), cases[i].answer);
    }
    ht_tally_destroy(tally);
}

static void answers_of_nothing(void **state)
{
    (void)state;
    struct ht_tally_options options = {.key = {1, 2}, .minute = MINUTE};
    struct ht_tally *tally = ht_tally_create(&options);
    assert_non_null(tally);
    struct ht_tally_query query = {.limit = 20, .window = HT_TALLY_1H};
    assert_string_equal(ask(tally, &query), "");
    query.prefix = HT_SLICE("a");
    assert_string_equal(ask(tally, &query), "");
    struct ht_tally_item item;
    uint64_t series[HT_TALLY_SERIES_COUNT];
    assert_int_equal(ht_tally_get(tally, HT_SLICE("a"), &item), HT_ENOTFOUND);
    assert_int_equal(ht_tally_get(tally, HT_SLICE(""), &item), HT_ENOTFOUND);
    assert_int_equal(ht_tally_get_series(tally, HT_SLICE("a"), series), HT_ENOTFOUND);
    assert_int_equal(ht_tally_remove(tally, HT_SLICE("a"), NULL), HT_ENOTFOUND);
    ht_tally_destroy(tally);
    ht_tally_destroy(NULL);
}

static void tells_an_item(void **state)
{
    (void)state;
    struct ht_tally *tally = make();
    const struct ht_tally_add adds[] = {
        {HT_SLICE("b"), MINUTE - 1, MINUTE * 60 - 50, 2},
        {HT_SLICE("b"), MINUTE - 59, MINUTE * 60 - 3000, 3},
        {HT_SLICE("b"), MINUTE - 60, MINUTE * 60 - 3600, 4},
        {HT_SLICE("b"), MINUTE - 1439, 5, 6},
        {HT_SLICE("b"), MINUTE - 1440, 6, 7},
    };
    size_t done;
    assert_int_equal(ht_tally_add_batch(tally, adds, HT_COUNT_OF(adds), &done), 0);
    struct ht_tally_item item;
    assert_int_equal(ht_tally_get(tally, HT_SLICE("b"), &item), 0);
    assert_int_equal(item.counts[HT_TALLY_ALL], 27);
    assert_int_equal(item.counts[HT_TALLY_24H], 20);
    assert_int_equal(item.counts[HT_TALLY_1H], 10);
    assert_int_equal(item.counts[HT_TALLY_5M], 7);
    assert_int_equal(item.ranks[HT_TALLY_ALL], 1);
    assert_int_equal(item.ranks[HT_TALLY_5M], 3);
    assert_int_equal(item.first_seen_s, 5);
    assert_int_equal(item.last_seen_s, MINUTE * 60);
    assert_int_equal(item.series[59], 5);
    assert_int_equal(item.series[58], 2);
    assert_int_equal(item.series[0], 3);
    assert_int_equal(item.series_24h[47], 7);
    assert_int_equal(item.series_24h[46], 3);
    assert_int_equal(item.series_24h[45], 4);
    assert_int_equal(item.series_24h[0], 6);
    assert_int_equal(ht_tally_remove(tally, HT_SLICE("b"), &item), 0);
    assert_int_equal(item.counts[HT_TALLY_24H], 20);
    assert_int_equal(item.first_seen_s, 5);
    assert_int_equal(ht_tally_get(tally, HT_SLICE("b"), &item), HT_ENOTFOUND);
    ht_tally_destroy(tally);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_as_asked),
        cmocka_unit_test(answers_of_nothing),
        cmocka_unit_test(tells_an_item),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
