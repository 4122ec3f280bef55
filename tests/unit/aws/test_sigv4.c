// SPDX-License-Identifier: MIT
#include "hashtagd/aws/sigv4.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/digest.h"

#include "../../support/shared.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>
#include <cmocka.h>

#define HEADERS_MAX 16

static struct ht_slice text_at(const struct ht_json *value, const char *path)
{
    return ht_json_text(ht_json_find(value, path));
}

static void assert_slice(struct ht_slice found, struct ht_slice expected)
{
    assert_int_equal(found.length, expected.length);
    assert_memory_equal(found.data, expected.data, expected.length);
}

static int64_t parse_time(struct ht_slice text)
{
    struct tm utc = {0};

    assert_non_null(strptime(text.data, "%Y%m%dT%H%M%SZ", &utc));
    return timegm(&utc);
}

static size_t read_headers(const struct ht_json *list, struct ht_http_header *headers)
{
    size_t count = ht_json_count(list);

    assert_true(count <= HEADERS_MAX);
    for (size_t i = 0; i < count; i++) {
        const struct ht_json *pair = ht_json_element(list, i);
        headers[i].name = ht_json_text(ht_json_element(pair, 0));
        headers[i].value = ht_json_text(ht_json_element(pair, 1));
    }
    return count;
}

static void hash_body(const struct ht_json *vector, char hash[HT_SIGV4_HASH_BYTES])
{
    struct ht_slice hex = text_at(vector, "request.body_hex");
    uint8_t bytes[4096];

    if (hex.length == 0) {
        ht_sigv4_hash_payload(text_at(vector, "request.body"), hash);
        return;
    }
    assert_true(hex.length / 2 <= sizeof bytes);
    assert_int_equal(ht_digest_parse_hex(hex, bytes, hex.length / 2), 0);
    ht_sigv4_hash_payload(ht_slice_make(bytes, hex.length / 2), hash);
}

static void check_result(const struct ht_json *vector, const struct ht_sigv4_result *result)
{
    char key[HT_SIGV4_HASH_BYTES];

    assert_slice(ht_buffer_slice(&result->canonical_request),
                 text_at(vector, "expected.canonical_request"));
    assert_slice(ht_slice_text(result->canonical_hash),
                 text_at(vector, "expected.canonical_request_sha256"));
    assert_slice(ht_buffer_slice(&result->signed_headers),
                 text_at(vector, "expected.signed_headers"));
    assert_slice(ht_buffer_slice(&result->string_to_sign),
                 text_at(vector, "expected.string_to_sign"));
    ht_digest_format_hex(result->signing_key, sizeof result->signing_key, key);
    assert_slice(ht_slice_text(key), text_at(vector, "expected.signing_key_hex"));
    assert_slice(ht_slice_text(result->signature), text_at(vector, "expected.signature"));
    assert_slice(ht_buffer_slice(&result->authorization),
                 text_at(vector, "expected.authorization"));
    assert_slice(ht_slice_text(result->time_text), text_at(vector, "date"));
}

static void check_vector(const struct ht_json *vector, struct ht_sigv4_key_cache *cache)
{
    struct ht_http_header headers[HEADERS_MAX];
    char hash[HT_SIGV4_HASH_BYTES];
    struct ht_sigv4_result result;
    struct ht_error error;

    hash_body(vector, hash);
    if (!ht_json_bool(ht_json_find(vector, "options.sign_payload"))) {
        assert_slice(ht_slice_text(HT_SIGV4_UNSIGNED_PAYLOAD),
                     text_at(vector, "expected.payload_hash"));
    }
    struct ht_sigv4_identity identity = {text_at(vector, "credentials.access_key"),
                                         text_at(vector, "credentials.secret_key"),
                                         text_at(vector, "credentials.session_token")};
    struct ht_sigv4_request request = {
        .method = text_at(vector, "request.method").data,
        .path = text_at(vector, "request.path"),
        .query = text_at(vector, "request.query"),
        .headers = headers,
        .header_count =
            read_headers(ht_json_find(vector, "request.headers_before_signing"), headers),
        .payload_hash = ht_json_bool(ht_json_find(vector, "options.sign_payload"))
                            ? ht_slice_text(hash)
                            : HT_SLICE(HT_SIGV4_UNSIGNED_PAYLOAD),
        .region = text_at(vector, "region").data,
        .signing_name = text_at(vector, "service").data,
        .is_s3 = ht_json_bool(ht_json_find(vector, "options.s3_style")),
        .time_s = parse_time(text_at(vector, "date")),
    };
    assert_int_equal(ht_sigv4_sign(&request, &identity, cache, &result, &error), 0);
    check_result(vector, &result);
    ht_sigv4_result_finish(&result);
}

/* Every stage of every vector, without a cache, with an empty one and with a full one. */
static void test_vectors(void **state)
{
    struct shared_lines lines;

    (void)state;
    if (!shared_open_pattern(&lines, "sigv4-vectors.json")) {
        print_message("no data/sigv4-vectors.json in %s: signatures are not compared\n",
                      shared_root());
        shared_close(&lines);
        skip();
    }
    assert_true(shared_load(&lines));
    struct ht_json *root = ht_json_parse(ht_buffer_slice(&lines.text), 0, NULL, NULL);
    const struct ht_json *vectors = ht_json_member(root, "vectors");
    assert_int_equal(ht_json_count(vectors), ht_json_i64(ht_json_member(root, "count")));
    assert_true(ht_json_count(vectors) >= 40);
    struct ht_sigv4_key_cache cache = {.is_set = false};
    for (size_t i = 0; i < ht_json_count(vectors); i++) {
        check_vector(ht_json_element(vectors, i), NULL);
        check_vector(ht_json_element(vectors, i), &cache);
        check_vector(ht_json_element(vectors, i), &cache);
    }
    ht_json_destroy(root);
    shared_close(&lines);
}

static const struct ht_http_header host[] = {HT_HTTP_HEADER("Host", "example.amazonaws.com")};

/* The example of the AWS guide: 2015-08-30T12:36:00Z */
static struct ht_sigv4_request plain_request(void)
{
    return (struct ht_sigv4_request){
        .method = "GET",
        .headers = host,
        .header_count = 1,
        .payload_hash =
            HT_SLICE("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        .region = "us-east-1",
        .signing_name = "service",
        .time_s = 1440938160,
    };
}

static struct ht_sigv4_identity plain_identity(void)
{
    return (struct ht_sigv4_identity){
        .access_key_id = HT_SLICE("AKIDEXAMPLE"),
        .secret_access_key = HT_SLICE("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
    };
}

static void sign_text(const struct ht_sigv4_request *request,
                      const struct ht_sigv4_identity *identity, struct ht_sigv4_key_cache *cache,
                      char signature[HT_SIGV4_HASH_BYTES])
{
    struct ht_sigv4_result result;

    assert_int_equal(ht_sigv4_sign(request, identity, cache, &result, NULL), 0);
    memcpy(signature, result.signature, HT_SIGV4_HASH_BYTES);
    ht_sigv4_result_finish(&result);
}

static void test_published_signature(void **state)
{
    struct ht_sigv4_request request = plain_request();
    struct ht_sigv4_identity identity = plain_identity();
    char signature[HT_SIGV4_HASH_BYTES];

    (void)state;
    sign_text(&request, &identity, NULL, signature);
    assert_string_equal(signature,
                        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

/* What is signed with a cache is what is signed without, whatever changes in between. */
static void test_cache_is_dropped(void **state)
{
    struct ht_sigv4_key_cache cache = {.is_set = false};
    char cached[HT_SIGV4_HASH_BYTES], fresh[HT_SIGV4_HASH_BYTES];

    (void)state;
    for (int step = 0; step < 6; step++) {
        struct ht_sigv4_request request = plain_request();
        struct ht_sigv4_identity identity = plain_identity();
        uint8_t before[32];
        memcpy(before, cache.key, sizeof before);
        request.time_s = step == 1 ? 1440979199 : request.time_s; /* the last second of the day */
        request.time_s = step == 2 ? 1440979200 : request.time_s; /* midnight */
        identity.secret_access_key = step == 3 ? HT_SLICE("another") : identity.secret_access_key;
        request.region = step == 4 ? "eu-west-1" : request.region;
        request.signing_name = step == 5 ? "s3" : request.signing_name;
        sign_text(&request, &identity, &cache, cached);
        sign_text(&request, &identity, NULL, fresh);
        assert_string_equal(cached, fresh);
        assert_int_equal(memcmp(before, cache.key, sizeof before) == 0, step == 1);
    }
}

static void test_what_cannot_be_sent_is_refused(void **state)
{
    static const struct ht_http_header bad[][2] = {
        {HT_HTTP_HEADER("Accept", "x"), HT_HTTP_HEADER("X-Amz-Target", "x")},
        {HT_HTTP_HEADER("Host", "a"), HT_HTTP_HEADER("X-Amz-Meta", "a\r\nb")},
        {HT_HTTP_HEADER("Host", "a"), HT_HTTP_HEADER("X-Amz-Meta", "a\0b")},
        {HT_HTTP_HEADER("Host", "a"), HT_HTTP_HEADER("X Amz", "a")},
        {HT_HTTP_HEADER("Host", "a"), HT_HTTP_HEADER("", "a")},
        {HT_HTTP_HEADER("Host", "a"), HT_HTTP_HEADER("X:", "a")},
    };

    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(bad); i++) {
        struct ht_sigv4_request request = plain_request();
        struct ht_sigv4_identity identity = plain_identity();
        struct ht_sigv4_result result;
        struct ht_error error;
        request.headers = bad[i];
        request.header_count = 2;
        assert_int_equal(ht_sigv4_sign(&request, &identity, NULL, &result, &error), HT_EINVAL);
        assert_true(error.text[0] != '\0');
        ht_sigv4_result_finish(&result);
    }
}

static void test_limits(void **state)
{
    struct ht_sigv4_identity identity = plain_identity();
    struct ht_sigv4_request request = plain_request();
    struct ht_http_header many[100];
    struct ht_sigv4_result result;
    char region[300], query[1000];

    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(many); i++) {
        many[i] = host[0];
    }
    request.headers = many;
    request.header_count = HT_COUNT_OF(many);
    assert_int_equal(ht_sigv4_sign(&request, &identity, NULL, &result, NULL), HT_ETOOBIG);
    ht_sigv4_result_finish(&result);
    request = plain_request();
    memset(region, 'r', sizeof region);
    region[sizeof region - 1] = '\0';
    request.region = region;
    assert_int_equal(ht_sigv4_sign(&request, &identity, NULL, &result, NULL), HT_ETOOBIG);
    ht_sigv4_result_finish(&result);
    request = plain_request();
    for (size_t i = 0; i < sizeof query; i++) {
        query[i] = i % 2 == 0 ? 'a' : '&';
    }
    request.query = ht_slice_make(query, sizeof query);
    assert_int_equal(ht_sigv4_sign(&request, &identity, NULL, &result, NULL), HT_ETOOBIG);
    ht_sigv4_result_finish(&result);
    request = plain_request();
    request.time_s = INT64_MAX;
    assert_int_equal(ht_sigv4_sign(&request, &identity, NULL, &result, NULL), HT_EINVAL);
    ht_sigv4_result_finish(&result);
}

static void a_secret_beyond_all_reason_is_refused(void **state)
{
    static const size_t lengths[] = {0, 40, 508, 509, 60000};
    static char secret[60000];

    (void)state;
    memset(secret, 's', sizeof secret);
    for (size_t i = 0; i < HT_COUNT_OF(lengths); i++) {
        struct ht_sigv4_identity identity = plain_identity();
        struct ht_sigv4_request request = plain_request();
        struct ht_sigv4_result result;
        struct ht_error error;
        identity.secret_access_key = ht_slice_make(secret, lengths[i]);
        assert_int_equal(ht_sigv4_sign(&request, &identity, NULL, &result, &error),
                         lengths[i] <= 508 ? 0 : HT_ETOOBIG);
        ht_sigv4_result_finish(&result);
    }
}

static void test_paths(void **state)
{
    static const struct {
        const char *path, *expected;
        bool is_s3;
    } cases[] = {
        {"", "GET\n/\n", false},           {"/", "GET\n/\n", false},
        {"/..", "GET\n/\n", false},        {"/a/..", "GET\n/\n", false},
        {"/a/../b", "GET\n/b\n", false},   {"/a/b/", "GET\n/a/b/\n", false},
        {"//a", "GET\n/a\n", false},       {"/a%20b", "GET\n/a%2520b\n", false},
        {"/a%20b", "GET\n/a%20b\n", true}, {"//a/../b", "GET\n//a/../b\n", true},
    };

    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_sigv4_identity identity = plain_identity();
        struct ht_sigv4_request request = plain_request();
        struct ht_sigv4_result result;
        request.path = ht_slice_text(cases[i].path);
        request.is_s3 = cases[i].is_s3;
        assert_int_equal(ht_sigv4_sign(&request, &identity, NULL, &result, NULL), 0);
        assert_slice(ht_slice_make(result.canonical_request.data, strlen(cases[i].expected)),
                     ht_slice_text(cases[i].expected));
        ht_sigv4_result_finish(&result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_published_signature),
        cmocka_unit_test(test_cache_is_dropped),
        cmocka_unit_test(test_what_cannot_be_sent_is_refused),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(a_secret_beyond_all_reason_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
