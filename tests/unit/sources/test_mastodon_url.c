// SPDX-License-Identifier: MIT
#include "mastodon_url.h"

#include "../../support/json_memory.h"
#include "../tally/failing_memory.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static void assert_text(struct ht_buffer *out, const char *text)
{
    assert_string_equal(out->length == 0 ? "" : out->data, text);
    ht_buffer_finish(out);
}

static void test_base(void **state)
{
    (void)state;
    static const struct {
        const char *address, *base; /* base NULL: refused */
    } cases[] = {
        {"https://example.social", "https://example.social"},
        {"https://example.social/", "https://example.social"},
        {"https://example.social/proxy//", "https://example.social/proxy"},
        {"wss://example.social:8443", "https://example.social:8443"},
        {"WSS://example.social", "https://example.social"},
        {"http://127.0.0.1:80/a?b#c", "http://127.0.0.1:80/a"},
        {"ws://[::1]:4000", "http://[::1]:4000"},
        {"https://example.social#x", "https://example.social"},
        {"https://", NULL},
        {"https:///path", NULL},
        {"https://?x", NULL},
        {"https://example\r\n.social", NULL},
        {"https://example.social/a b", NULL},
        {"https://example.social\x7f", NULL},
        {"ftp://example.social", NULL},
        {"example.social", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_buffer out;
        ht_buffer_init(&out, HT_MASTODON_URL_BYTES);
        int status = ht_mastodon_url_base(ht_slice_text(cases[i].address), &out);
        assert_int_equal(status, cases[i].base == NULL ? HT_EINVAL : 0);
        assert_text(&out, cases[i].base == NULL ? "" : cases[i].base);
    }
}

static void test_feeds(void **state)
{
    (void)state;
    static const struct {
        struct ht_mastodon_feed feed;
        const char *stream, *newest, *page;
    } cases[] = {
        {{HT_MASTODON_PUBLIC, {NULL, 0}},
         "/api/v1/streaming/public",
         "/api/v1/timelines/public?limit=1",
         "/api/v1/timelines/public?limit=40&min_id=17"},
        {{HT_MASTODON_LOCAL, {NULL, 0}},
         "/api/v1/streaming/public/local",
         "/api/v1/timelines/public?limit=1&local=true",
         "/api/v1/timelines/public?limit=40&local=true&min_id=17"},
        {{HT_MASTODON_REMOTE, {NULL, 0}},
         "/api/v1/streaming/public/remote",
         "/api/v1/timelines/public?limit=1&remote=true",
         "/api/v1/timelines/public?limit=40&remote=true&min_id=17"},
        {{HT_MASTODON_PUBLIC, {"caf\xc3\xa9", 5}},
         "/api/v1/streaming/hashtag?tag=caf%C3%A9",
         "/api/v1/timelines/tag/caf%C3%A9?limit=1",
         "/api/v1/timelines/tag/caf%C3%A9?limit=40&min_id=17"},
        {{HT_MASTODON_LOCAL, {"#a/b", 4}},
         "/api/v1/streaming/hashtag/local?tag=a%2Fb",
         "/api/v1/timelines/tag/a%2Fb?limit=1&local=true",
         "/api/v1/timelines/tag/a%2Fb?limit=40&local=true&min_id=17"},
        {{HT_MASTODON_REMOTE, {"x", 1}},
         "/api/v1/streaming/hashtag?tag=x",
         "/api/v1/timelines/tag/x?limit=1",
         "/api/v1/timelines/tag/x?limit=40&min_id=17"},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_buffer out;
        ht_buffer_init(&out, HT_MASTODON_URL_BYTES);
        assert_int_equal(ht_mastodon_url_stream(HT_SLICE(""), &cases[i].feed, &out), 0);
        assert_text(&out, cases[i].stream);
        ht_buffer_init(&out, HT_MASTODON_URL_BYTES);
        assert_int_equal(ht_mastodon_url_page(HT_SLICE(""), &cases[i].feed, HT_SLICE(""), &out), 0);
        assert_text(&out, cases[i].newest);
        ht_buffer_init(&out, HT_MASTODON_URL_BYTES);
        assert_int_equal(ht_mastodon_url_page(HT_SLICE(""), &cases[i].feed, HT_SLICE("17"), &out),
                         0);
        assert_text(&out, cases[i].page);
    }
    struct ht_buffer out;
    ht_buffer_init(&out, HT_MASTODON_URL_BYTES);
    assert_int_equal(ht_mastodon_url_instance(HT_SLICE("https://example.social/p"), &out), 0);
    assert_text(&out, "https://example.social/p/api/v2/instance");
}

static void test_address_that_is_too_long(void **state)
{
    (void)state;
    static char tag[HT_MASTODON_URL_BYTES];
    memset(tag, '#', sizeof(tag));
    struct ht_mastodon_feed feed = {.hashtag = {tag, sizeof(tag)}};
    struct ht_buffer out;
    ht_buffer_init(&out, HT_MASTODON_URL_BYTES);
    assert_int_equal(ht_mastodon_url_stream(HT_SLICE("https://a"), &feed, &out), HT_ETOOBIG);
    ht_buffer_clear(&out);
    assert_int_equal(ht_mastodon_url_page(HT_SLICE("https://a"), &feed, HT_SLICE("1"), &out),
                     HT_ETOOBIG);
    ht_buffer_finish(&out);
}

#define SECRET_BASE "https://example.social"

static void test_where_to_stream(void **state)
{
    (void)state;
    static const struct {
        const char *base, *named, *streaming; /* streaming NULL: the token must not go there */
    } cases[] = {
        {SECRET_BASE, "wss://streaming.example.social", "https://streaming.example.social"},
        {SECRET_BASE, "https://streaming.example.social/", "https://streaming.example.social"},
        {SECRET_BASE, "wss://example.social", SECRET_BASE},
        {SECRET_BASE, "wss://example.social/stream", SECRET_BASE "/stream"},
        {SECRET_BASE, "ws://example.social", SECRET_BASE},
        {SECRET_BASE, "ws://EXAMPLE.social", "https://EXAMPLE.social"},
        {SECRET_BASE, "ws://streaming.example.social", NULL},
        {SECRET_BASE, "http://streaming.example.social", NULL},
        {SECRET_BASE, "ws://example.social:4000", NULL},
        {SECRET_BASE, "wss://example.social@elsewhere.example", SECRET_BASE},
        {SECRET_BASE, "ws://example.social@elsewhere.example", SECRET_BASE},
        {SECRET_BASE, "", SECRET_BASE},
        {SECRET_BASE, "/relative", SECRET_BASE},
        {SECRET_BASE, "gopher://streaming.example.social", SECRET_BASE},
        {"http://127.0.0.1:3000", "ws://127.0.0.1:4000", "http://127.0.0.1:4000"},
        {"http://127.0.0.1:3000", "wss://127.0.0.1:4000", "https://127.0.0.1:4000"},
        {"http://127.0.0.1:3000", "ws://127.0.0.1:3000", "http://127.0.0.1:3000"},
        {"http://127.0.0.1:3000/p", "ws://127.0.0.1:3000", "http://127.0.0.1:3000"},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        char answer[256];
        snprintf(answer, sizeof(answer), "{\"configuration\":{\"urls\":{\"streaming\":\"%s\"}}}",
                 cases[i].named);
        struct ht_buffer out;
        struct ht_error error = {0};
        ht_buffer_init(&out, HT_MASTODON_URL_BYTES);
        int status = ht_mastodon_url_streaming(ht_slice_text(cases[i].base), ht_slice_text(answer),
                                               &out, &error);
        assert_int_equal(status, cases[i].streaming == NULL ? HT_EPERMISSION : 0);
        assert_int_equal(error.code, status);
        if (status == 0) {
            assert_text(&out, cases[i].streaming);
        } else {
            assert_non_null(strstr(error.text, "without encryption"));
            assert_text(&out, "");
        }
    }
}

static void test_answers_that_name_nothing(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "",
        "<html>",
        "[]",
        "{}",
        "{\"configuration\":null}",
        "{\"configuration\":{\"urls\":{}}}",
        "{\"configuration\":{\"urls\":{\"streaming\":null}}}",
        "{\"configuration\":{\"urls\":{\"streaming\":[1]}}}",
        "{\"configuration\":{\"urls\":{\"streaming\":\"wss://a\"}}",
    };
    for (size_t i = 0; i < HT_COUNT_OF(answers); i++) {
        struct ht_buffer out;
        ht_buffer_init(&out, HT_MASTODON_URL_BYTES);
        assert_int_equal(
            ht_mastodon_url_streaming(HT_SLICE(SECRET_BASE), ht_slice_text(answers[i]), &out, NULL),
            0);
        assert_text(&out, SECRET_BASE);
    }
}

/* Nobody knows what it names, so the token goes nowhere. */
static void test_an_answer_without_memory_names_no_address(void **state)
{
    (void)state;
    struct ht_buffer out;
    struct ht_error error = {0};
    ht_buffer_init(&out, 1000);
    json_memory_take();
    int status = ht_mastodon_url_streaming(HT_SLICE(SECRET_BASE),
                                           HT_SLICE("{\"configuration\":{}}"), &out, &error);
    json_memory_give_back();
    assert_int_equal(status, HT_ENOMEM);
    assert_text(&out, "");
}

/* Half an address may be another server's, or one without encryption. */
static void test_an_address_is_whole_or_none(void **state)
{
    (void)state;
#define LONG_HOST "a-host-whose-name-is-so-long-that-the-first-room-does-not-do.example.social"
    static const char answer[] =
        "{\"configuration\":{\"urls\":{\"streaming\":\"ws://" LONG_HOST "\"}}}";
    bool has_failed = true;
    for (size_t allocations = 0; has_failed; allocations++) {
        struct ht_buffer out;
        struct ht_error error = {0};
        ht_buffer_init(&out, HT_MASTODON_URL_BYTES);
        (void)failing_memory_set(allocations);
        int status = ht_mastodon_url_streaming(HT_SLICE("https://" LONG_HOST),
                                               ht_slice_text(answer), &out, &error);
        has_failed = failing_memory_set(SIZE_MAX);
        assert_int_equal(status, has_failed ? HT_ENOMEM : 0);
        assert_text(&out, has_failed ? "" : "https://" LONG_HOST);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base),
        cmocka_unit_test(test_feeds),
        cmocka_unit_test(test_address_that_is_too_long),
        cmocka_unit_test(test_where_to_stream),
        cmocka_unit_test(test_answers_that_name_nothing),
        cmocka_unit_test(test_an_address_is_whole_or_none), /* before JSON has other memory */
        cmocka_unit_test(test_an_answer_without_memory_names_no_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
