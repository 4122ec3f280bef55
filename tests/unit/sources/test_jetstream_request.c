// SPDX-License-Identifier: MIT
#include "jetstream_request.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/json/json.h"
#include "hashtagd/sources/jetstream_source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define ASKED "/subscribe?wantedCollections=app.bsky.feed.post&maxMessageSizeBytes=1048576"

static char many[HT_JETSTREAM_FOLLOW_MAX][64];
static const char *many_follow[HT_JETSTREAM_FOLLOW_MAX];

static void test_addresses(void **state)
{
    (void)state;
    static const char *const two[] = {"did:plc:aaaa", "did:web:a.example%3A8080"};
    static const struct {
        struct ht_jetstream_request request;
        const char *url;
    } cases[] = {
        {{.url = "wss://jetstream.example"}, "wss://jetstream.example" ASKED},
        {{.url = "ws://127.0.0.1:8080/"}, "ws://127.0.0.1:8080" ASKED},
        {{.url = "https://proxy.example/bluesky/"}, "https://proxy.example/bluesky" ASKED},
        {{.url = "wss://jetstream.example/subscribe"}, "wss://jetstream.example" ASKED},
        {{.url = "wss://jetstream.example/subscribe/"}, "wss://jetstream.example" ASKED},
        {{.url = "http://h", .is_compressed = true}, "http://h" ASKED "&compress=true"},
        {{.url = "http://h", .cursor_us = 1783175888000017},
         "http://h" ASKED "&cursor=1783175888000017"},
        {{.url = "http://h", .follow = two, .follow_count = 2, .cursor_us = 1783175888000017},
         "http://h" ASKED "&cursor=1783175888000017&wantedDids=did%3Aplc%3Aaaaa"
         "&wantedDids=did%3Aweb%3Aa.example%253A8080"},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_buffer url;
        ht_buffer_init(&url, 4096);
        assert_int_equal(ht_jetstream_request_url(&cases[i].request, &url), 0);
        assert_string_equal(url.data, cases[i].url);
        assert_false(ht_jetstream_says_hello(&cases[i].request));
        ht_buffer_finish(&url);
    }
}

static void make_many(void)
{
    for (size_t i = 0; i < HT_JETSTREAM_FOLLOW_MAX; i++) {
        snprintf(many[i], sizeof(many[i]), "did:plc:%024zu", i);
        many_follow[i] = many[i];
    }
}

static void test_very_many_accounts_go_into_a_message(void **state)
{
    (void)state;
    make_many();
    struct ht_jetstream_request request = {
        .url = "ws://h", .follow = many_follow, .follow_count = HT_JETSTREAM_FOLLOW_MAX};
    struct ht_buffer url, hello;
    ht_buffer_init(&url, 8192);
    ht_buffer_init(&hello, 1u << 20);
    assert_true(ht_jetstream_says_hello(&request));
    assert_int_equal(ht_jetstream_request_url(&request, &url), 0);
    assert_string_equal(url.data, "ws://h" ASKED "&requireHello=true");
    assert_int_equal(ht_jetstream_request_hello(&request, &hello), 0);

    struct ht_json *root = ht_json_parse(ht_buffer_slice(&hello), 0, NULL, NULL);
    assert_non_null(root);
    assert_true(
        ht_slice_equal(ht_json_text(ht_json_find(root, "type")), HT_SLICE("options_update")));
    assert_int_equal(ht_json_count(ht_json_find(root, "payload.wantedDids")),
                     HT_JETSTREAM_FOLLOW_MAX);
    assert_true(ht_slice_equal(ht_json_text(ht_json_find(root, "payload.wantedDids[9999]")),
                               ht_slice_text(many[9999])));
    assert_int_equal(ht_json_count(ht_json_find(root, "payload.wantedCollections")), 1);
    assert_true(ht_slice_equal(ht_json_text(ht_json_find(root, "payload.wantedCollections[0]")),
                               HT_SLICE("app.bsky.feed.post")));
    assert_int_equal(ht_json_i64(ht_json_find(root, "payload.maxMessageSizeBytes")), 1048576);
    ht_json_destroy(root);
    ht_buffer_finish(&url);
    ht_buffer_finish(&hello);
}

/* The longest address that is made stays below 8 KiB even where each byte must be escaped. */
static void test_the_address_has_a_longest_length(void **state)
{
    (void)state;
    struct ht_buffer url;
    make_many();
    ht_buffer_init(&url, 1u << 20);
    for (size_t count = 0; count < 200; count++) {
        struct ht_jetstream_request request = {
            .url = "ws://h", .follow = many_follow, .follow_count = count, .cursor_us = UINT64_MAX};
        ht_buffer_clear(&url);
        assert_int_equal(ht_jetstream_request_url(&request, &url), 0);
        assert_true(url.length < 8192);
        assert_true(ht_jetstream_says_hello(&request) == (count > 91));
    }
    ht_buffer_finish(&url);
    struct ht_buffer small;
    ht_buffer_init(&small, 20);
    assert_int_equal(
        ht_jetstream_request_url(&(struct ht_jetstream_request){.url = "ws://h"}, &small),
        HT_ETOOBIG);
    ht_buffer_finish(&small);
}

static void test_hosts(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"wss://jetstream1.us-east.bsky.network", "jetstream1.us-east.bsky.network"},
        {"ws://127.0.0.1:81/a", "127.0.0.1:81"},
        {"http://[::1]:81/?q", "[::1]:81"},
        {"wss://me:secret@host/x@y", "host"},
        {"wss://me:p@ss@host:9", "host:9"},
        {"host:5", "host:5"},
        {"", ""},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        assert_true(ht_slice_equal(ht_jetstream_host(cases[i][0]), ht_slice_text(cases[i][1])));
    }
    for (uint64_t i = 0; i < HT_JETSTREAM_HOST_COUNT; i++) {
        assert_string_equal(ht_jetstream_public_url(i), ht_jetstream_public_url(i + 4));
        assert_string_not_equal(ht_jetstream_public_url(i), ht_jetstream_public_url(i + 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_very_many_accounts_go_into_a_message),
        cmocka_unit_test(test_the_address_has_a_longest_length),
        cmocka_unit_test(test_hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
