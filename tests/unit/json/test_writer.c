// SPDX-License-Identifier: MIT
#include "hashtagd/json/writer.h"

#include "hashtagd/base/random.h"
#include "hashtagd/json/json.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_document(void **state)
{
    (void)state;
    struct ht_buffer buffer;
    struct ht_json_writer writer;
    ht_buffer_init(&buffer, 4096);
    ht_json_writer_init(&writer, &buffer);
    ht_json_write_object_begin(&writer);
    ht_json_write_key(&writer, "empty");
    ht_json_write_array_begin(&writer);
    ht_json_write_array_end(&writer);
    ht_json_write_key(&writer, "list");
    ht_json_write_array_begin(&writer);
    ht_json_write_u64(&writer, UINT64_MAX);
    ht_json_write_i64(&writer, INT64_MIN);
    ht_json_write_object_begin(&writer);
    ht_json_write_object_end(&writer);
    ht_json_write_bool(&writer, true);
    ht_json_write_text(&writer, NULL);
    ht_json_write_raw(&writer, HT_SLICE("{\"raw\":1}"));
    ht_json_write_array_end(&writer);
    ht_json_write_key_slice(&writer, HT_SLICE("q\"k"));
    ht_json_write_real(&writer, 0.1);
    ht_json_write_object_end(&writer);
    assert_int_equal(ht_json_writer_status(&writer), 0);
    assert_string_equal(buffer.data,
                        "{\"empty\":[],\"list\":[18446744073709551615,-9223372036854775808,{},"
                        "true,null,{\"raw\":1}],\"q\\\"k\":0.1}");
    ht_buffer_finish(&buffer);
}

#define FFFD "\xef\xbf\xbd"

static void test_hostile_strings(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct ht_slice text;
        const char *written;
    } cases[] = {
        {"empty", {"", 0}, "\"\""},
        {"quote and backslash", {"a\"b\\c/", 6}, "\"a\\\"b\\\\c/\""},
        {"short forms", {"\b\f\n\r\t", 5}, "\"\\b\\f\\n\\r\\t\""},
        {"control", {"\x01\x1f\x7f", 3}, "\"\\u0001\\u001f\\u007f\""},
        {"NUL", {"a\0b", 3}, "\"a\\u0000b\""},
        {"line separators",
         {"\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa", 9},
         "\"\\u2028\\u2029\xe2\x80\xaa\""},
        {"markup", {"</script>", 9}, "\"</script>\""},
        {"valid",
         {"\xc3\xa4\xe3\x81\x82\xf0\x9f\x98\x80", 9},
         "\"\xc3\xa4\xe3\x81\x82\xf0\x9f\x98\x80\""},
        {"lone continuation", {"a\x80z", 3}, "\"a" FFFD "z\""},
        {"overlong", {"\xc0\xaf", 2}, "\"" FFFD FFFD "\""},
        {"overlong of three", {"\xe0\x80\x80", 3}, "\"" FFFD FFFD FFFD "\""},
        {"surrogate", {"\xed\xa0\x80", 3}, "\"" FFFD FFFD FFFD "\""},
        {"above the last", {"\xf4\x90\x80\x80", 4}, "\"" FFFD FFFD FFFD FFFD "\""},
        {"cut off", {"\xf0\x9f\x98", 3}, "\"" FFFD "\""},
        {"cut off by another", {"\xe3\x81(", 3}, "\"" FFFD "(\""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ht_buffer buffer;
        ht_buffer_init(&buffer, 4096);
        ht_json_append_string(&buffer, cases[i].text);
        if (strcmp(buffer.data, cases[i].written) != 0) {
            fail_msg("%s: %s, expected %s", cases[i].name, buffer.data, cases[i].written);
        }
        ht_buffer_finish(&buffer);
    }
}

static void test_random_bytes_read_back(void **state)
{
    (void)state;
    struct ht_random random;
    ht_random_init(&random, 3);
    for (int round = 0; round < 2000; round++) {
        char bytes[40];
        size_t length = ht_random_below(&random, sizeof(bytes));
        for (size_t i = 0; i < length; i++) {
            bytes[i] = (char)(ht_random_below(&random, 2) ? ht_random_u64(&random)
                                                          : 0x20 + ht_random_below(&random, 95));
        }
        struct ht_buffer buffer;
        ht_buffer_init(&buffer, 4096);
        ht_json_append_string(&buffer, ht_slice_make(bytes, length));
        struct ht_error error;
        struct ht_json *root = ht_json_parse(ht_buffer_slice(&buffer), 0, NULL, &error);
        if (root == NULL) {
            fail_msg("%s: %s", error.text, buffer.data);
        }
        ht_json_destroy(root);
        ht_buffer_finish(&buffer);
    }
}

static void test_reals(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *written;
    } cases[] = {
        {0, "0"},
        {-0.5, "-0.5"},
        {0.1, "0.1"},
        {200, "200"},
        {-3000, "-3000"},
        {1e21, "1e+21"},
        {NAN, "null"},
        {INFINITY, "null"},
        {-INFINITY, "null"},
        {12345.678, "12345.678"},
        {5e-324, "5e-324"},
        {1.0 / 3, "0.3333333333333333"},
        {DBL_MAX, "1.7976931348623157e+308"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ht_buffer buffer;
        struct ht_json_writer writer;
        ht_buffer_init(&buffer, 64);
        ht_json_writer_init(&writer, &buffer);
        ht_json_write_real(&writer, cases[i].value);
        assert_string_equal(buffer.data, cases[i].written);
        ht_buffer_finish(&buffer);
    }
}

static void test_full_buffer_is_told(void **state)
{
    (void)state;
    struct ht_buffer buffer;
    struct ht_json_writer writer;
    ht_buffer_init(&buffer, 8);
    ht_json_writer_init(&writer, &buffer);
    ht_json_write_array_begin(&writer);
    ht_json_write_text(&writer, "longer than that");
    ht_json_write_array_end(&writer);
    assert_int_equal(ht_json_writer_status(&writer), HT_ETOOBIG);
    ht_buffer_finish(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_document),
        cmocka_unit_test(test_hostile_strings),
        cmocka_unit_test(test_random_bytes_read_back),
        cmocka_unit_test(test_reals),
        cmocka_unit_test(test_full_buffer_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
