// SPDX-License-Identifier: MIT
#include "mastodon_pace.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define NOW INT64_C(1785648137000) /* 2026-08-02T05:22:17Z */

/* Headers as "Name: value" texts, at most four. */
struct headers {
    struct ht_http_header items[4];
    size_t count;
};

static struct headers parse(const char *const texts[4])
{
    struct headers headers = {.count = 0};
    for (size_t i = 0; i < 4 && texts[i] != NULL; i++) {
        const char *colon = strchr(texts[i], ':');
        headers.items[headers.count++] = (struct ht_http_header){
            ht_slice_make(texts[i], (size_t)(colon - texts[i])), ht_slice_text(colon + 2)};
    }
    return headers;
}

static void test_decisions(void **state)
{
    (void)state;
    static const struct {
        int code, status;
        unsigned failures;
        bool is_of_hashtag;
        const char *headers[4];
        enum ht_mastodon_pace_action action;
        uint64_t least_ms, most_ms;
    } cases[] = {
        {0, 200, 0, false, {NULL}, HT_MASTODON_PACE_TAKE, 0, 0},
        {0, 200, 3, false, {"X-RateLimit-Remaining: 1"}, HT_MASTODON_PACE_TAKE, 0, 0},
        {0,
         200,
         0,
         false,
         {"x-ratelimit-remaining: 0", "X-RateLimit-Reset: 2026-08-02T05:25:00.123456Z"},
         HT_MASTODON_PACE_TAKE,
         164123,
         164123},
        {0, 200, 0, false, {"X-RateLimit-Remaining: 0"}, HT_MASTODON_PACE_TAKE, 1000, 1000},
        {0,
         200,
         0,
         false,
         {"X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 2036-08-02T05:25:00Z"},
         HT_MASTODON_PACE_TAKE,
         HT_MASTODON_PACE_WAIT_MAX_MS,
         HT_MASTODON_PACE_WAIT_MAX_MS},
        {0, 429, 0, false, {"Retry-After: 90"}, HT_MASTODON_PACE_AGAIN, 90000, 90000},
        {0, 429, 0, false, {"Retry-After: 99999"}, HT_MASTODON_PACE_AGAIN, 900000, 900000},
        {0,
         429,
         0,
         false,
         {"X-RateLimit-Reset: 2026-08-02T05:25:00.123456Z"},
         HT_MASTODON_PACE_AGAIN,
         164123,
         164123},
        {0, 429, 0, false, {"Retry-After: soon"}, HT_MASTODON_PACE_AGAIN, 60000, 60000},
        {0, 500, 0, false, {NULL}, HT_MASTODON_PACE_AGAIN, 1000, 2000},
        {0, 503, 1, false, {NULL}, HT_MASTODON_PACE_AGAIN, 2000, 4000},
        {0, 503, 8, false, {NULL}, HT_MASTODON_PACE_AGAIN, 30000, 60000},
        {0, 503, 9, false, {NULL}, HT_MASTODON_PACE_GIVE_UP, 0, 0},
        {HT_ECONNECTION, 0, 0, false, {NULL}, HT_MASTODON_PACE_AGAIN, 1000, 2000},
        {HT_ETOOBIG, 200, 0, false, {NULL}, HT_MASTODON_PACE_AGAIN, 1000, 2000},
        {HT_ETIMEDOUT, 0, 9, false, {NULL}, HT_MASTODON_PACE_GIVE_UP, 0, 0},
        {0, 401, 0, false, {NULL}, HT_MASTODON_PACE_GIVE_UP, 0, 0},
        {0, 403, 0, false, {NULL}, HT_MASTODON_PACE_GIVE_UP, 0, 0},
        {0, 404, 0, false, {NULL}, HT_MASTODON_PACE_GIVE_UP, 0, 0},
        {0, 404, 0, true, {NULL}, HT_MASTODON_PACE_NOTHING, 0, 0},
        {0, 422, 0, true, {NULL}, HT_MASTODON_PACE_GIVE_UP, 0, 0},
    };
    struct ht_random random;
    ht_random_init(&random, 1);
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct headers headers = parse(cases[i].headers);
        struct ht_mastodon_pace_input input = {.code = cases[i].code,
                                               .status = cases[i].status,
                                               .headers = headers.items,
                                               .header_count = headers.count,
                                               .is_of_hashtag = cases[i].is_of_hashtag,
                                               .failures = cases[i].failures,
                                               .now_ms = NOW};
        struct ht_mastodon_pace_decision decision = ht_mastodon_pace_decide(&input, &random);
        assert_int_equal(decision.action, cases[i].action);
        assert_in_range(decision.wait_ms, cases[i].least_ms, cases[i].most_ms);
    }
}

static void test_limits(void **state)
{
    (void)state;
    static const char *const told[4] = {"X-RateLimit-Limit: 300", "X-RateLimit-Remaining: 299",
                                        "X-RateLimit-Reset: 2026-08-02T05:25:00.000000Z"};
    static const char *const nonsense[4] = {"X-RateLimit-Limit: many", "X-RateLimit-Remaining: -1",
                                            "X-RateLimit-Reset: 1785648300"};
    struct headers headers = parse(told);
    struct ht_mastodon_limits limits = ht_mastodon_limits_read(headers.items, headers.count);
    assert_true(limits.limit == 300 && limits.remaining == 299);
    assert_true(limits.reset_ms == INT64_C(1785648300000));
    headers = parse(nonsense);
    limits = ht_mastodon_limits_read(headers.items, headers.count);
    assert_true(limits.limit == -1 && limits.remaining == -1 && limits.reset_ms == 0);
}

static void test_date(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        int64_t date_ms;
    } cases[] = {
        {"Date: Sun, 02 Aug 2026 05:22:17 GMT", NOW},
        {"date: Sun, 06 Nov 1994 08:49:37 GMT", INT64_C(784111777000)},
        {"Date: Sun, 06 Xxx 1994 08:49:37 GMT", 0},
        {"Date: Sunday, 06-Nov-94 08:49:37 GMT", 0},
        {"Date: Sun, aa Nov 1994 08:49:37 GMT", 0},
        {"Date: ", 0},
        {"Other: x", 0},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct headers headers = parse((const char *const[4]){cases[i].header});
        assert_true(ht_mastodon_date_ms(headers.items, headers.count) == cases[i].date_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decisions),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
