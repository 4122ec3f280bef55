// SPDX-License-Identifier: MIT
#pragma once

/**
 * DynamoDB UpdateItem: changes some attributes of one item, on a condition; makes the item where
 * it is not there. An ADD is atomic but not idempotent: a retry after a lost answer adds again
 * unless the condition prevents it. Source: Amazon DynamoDB API Reference, "UpdateItem".
 */

#include "hashtagd/aws/dynamodb_item.h"

/** The operation; see aws/dynamodb_item.h for its life. */
struct ht_dynamodb_update_item {
    struct ht_aws_call call; /**< private until `done`; then its failure and error say more */
    /* what to ask; the caller's until `done` */
    struct ht_dynamodb_target target;
    struct ht_dynamodb_expressions expressions;
    const char *returned; /**< ReturnValues: "UPDATED_NEW", "ALL_NEW", ...; NULL: nothing */
    /** Once, last, never from inside start or cancel. */
    void (*done)(struct ht_dynamodb_update_item *op);
    void *user; /**< the caller's */
    /* what came */
    int status; /**< as call.status, or HT_EPARSE: an answer that makes no sense. A condition that
                 *   failed: ht_dynamodb_condition_failed() */
    struct ht_dynamodb_answer answer; /**< what was asked for by `returned`; of a condition that
                                       *   failed, the item as it is, where the service tells it */
    struct ht_buffer body;            /**< private */
};

/** Starts it. */
void ht_dynamodb_update_item_start(struct ht_aws_client *client,
                                   struct ht_dynamodb_update_item *op);

/** Gives it up: `done` follows with HT_ECANCELED. One that does not run is left alone. */
void ht_dynamodb_update_item_cancel(struct ht_dynamodb_update_item *op);

/** Frees what a stopped operation keeps. Zeroed memory is fine. */
void ht_dynamodb_update_item_finish(struct ht_dynamodb_update_item *op);

/** Appends the request's body. 0, HT_ENOMEM, HT_ETOOBIG. Pure. */
int ht_dynamodb_update_item_format(const struct ht_dynamodb_update_item *op,
                                   struct ht_buffer *body) HT_MUST_CHECK;
