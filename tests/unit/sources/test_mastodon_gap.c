// SPDX-License-Identifier: MIT
#include "mastodon_gap.h"

#include "hashtagd/base/assert.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define T0 INT64_C(1785648000000)

/* The snowflake of `ms` after T0. */
static struct ht_mastodon_id at(int64_t ms)
{
    struct ht_mastodon_id id = {0};
    char text[32];
    snprintf(text, sizeof(text), "%" PRId64, (T0 + ms) * 65536 + 7);
    assert_true(ht_mastodon_id_set(&id, ht_slice_text(text)));
    return id;
}

static void live(struct ht_mastodon_gap *gap, int64_t ms)
{
    struct ht_mastodon_id id = at(ms);
    ht_mastodon_gap_live(gap, &id);
}

static enum ht_mastodon_gap_verdict page(struct ht_mastodon_gap *gap, int64_t newest_ms,
                                         size_t count)
{
    const struct ht_mastodon_gap_page page = {at(newest_ms), count, count};
    return ht_mastodon_gap_page(gap, &page);
}

static enum ht_mastodon_gap_verdict empty_page(struct ht_mastodon_gap *gap)
{
    const struct ht_mastodon_gap_page page = {0};
    return ht_mastodon_gap_page(gap, &page);
}

static void assert_known(const struct ht_mastodon_gap *gap, int64_t ms)
{
    struct ht_mastodon_id id = at(ms);
    assert_int_equal(ht_mastodon_id_compare(&gap->known, &id), 0);
}

static void test_first_stream_fills_nothing(void **state)
{
    (void)state;
    struct ht_mastodon_gap gap = {0};
    ht_mastodon_gap_open(&gap);
    assert_false(gap.is_filling);
    assert_int_equal(gap.known.length, 0);
    live(&gap, 100);
    assert_known(&gap, 100);
    live(&gap, 50); /* came late */
    assert_known(&gap, 100);
    live(&gap, 200);
    assert_known(&gap, 200);
}

static void test_anchor_only_where_nothing_is_known(void **state)
{
    (void)state;
    struct ht_mastodon_gap gap = {0};
    struct ht_mastodon_id anchor = at(10), other = at(20);
    ht_mastodon_gap_open(&gap);
    ht_mastodon_gap_anchor(&gap, &anchor);
    assert_known(&gap, 10);
    ht_mastodon_gap_anchor(&gap, &other);
    assert_known(&gap, 10);
}

static struct ht_mastodon_gap reopened(void)
{
    struct ht_mastodon_gap gap = {0};
    ht_mastodon_gap_open(&gap);
    live(&gap, 20000);
    ht_mastodon_gap_close(&gap);
    ht_mastodon_gap_open(&gap);
    return gap;
}

static void test_pages_begin_a_little_before_what_is_known(void **state)
{
    (void)state;
    struct ht_mastodon_gap gap = reopened();
    assert_true(gap.is_filling);
    assert_true(ht_mastodon_id_time_ms(&gap.after) == T0 + 10000);
}

static void test_cursor_does_not_pass_the_gap(void **state)
{
    (void)state;
    struct ht_mastodon_gap gap = reopened();
    live(&gap, 90000);
    assert_known(&gap, 20000);
    assert_int_equal(page(&gap, 19000, 40), HT_MASTODON_GAP_MORE); /* the overlap alone */
    assert_known(&gap, 20000);
    assert_int_equal(page(&gap, 40000, 40), HT_MASTODON_GAP_MORE);
    assert_known(&gap, 40000);
    live(&gap, 91000);
    assert_known(&gap, 40000);
    assert_int_equal(page(&gap, 60000, 40), HT_MASTODON_GAP_MORE);
    assert_int_equal(empty_page(&gap), HT_MASTODON_GAP_FILLED);
    assert_false(gap.is_filling);
    assert_known(&gap, 91000);
    live(&gap, 92000);
    assert_known(&gap, 92000);
}

static void test_lost_connection_goes_on_where_pages_ended(void **state)
{
    (void)state;
    struct ht_mastodon_gap gap = reopened();
    live(&gap, 90000);
    assert_int_equal(page(&gap, 40000, 40), HT_MASTODON_GAP_MORE);
    ht_mastodon_gap_close(&gap);
    assert_known(&gap, 40000);
    ht_mastodon_gap_open(&gap);
    assert_true(gap.is_filling);
    assert_int_equal(gap.page_count, 0);
    assert_true(ht_mastodon_id_time_ms(&gap.after) == T0 + 30000);
}

static void test_page_that_reaches_the_opening_is_the_last(void **state)
{
    (void)state;
    struct ht_mastodon_gap gap = reopened();
    ht_mastodon_gap_opened_at(&gap, T0 + 60000);
    ht_mastodon_gap_opened_at(&gap, T0 + 90000); /* too late to say so */
    assert_int_equal(page(&gap, 59999, 40), HT_MASTODON_GAP_MORE);
    assert_int_equal(page(&gap, 60000, 40), HT_MASTODON_GAP_FILLED);
    assert_known(&gap, 60000);
}

static void test_page_that_leads_nowhere_is_the_last(void **state)
{
    (void)state;
    struct ht_mastodon_gap gap = reopened();
    assert_int_equal(page(&gap, 40000, 40), HT_MASTODON_GAP_MORE);
    assert_int_equal(page(&gap, 40000, 40), HT_MASTODON_GAP_FILLED);
}

/* A page of `count` that had all come before. */
static enum ht_mastodon_gap_verdict old_page(struct ht_mastodon_gap *gap, int64_t newest_ms,
                                             size_t count)
{
    const struct ht_mastodon_gap_page page = {at(newest_ms), count, 0};
    return ht_mastodon_gap_page(gap, &page);
}

static void test_page_of_what_the_stream_brought_is_the_last(void **state)
{
    (void)state;
    struct ht_mastodon_gap gap = reopened();
    for (int64_t i = 0; i < HT_MASTODON_GAP_HORIZON_STATUSES - 1; i++) {
        live(&gap, 60000 + i);
    }
    assert_int_equal(old_page(&gap, 60100, 40), HT_MASTODON_GAP_MORE); /* too few came */
    live(&gap, 60200);
    live(&gap, 90000); /* not one of the first */
    assert_int_equal(old_page(&gap, 60199, 40), HT_MASTODON_GAP_MORE);
    assert_int_equal(page(&gap, 60210, 40), HT_MASTODON_GAP_MORE);
    assert_int_equal(old_page(&gap, 60220, 19), HT_MASTODON_GAP_MORE);
    assert_int_equal(old_page(&gap, 60230, 20), HT_MASTODON_GAP_FILLED);
}

static void test_what_an_earlier_stream_brought_is_no_end(void **state)
{
    (void)state;
    struct ht_mastodon_gap gap = reopened();
    for (int64_t i = 0; i < 100; i++) {
        live(&gap, 60000 + i); /* behind the first gap, which stays open */
    }
    ht_mastodon_gap_close(&gap);
    ht_mastodon_gap_open(&gap);
    for (int64_t i = 0; i < 100; i++) {
        live(&gap, 90000 + i);
    }
    assert_int_equal(page(&gap, 59999, 40), HT_MASTODON_GAP_MORE);
    assert_int_equal(old_page(&gap, 60039, 40), HT_MASTODON_GAP_MORE);
    assert_int_equal(old_page(&gap, 60079, 40), HT_MASTODON_GAP_MORE);
    assert_int_equal(page(&gap, 80000, 40), HT_MASTODON_GAP_MORE);
    assert_int_equal(old_page(&gap, 90039, 40), HT_MASTODON_GAP_FILLED);
}

static void assert_begin(const struct ht_mastodon_gap *gap, int64_t ms)
{
    struct ht_mastodon_id begin = ht_mastodon_gap_begin(gap);
    assert_true(ht_mastodon_id_time_ms(&begin) == T0 + ms);
}

static void test_overlap_is_bounded_by_time_and_count(void **state)
{
    (void)state;
    struct ht_mastodon_gap gap = {0};
    ht_mastodon_gap_open(&gap);
    for (int64_t i = 0; i < HT_MASTODON_GAP_OVERLAP_STATUSES - 1; i++) {
        live(&gap, 20000 + i);
    }
    assert_begin(&gap, 20000 + HT_MASTODON_GAP_OVERLAP_STATUSES - 2 - 10000);
    live(&gap, 21000);
    assert_begin(&gap, 20000);
    live(&gap, 21001);
    assert_begin(&gap, 20001);
    live(&gap, 50000);
    assert_begin(&gap, 40000);
    /* what comes while a gap is open tells nothing of what is in front of it */
    ht_mastodon_gap_open(&gap);
    for (int64_t i = 0; i < HT_MASTODON_GAP_OVERLAP_STATUSES; i++) {
        live(&gap, 90000 + i);
    }
    ht_mastodon_gap_close(&gap);
    assert_begin(&gap, 50000);
}

static void test_restored(void **state)
{
    (void)state;
    struct ht_mastodon_gap gap = {0};
    struct ht_mastodon_id known = at(20000), begin = at(19500), none = {0};
    ht_mastodon_gap_restore(&gap, &known, &begin);
    assert_known(&gap, 20000);
    assert_begin(&gap, 19500);
    gap = (struct ht_mastodon_gap){0};
    ht_mastodon_gap_restore(&gap, &known, &none);
    assert_begin(&gap, 10000);
}

static void test_bounds(void **state)
{
    (void)state;
    static const struct {
        size_t statuses;
        unsigned pages;
    } cases[] = {{1, HT_MASTODON_GAP_PAGES_MAX}, {40, HT_MASTODON_GAP_PAGES_MAX}, {100, 20}};
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_mastodon_gap gap = reopened();
        live(&gap, 900000);
        for (unsigned n = 1; n < cases[i].pages; n++) {
            assert_int_equal(page(&gap, 20000 + n, cases[i].statuses), HT_MASTODON_GAP_MORE);
        }
        assert_int_equal(page(&gap, 30000, cases[i].statuses), HT_MASTODON_GAP_TOO_WIDE);
        assert_false(gap.is_filling);
        assert_int_equal(gap.page_count, cases[i].pages);
        assert_int_equal(gap.status_count, cases[i].pages * cases[i].statuses);
        assert_known(&gap, 900000);
    }
}

static void test_given_up_goes_on_with_the_stream(void **state)
{
    (void)state;
    struct ht_mastodon_gap gap = reopened();
    ht_mastodon_gap_give_up(&gap);
    assert_known(&gap, 20000);
    live(&gap, 90000);
    assert_known(&gap, 90000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_stream_fills_nothing),
        cmocka_unit_test(test_anchor_only_where_nothing_is_known),
        cmocka_unit_test(test_pages_begin_a_little_before_what_is_known),
        cmocka_unit_test(test_cursor_does_not_pass_the_gap),
        cmocka_unit_test(test_lost_connection_goes_on_where_pages_ended),
        cmocka_unit_test(test_page_that_reaches_the_opening_is_the_last),
        cmocka_unit_test(test_page_that_leads_nowhere_is_the_last),
        cmocka_unit_test(test_page_of_what_the_stream_brought_is_the_last),
        cmocka_unit_test(test_what_an_earlier_stream_brought_is_no_end),
        cmocka_unit_test(test_overlap_is_bounded_by_time_and_count),
        cmocka_unit_test(test_restored),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_given_up_goes_on_with_the_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
