// SPDX-License-Identifier: MIT
#include "hashtagd/json/parts.h"

#include "hashtagd/base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* The parts of a text as "key=value;...", with "!" behind where it is broken. */
static const char *take_apart(const char *text)
{
    static char said[512];
    struct ht_json_parts parts = ht_json_parts(ht_slice_text(text));
    struct ht_slice key, value;
    size_t length = 0;
    said[0] = '\0';
    while (ht_json_parts_next(&parts, &key, &value)) {
        length += (size_t)snprintf(said + length, sizeof(said) - length, "%.*s=%.*s;",
                                   (int)key.length, key.data, (int)value.length, value.data);
    }
    (void)snprintf(said + length, sizeof(said) - length, "%s", parts.is_broken ? "!" : "");
    return said;
}

static void parts_are_told_with_their_extent(void **state)
{
    (void)state;
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"{}", ""},
        {" [ ] ", ""},
        {"[1,\"a\",null]", "=1;=\"a\";=null;"},
        {"{ \"a\" : 1 , \"b\":{\"c\":[1,2]} }", "a=1;b={\"c\":[1,2]};"},
        {"{\"a\":\"x\\\"},\\\\\",\"b\":-1.5e3}", "a=\"x\\\"},\\\\\";b=-1.5e3;"},
        {"[{\"a\":\"}]\"},[[[]]]]", "={\"a\":\"}]\"};=[[[]]];"},
        {"[\"\\ud800\",2]", "=\"\\ud800\";=2;"}, /* broken inside is not its business */
        {"", "!"},
        {"12", "!"},
        {"{", "!"},
        {"[", "!"},
        {"[1", "!"},
        {"[1,", "=1;!"},
        {"[1,]", "=1;!"},
        {"[,1]", "!"},
        {"[1 2]", "!"},
        {"{\"a\"}", "!"},
        {"{\"a\":}", "!"},
        {"{\"a\" 1}", "!"},
        {"{a:1}", "!"},
        {"{\"a\":1]", "!"},
        {"{\"a\":\"x", "!"},
        {"{\"a\":\"x\\", "!"},
        {"{\"a\":[1,2}", "!"},
        {"[1}", "!"},
        {"{\"a\":1,", "a=1;!"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_string_equal(take_apart(cases[i].text), cases[i].said);
    }
}

static void a_member_is_found_by_its_key(void **state)
{
    (void)state;
    struct ht_slice text = HT_SLICE("{\"a\":{\"b\":1},\"b\":\"x\\u0041\",\"c\":1,\"c\":\"2\"}");
    assert_true(ht_slice_equal(ht_json_parts_find(text, "a"), HT_SLICE("{\"b\":1}")));
    struct ht_slice last = ht_json_parts_find(text, "c");
    assert_true(ht_slice_equal(ht_json_parts_plain_text(last), HT_SLICE("2")));
    assert_int_equal(ht_json_parts_plain_text(ht_json_parts_find(text, "b")).length, 0);
    assert_int_equal(ht_json_parts_find(text, "d").length, 0);
    assert_int_equal(ht_json_parts_find(HT_SLICE("12"), "d").length, 0);
}

static void depth_costs_nothing(void **state)
{
    (void)state;
    enum { DEPTH = 200000 };
    char *text = malloc(2 * DEPTH + 1);
    assert_non_null(text);
    memset(text, '[', DEPTH);
    memset(text + DEPTH, ']', DEPTH);
    text[2 * DEPTH] = '\0';
    struct ht_json_parts parts = ht_json_parts(ht_slice_text(text));
    struct ht_slice value;
    assert_true(ht_json_parts_next(&parts, NULL, &value));
    assert_int_equal(value.length, 2 * DEPTH - 2);
    assert_false(ht_json_parts_next(&parts, NULL, &value));
    free(text);
}

static void any_bytes_do_no_harm(void **state)
{
    (void)state;
    static const char alphabet[] = "{}[]\",:\\a1 ";
    struct ht_random random;
    ht_random_init(&random, 7);
    for (size_t round = 0; round < 50000; round++) {
        size_t length = ht_random_below(&random, 24);
        char *text = malloc(length + 1); /* of its exact size, so that a step too far is seen */
        assert_non_null(text);
        for (size_t i = 0; i < length; i++) {
            text[i] = alphabet[ht_random_below(&random, sizeof(alphabet) - 1)];
        }
        struct ht_json_parts parts = ht_json_parts(ht_slice_make(text, length));
        struct ht_slice key, value;
        while (ht_json_parts_next(&parts, &key, &value)) {
            assert_true(value.length > 0);
            assert_true(value.data >= text && value.data + value.length <= text + length);
        }
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_told_with_their_extent),
        cmocka_unit_test(a_member_is_found_by_its_key),
        cmocka_unit_test(depth_costs_nothing),
        cmocka_unit_test(any_bytes_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
