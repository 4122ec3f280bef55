// SPDX-License-Identifier: MIT
#include "hashtagd/aws/sigv4.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/digest.h"
#include "hashtagd/net/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/*
 *   headers, sorted -> canonical request -> its hash -> string to sign -+-> signature
 *   secret -> day -> region -> service -> signing key ------------------+      -> Authorization
 */

#define HEADERS_MAX      64
#define PAIRS_MAX        128
#define TEXT_MAX_BYTES   (64u * 1024u)
#define SCOPE_MAX_BYTES  256
#define SECRET_MAX_BYTES 508
#define DATE_LENGTH      8

/* What is being signed. */
struct signing {
    const struct ht_sigv4_request *request;
    const struct ht_sigv4_identity *identity;
    struct ht_sigv4_result *result;
    struct ht_http_header headers[HEADERS_MAX]; /* names as given; sorted */
    size_t header_count;
    char scope[SCOPE_MAX_BYTES]; /* "20260301/eu-west-1/kinesis/aws4_request" */
};

static int begin(struct signing *signing, struct ht_error *error);
static int collect_headers(struct signing *signing, struct ht_error *error);
static int add_header(struct signing *signing, struct ht_http_header header,
                      struct ht_error *error);
static bool is_skipped(struct ht_slice name);
static bool is_sendable(struct ht_http_header header);
static int compare_names(struct ht_slice a, struct ht_slice b);
static void append_path(struct ht_buffer *out, const struct ht_sigv4_request *request);
static int append_normal_path(struct ht_buffer *out, struct ht_slice path);
static int append_query(struct ht_buffer *out, struct ht_slice query);
static int compare_pairs(const void *left, const void *right);
static void append_headers(struct signing *signing, struct ht_buffer *out);
static void append_lower(struct ht_buffer *out, struct ht_slice text);
static void append_value(struct ht_buffer *out, struct ht_slice value);
static int make_canonical_request(struct signing *signing);
static void make_string_to_sign(struct signing *signing);
static void make_key(struct signing *signing, struct ht_sigv4_key_cache *cache);
static void derive_key(const struct signing *signing, uint8_t key[HT_DIGEST_SHA256_BYTES]);
static void hash_source(const struct signing *signing, uint8_t hash[HT_DIGEST_SHA256_BYTES]);
static void make_signature(struct signing *signing);

void ht_sigv4_hash_payload(struct ht_slice body, char hash[HT_SIGV4_HASH_BYTES])
{
    uint8_t digest[HT_DIGEST_SHA256_BYTES];

    ht_digest_sha256(body, digest);
    ht_digest_format_hex(digest, sizeof digest, hash);
}

int ht_sigv4_sign(const struct ht_sigv4_request *request, const struct ht_sigv4_identity *identity,
                  struct ht_sigv4_key_cache *cache, struct ht_sigv4_result *result,
                  struct ht_error *error)
{
    struct signing signing;

    signing.request = request;
    signing.identity = identity;
    signing.result = result;
    signing.header_count = 0;
    int status = begin(&signing, error);
    status = status == 0 ? collect_headers(&signing, error) : status;
    if (status != 0) {
        return status;
    }
    status = make_canonical_request(&signing);
    if (status == 0) {
        make_string_to_sign(&signing);
        make_key(&signing, cache);
        make_signature(&signing);
        status = ht_buffer_status(&result->authorization);
        status = status == 0 ? ht_buffer_status(&result->string_to_sign) : status;
    }
    return status == 0 ? 0
                       : ht_error_set(error, status, "A request cannot be signed: %s.",
                                      ht_error_meaning(status));
}

static int begin(struct signing *signing, struct ht_error *error)
{
    struct ht_sigv4_result *result = signing->result;
    time_t seconds = (time_t)signing->request->time_s;
    struct tm utc;

    memset(result, 0, sizeof *result);
    ht_buffer_init(&result->canonical_request, TEXT_MAX_BYTES);
    ht_buffer_init(&result->signed_headers, TEXT_MAX_BYTES);
    ht_buffer_init(&result->string_to_sign, TEXT_MAX_BYTES);
    ht_buffer_init(&result->authorization, TEXT_MAX_BYTES);
    if (gmtime_r(&seconds, &utc) == NULL || utc.tm_year < 70 || utc.tm_year > 8099) {
        return ht_error_set(error, HT_EINVAL,
                            "A request cannot be signed: the clock is out of range.");
    }
    strftime(result->time_text, sizeof result->time_text, "%Y%m%dT%H%M%SZ", &utc);
    int length =
        snprintf(signing->scope, sizeof signing->scope, "%.*s/%s/%s/aws4_request", DATE_LENGTH,
                 result->time_text, signing->request->region, signing->request->signing_name);
    if (length < 0 || (size_t)length >= sizeof signing->scope) {
        return ht_error_set(error, HT_ETOOBIG,
                            "A request cannot be signed: the region's name is too long.");
    }
    if (signing->identity->secret_access_key.length > SECRET_MAX_BYTES) {
        return ht_error_set(error, HT_ETOOBIG,
                            "A request cannot be signed: the secret access key is longer than %d "
                            "bytes. Copy it again.",
                            SECRET_MAX_BYTES);
    }
    return 0;
}

static int collect_headers(struct signing *signing, struct ht_error *error)
{
    const struct ht_sigv4_request *request = signing->request;
    struct ht_http_header date = {HT_SLICE("X-Amz-Date"),
                                  ht_slice_text(signing->result->time_text)};
    struct ht_http_header token = {HT_SLICE("X-Amz-Security-Token"),
                                   signing->identity->session_token};
    struct ht_http_header payload = {HT_SLICE("X-Amz-Content-SHA256"), request->payload_hash};
    int status = 0;

    if (ht_http_header_find(request->headers, request->header_count, "Host").data == NULL) {
        return ht_error_set(error, HT_EINVAL, "A request without a Host header cannot be signed.");
    }
    for (size_t i = 0; status == 0 && i < request->header_count; i++) {
        status = add_header(signing, request->headers[i], error);
    }
    status = status == 0 ? add_header(signing, date, error) : status;
    if (status == 0 && token.value.length > 0) {
        status = add_header(signing, token, error);
    }
    if (status == 0 && request->is_s3) {
        status = add_header(signing, payload, error);
    }
    return status;
}

/* Behind those of the same name, so that values keep their order. */
static int add_header(struct signing *signing, struct ht_http_header header, struct ht_error *error)
{
    if (is_skipped(header.name)) {
        return 0;
    }
    if (!is_sendable(header)) {
        return ht_error_set(error, HT_EINVAL, "The header %.*s holds what cannot be sent.",
                            (int)(header.name.length > 64 ? 64 : header.name.length),
                            header.name.data);
    }
    if (signing->header_count == HEADERS_MAX) {
        return ht_error_set(error, HT_ETOOBIG, "A request to sign has more than %d headers.",
                            HEADERS_MAX);
    }
    size_t at = signing->header_count++;
    for (; at > 0 && compare_names(signing->headers[at - 1].name, header.name) > 0; at--) {
        signing->headers[at] = signing->headers[at - 1];
    }
    signing->headers[at] = header;
    return 0;
}

/* Those that proxies and libraries add or change on the way. */
static bool is_skipped(struct ht_slice name)
{
    static const char *const skipped[] = {"connection",
                                          "expect",
                                          "keep-alive",
                                          "proxy-authenticate",
                                          "proxy-authorization",
                                          "te",
                                          "trailer",
                                          "transfer-encoding",
                                          "upgrade",
                                          "user-agent",
                                          "x-amzn-trace-id"};

    for (size_t i = 0; i < HT_COUNT_OF(skipped); i++) {
        if (ht_slice_equal_ignoring_case(name, ht_slice_text(skipped[i]))) {
            return true;
        }
    }
    return false;
}

static bool is_sendable(struct ht_http_header header)
{
    for (size_t i = 0; i < header.name.length; i++) {
        unsigned char byte = (unsigned char)header.name.data[i];
        if (byte <= ' ' || byte == ':' || byte >= 0x7f) {
            return false;
        }
    }
    for (size_t i = 0; i < header.value.length; i++) {
        unsigned char byte = (unsigned char)header.value.data[i];
        if ((byte < ' ' && byte != '\t') || byte == 0x7f) {
            return false;
        }
    }
    return header.name.length > 0;
}

static char lower(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
}

static int compare_names(struct ht_slice a, struct ht_slice b)
{
    for (size_t i = 0; i < a.length && i < b.length; i++) {
        int difference = (unsigned char)lower(a.data[i]) - (unsigned char)lower(b.data[i]);
        if (difference != 0) {
            return difference;
        }
    }
    return a.length == b.length ? 0 : (a.length < b.length ? -1 : 1);
}

static int make_canonical_request(struct signing *signing)
{
    struct ht_buffer *out = &signing->result->canonical_request;
    uint8_t digest[HT_DIGEST_SHA256_BYTES];

    ht_buffer_append_text(out, signing->request->method);
    ht_buffer_append_byte(out, '\n');
    append_path(out, signing->request);
    ht_buffer_append_byte(out, '\n');
    int status = append_query(out, signing->request->query);
    ht_buffer_append_byte(out, '\n');
    append_headers(signing, out);
    ht_buffer_append_byte(out, '\n');
    ht_buffer_append_slice(out, ht_buffer_slice(&signing->result->signed_headers));
    ht_buffer_append_byte(out, '\n');
    ht_buffer_append_slice(out, signing->request->payload_hash);
    status = status == 0 ? ht_buffer_status(out) : status;
    status = status == 0 ? ht_buffer_status(&signing->result->signed_headers) : status;
    if (status == 0) {
        ht_digest_sha256(ht_buffer_slice(out), digest);
        ht_digest_format_hex(digest, sizeof digest, signing->result->canonical_hash);
    }
    return status;
}

static void append_path(struct ht_buffer *out, const struct ht_sigv4_request *request)
{
    if (request->path.length <= 1) {
        ht_buffer_append_byte(out, '/');
    } else if (request->is_s3) {
        ht_buffer_append_slice(out, request->path);
    } else if (append_normal_path(out, request->path) != 0) {
        out->status = out->status == 0 ? HT_ENOMEM : out->status;
    }
}

/* Without "." and "..", slashes squeezed, and each segment encoded a second time. */
static int append_normal_path(struct ht_buffer *out, struct ht_slice path)
{
    size_t start = out->length;
    struct ht_slice segment;
    int status = 0;

    while (status == 0 && ht_url_next_segment(&path, &segment)) {
        if (segment.length == 0 || ht_slice_equal(segment, HT_SLICE("."))) {
            continue;
        }
        if (!ht_slice_equal(segment, HT_SLICE(".."))) {
            ht_buffer_append_byte(out, '/');
            status = ht_url_encode(segment, out);
            continue;
        }
        while (out->length > start && out->data[--out->length] != '/') {
        }
    }
    if (out->length == start || (segment.length == 0 && out->data[out->length - 1] != '/')) {
        ht_buffer_append_byte(out, '/');
    }
    return status;
}

static int append_query(struct ht_buffer *out, struct ht_slice query)
{
    struct ht_url_pair pairs[PAIRS_MAX];
    size_t count = 0;

    while (query.length > 0 && count < PAIRS_MAX && ht_url_next_pair(&query, &pairs[count])) {
        count++;
    }
    if (count == PAIRS_MAX) {
        return HT_ETOOBIG;
    }
    if (count > 1) {
        qsort(pairs, count, sizeof pairs[0], compare_pairs);
    }
    for (size_t i = 0; i < count; i++) {
        ht_buffer_append_text(out, i == 0 ? "" : "&");
        ht_buffer_append_slice(out, pairs[i].name);
        ht_buffer_append_byte(out, '=');
        ht_buffer_append_slice(out, pairs[i].value);
    }
    return 0;
}

static int compare_pairs(const void *left, const void *right)
{
    const struct ht_url_pair *a = left;
    const struct ht_url_pair *b = right;
    int order = ht_slice_compare(a->name, b->name);

    return order != 0 ? order : ht_slice_compare(a->value, b->value);
}

/* One line a name; values of the same name stand behind each other. */
static void append_headers(struct signing *signing, struct ht_buffer *out)
{
    struct ht_buffer *names = &signing->result->signed_headers;

    for (size_t i = 0; i < signing->header_count; i++) {
        struct ht_http_header header = signing->headers[i];
        if (i > 0 && compare_names(signing->headers[i - 1].name, header.name) == 0) {
            ht_buffer_append_byte(out, ',');
        } else {
            ht_buffer_append_text(out, i == 0 ? "" : "\n");
            append_lower(out, header.name);
            ht_buffer_append_byte(out, ':');
            ht_buffer_append_text(names, i == 0 ? "" : ";");
            append_lower(names, header.name);
        }
        append_value(out, header.value);
    }
    ht_buffer_append_byte(out, '\n');
}

static void append_lower(struct ht_buffer *out, struct ht_slice text)
{
    size_t start = out->length;

    if (ht_buffer_append_slice(out, text) == 0) {
        for (size_t i = start; i < out->length; i++) {
            out->data[i] = lower(out->data[i]);
        }
    }
}

/* Trimmed, each run of blanks as one. */
static void append_value(struct ht_buffer *out, struct ht_slice value)
{
    size_t from = 0;

    value = ht_slice_trim(value);
    for (size_t i = 0; i < value.length; i++) {
        if (value.data[i] != ' ' && value.data[i] != '\t') {
            continue;
        }
        ht_buffer_append(out, value.data + from, i - from);
        ht_buffer_append_byte(out, ' ');
        while (value.data[i + 1] == ' ' || value.data[i + 1] == '\t') {
            i++;
        }
        from = i + 1;
    }
    ht_buffer_append(out, value.data + from, value.length - from);
}

static void make_string_to_sign(struct signing *signing)
{
    struct ht_buffer *out = &signing->result->string_to_sign;

    ht_buffer_append_text(out, "AWS4-HMAC-SHA256\n");
    ht_buffer_append_text(out, signing->result->time_text);
    ht_buffer_append_byte(out, '\n');
    ht_buffer_append_text(out, signing->scope);
    ht_buffer_append_byte(out, '\n');
    ht_buffer_append_text(out, signing->result->canonical_hash);
}

static void make_key(struct signing *signing, struct ht_sigv4_key_cache *cache)
{
    uint8_t *key = signing->result->signing_key;
    uint8_t hash[HT_DIGEST_SHA256_BYTES];

    if (cache == NULL) {
        derive_key(signing, key);
        return;
    }
    hash_source(signing, hash);
    if (!cache->is_set || memcmp(cache->source_hash, hash, sizeof hash) != 0) {
        derive_key(signing, cache->key);
        memcpy(cache->source_hash, hash, sizeof hash);
        cache->is_set = true;
    }
    memcpy(key, cache->key, sizeof cache->key);
}

static void derive_key(const struct signing *signing, uint8_t key[HT_DIGEST_SHA256_BYTES])
{
    struct ht_slice secret = signing->identity->secret_access_key;
    struct ht_slice day = ht_slice_make(signing->result->time_text, DATE_LENGTH);
    char prefixed[4 + SECRET_MAX_BYTES] = "AWS4";

    if (secret.length > 0) {
        memcpy(prefixed + 4, secret.data, secret.length);
    }
    ht_digest_hmac_sha256(ht_slice_make(prefixed, secret.length + 4), day, key);
    ht_digest_wipe(prefixed, sizeof prefixed);
    struct ht_slice step = ht_slice_make(key, HT_DIGEST_SHA256_BYTES);
    ht_digest_hmac_sha256(step, ht_slice_text(signing->request->region), key);
    ht_digest_hmac_sha256(step, ht_slice_text(signing->request->signing_name), key);
    ht_digest_hmac_sha256(step, HT_SLICE("aws4_request"), key);
}

static void hash_source(const struct signing *signing, uint8_t hash[HT_DIGEST_SHA256_BYTES])
{
    struct ht_digest_sha256 sha256;

    ht_digest_sha256_init(&sha256);
    ht_digest_sha256_add(&sha256, ht_slice_text(signing->scope));
    ht_digest_sha256_add(&sha256, HT_SLICE("\n"));
    ht_digest_sha256_add(&sha256, signing->identity->secret_access_key);
    ht_digest_sha256_end(&sha256, hash);
    ht_digest_wipe(&sha256, sizeof sha256);
}

static void make_signature(struct signing *signing)
{
    struct ht_sigv4_result *result = signing->result;
    struct ht_buffer *out = &result->authorization;
    uint8_t mac[HT_DIGEST_SHA256_BYTES];

    ht_digest_hmac_sha256(ht_slice_make(result->signing_key, sizeof result->signing_key),
                          ht_buffer_slice(&result->string_to_sign), mac);
    ht_digest_format_hex(mac, sizeof mac, result->signature);
    ht_buffer_append_text(out, "AWS4-HMAC-SHA256 Credential=");
    ht_buffer_append_slice(out, signing->identity->access_key_id);
    ht_buffer_append_byte(out, '/');
    ht_buffer_append_text(out, signing->scope);
    ht_buffer_append_text(out, ", SignedHeaders=");
    ht_buffer_append_slice(out, ht_buffer_slice(&result->signed_headers));
    ht_buffer_append_text(out, ", Signature=");
    ht_buffer_append_text(out, result->signature);
}

void ht_sigv4_result_finish(struct ht_sigv4_result *result)
{
    ht_digest_wipe(result->signing_key, sizeof result->signing_key);
    ht_buffer_finish(&result->canonical_request);
    ht_buffer_finish(&result->signed_headers);
    ht_buffer_finish(&result->string_to_sign);
    ht_buffer_finish(&result->authorization);
}
