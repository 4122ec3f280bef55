// SPDX-License-Identifier: MIT
#include "oauth1.h"

#include "hashtagd/net/url.h"

#include "../../support/shared.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct ht_oauth1_keys keys = {
    {"key", 3}, {"consumer secret", 15}, {"token", 5}, {"token secret", 12}};
static const struct ht_oauth1_stamp stamp = {{"nonce", 5}, 1700000000, false};

static struct ht_buffer make_buffer(void)
{
    struct ht_buffer buffer;
    ht_buffer_init(&buffer, HT_OAUTH1_STAGE_MAX_BYTES);
    return buffer;
}

static void assert_slice(struct ht_slice found, struct ht_slice expected)
{
    assert_int_equal(found.length, expected.length);
    assert_memory_equal(found.data, expected.data, expected.length);
}

static struct ht_slice member(const struct ht_json *vector, const char *key)
{
    return ht_json_text(ht_json_member(vector, key));
}

static struct ht_slice number_text(const struct ht_json *vector, const char *key, uint64_t *number)
{
    struct ht_slice text = member(vector, key);
    assert_int_equal(ht_slice_to_u64(text, INT64_MAX, number), 0);
    return text;
}

/* The address as it is sent: with the query of the vector. */
static void append_url(const struct ht_json *vector, struct ht_buffer *url)
{
    struct ht_slice query = member(vector, "request_query");
    ht_buffer_append_slice(url, member(vector, "request_url"));
    ht_buffer_append_text(url, query.length > 0 ? "?" : "");
    ht_buffer_append_slice(url, query);
}

static void check_vector(const struct ht_json *vector)
{
    uint64_t time_s;
    char signature[HT_OAUTH1_SIGNATURE_BYTES];
    struct ht_buffer url = make_buffer(), base_url = make_buffer(), parameters = make_buffer();
    struct ht_buffer base_string = make_buffer(), header = make_buffer();

    append_url(vector, &url);
    number_text(vector, "timestamp", &time_s);
    struct ht_oauth1_keys vector_keys = {member(vector, "consumer_key"),
                                         member(vector, "consumer_secret"), member(vector, "token"),
                                         member(vector, "token_secret")};
    struct ht_oauth1_request request = {member(vector, "method"), ht_buffer_slice(&url),
                                        member(vector, "request_body")};
    struct ht_oauth1_stamp vector_stamp = {member(vector, "nonce"), (int64_t)time_s,
                                           member(vector, "version").length == 0};

    assert_int_equal(ht_oauth1_append_base_url(request.url, &base_url), 0);
    assert_slice(ht_buffer_slice(&base_url), member(vector, "base_url"));
    assert_int_equal(
        ht_oauth1_append_parameters(&request, &vector_keys, &vector_stamp, &parameters), 0);
    assert_slice(ht_buffer_slice(&parameters), member(vector, "parameter_string"));
    assert_int_equal(
        ht_oauth1_append_base_string(&request, ht_buffer_slice(&parameters), &base_string), 0);
    assert_slice(ht_buffer_slice(&base_string), member(vector, "signature_base_string"));
    assert_int_equal(ht_oauth1_sign(&vector_keys, ht_buffer_slice(&base_string), signature), 0);
    assert_slice(ht_slice_text(signature), member(vector, "signature"));
    assert_int_equal(ht_oauth1_authorize(&request, &vector_keys, &vector_stamp, &header, NULL), 0);
    assert_slice(ht_buffer_slice(&header), member(vector, "authorization_header"));

    ht_buffer_finish(&url);
    ht_buffer_finish(&base_url);
    ht_buffer_finish(&parameters);
    ht_buffer_finish(&base_string);
    ht_buffer_finish(&header);
}

static void check_encodings(const struct ht_json *list)
{
    assert_int_equal(ht_json_count(list), 14);
    for (size_t i = 0; i < ht_json_count(list); i++) {
        const struct ht_json *row = ht_json_element(list, i);
        struct ht_buffer encoded = make_buffer();
        assert_int_equal(ht_url_encode(member(row, "in"), &encoded), 0);
        assert_slice(ht_buffer_slice(&encoded), member(row, "out"));
        ht_buffer_finish(&encoded);
    }
}

/* Every stage of every vector. */
static void test_vectors(void **state)
{
    struct shared_lines lines;

    (void)state;
    if (!shared_open_pattern(&lines, "oauth1-vectors.json")) {
        print_message("no data/oauth1-vectors.json in %s: signatures are not compared\n",
                      shared_root());
        shared_close(&lines);
        skip();
    }
    assert_true(shared_load(&lines));
    struct ht_json *root = ht_json_parse(ht_buffer_slice(&lines.text), 0, NULL, NULL);
    const struct ht_json *vectors = ht_json_member(root, "vectors");
    check_encodings(ht_json_member(root, "percent_encoding"));
    assert_int_equal(ht_json_count(vectors), 15);
    for (size_t i = 0; i < ht_json_count(vectors); i++) {
        check_vector(ht_json_element(vectors, i));
    }
    ht_json_destroy(root);
    shared_close(&lines);
}

/* RFC 5849, section 1.2: published with the standard, so that there is one vector always. */
static void test_the_standards_example(void **state)
{
    const struct ht_oauth1_keys rfc = {HT_SLICE("dpf43f3p2l4k3l03"), HT_SLICE("kd94hf93k423kf44"),
                                       HT_SLICE("nnch734d00sl2jdk"), HT_SLICE("pfkkdhi9sl3r4s00")};
    const struct ht_oauth1_request request = {
        HT_SLICE("GET"),
        HT_SLICE("http://photos.example.net/photos?file=vacation.jpg&size=original"), HT_SLICE("")};
    const struct ht_oauth1_stamp moment = {HT_SLICE("chapoH"), 137131202, true};
    struct ht_buffer header = make_buffer();

    (void)state;
    assert_int_equal(ht_oauth1_authorize(&request, &rfc, &moment, &header, NULL), 0);
    assert_non_null(strstr(header.data, "oauth_signature=\"MdpQcU8iPSUjWoN%2FUDMsK2sui9I%3D\""));
    assert_null(strstr(header.data, "oauth_version"));
    assert_null(strstr(header.data, "vacation"));
    ht_buffer_finish(&header);
}

static void test_base_urls(void **state)
{
    static const struct {
        const char *url, *base;
    } cases[] = {
        {"https://stream.twitter.com/1.1/a.json", "https://stream.twitter.com/1.1/a.json"},
        {"HTTP://Example.COM:80/Path/%7e?q=1", "http://example.com/Path/%7e"},
        {"http://example.com:443/", "http://example.com:443/"},
        {"https://example.com:80/", "https://example.com:80/"},
        {"https://example.com:443", "https://example.com/"},
        {"https://example.com:/a", "https://example.com/a"},
        {"http://127.0.0.1:8080/a", "http://127.0.0.1:8080/a"},
        {"http://[::1]:80/a", "http://[::1]/a"},
        {"http://[2001:DB8::443]/a", "http://[2001:db8::443]/a"},
        {"http://user:pa@ss@Host:8080/a", "http://host:8080/a"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ht_buffer base = make_buffer();
        assert_int_equal(ht_oauth1_append_base_url(ht_slice_text(cases[i].url), &base), 0);
        assert_string_equal(base.data, cases[i].base);
        ht_buffer_finish(&base);
    }
}

static void test_what_has_no_base_url(void **state)
{
    static const char *const cases[] = {"",          "/path",           "*",         "https://",
                                        "ftp://a/b", "http://host/a b", "http://a#b"};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ht_buffer base = make_buffer();
        assert_int_equal(ht_oauth1_append_base_url(ht_slice_text(cases[i]), &base), HT_EPARSE);
        ht_buffer_finish(&base);
    }
}

static void test_query_and_form_are_one_list(void **state)
{
    const struct ht_oauth1_request request = {HT_SLICE("POST"),
                                              HT_SLICE("https://a/b?x=2&flag&&y=%2B+%c3%a9"),
                                              HT_SLICE("x=10&x=1&z=a%2Cb")};
    struct ht_buffer parameters = make_buffer();

    (void)state;
    assert_int_equal(ht_oauth1_append_parameters(&request, &keys, &stamp, &parameters), 0);
    assert_string_equal(parameters.data,
                        "flag=&oauth_consumer_key=key&oauth_nonce=nonce&oauth_signature_method="
                        "HMAC-SHA1&oauth_timestamp=1700000000&oauth_token=token&oauth_version=1.0&"
                        "x=1&x=10&x=2&y=%2B%20%C3%A9&z=a%2Cb");
    ht_buffer_finish(&parameters);
}

static void assert_refused(struct ht_oauth1_request request, int code)
{
    struct ht_buffer header = make_buffer();
    struct ht_error error;

    assert_int_equal(ht_oauth1_authorize(&request, &keys, &stamp, &header, &error), code);
    assert_int_equal(error.code, code);
    assert_null(strstr(error.text, "secret"));
    ht_oauth1_wipe(&header);
}

static void test_what_cannot_be_signed(void **state)
{
    struct ht_buffer many = make_buffer();

    (void)state;
    assert_refused((struct ht_oauth1_request){HT_SLICE("GET"), HT_SLICE("https://a/?b=%2"), {0}},
                   HT_EPARSE);
    assert_refused((struct ht_oauth1_request){HT_SLICE("GET"), HT_SLICE("a/b"), {0}}, HT_EPARSE);
    for (size_t i = 0; i < HT_OAUTH1_PARAMETERS_MAX; i++) {
        ht_buffer_append_text(&many, "a=b&");
    }
    assert_refused((struct ht_oauth1_request){HT_SLICE("POST"), HT_SLICE("https://a/"),
                                              ht_buffer_slice(&many)},
                   HT_ETOOBIG);
    ht_buffer_clear(&many);
    ht_buffer_append_text(&many, "a=");
    while (ht_buffer_append_text(&many, "%2C") == 0) {
    }
    assert_refused((struct ht_oauth1_request){HT_SLICE("POST"), HT_SLICE("https://a/"),
                                              ht_buffer_slice(&many)},
                   HT_ETOOBIG);
    ht_buffer_finish(&many);
}

static void test_too_long_secret_is_not_signed_with(void **state)
{
    static char secret[HT_OAUTH1_SECRET_MAX_BYTES + 1];
    char signature[HT_OAUTH1_SIGNATURE_BYTES];
    struct ht_oauth1_keys long_keys = keys;

    (void)state;
    memset(secret, '&', sizeof secret);
    long_keys.consumer_secret = ht_slice_make(secret, sizeof secret - 1);
    long_keys.token_secret = ht_slice_make(secret, sizeof secret - 1);
    assert_int_equal(ht_oauth1_sign(&long_keys, HT_SLICE("a"), signature), 0);
    assert_int_equal(strlen(signature), HT_OAUTH1_SIGNATURE_BYTES - 1);
    long_keys.token_secret = ht_slice_make(secret, sizeof secret);
    assert_int_equal(ht_oauth1_sign(&long_keys, HT_SLICE("a"), signature), HT_ETOOBIG);
}

static void test_nonces(void **state)
{
    char one[HT_OAUTH1_NONCE_BYTES], other[HT_OAUTH1_NONCE_BYTES];

    (void)state;
    assert_int_equal(ht_oauth1_make_nonce(one), 0);
    assert_int_equal(ht_oauth1_make_nonce(other), 0);
    assert_string_not_equal(one, other);
    assert_int_equal(strlen(one), HT_OAUTH1_NONCE_BYTES - 1);
    for (const char *at = one; *at != '\0'; at++) {
        assert_true(isalnum((unsigned char)*at));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_the_standards_example),
        cmocka_unit_test(test_base_urls),
        cmocka_unit_test(test_what_has_no_base_url),
        cmocka_unit_test(test_query_and_form_are_one_list),
        cmocka_unit_test(test_what_cannot_be_signed),
        cmocka_unit_test(test_too_long_secret_is_not_signed_with),
        cmocka_unit_test(test_nonces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
