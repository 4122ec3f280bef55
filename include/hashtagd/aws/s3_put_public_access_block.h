// SPDX-License-Identifier: MIT
#pragma once

/**
 * S3 PutPublicAccessBlock: nobody outside the account sees the bucket, whatever its policy and access
 * lists say. Source: Amazon S3 API Reference, "PutPublicAccessBlock".
 */

#include "hashtagd/aws/client.h"

/** The operation; in the caller's memory until `done`. Zero it first. */
struct ht_s3_put_public_access_block {
    struct ht_aws_call
        call; /**< private until `done`; then its failure and error say what went wrong */
    /* what to ask; the caller's until `done` */
    struct ht_slice bucket;
    const char *resource; /**< for people; may be NULL */
    /** Once, last, never from inside start or cancel. */
    void (*done)(struct ht_s3_put_public_access_block *op);
    void *user; /**< the caller's */
    /* what came */
    int status; /**< as call.status */
    /* private */
    struct ht_http_header headers[2];
    char md5_text[32];
};

/** Starts it. */
void ht_s3_put_public_access_block_start(struct ht_aws_client *client,
                                         struct ht_s3_put_public_access_block *op);
