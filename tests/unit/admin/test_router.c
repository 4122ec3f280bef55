// SPDX-License-Identifier: MIT
#include "admin/router.h"

#include "hashtagd/base/assert.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
    enum ht_http_method method;
    const char *path, *name, *rest, *allow;
} paths[] = {
    {HT_HTTP_GET, "/", "dashboard", "", ""},
    {HT_HTTP_HEAD, "/", "dashboard", "", ""},
    {HT_HTTP_GET, "/app.css", "dashboardFile", "app.css", ""},
    {HT_HTTP_GET, "/nothing.css", NULL, "", ""},
    {HT_HTTP_DELETE, "/nothing", NULL, "", ""},
    {HT_HTTP_POST, "/app.css", NULL, "", "GET, HEAD"},
    {HT_HTTP_GET, "/hashtags", "listHashtags", "", ""},
    {HT_HTTP_HEAD, "/hashtags", "listHashtags", "", ""},
    {HT_HTTP_PUT, "/hashtags", NULL, "", "GET, HEAD"},
    {HT_HTTP_GET, "/hashtags/", NULL, "", ""},
    {HT_HTTP_GET, "/hashtags/foo", "getHashtag", "foo", ""},
    {HT_HTTP_DELETE, "/hashtags/%23foo", "deleteHashtag", "%23foo", ""},
    {HT_HTTP_POST, "/hashtags/foo", NULL, "", "GET, HEAD, DELETE"},
    {HT_HTTP_OPTIONS, "/hashtags/foo", NULL, "", "GET, HEAD, DELETE"},
    {HT_HTTP_GET, "/hashtags/foo/bar", NULL, "", ""},
    {HT_HTTP_GET, "/hashtagsx", NULL, "", ""},
    {HT_HTTP_GET, "//", NULL, "", ""},
    {HT_HTTP_GET, "//hashtags", NULL, "", ""},
    {HT_HTTP_GET, "/..%2f..%2fetc", NULL, "", ""},
    {HT_HTTP_GET, "/../etc/passwd", NULL, "", ""},
    {HT_HTTP_GET, "*", NULL, "", ""},
    {HT_HTTP_GET, "", NULL, "", ""},
    {HT_HTTP_GET, "/tweets", NULL, "", "POST"},
    {HT_HTTP_POST, "/tweets", "putTweets", "", ""},
    {HT_HTTP_OTHER, "/flush", NULL, "", "POST"},
    {HT_HTTP_GET, "/healthz", "getHealth", "", ""},
};

static void test_paths(void **state)
{
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(paths); i++) {
        struct ht_route_match match = ht_route_find(paths[i].method, ht_slice_text(paths[i].path));
        const char *name = match.route == NULL ? "none" : match.route->name;
        const char *expected = paths[i].name == NULL ? "none" : paths[i].name;
        if (strcmp(name, expected) != 0) {
            fail_msg("%s: found %s, expected %s", paths[i].path, name, expected);
        }
        if (match.route != NULL) {
            assert_true(ht_slice_equal(match.rest, ht_slice_text(paths[i].rest)));
        } else {
            assert_string_equal(match.allow, paths[i].allow);
        }
    }
}

static void test_the_table_is_sorted_and_whole(void **state)
{
    (void)state;
    size_t count;
    const struct ht_route *routes = ht_routes(&count);
    for (size_t i = 0; i < count; i++) {
        assert_true(routes[i].path[0] == '/');
        assert_non_null(routes[i].handle);
        assert_non_null(routes[i].summary);
        assert_true(routes[i].responses[0].status >= 200);
        size_t parameters = 0;
        while (routes[i].parameters != NULL && routes[i].parameters[parameters].name != NULL) {
            parameters++;
        }
        assert_true(parameters <= HT_ROUTE_MAX_PARAMETERS);
        if (i > 0) {
            int order = strcmp(routes[i - 1].path, routes[i].path);
            assert_true(order < 0 || (order == 0 && routes[i - 1].method < routes[i].method));
        }
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(routes[i].name, routes[j].name);
        }
    }
}

/* By place in the parameters of GET /hashtags. */
enum { LIMIT, WINDOW, PREFIX, AFTER };

static int read_query(const char *query, struct ht_route_value *values, struct ht_buffer *texts,
                      struct ht_error *error)
{
    struct ht_route_match match = ht_route_find(HT_HTTP_GET, HT_SLICE("/hashtags"));
    ht_buffer_init(texts, HT_ROUTE_MAX_TEXT_BYTES + 1);
    return ht_route_read_query(match.route, ht_slice_text(query), values, texts, error);
}

static void test_a_query_is_read(void **state)
{
    (void)state;
    struct ht_route_value values[HT_ROUTE_MAX_PARAMETERS];
    struct ht_buffer texts;
    struct ht_error error;
    assert_int_equal(
        read_query("window=1h&&limit=007&prefix=%C3%A9+x&after=", values, &texts, &error), 0);
    assert_int_equal(values[LIMIT].number, 7);
    assert_int_equal(values[WINDOW].number, 2);
    assert_true(ht_slice_equal(values[PREFIX].text, HT_SLICE("\xc3\xa9 x")));
    assert_true(values[AFTER].is_given);
    assert_int_equal(values[AFTER].text.length, 0);
    ht_buffer_finish(&texts);
}

static void test_without_a_query_there_are_defaults(void **state)
{
    (void)state;
    struct ht_route_value values[HT_ROUTE_MAX_PARAMETERS];
    struct ht_buffer texts;
    struct ht_error error;
    assert_int_equal(read_query(NULL, values, &texts, &error), 0);
    assert_int_equal(values[LIMIT].number, 20);
    assert_false(values[LIMIT].is_given);
    assert_int_equal(values[WINDOW].number, 0);
    assert_false(values[PREFIX].is_given);
    ht_buffer_finish(&texts);
}

static const struct {
    const char *query, *text;
} bad_queries[] = {
    {"limit=0", "limit must be a whole number from 1 to 1000."},
    {"limit=1001", "limit must be a whole number from 1 to 1000."},
    {"limit=-1", "limit must be"},
    {"limit=", "limit must be"},
    {"limit", "limit must be"},
    {"limit=99999999999999999999999", "limit must be"},
    {"window=2m", "window must be one of all, 5m, 1h, 24h."},
    {"limit=1&limit=2", "limit is given twice."},
    {"limt=1", "/hashtags knows no parameter 'limt'; it knows limit, window, prefix, after."},
    {"prefix=%zz", "The query is not percent-encoded."},
    {"prefix=%", "The query is not percent-encoded."},
    {"%C3%A9%FF=1", "/hashtags knows no parameter '\xc3\xa9?'; it knows"},
};

static void test_bad_queries(void **state)
{
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(bad_queries); i++) {
        struct ht_route_value values[HT_ROUTE_MAX_PARAMETERS];
        struct ht_buffer texts;
        struct ht_error error = {0};
        assert_int_equal(read_query(bad_queries[i].query, values, &texts, &error), HT_EINVAL);
        if (strstr(error.text, bad_queries[i].text) == NULL) {
            fail_msg("%s: %s", bad_queries[i].query, error.text);
        }
        ht_buffer_finish(&texts);
    }
}

static void test_a_route_without_parameters(void **state)
{
    (void)state;
    struct ht_route_match match = ht_route_find(HT_HTTP_GET, HT_SLICE("/status"));
    struct ht_route_value values[HT_ROUTE_MAX_PARAMETERS];
    struct ht_buffer texts;
    struct ht_error error;
    ht_buffer_init(&texts, HT_ROUTE_MAX_TEXT_BYTES + 1);
    assert_int_equal(ht_route_read_query(match.route, HT_SLICE("x=1"), values, &texts, &error),
                     HT_EINVAL);
    assert_string_equal(error.text, "/status takes no parameters, found 'x'.");
    ht_buffer_finish(&texts);
}

static void test_a_long_query(void **state)
{
    (void)state;
    struct ht_route_match match = ht_route_find(HT_HTTP_GET, HT_SLICE("/hashtags"));
    static char query[HT_ROUTE_MAX_TEXT_BYTES + 1];
    memset(query, 'x', sizeof(query));
    struct ht_route_value values[HT_ROUTE_MAX_PARAMETERS];
    struct ht_buffer texts;
    struct ht_error error;
    ht_buffer_init(&texts, HT_ROUTE_MAX_TEXT_BYTES + 1);
    assert_int_equal(ht_route_read_query(match.route, ht_slice_make(query, sizeof(query)), values,
                                         &texts, &error),
                     HT_EINVAL);
    ht_buffer_finish(&texts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_the_table_is_sorted_and_whole),
        cmocka_unit_test(test_a_query_is_read),
        cmocka_unit_test(test_without_a_query_there_are_defaults),
        cmocka_unit_test(test_bad_queries),
        cmocka_unit_test(test_a_route_without_parameters),
        cmocka_unit_test(test_a_long_query),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
