// SPDX-License-Identifier: MIT
#pragma once

/**
 * AWS Signature Version 4, in stages that a test can look into: canonical request, string
 * to sign, signing key, signature. Source: "Create a signed AWS API request" (AWS IAM User
 * Guide); judged by the vectors that botocore's signer made, by Swift's S3 and by moto.
 *
 * The signer never does input or output and knows no clock: it gets the time. Requests are
 * signed anew at every attempt. One thread at a time for one key cache.
 */

#include "hashtagd/aws/service.h"
#include "hashtagd/base/buffer.h"
#include "hashtagd/base/error.h"
#include "hashtagd/base/slice.h"
#include "hashtagd/net/http.h"

#include <stdint.h>

/** Hex digits of a SHA-256, with the end mark. */
#define HT_SIGV4_HASH_BYTES 65

/** Room for "YYYYMMDDTHHMMSSZ". */
#define HT_SIGV4_TIME_BYTES 17

/** The payload hash text of a body that is not signed (S3 over TLS only). */
#define HT_SIGV4_UNSIGNED_PAYLOAD "UNSIGNED-PAYLOAD"

/** Whose signature it is. Slices are the caller's. */
struct ht_sigv4_identity {
    struct ht_slice access_key_id;
    struct ht_slice secret_access_key;
    struct ht_slice session_token; /**< empty where none */
};

/** The last signing key, so that four of five HMACs are saved. Zeroed memory is an empty cache; it
 * holds no secret itself, only what is derived and a hash of what it was derived from. */
struct ht_sigv4_key_cache {
    uint8_t source_hash[32]; /**< SHA-256 over secret, date, region and service */
    uint8_t key[32];         /**< the signing key */
    bool is_set;
};

/** A request to sign. Everything is the caller's. */
struct ht_sigv4_request {
    const char *method;    /**< "POST" */
    struct ht_slice path;  /**< as on the wire, percent-encoded once; empty means "/" */
    struct ht_slice query; /**< as on the wire, without '?'; may be empty, in any order */
    const struct ht_http_header *headers; /**< Host among them; X-Amz-Date, the token and S3's
                                           *   payload hash are added by the signer, not given */
    size_t header_count;
    struct ht_slice payload_hash; /**< lower-case hex, or HT_SIGV4_UNSIGNED_PAYLOAD */
    const char *region;           /**< of the scope */
    const char *signing_name;     /**< service of the scope */
    bool is_s3;     /**< the path is taken as it is, and X-Amz-Content-SHA256 is added */
    int64_t time_s; /**< of X-Amz-Date: wall time with the service's skew */
};

/** What signing made. Buffers are owned; ht_sigv4_result_finish() frees and wipes them. */
struct ht_sigv4_result {
    char time_text[HT_SIGV4_TIME_BYTES];      /**< value of X-Amz-Date */
    struct ht_buffer canonical_request;       /**< as the AWS guide calls it */
    char canonical_hash[HT_SIGV4_HASH_BYTES]; /**< its SHA-256 */
    struct ht_buffer signed_headers;          /**< "host;x-amz-date" */
    struct ht_buffer string_to_sign;          /**< four lines */
    uint8_t signing_key[32];                  /**< of day, region and service */
    char signature[HT_SIGV4_HASH_BYTES];      /**< hex */
    struct ht_buffer authorization;           /**< value of the Authorization header */
};

/** The SHA-256 of `body` in lower-case hex, for payload_hash. */
void ht_sigv4_hash_payload(struct ht_slice body, char hash[HT_SIGV4_HASH_BYTES]);

/** Signs. `cache` may be NULL. 0, HT_ENOMEM, HT_ETOOBIG, HT_EINVAL (no Host header, a header name or
 * value that cannot be sent); `error` (may be NULL) is filled. `result` is to be finished in every
 * case. */
int ht_sigv4_sign(const struct ht_sigv4_request *request, const struct ht_sigv4_identity *identity,
                  struct ht_sigv4_key_cache *cache, struct ht_sigv4_result *result,
                  struct ht_error *error) HT_MUST_CHECK;

/** Frees a result and wipes its key; zeroed memory is fine. */
void ht_sigv4_result_finish(struct ht_sigv4_result *result);
