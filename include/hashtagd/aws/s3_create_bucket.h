// SPDX-License-Identifier: MIT
#pragma once

/**
 * S3 CreateBucket: makes a bucket, which is usable at once; one that is there already is HT_EEXIST,
 * whoever has it. Source: Amazon S3 API Reference, "CreateBucket".
 */

#include "hashtagd/aws/client.h"

/** The operation; in the caller's memory until `done`. Zero it first. */
struct ht_s3_create_bucket {
    struct ht_aws_call
        call; /**< private until `done`; then its failure and error say what went wrong */
    /* what to ask; the caller's until `done` */
    struct ht_slice bucket;
    const char *region;   /**< where; NULL: the client's. us-east-1 is asked for without a body */
    const char *resource; /**< for people; may be NULL */
    /** Once, last, never from inside start or cancel. */
    void (*done)(struct ht_s3_create_bucket *op);
    void *user; /**< the caller's */
    /* what came */
    int status;   /**< as call.status; HT_EEXIST: it is there; `is_ours` says whose it is */
    bool is_ours; /**< with HT_EEXIST: we made it before */
    struct ht_buffer body; /**< private */
};

/** Starts it. */
void ht_s3_create_bucket_start(struct ht_aws_client *client, struct ht_s3_create_bucket *op);
