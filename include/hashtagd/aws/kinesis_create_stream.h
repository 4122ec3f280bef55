// SPDX-License-Identifier: MIT
#pragma once

/**
 * Kinesis CreateStream. The answer comes before the stream is made: it is usable when
 * DescribeStreamSummary (aws/kinesis_describe_stream_summary.h) calls it ACTIVE. Five calls a second
 * an account; a name that is taken is HT_EEXIST.
 */

#include "hashtagd/aws/kinesis.h"

/** The operation. Zeroed, filled, started; in place until `done`. */
struct ht_kinesis_create_stream {
    struct ht_aws_call call; /**< results: status (HT_EEXIST: it is there already), error */
    const char *stream_name; /**< the caller's until `done` */
    uint32_t shard_count;    /**< provisioned so many; 0: on demand */
    void (*done)(struct ht_kinesis_create_stream *op); /**< once, last, never from inside start */
    void *user;                                        /**< the caller's */
    struct ht_kinesis_request request;                 /**< private */
};

/** Starts it. 0; HT_ENOMEM: not started, `done` is not called. */
int ht_kinesis_create_stream_start(struct ht_aws_client *client,
                                   struct ht_kinesis_create_stream *op) HT_MUST_CHECK;
