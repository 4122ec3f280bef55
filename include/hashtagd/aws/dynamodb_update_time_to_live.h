// SPDX-License-Identifier: MIT
#pragma once

/**
 * DynamoDB UpdateTimeToLive: says which attribute (type N, epoch seconds) tells when an item may be
 * deleted, or switches that off. A second change within an hour is refused (ValidationException).
 * Source: Amazon DynamoDB API Reference, "UpdateTimeToLive".
 */

#include "hashtagd/aws/client.h"

#include <stdbool.h>

/** The operation; in the caller's memory until `done`. Zero it first. */
struct ht_dynamodb_update_time_to_live {
    struct ht_aws_call call; /**< private until `done`; then its failure and error say more */
    /* what to ask; the caller's until `done` */
    const char *table_name;
    const char *attribute_name;
    bool is_enabled;
    const char *resource; /**< for people: "table hashtags"; may be NULL */
    /** Once, last, never from inside start or cancel. */
    void (*done)(struct ht_dynamodb_update_time_to_live *op);
    void *user; /**< the caller's */
    /* what came */
    int status;            /**< as call.status */
    struct ht_buffer body; /**< private */
};

/** Starts it. */
void ht_dynamodb_update_time_to_live_start(struct ht_aws_client *client,
                                           struct ht_dynamodb_update_time_to_live *op);

/** Appends the request's body. 0, HT_ENOMEM, HT_ETOOBIG. Pure. */
int ht_dynamodb_update_time_to_live_format(const struct ht_dynamodb_update_time_to_live *op,
                                           struct ht_buffer *body) HT_MUST_CHECK;
