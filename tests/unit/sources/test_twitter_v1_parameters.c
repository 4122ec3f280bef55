// SPDX-License-Identifier: MIT
#include "hashtagd/sources/twitter_v1_parameters.h"

#include "hashtagd/base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define TEXTS_MAX 6000

/* All findings, one a line, warnings marked. */
struct findings {
    struct ht_buffer text;
    size_t mistakes, warnings;
};

static const char *repeated[TEXTS_MAX];

static void on_finding(void *user, const struct ht_twitter_v1_finding *finding)
{
    struct findings *findings = user;
    findings->mistakes += !finding->is_warning;
    findings->warnings += finding->is_warning;
    ht_buffer_append_format(&findings->text, "%s%s: %s\n", finding->is_warning ? "warning " : "",
                            finding->key, finding->text);
}

static struct findings check(struct ht_twitter_v1_parameters parameters)
{
    struct findings findings = {0};
    ht_buffer_init(&findings.text, 100000);
    ht_buffer_append_text(&findings.text, "");
    size_t mistakes = ht_twitter_v1_parameters_check(&parameters, on_finding, &findings);
    assert_true(mistakes >= findings.mistakes);
    assert_int_equal(mistakes > 0, findings.mistakes > 0);
    return findings;
}

static void expect(struct ht_twitter_v1_parameters parameters, const char *expected)
{
    struct findings findings = check(parameters);
    assert_string_equal(findings.text.data == NULL ? "" : findings.text.data, expected);
    ht_buffer_finish(&findings.text);
}

static const char *const *repeat(const char *text)
{
    for (size_t i = 0; i < TEXTS_MAX; i++) {
        repeated[i] = text;
    }
    return repeated;
}

static void test_what_can_be_asked(void **state)
{
    const char *track[] = {"#caf\u00e9", "rock & roll", "a,b , c"};
    const char *locations[] = {"-122.75,36.8,-121.75,37.8", " -74 , 40, -73, 41"};
    const char *follow[] = {"783214", "18446744073709551615"};
    const char *languages[] = {"en", "ja", "zh-Hant-419"};

    (void)state;
    expect((struct ht_twitter_v1_parameters){.track = track, .track_count = 3}, "");
    expect((struct ht_twitter_v1_parameters){.locations = locations, .location_count = 2}, "");
    expect(
        (struct ht_twitter_v1_parameters){
            .follow = follow, .follow_count = 2, .languages = languages, .language_count = 3},
        "");
    expect((struct ht_twitter_v1_parameters){.is_sample = true}, "");
    expect((struct ht_twitter_v1_parameters){.is_sample = true,
                                             .languages = languages,
                                             .language_count = 3},
           "");
}

static void test_filter_wants_something_to_look_for(void **state)
{
    const char *languages[] = {"en"};
    struct ht_twitter_v1_parameters empty = {.languages = languages, .language_count = 1};

    (void)state;
    expect(empty, "endpoint: filter needs something to look for: set track, follow or locations (a "
                  "tweet that one of them finds is sent), or use sample\n");
}

static void test_sample_takes_no_filter(void **state)
{
    const char *track[] = {"a"};

    (void)state;
    expect((struct ht_twitter_v1_parameters){.is_sample = true, .track = track, .track_count = 1},
           "endpoint: sample is a sample of all tweets and takes no track, locations or follow; "
           "use filter, or leave them out\n");
}

static void test_phrases(void **state)
{
    static const struct {
        const char *phrase, *finding;
    } cases[] = {
        {"123456789 123456789 123456789 123456789 123456789 1234567890", NULL},
        {"123456789 123456789 123456789 123456789 123456789 12345678901", "has 61 bytes of UTF-8"},
        {"\u5929\u7a7a\u306e\u57ce\u5929\u7a7a\u306e\u57ce\u5929\u7a7a\u306e\u57ce\u5929\u7a7a"
         "\u306e"
         "\u57ce\u5929\u7a7a\u306e\u57ce",
         NULL},
        {"\u5929\u7a7a\u306e\u57ce\u5929\u7a7a\u306e\u57ce\u5929\u7a7a\u306e\u57ce\u5929\u7a7a"
         "\u306e"
         "\u57ce\u5929\u7a7a\u306e\u57ce!",
         "has 61 bytes of UTF-8"},
        {"", "a phrase is empty"},
        {"  ", "a phrase is empty"},
        {"a,,b", "a phrase is empty"},
        {"a,", "a phrase is empty"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct findings findings =
            check((struct ht_twitter_v1_parameters){.track = &cases[i].phrase, .track_count = 1});
        assert_int_equal(findings.mistakes, cases[i].finding == NULL ? 0 : 1);
        if (cases[i].finding != NULL) {
            assert_non_null(strstr(findings.text.data, cases[i].finding));
        }
        ht_buffer_finish(&findings.text);
    }
}

static void test_users(void **state)
{
    const char *cases[] = {
        "@jack", "0",    "-1", "1.5", "", "18446744073709551616", "00000000000000000000001",
        "0x10",  "12 13"};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct findings findings =
            check((struct ht_twitter_v1_parameters){.follow = &cases[i], .follow_count = 1});
        assert_int_equal(findings.mistakes, 1);
        assert_non_null(strstr(findings.text.data, "is no id of a user"));
        ht_buffer_finish(&findings.text);
    }
}

static void test_languages(void **state)
{
    const char *cases[] = {
        "e", "", "e1", "english please", "en_US", "-en", "en-12345678901234567890123456789012345"};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct findings findings = check((struct ht_twitter_v1_parameters){
            .is_sample = true, .languages = &cases[i], .language_count = 1});
        assert_int_equal(findings.mistakes, 1);
        assert_non_null(strstr(findings.text.data, "is no language tag"));
        ht_buffer_finish(&findings.text);
    }
}

static void test_boxes(void **state)
{
    static const struct {
        const char *box, *finding;
    } cases[] = {
        {"-180,-90,180,90", NULL},
        {"0,0,0,0", NULL},
        {"-0.5,-.5,1,1", "\"-.5\" is no number of degrees"},
        {"1,2,3,4.", "\"4.\" is no number of degrees"},
        {"1,2,3,1e1", "\"1e1\" is no number of degrees"},
        {"1,2,3,nan", "\"nan\" is no number of degrees"},
        {"1,2,3,", "\"\" is no number of degrees"},
        {"1,2,3,1000", "\"1000\" is no number of degrees"},
        {"1,2,3", "3 numbers are given, and a box has four"},
        {"1,2,3,4,5", "5 numbers are given, and a box has four"},
        {"37.7,-122.5,37.8,-122.3", "has a latitude beyond 90 degrees; the order is west,south"},
        {"-180.000001,0,0,1", "has a longitude beyond 180 degrees"},
        {"0,0,180.5,1", "has a longitude beyond 180 degrees"},
        {"0,0,1,90.1", "has a latitude beyond 90 degrees"},
        {"0,2,1,1", "has its south above its north"},
        {"-122.3,37.7,-122.5,37.8", "has its west behind its east"},
        {"170,-50,-170,-30", "is written as two, up to 180 and from -180"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct findings findings = check(
            (struct ht_twitter_v1_parameters){.locations = &cases[i].box, .location_count = 1});
        assert_int_equal(findings.mistakes, cases[i].finding == NULL ? 0 : 1);
        assert_int_equal(findings.warnings, 0);
        if (cases[i].finding != NULL) {
            assert_non_null(strstr(findings.text.data, cases[i].finding));
        }
        ht_buffer_finish(&findings.text);
    }
}

/* A list in a variable of the environment is split at its commas before it comes here. */
static void test_a_box_may_come_in_pieces(void **state)
{
    const char *numbers[] = {"-180", "-90", "180", "90", "1,2", "0", "3"};

    (void)state;
    expect((struct ht_twitter_v1_parameters){.locations = numbers, .location_count = 7},
           "locations: box 2 has its west behind its east; the order is west,south,east,north, "
           "longitude first (the world is -180,-90,180,90); one over the date line is written as "
           "two, up to 180 and from -180\n");
}

static void test_a_bad_number_spoils_its_own_box_only(void **state)
{
    const char *boxes[] = {"a,2,1,1", "0,2,1,1"};

    (void)state;
    expect((struct ht_twitter_v1_parameters){.locations = boxes, .location_count = 2},
           "locations: \"a\" is no number of degrees; write for example -122.75\n"
           "locations: box 2 has its south above its north; the order is west,south,east,north, "
           "longitude first (the world is -180,-90,180,90)\n");
}

static void test_half_of_the_globe_is_warned_of(void **state)
{
    const char *half[] = {"-90.0,-90,90,90.00"}, *other[] = {"-90,-90,91,90"};

    (void)state;
    struct findings findings =
        check((struct ht_twitter_v1_parameters){.locations = half, .location_count = 1});
    assert_int_equal(findings.mistakes, 0);
    assert_int_equal(findings.warnings, 1);
    assert_non_null(strstr(findings.text.data, "half the globe"));
    assert_non_null(strstr(findings.text.data, "-180,-90,180,90"));
    ht_buffer_finish(&findings.text);
    expect((struct ht_twitter_v1_parameters){.locations = other, .location_count = 1}, "");
}

static void test_limits(void **state)
{
    (void)state;
    expect((struct ht_twitter_v1_parameters){.track = repeat("a"), .track_count = 400}, "");
    expect((struct ht_twitter_v1_parameters){.track = repeat("a,b"), .track_count = 201},
           "track: 402 phrases are given, and at most 400 are taken; leave some out\n");
    expect((struct ht_twitter_v1_parameters){.follow = repeat("1"), .follow_count = 5000}, "");
    expect((struct ht_twitter_v1_parameters){.follow = repeat("1"), .follow_count = 5001},
           "follow: 5001 users are given, and at most 5000 are taken; leave some out\n");
    expect((struct ht_twitter_v1_parameters){.locations = repeat("1,2,3,4"), .location_count = 25},
           "");
    expect((struct ht_twitter_v1_parameters){.locations = repeat("1,2,3,4"), .location_count = 26},
           "locations: 26 boxes are given, and at most 25 are taken; leave some out\n");
    expect((struct ht_twitter_v1_parameters){.is_sample = true,
                                             .languages = repeat("en"),
                                             .language_count = 101},
           "language: 101 languages are given, and at most 100 are taken; leave some out\n");
}

static void test_thousands_of_mistakes_are_told_a_few_times(void **state)
{
    (void)state;
    struct findings findings =
        check((struct ht_twitter_v1_parameters){.follow = repeat("@a"), .follow_count = TEXTS_MAX});
    assert_int_equal(findings.mistakes, 6);
    assert_non_null(strstr(findings.text.data, "6000 users are given"));
    ht_buffer_finish(&findings.text);
}

static void test_long_values_are_shown_cut_between_characters(void **state)
{
    char text[1000] = "@";
    const char *follow[] = {text};

    (void)state;
    for (size_t i = 1; i + 2 < sizeof text; i += 2) {
        memcpy(text + i, "\u00e9", 3);
    }
    struct findings findings =
        check((struct ht_twitter_v1_parameters){.follow = follow, .follow_count = 1});
    assert_true(findings.text.length < 200);
    assert_non_null(strstr(findings.text.data, "\u00e9\" is no id"));
    ht_buffer_finish(&findings.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_can_be_asked),
        cmocka_unit_test(test_filter_wants_something_to_look_for),
        cmocka_unit_test(test_sample_takes_no_filter),
        cmocka_unit_test(test_phrases),
        cmocka_unit_test(test_users),
        cmocka_unit_test(test_languages),
        cmocka_unit_test(test_boxes),
        cmocka_unit_test(test_a_box_may_come_in_pieces),
        cmocka_unit_test(test_a_bad_number_spoils_its_own_box_only),
        cmocka_unit_test(test_half_of_the_globe_is_warned_of),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_thousands_of_mistakes_are_told_a_few_times),
        cmocka_unit_test(test_long_values_are_shown_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
