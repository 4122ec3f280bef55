// SPDX-License-Identifier: MIT
#pragma once

/**
 * Firehose DescribeDeliveryStream: whether a delivery stream can be used, and where it delivers.
 * Source: Amazon Data Firehose API Reference, "DescribeDeliveryStream".
 */

#include "hashtagd/aws/client.h"

/** The state of a delivery stream. */
enum ht_firehose_stream_state {
    HT_FIREHOSE_STREAM_OTHER, /**< one that is not known here */
    HT_FIREHOSE_STREAM_CREATING,
    HT_FIREHOSE_STREAM_CREATING_FAILED,
    HT_FIREHOSE_STREAM_DELETING,
    HT_FIREHOSE_STREAM_DELETING_FAILED,
    HT_FIREHOSE_STREAM_ACTIVE, /**< takes records */
};

/** The operation; in the caller's memory until `done`. Zero it first. */
struct ht_firehose_describe_delivery_stream {
    struct ht_aws_call
        call; /**< private until `done`; then its failure and error say what went wrong */
    /* what to ask; the caller's until `done` */
    const char *name;     /**< not NULL */
    const char *resource; /**< for people; may be NULL */
    /** Once, last, never from inside start or cancel. */
    void (*done)(struct ht_firehose_describe_delivery_stream *op);
    void *user; /**< the caller's */
    /* what came */
    int status; /**< as call.status; HT_ENOTFOUND where there is none; HT_EPARSE */
    enum ht_firehose_stream_state state;
    char type[64];         /**< "DirectPut" is what programs can put records on */
    char arn[512];         /**< of the stream */
    char failure[256];     /**< why it could not be made; empty where it could */
    char bucket_arn[512];  /**< of the first destination; empty where that is not S3 */
    char role_arn[512];    /**< likewise */
    char prefix[1025];     /**< likewise */
    struct ht_buffer body; /**< private */
};

/** Starts it. */
void ht_firehose_describe_delivery_stream_start(struct ht_aws_client *client,
                                                struct ht_firehose_describe_delivery_stream *op);

/** Reads an answer into the results. HT_EPARSE or HT_ENOMEM with `call.error`. Pure, for tests. */
int ht_firehose_describe_delivery_stream_parse(struct ht_firehose_describe_delivery_stream *op,
                                               struct ht_slice answer) HT_MUST_CHECK;
