// SPDX-License-Identifier: MIT
#include "json_skip.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static const struct {
    const char *name;
    const char *text;
    struct ht_json_skip_layout layout;
    bool is_between;
    enum ht_json_skip_event event;
    const char *rest; /* what stands behind `at` */
    uint64_t line;
} cases[] = {
    {"brackets close", "{x y},{}", {false, 0}, false, HT_JSON_SKIP_BEHIND, ",{}", 1},
    {"brackets within", "{[{x]},1},{}", {false, 0}, false, HT_JSON_SKIP_BEHIND, ",{}", 1},
    {"any bracket closes", "{x],{}", {false, 0}, false, HT_JSON_SKIP_BEHIND, ",{}", 1},
    {"strings hide them", "{\"}\\\"}\" x},{}", {false, 0}, false, HT_JSON_SKIP_BEHIND, ",{}", 1},
    {"a string ends with its line",
     "{\"}}\n},{}",
     {false, 0},
     false,
     HT_JSON_SKIP_BEHIND,
     ",{}",
     2},
    {"an escape too", "{\"\\\n},{}", {false, 0}, false, HT_JSON_SKIP_BEHIND, ",{}", 2},
    {"never closed", "{{}\n 1", {false, 0}, false, HT_JSON_SKIP_MORE, "", 2},
    {"a line of its own", "{{}\n{}\n", {false, 0}, false, HT_JSON_SKIP_DOCUMENT, "{}\n", 2},
    {"a list as a line", "{{}\n[1]\n", {false, 0}, false, HT_JSON_SKIP_DOCUMENT, "[1]\n", 2},
    {"the next by its column",
     "{{,\n    {}\n  {2}",
     {true, 2},
     false,
     HT_JSON_SKIP_ELEMENT,
     "{2}",
     3},
    {"the next without blanks", "{{,\n{2}", {true, 0}, false, HT_JSON_SKIP_ELEMENT, "{2}", 2},
    {"left of the column", "{{,\n{2}", {true, 2}, false, HT_JSON_SKIP_DOCUMENT, "{2}", 2},
    {"the list's end", "{{,\n ]}", {true, 2}, false, HT_JSON_SKIP_BEHIND, "]}", 2},
    {"a deeper end is another", "{[,\n   ]\n  }", {true, 2}, false, HT_JSON_SKIP_BEHIND, "", 3},
    {"between, then the list ends", "x, 1]}", {false, 0}, true, HT_JSON_SKIP_BEHIND, "]}", 1},
    {"between, closing once", "x},{}", {false, 0}, true, HT_JSON_SKIP_BEHIND, ",{}", 1},
    {"between, then an element", "x\n  {}", {false, 0}, true, HT_JSON_SKIP_ELEMENT, "{}", 2},
    {"between, in a string", "\"]\n]", {false, 0}, true, HT_JSON_SKIP_BEHIND, "]", 2},
};

static void test_where_it_ends(void **state)
{
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        size_t length = strlen(cases[i].text);
        for (size_t border = 0; border <= length; border++) {
            struct ht_json_skip skip;
            ht_json_skip_init(&skip, &cases[i].layout, cases[i].is_between, 0, 1);
            enum ht_json_skip_event event = ht_json_skip_next(&skip, cases[i].text, border);
            if (event == HT_JSON_SKIP_MORE) {
                event = ht_json_skip_next(&skip, cases[i].text, length);
            }
            if (event != cases[i].event || strcmp(cases[i].text + skip.at, cases[i].rest) != 0) {
                print_error("%s\n", cases[i].name);
            }
            assert_int_equal(event, cases[i].event);
            assert_string_equal(cases[i].text + skip.at, cases[i].rest);
            assert_int_equal(skip.line, cases[i].line);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_where_it_ends)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
