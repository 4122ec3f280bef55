// SPDX-License-Identifier: MIT
#include "hashtagd/json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const char document[] = "{\n"
                               "  \"source\": {\"type\": \"replay\",\n"
                               "    \"files\": [\"ä\", \"b\",\n"
                               "      {\"x\": 1}], \"type\" : 5},\n"
                               "  \"r\\u0061te\": 7\n"
                               "}\n";

static const struct {
    const char *path;
    bool of_key;
    size_t line, column;
} cases[] = {
    {"", false, 1, 1},
    {"source", true, 2, 3},
    {"source", false, 2, 13},
    {"source.files", true, 3, 5},
    {"source.files[0]", false, 3, 15},
    {"source.files[1]", false, 3, 20}, /* characters, not bytes */
    {"source.files[1]", true, 3, 20},
    {"source.files[2].x", true, 4, 8},
    {"source.files[2].x", false, 4, 13},
    {"source.type", true, 4, 18}, /* the last of two */
    {"rate", true, 5, 3},
    {"rate", false, 5, 16},
};

static void test_places(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ht_json_place place = {0};
        int result =
            ht_json_locate(ht_slice_text(document), cases[i].path, cases[i].of_key, &place);
        if (result != 0 || place.line != cases[i].line || place.column != cases[i].column) {
            fail_msg("%s: %d, line %zu, column %zu", cases[i].path, result, place.line,
                     place.column);
        }
    }
}

/* A key may be as long as the text, with escapes or without. */
static void test_long_keys(void **state)
{
    (void)state;
    for (int has_escape = 0; has_escape < 2; has_escape++) {
        char text[2048], path[1024];
        struct ht_json_place place = {0};
        memset(path, 'k', 1000);
        path[1000] = '\0';
        (void)snprintf(text, sizeof(text), "{\"a\":1,\n \"%s%s\":2}", has_escape ? "\\u006b" : "k",
                       path + 1);
        assert_int_equal(ht_json_locate(ht_slice_text(text), path, true, &place), 0);
        assert_int_equal(place.line, 2);
        assert_int_equal(place.column, 2);
        path[999] = '\0';
        assert_int_equal(ht_json_locate(ht_slice_text(text), path, true, &place), HT_ENOTFOUND);
    }
}

static void test_not_there(void **state)
{
    (void)state;
    static const char *const paths[] = {"x",
                                        "source.x",
                                        "source[0]",
                                        "source.files[3]",
                                        "source.files[",
                                        "source.files[x]",
                                        "source.type.x",
                                        "rate[0]",
                                        "source.files.x"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct ht_json_place place;
        if (ht_json_locate(ht_slice_text(document), paths[i], false, &place) != HT_ENOTFOUND) {
            fail_msg("found: %s", paths[i]);
        }
    }
}

static void test_no_json(void **state)
{
    (void)state;
    struct ht_json_place place;
    assert_int_equal(ht_json_locate(HT_SLICE("{\"a\":}"), "a", false, &place), HT_EPARSE);
    assert_int_equal(ht_json_locate(HT_SLICE(""), "", false, &place), HT_EPARSE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_long_keys),
        cmocka_unit_test(test_not_there),
        cmocka_unit_test(test_no_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
