// SPDX-License-Identifier: MIT

/**
 * Signatures of requests of any bytes: a signature or a refusal; the same whatever the order of the
 * query's pairs and of the headers, with a cache of keys and without; the secret is in nothing that
 * is written.
 */

#include "fuzz_data.h"
#include "hashtagd/aws/sigv4.h"

#define SECRET "Secr3tMarkOfTheFuzzer"

enum {
    HEADERS_MAX = 4,
    PAIRS_MAX = 16,
};

static int sign(const struct ht_sigv4_request *request, struct ht_sigv4_key_cache *cache,
                struct ht_sigv4_result *result)
{
    const struct ht_sigv4_identity identity = {HT_SLICE("AKID"), HT_SLICE(SECRET),
                                               HT_SLICE("token")};
    struct ht_error error = {0};
    memset(result, 0, sizeof(*result));
    int status = ht_sigv4_sign(request, &identity, cache, result, &error);
    FUZZ_CHECK(status == 0 || status == HT_EINVAL || status == HT_ETOOBIG, "%d", status);
    FUZZ_CHECK(strstr(error.text, SECRET) == NULL, "%s", error.text);
    return status;
}

/* The pairs of the query from the last to the first. */
static char *turned(struct ht_slice query, size_t *length)
{
    struct ht_slice pairs[PAIRS_MAX];
    size_t count = 0;
    char *out = malloc(query.length + 1);
    *length = 0;
    for (size_t at = 0; at <= query.length && count < PAIRS_MAX;) {
        const char *end =
            query.length == at ? NULL : memchr(query.data + at, '&', query.length - at);
        size_t size = end == NULL ? query.length - at : (size_t)(end - query.data) - at;
        pairs[count++] = ht_slice_make(query.data + at, size);
        at += size + 1;
    }
    for (size_t i = count; i > 0; i--) {
        if (i != count) {
            out[(*length)++] = '&';
        }
        memcpy(out + *length, pairs[i - 1].data, pairs[i - 1].length);
        *length += pairs[i - 1].length;
    }
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"X-Amz-Target", "content-type", "x-amz-meta-a", "Range"};
    struct fuzz_input input = fuzz_input(data, size);
    struct ht_http_header headers[HEADERS_MAX], other[HEADERS_MAX];
    struct ht_sigv4_key_cache cache = {.is_set = false};
    struct ht_sigv4_result one, again, third;
    char hash[HT_SIGV4_HASH_BYTES];
    if (size > 0 && memmem(data, size, SECRET, 8) != NULL) {
        return 0; /* the fuzzer learned the mark, and asks for it to be sent */
    }
    unsigned choice = fuzz_take_byte(&input);
    struct ht_sigv4_request request = {.method = choice & 1 ? "POST" : "GET",
                                       .headers = headers,
                                       .header_count = 1 + choice / 2 % HEADERS_MAX,
                                       .region = "eu-west-1",
                                       .signing_name = choice & 16 ? "s3" : "kinesis",
                                       .is_s3 = (choice & 16) != 0,
                                       .time_s = (int64_t)fuzz_take_below(&input, 1ull << 32)};
    request.path = fuzz_take_part(&input);
    request.query = fuzz_take_part(&input);
    headers[0] = (struct ht_http_header){HT_SLICE("Host"), fuzz_take_part(&input)};
    for (size_t i = 1; i < request.header_count; i++) {
        headers[i] = (struct ht_http_header){ht_slice_text(names[i - 1]), fuzz_take_part(&input)};
    }
    ht_sigv4_hash_payload(fuzz_rest(&input), hash);
    request.payload_hash = ht_slice_text(hash);
    int status = sign(&request, &cache, &one);
    if (status == 0) {
        size_t length = 0;
        char *query = turned(request.query, &length);
        size_t pairs = 1;
        for (size_t i = 0; i < request.query.length; i++) {
            pairs += request.query.data[i] == '&';
        }
        FUZZ_CHECK(strlen(one.signature) == 64 && strlen(one.time_text) == 16, "%s", one.signature);
        FUZZ_CHECK(memmem(one.canonical_request.data, one.canonical_request.length, SECRET,
                          strlen(SECRET)) == NULL &&
                       memmem(one.authorization.data, one.authorization.length, SECRET,
                              strlen(SECRET)) == NULL,
                   "the secret is sent");
        FUZZ_CHECK(sign(&request, &cache, &again) == 0 &&
                       strcmp(one.signature, again.signature) == 0,
                   "with the cache");
        for (size_t i = 0; i < request.header_count; i++) {
            other[i] = headers[request.header_count - 1 - i];
        }
        request.headers = other;
        if (pairs <= PAIRS_MAX) {
            request.query = ht_slice_make(query, length);
        }
        FUZZ_CHECK(sign(&request, NULL, &third) == 0, "turned");
        FUZZ_CHECK_SAME(ht_buffer_slice(&one.canonical_request),
                        ht_buffer_slice(&third.canonical_request), "turned");
        FUZZ_CHECK(strcmp(one.signature, third.signature) == 0, "turned");
        ht_sigv4_result_finish(&again);
        ht_sigv4_result_finish(&third);
        free(query);
    }
    ht_sigv4_result_finish(&one);
    return 0;
}
