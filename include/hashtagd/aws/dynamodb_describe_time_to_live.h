// SPDX-License-Identifier: MIT
#pragma once

/**
 * DynamoDB DescribeTimeToLive: whether a table deletes expired items, and by which attribute.
 * Source: Amazon DynamoDB API Reference, "DescribeTimeToLive".
 */

#include "hashtagd/aws/client.h"

#include <stdbool.h>

/** The operation; in the caller's memory until `done`. Zero it first. */
struct ht_dynamodb_describe_time_to_live {
    struct ht_aws_call call; /**< private until `done`; then its failure and error say more */
    /* what to ask; the caller's until `done` */
    const char *table_name;
    const char *resource; /**< for people: "table hashtags"; may be NULL */
    /** Once, last, never from inside start or cancel. */
    void (*done)(struct ht_dynamodb_describe_time_to_live *op);
    void *user; /**< the caller's */
    /* what came */
    int status;               /**< as call.status, or HT_EPARSE */
    bool is_enabled;          /**< ENABLED or ENABLING */
    bool is_changing;         /**< ENABLING or DISABLING */
    char attribute_name[256]; /**< empty where none is set */
    struct ht_buffer body;    /**< private */
};

/** Starts it. */
void ht_dynamodb_describe_time_to_live_start(struct ht_aws_client *client,
                                             struct ht_dynamodb_describe_time_to_live *op);

/** Appends the request's body. 0, HT_ENOMEM, HT_ETOOBIG. Pure. */
int ht_dynamodb_describe_time_to_live_format(const struct ht_dynamodb_describe_time_to_live *op,
                                             struct ht_buffer *body) HT_MUST_CHECK;

/** Reads an answer into the results. 0, HT_EPARSE, HT_ENOMEM. Pure. */
int ht_dynamodb_describe_time_to_live_parse(struct ht_dynamodb_describe_time_to_live *op,
                                            struct ht_slice answer) HT_MUST_CHECK;
