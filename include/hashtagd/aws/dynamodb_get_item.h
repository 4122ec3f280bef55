// SPDX-License-Identifier: MIT
#pragma once

/**
 * DynamoDB GetItem: reads one item, with strong consistency. Source: Amazon DynamoDB API
 * Reference, "GetItem".
 */

#include "hashtagd/aws/dynamodb_item.h"

/** The operation; see aws/dynamodb_item.h for its life. */
struct ht_dynamodb_get_item {
    struct ht_aws_call call; /**< private until `done`; then its failure and error say more */
    /* what to ask; the caller's until `done` */
    struct ht_dynamodb_target target;
    /** Once, last, never from inside start or cancel. */
    void (*done)(struct ht_dynamodb_get_item *op);
    void *user; /**< the caller's */
    /* what came */
    int status; /**< as call.status, or HT_EPARSE: an answer that makes no sense. No item
                 *   is 0, and `answer` has none */
    struct ht_dynamodb_answer answer; /**< the item */
    struct ht_buffer body;            /**< private */
};

/** Starts it. */
void ht_dynamodb_get_item_start(struct ht_aws_client *client, struct ht_dynamodb_get_item *op);

/** Gives it up: `done` follows with HT_ECANCELED. One that does not run is left alone. */
void ht_dynamodb_get_item_cancel(struct ht_dynamodb_get_item *op);

/** Frees what a stopped operation keeps. Zeroed memory is fine. */
void ht_dynamodb_get_item_finish(struct ht_dynamodb_get_item *op);

/** Appends the request's body. 0, HT_ENOMEM, HT_ETOOBIG. Pure. */
int ht_dynamodb_get_item_format(const struct ht_dynamodb_get_item *op,
                                struct ht_buffer *body) HT_MUST_CHECK;
