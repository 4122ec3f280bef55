// SPDX-License-Identifier: MIT
#include "hashtagd/aws/attribute.h"

#include "hashtagd/base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* A reader over one item. */
struct item {
    struct ht_json_reader reader;
    struct ht_buffer arena;
    struct ht_json_value value; /* of the attribute "aa" */
};

static const char *const names[] = {"aa"};

static bool item_open(struct item *item, const char *json)
{
    struct ht_json_keys keys;
    ht_json_keys_init(&keys, names, 1);
    ht_json_reader_init(&item->reader, 1 << 20);
    ht_buffer_init(&item->arena, 1 << 20);
    item->value = (struct ht_json_value){0};
    if (ht_json_reader_scan(&item->reader, ht_slice_text(json), NULL) != HT_JSON_VERDICT_OK) {
        return false;
    }
    ht_json_reader_find(&item->reader, ht_json_reader_root(&item->reader), &keys, &item->value);
    return true;
}

static void item_close(struct item *item)
{
    ht_json_reader_finish(&item->reader);
    ht_buffer_finish(&item->arena);
}

static void types_are_told_and_others_skipped(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        enum ht_attribute_type type;
    } cases[] = {
        {"{\"aa\":{\"S\":\"x\"}}", HT_ATTRIBUTE_S},
        {"{\"aa\":{\"N\":\"1\"}}", HT_ATTRIBUTE_N},
        {"{\"aa\":{\"B\":\"AQ==\"}}", HT_ATTRIBUTE_B},
        {"{\"aa\":{\"BOOL\":false}}", HT_ATTRIBUTE_BOOL},
        {"{\"aa\":{\"NULL\":true}}", HT_ATTRIBUTE_NULL},
        {"{\"aa\":{\"SS\":[\"x\"]}}", HT_ATTRIBUTE_SS},
        {"{\"aa\":{\"NS\":[\"1\"]}}", HT_ATTRIBUTE_NS},
        {"{\"aa\":{\"BS\":[]}}", HT_ATTRIBUTE_BS},
        {"{\"aa\":{\"M\":{\"S\":{\"S\":\"x\"}}}}", HT_ATTRIBUTE_M},
        {"{\"aa\":{\"L\":[{\"S\":\"x\"}]}}", HT_ATTRIBUTE_L},
        {"{\"aa\":{\"S\":1}}", HT_ATTRIBUTE_NONE},
        {"{\"aa\":{\"N\":1}}", HT_ATTRIBUTE_NONE},
        {"{\"aa\":{\"BOOL\":\"true\"}}", HT_ATTRIBUTE_NONE},
        {"{\"aa\":{\"M\":[]}}", HT_ATTRIBUTE_NONE},
        {"{\"aa\":{\"Z\":\"x\"}}", HT_ATTRIBUTE_NONE},
        {"{\"aa\":{\"\":\"x\"}}", HT_ATTRIBUTE_NONE},
        {"{\"aa\":{}}", HT_ATTRIBUTE_NONE},
        {"{\"aa\":{\"S\":\"x\",\"N\":\"1\"}}", HT_ATTRIBUTE_NONE},
        {"{\"aa\":null}", HT_ATTRIBUTE_NONE},
        {"{\"aa\":[\"S\"]}", HT_ATTRIBUTE_NONE},
        {"{\"aa\":\"S\"}", HT_ATTRIBUTE_NONE},
        {"{\"bb\":{\"S\":\"x\"}}", HT_ATTRIBUTE_NONE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct item item;
        struct ht_json_value inner;
        assert_true(item_open(&item, cases[i].json));
        if (ht_attribute_get(&item.reader, item.value, &inner) != cases[i].type) {
            fail_msg("%s", cases[i].json);
        }
        assert_int_equal(ht_attribute_get(&item.reader, item.value, NULL), cases[i].type);
        item_close(&item);
    }
}

static void texts_are_read_with_their_escapes_resolved(void **state)
{
    (void)state;
    static const struct {
        const char *json, *text;
        int status;
    } cases[] = {
        {"{\"aa\":{\"S\":\"plain\"}}", "plain", 0},
        {"{\"aa\":{\"S\":\"\"}}", "", 0},
        {"{\"aa\":{\"S\":\"\\u00e4 \\\"q\\\"\"}}", "\xc3\xa4 \"q\"", 0},
        {"{\"aa\":{\"N\":\"1\"}}", "", HT_ENOTFOUND},
        {"{\"aa\":[]}", "", HT_ENOTFOUND},
        {"{}", "", HT_ENOTFOUND},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct item item;
        struct ht_slice text = {0};
        assert_true(item_open(&item, cases[i].json));
        assert_int_equal(ht_attribute_text(&item.reader, item.value, &item.arena, &text),
                         cases[i].status);
        assert_true(ht_slice_equal(text, ht_slice_text(cases[i].text)));
        item_close(&item);
    }
}

/* What the three ways to read a number say of the same text. */
struct number_case {
    const char *text;
    int u64_status, i64_status, seconds_status;
    uint64_t u64;
    int64_t i64; /* and the seconds, where status is 0 */
};

static void check_number(const struct number_case *expected)
{
    char json[256];
    struct item item;
    uint64_t u64 = 0;
    int64_t i64 = 0, seconds = 0;
    (void)snprintf(json, sizeof(json), "{\"aa\":{\"N\":\"%s\"}}", expected->text);
    assert_true(item_open(&item, json));
    int statuses[] = {ht_attribute_u64(&item.reader, item.value, &u64),
                      ht_attribute_i64(&item.reader, item.value, &i64),
                      ht_attribute_seconds(&item.reader, item.value, &seconds)};
    if (statuses[0] != expected->u64_status || statuses[1] != expected->i64_status ||
        statuses[2] != expected->seconds_status || u64 != expected->u64 ||
        (expected->i64_status == 0 && i64 != expected->i64) ||
        (expected->seconds_status == 0 && seconds != expected->i64)) {
        fail_msg("%s: %d %d %d", expected->text, statuses[0], statuses[1], statuses[2]);
    }
    item_close(&item);
}

static void numbers_are_read_exactly_in_any_form(void **state)
{
    (void)state;
    static const struct number_case cases[] = {
        {"0", 0, 0, 0, 0, 0},
        {"-0", 0, 0, 0, 0, 0},
        {"10", 0, 0, 0, 10, 10},
        {"1E+1", 0, 0, 0, 10, 10},
        {"1E+2", 0, 0, 0, 100, 100},
        {"1.5e3", 0, 0, 0, 1500, 1500},
        {"1.0", 0, 0, 0, 1, 1},
        {"100E-2", 0, 0, 0, 1, 1},
        {"0E+9999", 0, 0, 0, 0, 0},
        {"0000000000000000000000000000000000000000000000012", 0, 0, 0, 12, 12},
        {"18446744073709551615", 0, HT_ETOOBIG, HT_ETOOBIG, UINT64_MAX, 0},
        {"18446744073709551616", HT_ETOOBIG, HT_ETOOBIG, HT_ETOOBIG, 0, 0},
        {"9223372036854775807", 0, 0, 0, INT64_MAX, INT64_MAX},
        {"99999999999999999999999999999999999999", HT_ETOOBIG, HT_ETOOBIG, HT_ETOOBIG, 0, 0},
        {"1E+125", HT_ETOOBIG, HT_ETOOBIG, HT_ETOOBIG, 0, 0},
        {"-3", HT_ETOOBIG, 0, 0, 0, -3},
        {"1.5", HT_EPARSE, HT_EPARSE, 0, 0, 1},
        {"1E-130", HT_EPARSE, HT_EPARSE, 0, 0, 0},
        {"1E-9999", HT_EPARSE, HT_EPARSE, 0, 0, 0},
        {"", HT_EPARSE, HT_EPARSE, HT_EPARSE, 0, 0},
        {"-", HT_EPARSE, HT_EPARSE, HT_EPARSE, 0, 0},
        {"1.", HT_EPARSE, HT_EPARSE, HT_EPARSE, 0, 0},
        {".5", HT_EPARSE, HT_EPARSE, HT_EPARSE, 0, 0},
        {"1E", HT_EPARSE, HT_EPARSE, HT_EPARSE, 0, 0},
        {"1E+", HT_EPARSE, HT_EPARSE, HT_EPARSE, 0, 0},
        {"1E99999999999999999999", HT_EPARSE, HT_EPARSE, HT_EPARSE, 0, 0},
        {"1 ", HT_EPARSE, HT_EPARSE, HT_EPARSE, 0, 0},
        {" 1", HT_EPARSE, HT_EPARSE, HT_EPARSE, 0, 0},
        {"NaN", HT_EPARSE, HT_EPARSE, HT_EPARSE, 0, 0},
        {"0x10", HT_EPARSE, HT_EPARSE, HT_EPARSE, 0, 0},
        {"\\u0031", HT_EPARSE, HT_EPARSE, HT_EPARSE, 0, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check_number(&cases[i]);
    }
}

static void a_number_is_given_as_its_own_text(void **state)
{
    (void)state;
    struct item item;
    struct ht_slice number = {0};
    assert_true(item_open(&item, "{\"aa\":{\"N\":\"3.14159265358979323846264338327950288419\"}}"));
    assert_int_equal(ht_attribute_number(&item.reader, item.value, &number), 0);
    assert_true(ht_slice_equal(number, HT_SLICE("3.14159265358979323846264338327950288419")));
    item_close(&item);
    assert_true(item_open(&item, "{\"aa\":{\"N\":\"12a\"}}"));
    assert_int_equal(ht_attribute_number(&item.reader, item.value, &number), HT_EPARSE);
    item_close(&item);
    char json[HT_ATTRIBUTE_NUMBER_BYTES + 32] = "{\"aa\":{\"N\":\"";
    size_t begin = strlen(json);
    memset(json + begin, '1', HT_ATTRIBUTE_NUMBER_BYTES + 1);
    (void)snprintf(json + begin + HT_ATTRIBUTE_NUMBER_BYTES + 1, 8, "\"}}");
    assert_true(item_open(&item, json));
    assert_int_equal(ht_attribute_number(&item.reader, item.value, &number), HT_EPARSE);
    item_close(&item);
}

static void timestamps_are_read_to_the_millisecond(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        int status;
        int64_t time_ms;
    } cases[] = {
        {"{\"aa\":1441215410}", 0, 1441215410000},
        {"{\"aa\":1.441215410867E9}", 0, 1441215410867},
        {"{\"aa\":1441215410.8679}", 0, 1441215410867},
        {"{\"aa\":1.4E9}", 0, 1400000000000},
        {"{\"aa\":0}", 0, 0},
        {"{\"aa\":1e300}", HT_ETOOBIG, -1},
        {"{\"aa\":\"1441215410\"}", HT_EPARSE, -1},
        {"{\"aa\":null}", HT_EPARSE, -1},
        {"{}", HT_EPARSE, -1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct item item;
        int64_t time_ms = -1;
        assert_true(item_open(&item, cases[i].json));
        assert_int_equal(ht_attribute_timestamp_ms(&item.reader, item.value, &time_ms),
                         cases[i].status);
        assert_int_equal(time_ms, cases[i].time_ms);
        item_close(&item);
    }
}

static void items_are_written_as_they_are_read(void **state)
{
    (void)state;
    struct ht_buffer buffer;
    struct ht_json_writer writer;
    const struct ht_slice parents[] = {HT_SLICE("shard-1"), HT_SLICE("shard \"2\"")};
    ht_buffer_init(&buffer, 4096);
    ht_json_writer_init(&writer, &buffer);
    ht_json_write_object_begin(&writer);
    ht_attribute_add_text(&writer, "hashtag", HT_SLICE("a\"\n\xc3\xa4"));
    ht_attribute_add_u64(&writer, "htCount", UINT64_MAX);
    ht_attribute_add_i64(&writer, "offset", INT64_MIN);
    ht_json_write_key(&writer, "parentShardId");
    ht_attribute_write_texts(&writer, parents, 2);
    ht_json_write_key(&writer, "pi");
    ht_attribute_write_number(&writer, HT_SLICE("3.14"));
    ht_json_write_object_end(&writer);
    assert_int_equal(ht_json_writer_status(&writer), 0);
    assert_string_equal(buffer.data, "{\"hashtag\":{\"S\":\"a\\\"\\n\xc3\xa4\"},"
                                     "\"htCount\":{\"N\":\"18446744073709551615\"},"
                                     "\"offset\":{\"N\":\"-9223372036854775808\"},"
                                     "\"parentShardId\":{\"SS\":[\"shard-1\",\"shard \\\"2\\\"\"]},"
                                     "\"pi\":{\"N\":\"3.14\"}}");
    ht_buffer_finish(&buffer);
}

static void changed_bytes_never_do_harm(void **state)
{
    (void)state;
    static const char *const seeds[] = {"{\"aa\":{\"S\":\"x\\u00e4\"}}",
                                        "{\"aa\":{\"N\":\"1.5E+12\"}}", "{\"aa\":1.441215410867E9}",
                                        "{\"aa\":{\"M\":{\"S\":{\"N\":\"1\"}}}}"};
    struct ht_random random;
    ht_random_init(&random, 1);
    for (size_t round = 0; round < 20000; round++) {
        char json[64] = {0};
        struct item item;
        struct ht_slice text;
        uint64_t u64;
        int64_t i64;
        (void)snprintf(json, sizeof(json), "%s", seeds[round % 4]);
        json[ht_random_below(&random, strlen(json))] = (char)(32 + ht_random_below(&random, 95));
        if (item_open(&item, json)) {
            (void)!ht_attribute_text(&item.reader, item.value, &item.arena, &text);
            (void)!ht_attribute_number(&item.reader, item.value, &text);
            (void)!ht_attribute_u64(&item.reader, item.value, &u64);
            (void)!ht_attribute_i64(&item.reader, item.value, &i64);
            (void)!ht_attribute_seconds(&item.reader, item.value, &i64);
            (void)!ht_attribute_timestamp_ms(&item.reader, item.value, &i64);
        }
        item_close(&item);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_are_told_and_others_skipped),
        cmocka_unit_test(texts_are_read_with_their_escapes_resolved),
        cmocka_unit_test(numbers_are_read_exactly_in_any_form),
        cmocka_unit_test(a_number_is_given_as_its_own_text),
        cmocka_unit_test(timestamps_are_read_to_the_millisecond),
        cmocka_unit_test(items_are_written_as_they_are_read),
        cmocka_unit_test(changed_bytes_never_do_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
