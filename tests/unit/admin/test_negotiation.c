// SPDX-License-Identifier: MIT
#include "admin/negotiation.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
    const char *accept;
    bool takes;
} encodings[] = {
    {NULL, false},           {"", false},
    {"gzip", true},          {"GZIP", true},
    {"br, gzip", true},      {"gzip;q=0.5, br", true},
    {"gzip;q=0", false},     {"gzip;q=0.0", false},
    {"gzip; q=0.001", true}, {"*", true},
    {"*;q=0", false},        {"identity, *;q=0.1", true},
    {"gzip;q=0, *", false},  {"xgzip", false},
    {"br,, ,gzip", true},    {"gzip;x=1;q=0", false},
};

static void test_encodings(void **state)
{
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(encodings); i++) {
        if (ht_accepts_gzip(ht_slice_text(encodings[i].accept)) != encodings[i].takes) {
            fail_msg("%s", encodings[i].accept);
        }
    }
}

static const struct {
    const char *header;
    bool matches;
} tags[] = {
    {NULL, false},
    {"", false},
    {"\"abc\"", true},
    {"W/\"abc\"", true},
    {"\"x\", \"abc\"", true},
    {"*", true},
    {"\"abcd\"", false},
    {"abc", false},
    {"\"x\",\"y\"", false},
};

static void test_tags(void **state)
{
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(tags); i++) {
        if (ht_matches_etag(ht_slice_text(tags[i].header), HT_SLICE("\"abc\"")) !=
            tags[i].matches) {
            fail_msg("%s", tags[i].header);
        }
    }
}

static void test_media_types(void **state)
{
    (void)state;
    assert_true(ht_is_media_type(HT_SLICE("application/json"), "application/json"));
    assert_true(ht_is_media_type(HT_SLICE("Application/JSON ; charset=utf-8"), "application/json"));
    assert_false(ht_is_media_type(HT_SLICE("application/jsonx"), "application/json"));
    assert_false(ht_is_media_type(HT_SLICE(""), "application/json"));
    assert_false(ht_is_media_type(ht_slice_text(NULL), "application/json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encodings),
        cmocka_unit_test(test_tags),
        cmocka_unit_test(test_media_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
