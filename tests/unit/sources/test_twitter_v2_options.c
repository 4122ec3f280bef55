// SPDX-License-Identifier: MIT
#include "twitter_v2_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void test_options_are_copied(void **state)
{
    char value[] = "  #cats\t-is:retweet \n";
    char token[] = "sesame";
    struct ht_twitter_v2_rule rules[] = {{value, NULL}, {"dog", " a tag "}, {" \t", ""}};
    struct ht_twitter_v2_source_options options = {
        .url = "http://127.0.0.1:1/x//",
        .bearer_token = token,
        .consumer_key = "",
        .is_sample = true,
        .backfill_minutes = 3,
        .rules = rules,
        .rule_count = 3,
    };
    struct ht_twitter_v2_options copy;
    (void)state;
    assert_int_equal(ht_twitter_v2_options_copy(&copy, &options), 0);
    memset(value, 'x', strlen(value));
    memset(token, 'x', strlen(token));
    assert_string_equal(copy.url, "http://127.0.0.1:1/x");
    assert_string_equal(copy.bearer_token, "sesame");
    assert_null(copy.consumer_key);
    assert_null(copy.consumer_secret);
    assert_true(copy.is_sample);
    assert_false(copy.accepts_compressed);
    assert_int_equal(copy.backfill_minutes, 3);
    assert_int_equal(copy.rule_count, 3);
    assert_string_equal(copy.rules[0].value, "#cats\t-is:retweet");
    assert_string_equal(copy.rules[0].tag, "");
    assert_string_equal(copy.rules[1].tag, " a tag ");
    assert_string_equal(copy.rules[2].value, "");
    ht_twitter_v2_options_finish(&copy);
}

static void test_without_options_it_is_x(void **state)
{
    struct ht_twitter_v2_source_options options = {.url = NULL};
    struct ht_twitter_v2_options copy;
    (void)state;
    assert_int_equal(ht_twitter_v2_options_copy(&copy, &options), 0);
    assert_string_equal(copy.url, "https://api.x.com");
    assert_null(copy.bearer_token);
    assert_int_equal(copy.rule_count, 0);
    ht_twitter_v2_options_finish(&copy);
    ht_twitter_v2_options_finish(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_are_copied),
        cmocka_unit_test(test_without_options_it_is_x),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
