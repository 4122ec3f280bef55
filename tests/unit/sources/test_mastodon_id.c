// SPDX-License-Identifier: MIT
#include "mastodon_id.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct ht_mastodon_id make(const char *text)
{
    struct ht_mastodon_id id = {0};
    if (*text != '\0') {
        assert_true(ht_mastodon_id_set(&id, ht_slice_text(text)));
    }
    return id;
}

static void assert_id(const struct ht_mastodon_id *id, const char *text)
{
    assert_true(ht_slice_equal(ht_mastodon_id_slice(id), ht_slice_text(text)));
}

static void test_what_is_an_id(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_id;
    } cases[] = {
        {"1", true},
        {"117024236332527350", true},
        {"01HZX3T6YJ8C4M8V6B2Z6Q1W9E", true},
        {"0123456789012345678901234567890123456789012345678901234567890123", true},
        {"01234567890123456789012345678901234567890123456789012345678901234", false},
        {"", false},
        {"1 2", false},
        {"1\"", false},
        {"1&limit=1", false},
        {"\xc3\xa4", false},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_mastodon_id id = make("7");
        assert_int_equal(ht_mastodon_id_set(&id, ht_slice_text(cases[i].text)), cases[i].is_id);
        assert_id(&id, cases[i].is_id ? cases[i].text : "7");
    }
}

static void test_order_is_by_length_then_bytes(void **state)
{
    (void)state;
    static const char *const ordered[] = {"",
                                          "1",
                                          "9",
                                          "10",
                                          "99999",
                                          "108914327388663283",
                                          "108914327388663284",
                                          "117024236332527350",
                                          "01HZX3T6YJ8C4M8V6B2Z6Q1W9E",
                                          "01HZX3T6YJ8C4M8V6B2Z6Q1W9F"};
    for (size_t i = 0; i < HT_COUNT_OF(ordered); i++) {
        for (size_t k = 0; k < HT_COUNT_OF(ordered); k++) {
            struct ht_mastodon_id a = make(ordered[i]), b = make(ordered[k]);
            int order = ht_mastodon_id_compare(&a, &b);
            assert_true(i < k ? order < 0 : i > k ? order > 0 : order == 0);
            ht_mastodon_id_advance(&a, &b);
            assert_id(&a, ordered[i > k ? i : k]);
        }
    }
}

static void test_time_of_a_snowflake(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t time_ms;
    } cases[] = {
        {"108914327388663283", INT64_C(1661900747507)},
        {"117024236332527350", INT64_C(1785648137398)},
        {"95131242516480000", INT64_C(1451587562812)}, /* before Mastodon */
        {"12345", -1},
        {"01HZX3T6YJ8C4M8V6B2Z6Q1W9E", -1},
        {"99999999999999999999", -1},
        {"", -1},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_mastodon_id id = make(cases[i].text);
        int64_t expected = cases[i].time_ms < INT64_C(1451606400000) ? -1 : cases[i].time_ms;
        assert_true(ht_mastodon_id_time_ms(&id) == expected);
    }
}

static void test_before(void **state)
{
    (void)state;
    struct ht_mastodon_id id = make("117024236332527350");
    struct ht_mastodon_id before = ht_mastodon_id_before(&id, 10000);
    assert_true(ht_mastodon_id_time_ms(&before) == ht_mastodon_id_time_ms(&id) - 10000);
    assert_true(ht_mastodon_id_compare(&before, &id) < 0);
    static const char *const others[] = {"", "12345", "01HZX3T6YJ8C4M8V6B2Z6Q1W9E"};
    for (size_t i = 0; i < HT_COUNT_OF(others); i++) {
        id = make(others[i]);
        before = ht_mastodon_id_before(&id, 10000);
        assert_id(&before, others[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_an_id),
        cmocka_unit_test(test_order_is_by_length_then_bytes),
        cmocka_unit_test(test_time_of_a_snowflake),
        cmocka_unit_test(test_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
