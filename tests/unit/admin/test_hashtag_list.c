// SPDX-License-Identifier: MIT
#include "admin/hashtag_list.h"

#include "hashtagd/base/assert.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { MINUTE = 100 };

static struct ht_tally *make_tally(void)
{
    struct ht_tally_options options = {.key = {1, 2}, .minute = MINUTE};
    struct ht_tally *tally = ht_tally_create(&options);
    assert_non_null(tally);
    return tally;
}

static void add(struct ht_tally *tally, const char *tag, uint32_t count)
{
    struct ht_tally_add one = {
        .tag = ht_slice_text(tag), .minute = MINUTE, .seen_s = MINUTE * 60 + 1, .count = count};
    assert_int_equal(ht_tally_add(tally, &one), 0);
}

static void assert_list(struct ht_tally *tally, const struct ht_list_query *query,
                        const char *expected)
{
    struct ht_buffer json;
    ht_buffer_init(&json, 1 << 20);
    assert_int_equal(ht_list_format(tally, query, &json), 0);
    assert_string_equal(ht_buffer_slice(&json).data, expected);
    ht_buffer_finish(&json);
}

static void test_pages(void **state)
{
    (void)state;
    struct ht_tally *tally = make_tally();
    add(tally, "b\"<", 2);
    add(tally, "a", 2);
    add(tally, "c", 1);
    struct ht_list_query query = {.window = HT_TALLY_5M, .limit = 2};
    assert_list(tally, &query,
                "{\"window\":\"5m\",\"total\":5,\"distinct\":3,\"hashtags\":["
                "{\"rank\":1,\"hashtag\":\"a\",\"count\":2,\"first_seen\":6001,\"last_seen\":6001},"
                "{\"rank\":2,\"hashtag\":\"b\\\"<\",\"count\":2,\"first_seen\":6001,\"last_seen\":"
                "6001}],\"next\":\"MjpiIjw\"}");
    char tag[HT_TALLY_TAG_MAX_BYTES];
    size_t length;
    assert_int_equal(ht_cursor_parse(HT_SLICE("MjpiIjw"), &query.after_count, tag, &length), 0);
    query.has_after = true;
    query.after_tag = ht_slice_make(tag, length);
    assert_list(tally, &query,
                "{\"window\":\"5m\",\"total\":5,\"distinct\":3,\"hashtags\":["
                "{\"rank\":3,\"hashtag\":\"c\",\"count\":1,\"first_seen\":6001,\"last_seen\":6001}]"
                ",\"next\":null}");
    ht_tally_destroy(tally);
}

static void test_an_empty_list(void **state)
{
    (void)state;
    struct ht_tally *tally = make_tally();
    struct ht_list_query query = {.window = HT_TALLY_ALL, .limit = 20};
    assert_list(tally, &query,
                "{\"window\":\"all\",\"total\":0,\"distinct\":0,\"hashtags\":[],\"next\":null}");
    ht_tally_destroy(tally);
}

static void test_series(void **state)
{
    (void)state;
    struct ht_tally *tally = make_tally();
    add(tally, "a", 7);
    struct ht_list_query query = {.window = HT_TALLY_ALL, .limit = 20, .has_series = true};
    struct ht_buffer json;
    ht_buffer_init(&json, 1 << 20);
    assert_int_equal(ht_list_format(tally, &query, &json), 0);
    assert_non_null(strstr(json.data, "\"series\":[0,0,0"));
    assert_non_null(strstr(json.data, ",0,7]}],\"next\":null}"));
    ht_buffer_finish(&json);
    ht_tally_destroy(tally);
}

static void test_a_list_that_is_too_large(void **state)
{
    (void)state;
    struct ht_tally *tally = make_tally();
    add(tally, "a", 1);
    struct ht_list_query query = {.limit = 20};
    struct ht_buffer json;
    ht_buffer_init(&json, 20);
    assert_int_equal(ht_list_format(tally, &query, &json), HT_ETOOBIG);
    ht_buffer_finish(&json);
    ht_tally_destroy(tally);
}

static void test_cursors_come_back(void **state)
{
    (void)state;
    static char longest[HT_TALLY_TAG_MAX_BYTES];
    memset(longest, '?', sizeof(longest));
    const struct ht_slice tags[] = {HT_SLICE("a"),
                                    HT_SLICE("a:b"),
                                    HT_SLICE("\xff\xfe\xfb"),
                                    HT_SLICE("\0x"),
                                    {longest, sizeof(longest)}};
    for (size_t i = 0; i < HT_COUNT_OF(tags); i++) {
        char cursor[HT_CURSOR_BYTES], tag[HT_TALLY_TAG_MAX_BYTES];
        size_t length;
        uint64_t count;
        ht_cursor_format(UINT64_MAX - i, tags[i], cursor);
        assert_int_equal(strcspn(cursor, "+/="), strlen(cursor));
        assert_int_equal(ht_cursor_parse(ht_slice_text(cursor), &count, tag, &length), 0);
        assert_true(count == UINT64_MAX - i);
        assert_true(ht_slice_equal(ht_slice_make(tag, length), tags[i]));
    }
}

static const char *const bad_cursors[] = {"",        "!", "MQ",       "OmZvbw",  "MTo",
                                          "eDpmb28", "A", "MTpmb28=", "MTpm/28", "LTE6Zm9v"};

static void test_bad_cursors(void **state)
{
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(bad_cursors); i++) {
        char tag[HT_TALLY_TAG_MAX_BYTES];
        size_t length;
        uint64_t count;
        if (ht_cursor_parse(ht_slice_text(bad_cursors[i]), &count, tag, &length) != HT_EPARSE) {
            fail_msg("%s", bad_cursors[i]);
        }
    }
    static char longest[HT_CURSOR_BYTES * 2];
    memset(longest, 'A', sizeof(longest));
    char tag[HT_TALLY_TAG_MAX_BYTES];
    size_t length;
    uint64_t count;
    assert_int_equal(ht_cursor_parse(ht_slice_make(longest, sizeof(longest)), &count, tag, &length),
                     HT_EPARSE);
}

static void test_the_cache_serves_while_nothing_changes(void **state)
{
    (void)state;
    struct ht_tally *tally = make_tally();
    add(tally, "a", 1);
    struct ht_list_cache cache;
    ht_list_cache_init(&cache);
    struct ht_list_now now = {.tally = tally, .durable_version = 1, .now_ms = 1000};
    struct ht_http_body *first = ht_list_cache_get(&cache, &now, HT_TALLY_ALL, 20);
    assert_non_null(first);
    now.now_ms = 1000000;
    assert_ptr_equal(ht_list_cache_get(&cache, &now, HT_TALLY_ALL, 20), first);
    assert_int_equal(cache.hits, 1);
    assert_int_equal(cache.misses, 1);
    ht_list_cache_finish(&cache);
    ht_tally_destroy(tally);
}

static void test_the_cache_is_a_little_late_while_counting(void **state)
{
    (void)state;
    struct ht_tally *tally = make_tally();
    add(tally, "a", 1);
    struct ht_list_cache cache;
    ht_list_cache_init(&cache);
    struct ht_list_now now = {.tally = tally, .durable_version = 1, .now_ms = 1000};
    (void)ht_list_cache_get(&cache, &now, HT_TALLY_ALL, 20);
    add(tally, "b", 1);
    now.now_ms += HT_LIST_MAX_AGE_MS - 1;
    struct ht_http_body *late = ht_list_cache_get(&cache, &now, HT_TALLY_ALL, 20);
    assert_null(strstr(ht_http_body_slice(late).data, "\"b\""));
    now.now_ms += 1;
    struct ht_http_body *fresh = ht_list_cache_get(&cache, &now, HT_TALLY_ALL, 20);
    assert_non_null(strstr(ht_http_body_slice(fresh).data, "\"b\""));
    ht_list_cache_finish(&cache);
    ht_tally_destroy(tally);
}

static void test_the_cache_is_never_older_than_a_deletion(void **state)
{
    (void)state;
    struct ht_tally *tally = make_tally();
    add(tally, "a", 1);
    add(tally, "b", 1);
    struct ht_list_cache cache;
    ht_list_cache_init(&cache);
    struct ht_list_now now = {.tally = tally, .durable_version = 1, .now_ms = 1000};
    (void)ht_list_cache_get(&cache, &now, HT_TALLY_ALL, 20);
    assert_int_equal(ht_tally_remove(tally, HT_SLICE("b"), NULL), 0);
    now.durable_version = 2;
    struct ht_http_body *fresh = ht_list_cache_get(&cache, &now, HT_TALLY_ALL, 20);
    assert_null(strstr(ht_http_body_slice(fresh).data, "\"b\""));
    ht_list_cache_finish(&cache);
    ht_tally_destroy(tally);
}

static void test_the_cache_keeps_lists_apart(void **state)
{
    (void)state;
    struct ht_tally *tally = make_tally();
    add(tally, "a", 1);
    add(tally, "b", 1);
    struct ht_list_cache cache;
    ht_list_cache_init(&cache);
    struct ht_list_now now = {.tally = tally, .durable_version = 1, .now_ms = 1000};
    for (uint32_t limit = 1; limit <= HT_LIST_CACHE_ENTRIES * 2; limit++) {
        now.now_ms++;
        struct ht_http_body *body = ht_list_cache_get(&cache, &now, HT_TALLY_1H, limit);
        assert_int_equal(strstr(ht_http_body_slice(body).data, "\"b\"") != NULL, limit > 1);
        assert_non_null(strstr(ht_http_body_slice(body).data, "\"window\":\"1h\""));
    }
    assert_int_equal(cache.misses, HT_LIST_CACHE_ENTRIES * 2);
    ht_list_cache_finish(&cache);
    ht_tally_destroy(tally);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_an_empty_list),
        cmocka_unit_test(test_series),
        cmocka_unit_test(test_a_list_that_is_too_large),
        cmocka_unit_test(test_cursors_come_back),
        cmocka_unit_test(test_bad_cursors),
        cmocka_unit_test(test_the_cache_serves_while_nothing_changes),
        cmocka_unit_test(test_the_cache_is_a_little_late_while_counting),
        cmocka_unit_test(test_the_cache_is_never_older_than_a_deletion),
        cmocka_unit_test(test_the_cache_keeps_lists_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
