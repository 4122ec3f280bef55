// SPDX-License-Identifier: MIT
#include "twitter_v1_cure.h"

#include "hashtagd/base/slice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void test_statuses(void **state)
{
    static const struct {
        struct ht_twitter_v1_cure_context context;
        const char *cure;
    } cases[] = {
        {{401, true, false, 0}, "check TWITTER_CONSUMER_KEY"},
        {{401, false, false, 60}, "check TWITTER_CONSUMER_KEY"},
        {{401, false, false, -60}, "clock is right (NTP)"},
        {{401, false, false, 61}, "clock is 61 s behind the server's"},
        {{401, false, false, -7200}, "clock is 7200 s ahead of the server's"},
        {{401, false, false, -61}, "set the time (NTP"},
        {{403, true, false, 0}, "X has switched this API off"},
        {{403, false, true, 0}, "may not read this stream"},
        {{404, true, false, 0}, "use source.type=twitter-v2, jetstream or mastodon"},
        {{410, true, false, 0}, "X has switched this API off"},
        {{404, false, false, 0}, "check source.url"},
        {{410, false, false, 0}, "speaks API v1.1"},
        {{406, false, false, 0}, "check source.track"},
        {{406, false, true, 0}, "check source.language"},
        {{413, false, false, 0}, "shorten source.track"},
        {{416, false, false, 0}, "check source.locations"},
        {{420, false, false, 0}, "end the other programs"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[HT_TWITTER_V1_CURE_BYTES];
        assert_non_null(strstr(ht_twitter_v1_cure_format(&cases[i].context, text), cases[i].cure));
        assert_true(strlen(text) < HT_TWITTER_V1_CURE_BYTES - 1);
        assert_true(text[strlen(text) - 1] != '.');
    }
}

static void test_no_cure_for_what_mends_itself(void **state)
{
    static const int statuses[] = {200, 400, 429, 500, 502, 503, 0, -1};

    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        char text[HT_TWITTER_V1_CURE_BYTES];
        struct ht_twitter_v1_cure_context context = {.status = statuses[i], .clock_behind_s = 900};
        assert_string_equal(ht_twitter_v1_cure_format(&context, text), "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_no_cure_for_what_mends_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
