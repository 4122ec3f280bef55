// SPDX-License-Identifier: MIT
#include "json_extents.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/* Writes the events of `text`, given in pieces that end at `border` and at the end: "V0{ K1(a) V1n
 * E1 E0" and the like. */
static void events_of(const char *text, unsigned watch, size_t border, struct ht_buffer *out)
{
    struct ht_json_extents extents;
    size_t end = strlen(text), length = border < end ? border : end;
    ht_json_extents_init(&extents, 0, 1, watch);
    ht_buffer_clear(out);
    for (;;) {
        enum ht_json_extents_event event = ht_json_extents_next(&extents, text, length);
        if (event == HT_JSON_EXTENTS_KEY) {
            ht_buffer_append_format(out, "K%u(%.*s) ", extents.depth,
                                    (int)(extents.key_end - extents.key), text + extents.key);
        } else if (event == HT_JSON_EXTENTS_VALUE) {
            ht_buffer_append_format(out, "V%u%c ", extents.depth, extents.first);
        } else if (event == HT_JSON_EXTENTS_END) {
            ht_buffer_append_format(out, "E%u@%zu ", extents.depth, extents.at);
        } else if (event == HT_JSON_EXTENTS_MORE && length < end) {
            length = end;
            continue;
        } else {
            ht_buffer_append_format(out, "%s@%zu",
                                    event == HT_JSON_EXTENTS_MORE   ? "more"
                                    : event == HT_JSON_EXTENTS_DEEP ? "deep"
                                                                    : "broken",
                                    extents.at);
            return;
        }
        if (event == HT_JSON_EXTENTS_END && extents.depth == 0) {
            ht_buffer_append_format(out, "line %llu", (unsigned long long)extents.line);
            return;
        }
    }
}

static void test_events(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned watch;
        const char *events;
    } cases[] = {
        {"{}", 0, "V0{ E0@2 line 1"},
        {"[]", 1, "V0[ E0@2 line 1"},
        {" \n{\n}", 0, "V0{ E0@5 line 3"},
        {"{\"a\":1}", 0, "V0{ E0@7 line 1"},
        {"{\"a\":1}", 1, "V0{ K1(a) V11 E1@6 E0@7 line 1"},
        {"[1,\"x\",null]", 1, "V0[ V11 E1@2 V1\" E1@6 V1n E1@11 E0@12 line 1"},
        {"{\"a\":{\"b\":[1]}}", 1, "V0{ K1(a) V1{ E1@14 E0@15 line 1"},
        {"{\"a\":{\"b\":[1]}}", 2, "V0{ V1{ K2(b) V2[ E2@13 E1@14 E0@15 line 1"},
        {"{\"a\\\"b\" : \"}\\\\\"}", 1, "V0{ K1(a\\\"b) V1\" E1@15 E0@16 line 1"},
        {"[1 2]", 0, "V0[ broken@3"},
        {"[1,]", 0, "V0[ broken@3"},
        {"[,1]", 0, "V0[ broken@1"},
        {"{1:2}", 0, "V0{ broken@1"},
        {"{\"a\" 1}", 0, "V0{ broken@5"},
        {"{\"a\":}", 0, "V0{ broken@5"},
        {"{\"a\":1,}", 0, "V0{ broken@7"},
        {"{\"a\":[1}", 0, "V0{ broken@7"},
        {"[1}", 0, "V0[ broken@2"},
        {"[\"a\n\"]", 0, "V0[ broken@3"},
        {"[\"a\\\n\"]", 0, "V0[ broken@4"},
        {"]", 0, "broken@0"},
        {"[\"abc", 0, "V0[ more@5"},
        {"", 0, "more@0"},
    };
    struct ht_buffer out;
    ht_buffer_init(&out, 4096);
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        for (size_t border = 0; border <= strlen(cases[i].text); border++) {
            events_of(cases[i].text, cases[i].watch, border, &out);
            assert_string_equal(out.data, cases[i].events);
        }
    }
    ht_buffer_finish(&out);
}

static void test_depth(void **state)
{
    (void)state;
    char text[2 * HT_JSON_EXTENTS_DEPTH + 3];
    struct ht_buffer out;
    ht_buffer_init(&out, 4096);
    memset(text, '[', HT_JSON_EXTENTS_DEPTH);
    memset(text + HT_JSON_EXTENTS_DEPTH, ']', HT_JSON_EXTENTS_DEPTH);
    text[(size_t)2 * HT_JSON_EXTENTS_DEPTH] = '\0';
    events_of(text, 0, 5, &out);
    assert_string_equal(out.data, "V0[ E0@144 line 1");
    memset(text, '[', HT_JSON_EXTENTS_DEPTH + 1);
    events_of(text, 0, 5, &out);
    assert_string_equal(out.data, "V0[ deep@72");
    ht_buffer_finish(&out);
}

static void test_where_a_value_stands_in_its_line(void **state)
{
    (void)state;
    static const char text[] = "[1,\n  2, 3,\n4\n\t,5]";
    static const struct {
        bool begins_line;
        size_t column;
    } wanted[] = {{false, 0}, {true, 2}, {false, 0}, {true, 0}, {false, 0}};
    struct ht_json_extents extents;
    ht_json_extents_init(&extents, 0, 1, 1);
    assert_int_equal(ht_json_extents_next(&extents, text, sizeof(text) - 1), HT_JSON_EXTENTS_VALUE);
    for (size_t i = 0; i < HT_COUNT_OF(wanted); i++) {
        assert_int_equal(ht_json_extents_next(&extents, text, sizeof(text) - 1),
                         HT_JSON_EXTENTS_VALUE);
        assert_int_equal(extents.begins_line, wanted[i].begins_line);
        if (wanted[i].begins_line) {
            assert_int_equal(extents.column, wanted[i].column);
        }
        assert_int_equal(ht_json_extents_next(&extents, text, sizeof(text) - 1),
                         HT_JSON_EXTENTS_END);
    }
}

static void test_going_on_behind_a_value(void **state)
{
    (void)state;
    static const char text[] = "[{!!!},{}]";
    struct ht_json_extents extents;
    ht_json_extents_init(&extents, 0, 1, 1);
    while (ht_json_extents_next(&extents, text, sizeof(text) - 1) != HT_JSON_EXTENTS_BROKEN) {
    }
    assert_int_equal(extents.at, 2);
    ht_json_extents_skip_to(&extents, 6, 1, 1);
    assert_int_equal(ht_json_extents_next(&extents, text, sizeof(text) - 1), HT_JSON_EXTENTS_VALUE);
    assert_int_equal(extents.at, 7);
    ht_json_extents_skip_to(&extents, 7, 1, 1);
    assert_int_equal(ht_json_extents_next(&extents, text, sizeof(text) - 1),
                     HT_JSON_EXTENTS_BROKEN);
    ht_json_extents_expect_value(&extents);
    assert_int_equal(ht_json_extents_next(&extents, text, sizeof(text) - 1), HT_JSON_EXTENTS_VALUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_where_a_value_stands_in_its_line),
        cmocka_unit_test(test_going_on_behind_a_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
