// SPDX-License-Identifier: MIT
#pragma once

/**
 * Kinesis DescribeStreamSummary: what a stream is like, and whether it can be used. Twenty calls a
 * second an account: to wait for a new stream ask every second or so. Members that are not told stay
 * zero.
 */

#include "hashtagd/aws/kinesis.h"

/** What is told of a stream. */
struct ht_kinesis_stream_summary {
    char arn[HT_KINESIS_NAME_BYTES + 128]; /**< empty where it is not told */
    char status[16];                       /**< "CREATING", "DELETING", "ACTIVE", "UPDATING" */
    bool is_usable;                        /**< ACTIVE or UPDATING */
    bool is_on_demand;                     /**< else provisioned */
    int64_t open_shard_count;              /**< 0 where it is not told */
    int64_t retention_hours;               /**< 0 where it is not told */
};

/** The operation. Zeroed, filled, started; in place until `done`. */
struct ht_kinesis_describe_stream_summary {
    struct ht_aws_call call; /**< results: status (HT_ENOTFOUND: no such stream), error */
    const char *stream_name; /**< the caller's until `done` */
    struct ht_kinesis_stream_summary summary;                    /**< result, where status is 0 */
    void (*done)(struct ht_kinesis_describe_stream_summary *op); /**< once, last, not in start */
    void *user;                                                  /**< the caller's */
    struct ht_kinesis_request request;                           /**< private */
};

/** Starts it. 0; HT_ENOMEM: not started, `done` is not called. */
int ht_kinesis_describe_stream_summary_start(
    struct ht_aws_client *client, struct ht_kinesis_describe_stream_summary *op) HT_MUST_CHECK;
