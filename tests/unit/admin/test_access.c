// SPDX-License-Identifier: MIT
#include "admin/access.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct ht_access_rules loopback = {.address = {.host = "127.0.0.1", .port = 8080}};

static const struct {
    const char *host;
    bool is_own;
} hosts[] = {
    {"localhost", true},
    {"LocalHost:8080", true},
    {"127.0.0.1", true},
    {"127.0.0.1:8080", true},
    {"127.1.2.3:1", true},
    {"[::1]", true},
    {"[::1]:8080", true},
    {"192.0.2.7:8080", true},
    {"", false},
    {":8080", false},
    {"localhost:", false},
    {"localhost:99999", false},
    {"localhost:80x", false},
    {"localhost.", false},
    {"evil.example", false},
    {"evil.example:8080", false},
    {"127.0.0.1.evil.example", false},
    {"localhost.evil.example", false},
    {"evil.example#localhost", false},
    {"[::1", false},
    {"[::1]evil", false},
    {"[::2]:8080", false},
    {"10.0.0.1", false},
    {"0x7f000001", false},
    {"2130706433", false},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
};

static void test_hosts(void **state)
{
    (void)state;
    struct ht_access_rules rules = {.address = {.host = "192.0.2.7", .port = 8080}};
    for (size_t i = 0; i < HT_COUNT_OF(hosts); i++) {
        if (ht_access_is_own_host(&rules, ht_slice_text(hosts[i].host)) != hosts[i].is_own) {
            fail_msg("%s", hosts[i].host);
        }
    }
}

static const struct {
    const char *host, *origin;
    bool is_tls;
    enum ht_access access;
} origins[] = {
    {"localhost:8080", NULL, false, HT_ACCESS_GRANTED},
    {"localhost:8080", "http://localhost:8080", false, HT_ACCESS_GRANTED},
    {"localhost:8080", "http://LOCALHOST:8080", false, HT_ACCESS_GRANTED},
    {"[::1]:8080", "http://[::1]:8080", false, HT_ACCESS_GRANTED},
    {"localhost:8080", "https://localhost:8080", true, HT_ACCESS_GRANTED},
    {"localhost:8080", "https://localhost:8080", false, HT_ACCESS_BAD_ORIGIN},
    {"localhost:8080", "http://localhost:8080", true, HT_ACCESS_BAD_ORIGIN},
    {"localhost:8080", "http://localhost:9090", false, HT_ACCESS_BAD_ORIGIN},
    {"localhost:8080", "http://127.0.0.1:8080", false, HT_ACCESS_BAD_ORIGIN},
    {"localhost:8080", "http://localhost", false, HT_ACCESS_BAD_ORIGIN},
    {"localhost:8080", "http://evil.example", false, HT_ACCESS_BAD_ORIGIN},
    {"localhost:8080", "http://localhost:8080.evil.example", false, HT_ACCESS_BAD_ORIGIN},
    {"localhost:8080", "null", false, HT_ACCESS_BAD_ORIGIN},
    {"localhost:8080", "", false, HT_ACCESS_BAD_ORIGIN},
    {"evil.example:8080", "http://evil.example:8080", false, HT_ACCESS_BAD_HOST},
    {"evil.example:8080", NULL, false, HT_ACCESS_BAD_HOST},
};

static void test_origins(void **state)
{
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(origins); i++) {
        struct ht_access_rules rules = loopback;
        rules.is_tls = origins[i].is_tls;
        struct ht_access_request request = {.host = ht_slice_text(origins[i].host),
                                            .origin = ht_slice_text(origins[i].origin)};
        if (ht_access_decide(&rules, &request) != origins[i].access) {
            fail_msg("row %zu: Host %s, Origin %s", i, origins[i].host, origins[i].origin);
        }
        request.is_free = true; /* a free path is free of the token alone */
        assert_int_equal(ht_access_decide(&rules, &request), origins[i].access);
    }
}

static const struct {
    const char *authorization;
    bool is_free;
    enum ht_access access;
} tokens[] = {
    {"Bearer s3cret", false, HT_ACCESS_GRANTED},
    {"bearer s3cret", false, HT_ACCESS_GRANTED},
    {"Bearer  s3cret", false, HT_ACCESS_GRANTED},
    {"Bearer s3crets", false, HT_ACCESS_BAD_TOKEN},
    {"Bearer s3cre", false, HT_ACCESS_BAD_TOKEN},
    {"Bearer S3cret", false, HT_ACCESS_BAD_TOKEN},
    {"Bearer s3crets3cret", false, HT_ACCESS_BAD_TOKEN},
    {"Bearer ", false, HT_ACCESS_NO_TOKEN},
    {"Bearer", false, HT_ACCESS_NO_TOKEN},
    {"Basic s3cret", false, HT_ACCESS_NO_TOKEN},
    {"s3cret", false, HT_ACCESS_NO_TOKEN},
    {"", false, HT_ACCESS_NO_TOKEN},
    {NULL, false, HT_ACCESS_NO_TOKEN},
    {NULL, true, HT_ACCESS_GRANTED},
    {"Bearer wrong", true, HT_ACCESS_GRANTED},
};

static void test_tokens(void **state)
{
    (void)state;
    struct ht_access_rules rules = loopback;
    rules.token = "s3cret";
    for (size_t i = 0; i < HT_COUNT_OF(tokens); i++) {
        struct ht_access_request request = {.host = HT_SLICE("any.example"),
                                            .origin = HT_SLICE("https://other.example"),
                                            .authorization = ht_slice_text(tokens[i].authorization),
                                            .is_free = tokens[i].is_free};
        if (ht_access_decide(&rules, &request) != tokens[i].access) {
            fail_msg("row %zu: %s", i, tokens[i].authorization);
        }
    }
}

static void test_secrets_are_compared_whole(void **state)
{
    (void)state;
    assert_true(ht_access_is_same_secret(HT_SLICE("abc"), HT_SLICE("abc")));
    assert_false(ht_access_is_same_secret(HT_SLICE("abc"), HT_SLICE("abd")));
    assert_false(ht_access_is_same_secret(HT_SLICE("abcabc"), HT_SLICE("abc")));
    assert_false(ht_access_is_same_secret(HT_SLICE(""), HT_SLICE("abc")));
    assert_false(ht_access_is_same_secret(HT_SLICE("abc"), HT_SLICE("")));
}

static const struct {
    const char *site;
    bool is_navigation;
    enum ht_access access;
} sites[] = {
    {"same-origin", false, HT_ACCESS_GRANTED},   {"none", false, HT_ACCESS_GRANTED},
    {"cross-site", false, HT_ACCESS_BAD_ORIGIN}, {"same-site", false, HT_ACCESS_BAD_ORIGIN},
    {"", false, HT_ACCESS_BAD_ORIGIN},           {"cross-site", true, HT_ACCESS_GRANTED},
};

/* What a page embeds comes without Origin. */
static void test_what_another_page_embeds(void **state)
{
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(sites); i++) {
        struct ht_access_request request = {.host = HT_SLICE("localhost:8080"),
                                            .fetch_site = ht_slice_text(sites[i].site),
                                            .is_navigation = sites[i].is_navigation};
        if (ht_access_decide(&loopback, &request) != sites[i].access) {
            fail_msg("%s", sites[i].site);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_origins),
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_secrets_are_compared_whole),
        cmocka_unit_test(test_what_another_page_embeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
