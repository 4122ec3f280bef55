// SPDX-License-Identifier: MIT
#pragma once

/**
 * DynamoDB UpdateTable: switches a table's change stream on or off, one thing a call. Meanwhile
 * the table is UPDATING and works on. Another view means off, then on, and is a new stream. Source:
 * Amazon DynamoDB API Reference, "UpdateTable".
 */

#include "hashtagd/aws/dynamodb_describe_table.h"

/** The operation; in the caller's memory until `done`. Zero it first. */
struct ht_dynamodb_update_table {
    struct ht_aws_call call; /**< private until `done`; then its failure and error say more */
    /* what to ask; the caller's until `done` */
    const char *table_name;
    const char *stream_view; /**< "NEW_AND_OLD_IMAGES", ...: on; NULL: off */
    const char *resource;    /**< for people: "table hashtags"; may be NULL */
    /** Once, last, never from inside start or cancel. */
    void (*done)(struct ht_dynamodb_update_table *op);
    void *user; /**< the caller's */
    /* what came */
    int status; /**< as call.status, or HT_EPARSE */
    struct ht_dynamodb_table_description table;
    struct ht_buffer body; /**< private */
};

/** Starts it. */
void ht_dynamodb_update_table_start(struct ht_aws_client *client,
                                    struct ht_dynamodb_update_table *op);

/** Appends the request's body. 0, HT_ENOMEM, HT_ETOOBIG. Pure. */
int ht_dynamodb_update_table_format(const struct ht_dynamodb_update_table *op,
                                    struct ht_buffer *body) HT_MUST_CHECK;
