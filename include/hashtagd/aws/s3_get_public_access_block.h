// SPDX-License-Identifier: MIT
#pragma once

/**
 * S3 GetPublicAccessBlock: what of public access is blocked on a bucket. Source: Amazon S3 API
 * Reference, "GetPublicAccessBlock".
 */

#include "hashtagd/aws/client.h"

/** The operation; in the caller's memory until `done`. Zero it first. */
struct ht_s3_get_public_access_block {
    struct ht_aws_call
        call; /**< private until `done`; then its failure and error say what went wrong */
    /* what to ask; the caller's until `done` */
    struct ht_slice bucket;
    const char *resource; /**< for people; may be NULL */
    /** Once, last, never from inside start or cancel. */
    void (*done)(struct ht_s3_get_public_access_block *op);
    void *user; /**< the caller's */
    /* what came */
    int status;         /**< as call.status; HT_EPARSE where the answer makes no sense; 0 where the
                            *   bucket has no such configuration */
    bool is_configured; /**< somebody, or AWS itself, said what is blocked */
    bool is_wholly_blocked; /**< all four switches are on */
};

/** Starts it. */
void ht_s3_get_public_access_block_start(struct ht_aws_client *client,
                                         struct ht_s3_get_public_access_block *op);

/** Gives it up: `done` follows with HT_ECANCELED. One that does not run is left alone. */
void ht_s3_get_public_access_block_cancel(struct ht_s3_get_public_access_block *op);
