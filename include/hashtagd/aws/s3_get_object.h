// SPDX-License-Identifier: MIT
#pragma once

/**
 * S3 GetObject: the whole of an object, up to a maximum. Source: Amazon S3 API Reference,
 * "GetObject".
 *
 *     op.bucket = HT_SLICE("archive");
 *     op.key = key;
 *     op.max_bytes = 1 << 20;
 *     op.done = on_object;
 *     ht_s3_get_object_start(client, &op);
 */

#include "hashtagd/aws/client.h"

/** The operation; in the caller's memory until `done`. Zero it first. */
struct ht_s3_get_object {
    struct ht_aws_call
        call; /**< private until `done`; then its failure and error say what went wrong */
    /* what to ask; the caller's until `done` */
    struct ht_slice bucket;
    struct ht_slice key;  /**< 1 to 1024 bytes */
    size_t max_bytes;     /**< a larger object is HT_ETOOBIG; 0: 1 MiB */
    const char *resource; /**< for people; may be NULL */
    /** Once, last, never from inside start or cancel. */
    void (*done)(struct ht_s3_get_object *op);
    void *user; /**< the caller's */
    /* what came */
    int status;            /**< as call.status; HT_ENOTFOUND where it is not there */
    struct ht_slice body;  /**< valid during `done` */
    struct ht_buffer path; /**< private */
};

/** Starts it. */
void ht_s3_get_object_start(struct ht_aws_client *client, struct ht_s3_get_object *op);
