// SPDX-License-Identifier: MIT
#include "fake_parts.h"

#include "hashtagd/base/assert.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
    const char *method, *path, *headers[2];
    int status;
    const char *allow;
} requests[] = {
    {"GET", "", {NULL, NULL}, 200, ""},
    {"GET", "hashtags", {NULL, NULL}, 200, ""},
    {"GET", "nothing", {NULL, NULL}, 404, ""},
    {"GET", "hashtags/", {NULL, NULL}, 404, ""},
    {"PUT", "hashtags/foo", {NULL, NULL}, 405, "GET, HEAD, DELETE"},
    {"GET", "tweets", {NULL, NULL}, 405, "POST"},
    {"GET", "hashtags?limit=x", {NULL, NULL}, 400, ""},
    {"GET", "hashtags?after=nonsense!", {NULL, NULL}, 400, ""},
    {"GET", "hashtags?prefix=%ff", {NULL, NULL}, 400, ""},
    {"GET", "status?x=1", {NULL, NULL}, 400, ""},
    {"GET", "hashtags", {"Host", "evil.example"}, 403, ""},
    {"GET", "hashtags", {"Origin", "http://evil.example"}, 403, ""},
    {"GET", "hashtags", {"Host", "localhost"}, 200, ""},
    {"POST", "flush", {"Origin", "null"}, 403, ""},
};

static void test_what_is_answered(void **state)
{
    (void)state;
    struct fake_parts parts;
    fake_parts_start(&parts, NULL);
    for (size_t i = 0; i < HT_COUNT_OF(requests); i++) {
        struct fake_request request = {.method = requests[i].method, .path = requests[i].path};
        request.headers[0][0] = requests[i].headers[0];
        request.headers[0][1] = requests[i].headers[1];
        struct fake_answer answer = fake_parts_ask(&parts, &request);
        if (answer.status != requests[i].status || strcmp(answer.allow, requests[i].allow) != 0) {
            fail_msg("row %zu, %s: %d, Allow '%s', %s", i, requests[i].path, answer.status,
                     answer.allow, answer.body);
        }
        assert_true(answer.has_policy);
        if (answer.status >= 400) {
            assert_string_equal(answer.type, "application/problem+json");
            fake_assert_has(answer.body, "\"detail\":\"");
        }
        fake_answer_finish(&answer);
    }
    fake_parts_finish(&parts);
}

static void test_the_token(void **state)
{
    (void)state;
    struct fake_parts parts;
    fake_parts_start(&parts, &(struct fake_options){.token = "s3cret"});
    struct fake_answer answer = fake_parts_get(&parts, "hashtags", 401);
    assert_string_equal(answer.authenticate, "Bearer");
    assert_null(strstr(answer.body, "s3cret"));
    fake_answer_finish(&answer);
    static const char *const free_paths[] = {"", "app.js", "healthz", "readyz"};
    for (size_t i = 0; i < HT_COUNT_OF(free_paths); i++) {
        answer = fake_parts_get(&parts, free_paths[i], 200);
        fake_answer_finish(&answer);
    }
    answer = fake_parts_get(&parts, "nothing", 401);
    fake_answer_finish(&answer);
    struct fake_request request = {
        .path = "hashtags",
        .headers = {{"Authorization", "Bearer s3cret"}, {"Host", "any.example"}}};
    answer = fake_parts_ask(&parts, &request);
    assert_int_equal(answer.status, 200);
    fake_answer_finish(&answer);
    fake_parts_finish(&parts);
}

static void test_files_of_the_dashboard(void **state)
{
    (void)state;
    struct fake_parts parts;
    fake_parts_start(&parts, NULL);
    struct fake_answer plain = fake_parts_get(&parts, "", 200);
    assert_string_equal(plain.type, "text/html; charset=utf-8");
    assert_string_equal(plain.cache, "no-cache");
    fake_assert_has(plain.body, "<html");
    struct fake_request packed = {.path = "index.html", .headers = {{"Accept-Encoding", "gzip"}}};
    struct fake_answer gzip = fake_parts_ask(&parts, &packed);
    assert_int_equal(gzip.status, 200);
    assert_string_equal(gzip.encoding, "gzip");
    assert_string_not_equal(gzip.etag, plain.etag);
    assert_true(gzip.length < plain.length);
    struct fake_request again = {.path = "", .headers = {{"If-None-Match", plain.etag}}};
    struct fake_answer unchanged = fake_parts_ask(&parts, &again);
    assert_int_equal(unchanged.status, 304);
    assert_int_equal(unchanged.length, 0);
    fake_answer_finish(&plain);
    fake_answer_finish(&gzip);
    fake_answer_finish(&unchanged);
    fake_parts_finish(&parts);
}

static void test_the_address_for_clients(void **state)
{
    (void)state;
    struct fake_parts parts;
    fake_parts_start(&parts, &(struct fake_options){.host = "0.0.0.0", .token = "t"});
    assert_true(strncmp(ht_admin_url(parts.admin), "http://127.0.0.1:", 17) == 0);
    assert_true(ht_admin_url(parts.admin)[strlen(ht_admin_url(parts.admin)) - 1] == '/');
    fake_parts_finish(&parts);
}

static void on_canceled(void *user, struct ht_http_result *result)
{
    int *code = user;
    *code = result->code;
}

/* A client goes, and the administration closes, while a part still works on the deletion. */
static void test_a_client_that_does_not_wait(void **state)
{
    (void)state;
    struct fake_parts parts;
    fake_parts_start(&parts, NULL);
    parts.count.is_slow = true;
    char url[256];
    (void)snprintf(url, sizeof(url), "%shashtags/foo", ht_admin_url(parts.admin));
    int code = 1;
    struct ht_http_transfer_options options = {
        .method = "DELETE", .url = url, .on_done = on_canceled, .user = &code};
    struct ht_http_transfer *transfer;
    assert_int_equal(ht_http_transfer_start(parts.client, &options, &transfer, NULL), 0);
    while (parts.count.held == NULL) {
        fake_parts_run(&parts, 5);
    }
    ht_http_transfer_cancel(transfer);
    fake_parts_run(&parts, 50);
    assert_int_equal(code, HT_ECANCELED);
    parts.count.held->status = 0;
    parts.count.held->found = true;
    parts.count.held->done(parts.count.held);
    fake_parts_finish(&parts);
}

static void on_closed(void *user)
{
    bool *is_closed = user;
    *is_closed = true;
}

static void test_closing_waits_for_what_parts_still_do(void **state)
{
    (void)state;
    struct fake_parts parts;
    fake_parts_start(&parts, NULL);
    parts.count.is_slow = true;
    char url[256];
    (void)snprintf(url, sizeof(url), "%shashtags/foo", ht_admin_url(parts.admin));
    int code = 1;
    struct ht_http_transfer_options options = {
        .method = "DELETE", .url = url, .on_done = on_canceled, .user = &code};
    assert_int_equal(ht_http_transfer_start(parts.client, &options, NULL, NULL), 0);
    while (parts.count.held == NULL) {
        fake_parts_run(&parts, 5);
    }
    bool is_closed = false;
    ht_admin_close(parts.admin, 10, on_closed, &is_closed);
    parts.admin = NULL;
    fake_parts_run(&parts, 300);
    assert_false(is_closed);
    parts.count.held->status = HT_ECANCELED;
    parts.count.held->done(parts.count.held);
    fake_parts_run(&parts, 50);
    assert_true(is_closed);
    fake_parts_finish(&parts);
}

static void test_metrics(void **state)
{
    (void)state;
    struct fake_parts parts;
    fake_parts_start(&parts, NULL);
    fake_parts_add(&parts, "secrethashtag", 3);
    parts.count.counters.tweets = 12;
    struct fake_answer answer = fake_parts_get(&parts, "metrics", 200);
    assert_string_equal(answer.type, "text/plain; version=0.0.4; charset=utf-8");
    fake_assert_has(answer.body, "\nhashtagd_count_tweets_total 12\n");
    fake_assert_has(answer.body, "\nhashtagd_shard_lag_seconds{shard=\"shard-0\"} 1.5\n");
    fake_assert_has(answer.body, "hashtagd_build_info{version=\"1.2.3\",compiler=");
    fake_assert_has(answer.body, "\nprocess_start_time_seconds 1000\n");
    assert_null(strstr(answer.body, "secrethashtag"));
    fake_answer_finish(&answer);
    struct fake_request open = {.path = "metrics",
                                .headers = {{"Accept", "application/openmetrics-text"}}};
    answer = fake_parts_ask(&parts, &open);
    fake_assert_has(answer.type, "application/openmetrics-text; version=1.0.0");
    assert_string_equal(answer.body + answer.length - 6, "# EOF\n");
    fake_assert_has(
        answer.body,
        "hashtagd_http_requests_total{route=\"/metrics\",method=\"GET\",code=\"2xx\"} 1\n");
    fake_answer_finish(&answer);
    fake_parts_finish(&parts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_answered),
        cmocka_unit_test(test_the_token),
        cmocka_unit_test(test_files_of_the_dashboard),
        cmocka_unit_test(test_the_address_for_clients),
        cmocka_unit_test(test_a_client_that_does_not_wait),
        cmocka_unit_test(test_closing_waits_for_what_parts_still_do),
        cmocka_unit_test(test_metrics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
