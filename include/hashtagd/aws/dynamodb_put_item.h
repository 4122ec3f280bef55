// SPDX-License-Identifier: MIT
#pragma once

/**
 * DynamoDB PutItem: writes a whole item, on a condition. Source: Amazon DynamoDB API Reference,
 * "PutItem".
 */

#include "hashtagd/aws/dynamodb_item.h"

/** The operation; see aws/dynamodb_item.h for its life. */
struct ht_dynamodb_put_item {
    struct ht_aws_call call; /**< private until `done`; then its failure and error say more */
    /* what to ask; the caller's until `done` */
    struct ht_dynamodb_target target;           /**< the key goes into the item */
    const struct ht_dynamodb_value *attributes; /**< the rest of the item; alias is the name */
    size_t attribute_count;
    struct ht_dynamodb_expressions expressions;
    /** Once, last, never from inside start or cancel. */
    void (*done)(struct ht_dynamodb_put_item *op);
    void *user; /**< the caller's */
    /* what came */
    int status; /**< as call.status, or HT_EPARSE: an answer that makes no sense. A condition that
                 *   failed: ht_dynamodb_condition_failed() */
    struct ht_dynamodb_answer answer; /**< of a condition that failed, the item as it is, where
                                       *   the service tells it */
    struct ht_buffer body;            /**< private */
};

/** Starts it. */
void ht_dynamodb_put_item_start(struct ht_aws_client *client, struct ht_dynamodb_put_item *op);

/** Gives it up: `done` follows with HT_ECANCELED. One that does not run is left alone. */
void ht_dynamodb_put_item_cancel(struct ht_dynamodb_put_item *op);

/** Frees what a stopped operation keeps. Zeroed memory is fine. */
void ht_dynamodb_put_item_finish(struct ht_dynamodb_put_item *op);

/** Appends the request's body. 0, HT_ENOMEM, HT_ETOOBIG. Pure. */
int ht_dynamodb_put_item_format(const struct ht_dynamodb_put_item *op,
                                struct ht_buffer *body) HT_MUST_CHECK;
