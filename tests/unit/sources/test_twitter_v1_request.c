// SPDX-License-Identifier: MIT
#include "twitter_v1_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static const char *const track[] = {"#caf\u00e9", "rock & roll", "a+b~c*d, e"};
static const char *const locations[] = {"-180, -90,180,90", "1", "2", "3", "4"};
static const char *const follow[] = {"12", "13,783214"};
static const char *const languages[] = {"en", "ja"};

static void expect(struct ht_twitter_v1_asking asking, const char *url, const char *body)
{
    struct ht_buffer made_url, made_body;
    struct ht_error error;

    ht_buffer_init(&made_url, HT_TWITTER_V1_REQUEST_MAX_BYTES);
    ht_buffer_init(&made_body, HT_TWITTER_V1_REQUEST_MAX_BYTES);
    assert_int_equal(ht_twitter_v1_request_format(&asking, &made_url, &made_body, &error), 0);
    assert_string_equal(made_url.data, url);
    assert_string_equal(made_body.data == NULL ? "" : made_body.data, body);
    ht_buffer_finish(&made_url);
    ht_buffer_finish(&made_body);
}

static void test_filter_is_a_form(void **state)
{
    (void)state;
    expect((struct ht_twitter_v1_asking){.parameters = {.track = track,
                                                        .track_count = 3,
                                                        .locations = locations,
                                                        .location_count = 5,
                                                        .follow = follow,
                                                        .follow_count = 2,
                                                        .languages = languages,
                                                        .language_count = 2},
                                         .is_delimited = true},
           "https://stream.twitter.com/1.1/statuses/filter.json",
           "stall_warnings=true&filter_level=none&delimited=length&track=%23caf%C3%A9%2Crock%20%26%"
           "20roll%2Ca%2Bb~c%2Ad%2Ce&locations=-180%2C-90%2C180%2C90%2C1%2C2%2C3%2C4&follow=12%2C13"
           "%2C783214&language=en%2Cja");
    expect((struct ht_twitter_v1_asking){.parameters = {.track = track, .track_count = 1}},
           "https://stream.twitter.com/1.1/statuses/filter.json",
           "stall_warnings=true&filter_level=none&track=%23caf%C3%A9");
}

static void test_sample_is_a_query(void **state)
{
    (void)state;
    expect((struct ht_twitter_v1_asking){.parameters = {.is_sample = true}},
           "https://stream.twitter.com/1.1/statuses/sample.json?stall_warnings=true&filter_level="
           "none",
           "");
    expect(
        (struct ht_twitter_v1_asking){
            .parameters = {.is_sample = true, .languages = languages, .language_count = 2},
            .is_delimited = true,
            .url = "http://127.0.0.1:8080"},
        "http://127.0.0.1:8080/1.1/statuses/sample.json?stall_warnings=true&filter_level=none&"
        "delimited=length&language=en%2Cja",
        "");
}

static void test_base_addresses(void **state)
{
    static const struct {
        const char *base, *filter, *sample;
    } cases[] = {
        {"http://[::1]:81/", "http://[::1]:81/1.1/statuses/filter.json",
         "http://[::1]:81/1.1/statuses/sample.json?"},
        {"https://proxy/x/Y//", "https://proxy/x/Y/1.1/statuses/filter.json",
         "https://proxy/x/Y/1.1/statuses/sample.json?"},
        {"https://proxy?to=t&q=%2f", "https://proxy/1.1/statuses/filter.json?to=t&q=%2f",
         "https://proxy/1.1/statuses/sample.json?to=t&q=%2f&"},
        {"https://proxy/a/?to=t", "https://proxy/a/1.1/statuses/filter.json?to=t",
         "https://proxy/a/1.1/statuses/sample.json?to=t&"},
        {"https://proxy/a?", "https://proxy/a/1.1/statuses/filter.json",
         "https://proxy/a/1.1/statuses/sample.json?"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char sample[200];
        snprintf(sample, sizeof sample, "%sstall_warnings=true&filter_level=none", cases[i].sample);
        expect((struct ht_twitter_v1_asking){.url = cases[i].base,
                                             .parameters = {.follow = follow, .follow_count = 1}},
               cases[i].filter, "stall_warnings=true&filter_level=none&follow=12");
        expect(
            (struct ht_twitter_v1_asking){.url = cases[i].base, .parameters = {.is_sample = true}},
            sample, "");
    }
}

static void test_what_is_no_address(void **state)
{
    static const char *const cases[] = {
        "", "stream.twitter.com", "/path", "ws://host", "http://host/a b", "http://host/#a", "*"};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ht_twitter_v1_asking asking = {.url = cases[i], .parameters = {.is_sample = true}};
        struct ht_buffer url, body;
        struct ht_error error;
        ht_buffer_init(&url, HT_TWITTER_V1_REQUEST_MAX_BYTES);
        ht_buffer_init(&body, HT_TWITTER_V1_REQUEST_MAX_BYTES);
        assert_int_equal(ht_twitter_v1_request_format(&asking, &url, &body, &error), HT_EINVAL);
        assert_non_null(strstr(error.text, "source.url"));
        ht_buffer_finish(&url);
        ht_buffer_finish(&body);
    }
}

/* The longest lists that are allowed, of bytes that are all encoded. */
static void test_the_longest_lists_fit(void **state)
{
    static const char *phrases[HT_TWITTER_V1_TRACK_MAX], *users[HT_TWITTER_V1_FOLLOW_MAX];
    struct ht_buffer url, body;

    (void)state;
    for (size_t i = 0; i < HT_TWITTER_V1_TRACK_MAX; i++) {
        phrases[i] = "############################################################";
    }
    for (size_t i = 0; i < HT_TWITTER_V1_FOLLOW_MAX; i++) {
        users[i] = "18446744073709551615";
    }
    struct ht_twitter_v1_asking asking = {.parameters = {.track = phrases,
                                                         .track_count = HT_TWITTER_V1_TRACK_MAX,
                                                         .follow = users,
                                                         .follow_count = HT_TWITTER_V1_FOLLOW_MAX}};
    ht_buffer_init(&url, HT_TWITTER_V1_REQUEST_MAX_BYTES);
    ht_buffer_init(&body, HT_TWITTER_V1_REQUEST_MAX_BYTES);
    assert_int_equal(ht_twitter_v1_request_format(&asking, &url, &body, NULL), 0);
    assert_true(body.length > 180000);
    ht_buffer_finish(&url);
    ht_buffer_finish(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filter_is_a_form),      cmocka_unit_test(test_sample_is_a_query),
        cmocka_unit_test(test_base_addresses),        cmocka_unit_test(test_what_is_no_address),
        cmocka_unit_test(test_the_longest_lists_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
