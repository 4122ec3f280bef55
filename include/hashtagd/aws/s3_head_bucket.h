// SPDX-License-Identifier: MIT
#pragma once

/**
 * S3 HeadBucket: whether a bucket is there and ours, and where. Its errors have no body. Source:
 * Amazon S3 API Reference, "HeadBucket".
 */

#include "hashtagd/aws/client.h"

/** The operation; in the caller's memory until `done`. Zero it first. */
struct ht_s3_head_bucket {
    struct ht_aws_call
        call; /**< private until `done`; then its failure and error say what went wrong */
    /* what to ask; the caller's until `done` */
    struct ht_slice bucket;
    const char *resource; /**< for people; may be NULL */
    /** Once, last, never from inside start or cancel. */
    void (*done)(struct ht_s3_head_bucket *op);
    void *user; /**< the caller's */
    /* what came */
    int status; /**< as call.status; HT_ENOTFOUND where there is none, HT_EPERMISSION where it is
                      *   somebody else's or nothing may be asked of it */
    char region[64]; /**< where it is, of errors too; empty where S3 did not say */
};

/** Starts it. */
void ht_s3_head_bucket_start(struct ht_aws_client *client, struct ht_s3_head_bucket *op);
