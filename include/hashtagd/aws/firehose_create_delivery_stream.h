// SPDX-License-Identifier: MIT
#pragma once

/**
 * Firehose CreateDeliveryStream, of the type DirectPut and with S3 behind it. It is usable once
 * DescribeDeliveryStream says ACTIVE. A role that was just made may be refused for some seconds, as
 * InvalidArgumentException: `is_role_unknown` says so, try again. Source: Amazon Data Firehose API
 * Reference, "CreateDeliveryStream", and its Developer Guide, "Custom prefixes".
 */

#include "hashtagd/aws/client.h"

/** The operation; in the caller's memory until `done`. Zero it first. */
struct ht_firehose_create_delivery_stream {
    struct ht_aws_call
        call; /**< private until `done`; then its failure and error say what went wrong */
    /* what to ask; the caller's until `done` */
    const char *name;       /**< 1 to 64 of a-z A-Z 0-9 _ . -; not NULL */
    const char *role_arn;   /**< which Firehose takes on to write; not NULL */
    const char *bucket_arn; /**< "arn:aws:s3:::NAME"; not NULL */
    const char *prefix;     /**< of keys, "deleted/"; YYYY/MM/DD/HH/ follows by itself; not NULL */
    const char *error_prefix; /**< where what cannot be delivered goes; may be NULL */
    unsigned buffer_s;        /**< 0 to 900 */
    unsigned buffer_mib;      /**< 1 to 128 */
    bool compresses;          /**< GZIP, else as it is */
    const char *resource;     /**< for people; may be NULL */
    /** Once, last, never from inside start or cancel. */
    void (*done)(struct ht_firehose_create_delivery_stream *op);
    void *user; /**< the caller's */
    /* what came */
    int status;    /**< as call.status; HT_EEXIST where there is one; HT_EPARSE */
    char arn[512]; /**< of the stream */
    bool is_role_unknown;
    struct ht_buffer body; /**< private */
};

/** Starts it. */
void ht_firehose_create_delivery_stream_start(struct ht_aws_client *client,
                                              struct ht_firehose_create_delivery_stream *op);

/** Appends the request's body. HT_ENOMEM, HT_ETOOBIG. Pure, for tests. */
int ht_firehose_create_delivery_stream_format(const struct ht_firehose_create_delivery_stream *op,
                                              struct ht_buffer *body) HT_MUST_CHECK;
