// SPDX-License-Identifier: MIT
#pragma once

/**
 * The app-only bearer token of X, asked for with the consumer's key and secret: what to send,
 * and what the answer means. Pure; sending is twitter_v2_call.h.
 * https://docs.x.com/fundamentals/authentication/oauth-2-0/application-only
 *
 *     POST /oauth2/token, Authorization: Basic base64(enc(key) ":" enc(secret)),
 *     Content-Type: application/x-www-form-urlencoded;charset=UTF-8
 *     grant_type=client_credentials
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/error.h"
#include "hashtagd/base/slice.h"

/** Behind the base address. */
#define HT_TWITTER_V2_TOKEN_PATH "/oauth2/token"

/** The type and the whole of what is posted. */
#define HT_TWITTER_V2_TOKEN_TYPE "application/x-www-form-urlencoded;charset=UTF-8"
#define HT_TWITTER_V2_TOKEN_BODY "grant_type=client_credentials"

/** The longest token that is believed, in bytes; X's have about 120. */
#define HT_TWITTER_V2_TOKEN_MAX_BYTES 4096

/** Appends the value of the Authorization header for asking: a secret. 0, HT_ENOMEM or HT_ETOOBIG.
 */
int ht_twitter_v2_token_ask(struct ht_slice key, struct ht_slice secret,
                            struct ht_buffer *authorization) HT_MUST_CHECK;

/**
 * Appends "Bearer " and the token of the answer `body` (of a 200), verbatim: it holds percent signs
 * that belong to it. HT_EPARSE where it is no such answer, HT_EPERMISSION where it is a token of
 * another type, HT_ENOMEM; `error` (may be NULL) is filled, without a word of the body's secret.
 */
int ht_twitter_v2_token_read(struct ht_slice body, struct ht_buffer *authorization,
                             struct ht_error *error) HT_MUST_CHECK;
