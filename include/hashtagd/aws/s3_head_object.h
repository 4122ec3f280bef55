// SPDX-License-Identifier: MIT
#pragma once

/**
 * S3 HeadObject: whether an object is there, and what is known of it. Its errors have no body, so the
 * status is all there is. Source: Amazon S3 API Reference, "HeadObject".
 *
 *     op.bucket = HT_SLICE("archive");
 *     op.key = key;
 *     op.done = on_head;
 *     ht_s3_head_object_start(client, &op);
 */

#include "hashtagd/aws/client.h"

/** The operation; in the caller's memory until `done`. Zero it first. */
struct ht_s3_head_object {
    struct ht_aws_call
        call; /**< private until `done`; then its failure and error say what went wrong, and its
               *   answer_headers are the object's */
    /* what to ask; the caller's until `done` */
    struct ht_slice bucket;
    struct ht_slice key;  /**< 1 to 1024 bytes */
    const char *resource; /**< for people; may be NULL */
    /** Once, last, never from inside start or cancel. */
    void (*done)(struct ht_s3_head_object *op);
    void *user; /**< the caller's */
    /* what came */
    int status;            /**< as call.status; HT_ENOTFOUND where it is not there */
    uint64_t length;       /**< bytes */
    struct ht_slice etag;  /**< valid during `done`, with its quotes; may be empty */
    struct ht_buffer path; /**< private */
};

/** Starts it. */
void ht_s3_head_object_start(struct ht_aws_client *client, struct ht_s3_head_object *op);
