// SPDX-License-Identifier: MIT
#pragma once

/**
 * Signs a request with OAuth 1.0a, HMAC-SHA1 (RFC 5849 section 3.4; "Creating a signature",
 * developer.x.com). Each stage can be looked at by itself:
 *
 *     query of the URL --.
 *     form body ---------+-> parameter string -> base string --.
 *     oauth_... ---------'      (sorted)                       +-> signature -> Authorization
 *                               consumer and token secret -----'
 *
 * What is signed are the bytes of the URL and of the body as they go on the wire. Names and values
 * are encoded with ht_url_encode(): all but letters, digits and "-._~", in upper-case hex. Pure but
 * for ht_oauth1_make_nonce(); any thread. Nothing here is ever logged.
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/error.h"
#include "hashtagd/base/slice.h"

#include <stdbool.h>
#include <stdint.h>

/** A nonce of ht_oauth1_make_nonce() with its end mark: 128 bits as hex digits. */
#define HT_OAUTH1_NONCE_BYTES 33

/** A signature with its end mark: 20 bytes in Base64. */
#define HT_OAUTH1_SIGNATURE_BYTES 29

/** The most parameters of one request, those of OAuth counted. */
#define HT_OAUTH1_PARAMETERS_MAX 64

/** The most bytes of the body, and of each stage: the longest lists that a filter may have (400
 * phrases, 5000 users, 25 boxes) are below 400 KB when they are encoded twice. */
#define HT_OAUTH1_STAGE_MAX_BYTES (1024u * 1024u)

/** The longest consumer or token secret in bytes; X's have 50 and 45. */
#define HT_OAUTH1_SECRET_MAX_BYTES 1024

/** Who asks. Slices are borrowed. */
struct ht_oauth1_keys {
    struct ht_slice consumer_key;
    struct ht_slice consumer_secret;
    struct ht_slice token;        /**< empty: none yet, and no oauth_token is sent */
    struct ht_slice token_secret; /**< may be empty */
};

/** What is asked for, as it is sent. Slices are borrowed. */
struct ht_oauth1_request {
    struct ht_slice method; /**< "GET", "POST" */
    struct ht_slice url;    /**< http or https, query included, no fragment */
    struct ht_slice
        form; /**< a body of application/x-www-form-urlencoded; empty: none, or another */
};

/** What makes an attempt its own: never the same twice. */
struct ht_oauth1_stamp {
    struct ht_slice nonce; /**< letters and digits; borrowed */
    int64_t time_s;        /**< since 1970 UTC; services refuse one that is minutes off */
    bool has_no_version;   /**< leaves oauth_version out, as RFC 5849 allows; X wants it */
};

/** Makes a nonce from the operating system's secure randomness. 0 or HT_EIO. */
int ht_oauth1_make_nonce(char nonce[HT_OAUTH1_NONCE_BYTES]) HT_MUST_CHECK;

/**
 * Appends the parameter string: all pairs of the query, the form and OAuth, decoded, encoded again,
 * sorted by encoded name and value. HT_EPARSE where a '%' has no two hex digits behind it or the URL
 * is none; HT_ETOOBIG over a maximum; HT_ENOMEM. Errors may leave a part in `out`.
 */
int ht_oauth1_append_parameters(const struct ht_oauth1_request *request,
                                const struct ht_oauth1_keys *keys,
                                const struct ht_oauth1_stamp *stamp,
                                struct ht_buffer *out) HT_MUST_CHECK;

/** Appends the URL as it is signed: scheme and host in lower case, without the scheme's own port,
 * user and password, query; the path as it is. Errors as above. */
int ht_oauth1_append_base_url(struct ht_slice url, struct ht_buffer *out) HT_MUST_CHECK;

/** Appends the signature base string for a parameter string. Errors as above. */
int ht_oauth1_append_base_string(const struct ht_oauth1_request *request,
                                 struct ht_slice parameters, struct ht_buffer *out) HT_MUST_CHECK;

/** Signs a base string. The signing key is wiped from memory before it returns. 0, HT_ETOOBIG (a
 * secret over its maximum) or HT_ENOMEM. */
int ht_oauth1_sign(const struct ht_oauth1_keys *keys, struct ht_slice base_string,
                   char signature[HT_OAUTH1_SIGNATURE_BYTES]) HT_MUST_CHECK;

/**
 * All stages: appends the value of the Authorization header ("OAuth oauth_consumer_key=...") to
 * `out`. On errors (as above) `error` (may be NULL) says what to do, without a secret, and `out` may
 * hold a part. Wipe `out` with ht_oauth1_wipe() when it was sent.
 */
int ht_oauth1_authorize(const struct ht_oauth1_request *request, const struct ht_oauth1_keys *keys,
                        const struct ht_oauth1_stamp *stamp, struct ht_buffer *out,
                        struct ht_error *error) HT_MUST_CHECK;

/** Overwrites what `buffer` holds and frees it. */
void ht_oauth1_wipe(struct ht_buffer *buffer);
