// SPDX-License-Identifier: MIT
#include "hashtagd/json/json.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

static const char document[] = "{\n"
                               "  \"source\": {\"type\": \"replay\", \"rate\": 200,\n"
                               "             \"files\": [\"a\", \"b\"], \"loop\": false},\n"
                               "  \"ratio\": 0.5, \"n\": null, \"source2\": 1\n"
                               "}";

static struct ht_json *parse(const char *text)
{
    struct ht_error error;
    struct ht_json *root = ht_json_parse(ht_slice_text(text), 0, NULL, &error);
    if (root == NULL) {
        fail_msg("%s", error.text);
    }
    return root;
}

static void test_typed_getters(void **state)
{
    (void)state;
    struct ht_json *root = parse(document);
    struct ht_slice text;
    int64_t number = 0;
    double real = 0;
    bool flag = true;
    const struct ht_json *part = NULL;
    assert_int_equal(ht_json_get_text(root, "source.files[1]", &text, NULL), 0);
    assert_true(ht_slice_equal(text, HT_SLICE("b")));
    assert_int_equal(ht_json_get_i64(root, "source.rate", &number, NULL), 0);
    assert_int_equal(number, 200);
    assert_int_equal(ht_json_get_real(root, "ratio", &real, NULL), 0);
    assert_true(real == 0.5);
    assert_int_equal(ht_json_get_real(root, "source.rate", &real, NULL), 0);
    assert_true(real == 200);
    assert_int_equal(ht_json_get_bool(root, "source.loop", &flag, NULL), 0);
    assert_false(flag);
    assert_int_equal(ht_json_get_array(root, "source.files", &part, NULL), 0);
    assert_int_equal(ht_json_count(part), 2);
    assert_int_equal(ht_json_get_object(root, "source", &part, NULL), 0);
    assert_int_equal(ht_json_count(part), 4);
    ht_json_destroy(root);
}

static void test_errors_name_the_path(void **state)
{
    (void)state;
    struct ht_json *root = parse(document);
    struct ht_error error;
    struct ht_slice text = HT_SLICE("untouched");
    double real = 0;
    assert_int_equal(ht_json_get_text(root, "source.rate", &text, &error), HT_EINVAL);
    assert_string_equal(error.text, "source.rate is a whole number, expected a string");
    assert_int_equal(ht_json_get_real(root, "n", &real, &error), HT_EINVAL);
    assert_string_equal(error.text, "n is null, expected a number");
    assert_int_equal(ht_json_get_text(root, "source.files[2]", &text, &error), HT_ENOTFOUND);
    assert_string_equal(error.text, "source.files[2] is missing");
    assert_true(ht_slice_equal(text, HT_SLICE("untouched")));
    ht_json_destroy(root);
}

static void test_bad_paths_find_nothing(void **state)
{
    (void)state;
    struct ht_json *root = parse(document);
    static const char *const paths[] = {
        "source.files[",  "source.files[x]", "source.files[-1]",
        "source.files[]", "sourc",           "source.type.it",
        "source[0]",      "source.files.a",  ".",
        "n[0]",
    };
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        if (ht_json_find(root, paths[i]) != NULL) {
            fail_msg("found: %s", paths[i]);
        }
    }
    assert_null(ht_json_find(NULL, "a"));
    assert_ptr_equal(ht_json_find(root, ""), root);
    ht_json_destroy(root);
}

static void test_parse_errors_tell_the_place(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
        unsigned flags;
        size_t line;
    } cases[] = {
        {"empty", "", 0, 1},
        {"third line", "{\n\"a\": 1,\n\"b\" 2}", 0, 3},
        {"cut off", "{\"a\":", 0, 1},
        {"two values", "{}\n{}", 0, 2},
        {"twice", "{\"a\":1,\n\"a\":2}", HT_JSON_REFUSE_DUPLICATES, 2},
        {"scalar root", "5", HT_JSON_ROOT_IS_CONTAINER, 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ht_json_place place = {0};
        struct ht_error error = {0};
        if (ht_json_parse(ht_slice_text(cases[i].text), cases[i].flags, &place, &error) != NULL) {
            fail_msg("accepted: %s", cases[i].name);
        }
        assert_int_equal(error.code, HT_EPARSE);
        if (place.line != cases[i].line || strstr(error.text, "line ") != error.text) {
            fail_msg("%s: line %zu: %s", cases[i].name, place.line, error.text);
        }
    }
}

static void test_columns_count_characters(void **state)
{
    (void)state;
    struct ht_json_place place = ht_json_place_at(HT_SLICE("\xc3\xa4\n\xc3\xa4\xc3\xb6x"), 7);
    assert_int_equal(place.line, 2);
    assert_int_equal(place.column, 3);
    assert_int_equal(place.offset, 7);
}

static void test_values_one_after_the_other(void **state)
{
    (void)state;
    struct ht_slice text = HT_SLICE("{\"a\":1}\n [2] 3");
    size_t total = 0;
    int count = 0;
    while (total < text.length) {
        size_t consumed = 0;
        struct ht_json *root = ht_json_parse_prefix(
            ht_slice_make(text.data + total, text.length - total), &consumed, NULL, NULL);
        assert_non_null(root);
        assert_true(consumed > 0);
        ht_json_destroy(root);
        total += consumed;
        count++;
    }
    assert_int_equal(count, 3);
}

static void test_members_in_order(void **state)
{
    (void)state;
    struct ht_json *root = parse("{\"b\":1,\"a\":2,\"c\":3}");
    struct ht_json_members members = ht_json_members(root);
    char keys[8] = "";
    int64_t sum = 0;
    while (ht_json_members_next(&members)) {
        strncat(keys, members.key.data, 1);
        sum += ht_json_i64(members.value);
    }
    assert_string_equal(keys, "bac");
    assert_int_equal(sum, 6);
    assert_false(ht_json_members_next(&members));
    members = ht_json_members(NULL);
    assert_false(ht_json_members_next(&members));
    ht_json_destroy(root);
}

static void test_dump_part(void **state)
{
    (void)state;
    struct ht_json *root = parse(document);
    struct ht_buffer buffer;
    ht_buffer_init(&buffer, 80);
    assert_int_equal(ht_json_dump(ht_json_find(root, "source"), &buffer), 0);
    assert_string_equal(buffer.data, "{\"type\":\"replay\",\"rate\":200,\"files\":[\"a\",\"b\"],"
                                     "\"loop\":false}");
    size_t before = buffer.length;
    assert_int_equal(ht_json_dump(root, &buffer), HT_ETOOBIG);
    assert_int_equal(strlen(buffer.data), before);
    ht_buffer_finish(&buffer);
    ht_json_destroy(root);
}

static void test_wrong_types_read_as_nothing(void **state)
{
    (void)state;
    struct ht_json *root = parse("[\"a\\u0000b\", 5, 1.5, true, null]");
    assert_int_equal(ht_json_text(ht_json_element(root, 0)).length, 3);
    assert_int_equal(ht_json_text(ht_json_element(root, 1)).length, 0);
    assert_non_null(ht_json_text(NULL).data);
    assert_int_equal(ht_json_i64(ht_json_element(root, 0)), 0);
    assert_true(ht_json_real(ht_json_element(root, 2)) == 1.5);
    assert_true(ht_json_bool(ht_json_element(root, 3)));
    assert_false(ht_json_bool(ht_json_element(root, 1)));
    assert_null(ht_json_element(root, 5));
    assert_null(ht_json_member(root, "a"));
    assert_int_equal(ht_json_count(ht_json_element(root, 0)), 0);
    ht_json_destroy(root);
    ht_json_destroy(NULL);
}

/* jansson's memory: after so many more allocations one fails. */
static size_t allocations_left = SIZE_MAX;

static void *allocate(size_t size)
{
    if (allocations_left == 0) {
        allocations_left = SIZE_MAX;
        errno = ENOMEM;
        return NULL;
    }
    allocations_left -= allocations_left == SIZE_MAX ? 0 : 1;
    return malloc(size);
}

static void check_each_failure(struct ht_slice text)
{
    json_set_alloc_funcs(allocate, free);
    bool has_failed = true;
    for (size_t count = 0; has_failed; count++) {
        struct ht_error error;
        ht_error_clear(&error);
        allocations_left = count;
        struct ht_json *root = ht_json_parse(text, 0, NULL, &error);
        has_failed = allocations_left == SIZE_MAX;
        allocations_left = SIZE_MAX;
        assert_int_equal(error.code, has_failed ? HT_ENOMEM : 0);
        assert_true((root == NULL) == has_failed);
        ht_json_destroy(root);
    }
    json_set_alloc_funcs(malloc, free);
}

/* Whichever allocation of the library fails: never a syntax error, never a text with a byte less. */
static void test_out_of_memory_is_told_as_such(void **state)
{
    (void)state;
    check_each_failure(HT_SLICE("[1,2.5,{\"abc\":\"a text that is longer than what a string "
                                "begins with\",\"d\":[[]]},\"\\u00e9\",true]"));
}

/* A number that is read clears what malloc said. */
/* So many lists around the value. */
static bool is_read(size_t levels, const char *value)
{
    struct ht_buffer text;
    ht_buffer_init(&text, 1u << 16);
    for (size_t i = 0; i < levels; i++) {
        (void)ht_buffer_append_byte(&text, '[');
    }
    (void)ht_buffer_append_text(&text, value);
    for (size_t i = 0; i < levels; i++) {
        (void)ht_buffer_append_byte(&text, ']');
    }
    assert_int_equal(ht_buffer_status(&text), 0);
    struct ht_json *root = ht_json_parse(ht_buffer_slice(&text), 0, NULL, NULL);
    ht_buffer_finish(&text);
    bool is_json = root != NULL;
    ht_json_destroy(root);
    return is_json;
}

static void test_depth(void **state)
{
    (void)state;
    assert_true(is_read(2048, ""));
    assert_false(is_read(2049, ""));
    assert_true(is_read(2047, "12345678901234"));
    assert_false(is_read(2048, "12345678901234"));
    assert_true(is_read(2046, "123456789012345"));
    assert_false(is_read(2047, "123456789012345"));
    assert_true(is_read(2046, "\"1234567890123\""));
    assert_false(is_read(2047, "\"1234567890123\""));
}

/* Where a number is long, a text is read in another way. */
static void test_long_numbers(void **state)
{
    (void)state;
    struct ht_error error = {0};
    struct ht_json_place place;
    struct ht_json *root = ht_json_parse(HT_SLICE(" 1234567890123456"), 0, NULL, NULL);
    assert_int_equal(ht_json_i64(root), 1234567890123456);
    ht_json_destroy(root);
    static const char *const wrong[] = {"1234567890123456",     "[1234567890123456],2",
                                        "[1234567890123456],[", "[1234567890123456]]",
                                        "[1234567890123456",    "[1234567890123456],"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_null(
            ht_json_parse(ht_slice_text(wrong[i]), HT_JSON_ROOT_IS_CONTAINER, &place, &error));
        assert_int_equal(error.code, HT_EPARSE);
        assert_true(place.offset <= strlen(wrong[i]));
    }
    assert_null(ht_json_parse(HT_SLICE("[1234567890123456,\n ?]"), 0, &place, &error));
    assert_int_equal(place.line, 2);
    assert_non_null(strstr(error.text, "line 2, column "));
}

/* The library would look for the quote behind its memory. */
static void test_out_of_memory_at_the_end_of_a_string_is_told(void **state)
{
    (void)state;
    char text[300];
    for (int letters = 1; letters < 270; letters++) {
        (void)snprintf(text, sizeof(text), "[\"%0*d\",\"\"]", letters, 0);
        check_each_failure(ht_slice_text(text));
    }
}

static void test_out_of_memory_before_a_number_is_told(void **state)
{
    (void)state;
    check_each_failure(
        HT_SLICE("{\"a text that \\\"grows\\\" 1 and\":\"grows until it is full\",\"n\":1}"));
    check_each_failure(HT_SLICE("[123456789012345,-1.5]"));
    check_each_failure(HT_SLICE("[1234567890123456,0]"));
    check_each_failure(HT_SLICE("[-123.5678901e-12,0]"));
    check_each_failure(HT_SLICE("-12345678901234"));
    check_each_failure(HT_SLICE("[1.000000000000000000000000000005]"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_typed_getters),
        cmocka_unit_test(test_errors_name_the_path),
        cmocka_unit_test(test_bad_paths_find_nothing),
        cmocka_unit_test(test_parse_errors_tell_the_place),
        cmocka_unit_test(test_columns_count_characters),
        cmocka_unit_test(test_values_one_after_the_other),
        cmocka_unit_test(test_members_in_order),
        cmocka_unit_test(test_dump_part),
        cmocka_unit_test(test_wrong_types_read_as_nothing),
        cmocka_unit_test(test_out_of_memory_is_told_as_such),
        cmocka_unit_test(test_long_numbers),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_out_of_memory_before_a_number_is_told),
        cmocka_unit_test(test_out_of_memory_at_the_end_of_a_string_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
