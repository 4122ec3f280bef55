// SPDX-License-Identifier: MIT
#include "daemon/top_table.h"

#include "../../support/json_memory.h"
#include "../tally/failing_memory.h"

#include "hashtagd/base/assert.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int draw(const char *json, const struct ht_top_style *style, struct ht_buffer *out)
{
    struct ht_json *list = ht_json_parse(ht_slice_text(json), 0, NULL, NULL);
    ht_buffer_init(out, 1 << 20);
    int result = ht_top_table_format(list, style, out);
    ht_json_destroy(list);
    return result;
}

static void test_a_table(void **state)
{
    (void)state;
    struct ht_top_style style = {.columns = 60, .now_s = 1000};
    struct ht_buffer out;
    assert_int_equal(
        draw("{\"window\":\"1h\",\"total\":12345,\"distinct\":2,\"hashtags\":["
             "{\"rank\":1,\"hashtag\":\"\xe6\x9d\xb1\xe4\xba\xac\",\"count\":12000,\"last_seen\":"
             "999},{\"rank\":2,\"hashtag\":\"a\\u001b[2J\",\"count\":345,\"last_seen\":400}]}",
             &style, &out),
        0);
    assert_string_equal(
        out.data, "12,345 counted, 2 different hashtags, last 1h\n"
                  "    1  #\xe6\x9d\xb1\xe4\xba\xac     12,000  "
                  "\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88"
                  "\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88"
                  "\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88"
                  "\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88  1 s ago\n"
                  "    2  #a\xef\xbf\xbd[2J       345  \xe2\x96\x8c                      10 min "
                  "ago\n");
    ht_buffer_finish(&out);
}

static void test_nothing_is_counted(void **state)
{
    (void)state;
    struct ht_top_style style = {.columns = 80};
    struct ht_buffer out;
    assert_int_equal(
        draw("{\"window\":\"all\",\"total\":0,\"distinct\":0,\"hashtags\":[]}", &style, &out), 0);
    assert_non_null(strstr(out.data, "Nothing is counted yet."));
    ht_buffer_finish(&out);
}

static const char *const no_lists[] = {"{}", "[]", "{\"hashtags\":3}", "nonsense"};

static void test_what_is_no_list(void **state)
{
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(no_lists); i++) {
        struct ht_top_style style = {.columns = 80};
        struct ht_buffer out;
        assert_int_equal(draw(no_lists[i], &style, &out), HT_EPARSE);
        ht_buffer_finish(&out);
    }
}

static void test_narrow_terminals(void **state)
{
    (void)state;
    char json[4096];
    char tag[1001];
    memset(tag, 'x', 1000);
    tag[1000] = '\0';
    (void)snprintf(json, sizeof(json),
                   "{\"window\":\"all\",\"total\":1,\"distinct\":1,\"hashtags\":[{\"rank\":1,"
                   "\"hashtag\":\"%s\",\"count\":18000000000000000,\"last_seen\":1}]}",
                   tag);
    for (size_t columns = 0; columns < 130; columns++) {
        struct ht_top_style style = {.columns = columns, .now_s = 1};
        struct ht_buffer out;
        assert_int_equal(draw(json, &style, &out), 0);
        ht_buffer_finish(&out);
    }
}

/* A column that was measured too narrow once filled the memory with spaces. */
static void test_a_lack_of_memory_changes_no_widths(void **state)
{
    (void)state;
    static const char *const json =
        "{\"window\":\"all\",\"total\":1,\"distinct\":1,\"hashtags\":[{\"rank\":1,"
        "\"hashtag\":\"a\",\"count\":18000000000000000,\"last_seen\":1}]}";
    struct ht_top_style style = {.columns = 80, .now_s = 1};
    struct ht_json *list = ht_json_parse(ht_slice_text(json), 0, NULL, NULL);
    assert_non_null(list);
    bool has_failed = true;
    for (size_t allocations = 0; has_failed; allocations++) {
        struct ht_buffer out;
        ht_buffer_init(&out, 4096);
        (void)failing_memory_set(allocations);
        int status = ht_top_table_format(list, &style, &out);
        has_failed = failing_memory_set(SIZE_MAX);
        assert_true(status == 0 || (has_failed && status == HT_ENOMEM));
        assert_true(out.length < 1000);
        ht_buffer_finish(&out);
    }
    ht_json_destroy(list);
}

static const struct {
    int64_t seen_s, now_s;
    const char *text;
} ages[] = {
    {100, 100, "now"},        {200, 100, "now"},       {99, 100, "1 s ago"}, {41, 100, "59 s ago"},
    {40, 100, "1 min ago"},   {1, 3600, "59 min ago"}, {1, 3601, "1 h ago"}, {1, 86400, "23 h ago"},
    {1, 86401, "1970-01-01"}, {0, 86400, "unknown"},
};

static void test_ages(void **state)
{
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(ages); i++) {
        struct ht_buffer out;
        ht_buffer_init(&out, 64);
        ht_top_append_age(&out, ages[i].seen_s, ages[i].now_s);
        assert_string_equal(out.data, ages[i].text);
        ht_buffer_finish(&out);
    }
}

static const struct {
    uint64_t number;
    const char *text;
} numbers[] = {{0, "0"}, {999, "999"}, {1000, "1,000"}, {1234567, "1,234,567"}};

static void test_groups(void **state)
{
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(numbers); i++) {
        struct ht_buffer out;
        ht_buffer_init(&out, 64);
        ht_top_append_grouped(&out, numbers[i].number);
        assert_string_equal(out.data, numbers[i].text);
        ht_buffer_finish(&out);
    }
}

static void test_what_a_list_lacks_is_told(void **state)
{
    (void)state;
    struct ht_top_style style = {.columns = 60, .now_s = 1000};
    struct ht_slice list =
        HT_SLICE("{\"window\":\"1h\",\"total\":1,\"distinct\":1,\"hashtags\":[]}");
    struct ht_error error;
    struct ht_buffer out;
    ht_buffer_init(&out, 1 << 20);
    assert_int_equal(ht_top_table_read(list, "http://here/", &style, &out, &error), 0);
    json_memory_take();
    int result = ht_top_table_read(list, "http://here/", &style, &out, &error);
    json_memory_give_back();
    assert_int_equal(result, HT_ENOMEM);
    assert_non_null(strstr(error.text, "Out of memory"));
    assert_int_equal(ht_top_table_read(HT_SLICE("<html>"), "http://here/", &style, &out, &error),
                     HT_EPARSE);
    assert_string_equal(error.text, "What answers at http://here/ is no hashtagd.");
    ht_buffer_finish(&out);
    ht_buffer_init(&out, 8);
    assert_int_equal(ht_top_table_read(list, "http://here/", &style, &out, &error), HT_ETOOBIG);
    assert_non_null(strstr(error.text, "-n"));
    ht_buffer_finish(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_table),
        cmocka_unit_test(test_nothing_is_counted),
        cmocka_unit_test(test_what_is_no_list),
        cmocka_unit_test(test_what_a_list_lacks_is_told),
        cmocka_unit_test(test_narrow_terminals),
        cmocka_unit_test(test_a_lack_of_memory_changes_no_widths),
        cmocka_unit_test(test_ages),
        cmocka_unit_test(test_groups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
