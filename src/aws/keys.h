// SPDX-License-Identifier: MIT
#pragma once

/** Making sets of keys. */

#include "hashtagd/aws/credentials.h"

/** What goes into a set; slices are the caller's and copied. */
struct ht_aws_keys_parts {
    struct ht_slice access_key_id;     /**< not empty */
    struct ht_slice secret_access_key; /**< not empty */
    struct ht_slice session_token;     /**< empty: none */
    struct ht_slice account_id;        /**< empty: unknown */
    int64_t expires_s;                 /**< wall time; 0: never */
};

/** A set with one reference, the caller's. NULL where memory is out. `origin` is copied. */
struct ht_aws_keys *ht_aws_keys_create(const struct ht_aws_keys_parts *parts, const char *origin);

/** The same set with another time of expiry; NULL where memory is out. */
struct ht_aws_keys *ht_aws_keys_extend(const struct ht_aws_keys *keys, int64_t expires_s);

/** The account in an ARN (its field 5), "123456789012"; empty where there is none. */
struct ht_slice ht_aws_account_of_arn(struct ht_slice arn);

/**
 * Whether keys can be what they claim: printable ASCII without blanks, as they go into headers.
 * HT_EINVAL where not; `error` names the part and `place`, never the value.
 */
int ht_aws_keys_check(const struct ht_aws_keys_parts *parts, const char *place,
                      struct ht_error *error) HT_MUST_CHECK;
