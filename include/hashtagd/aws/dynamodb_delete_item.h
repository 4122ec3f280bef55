// SPDX-License-Identifier: MIT
#pragma once

/**
 * DynamoDB DeleteItem: removes one item and gives it as it was. Removing what is not there is
 * fine, so it may be sent again. Source: Amazon DynamoDB API Reference, "DeleteItem".
 */

#include "hashtagd/aws/dynamodb_item.h"

/** The operation; see aws/dynamodb_item.h for its life. */
struct ht_dynamodb_delete_item {
    struct ht_aws_call call; /**< private until `done`; then its failure and error say more */
    /* what to ask; the caller's until `done` */
    struct ht_dynamodb_target target;
    struct ht_dynamodb_expressions expressions;
    const char *returned; /**< ReturnValues: "ALL_OLD"; NULL: nothing */
    /** Once, last, never from inside start or cancel. */
    void (*done)(struct ht_dynamodb_delete_item *op);
    void *user; /**< the caller's */
    /* what came */
    int status; /**< as call.status, or HT_EPARSE: an answer that makes no sense. A condition that
                 *   failed: ht_dynamodb_condition_failed() */
    struct ht_dynamodb_answer answer; /**< what was asked for by `returned`; of a condition that
                                       *   failed, the item as it is, where the service tells it */
    struct ht_buffer body;            /**< private */
};

/** Starts it. */
void ht_dynamodb_delete_item_start(struct ht_aws_client *client,
                                   struct ht_dynamodb_delete_item *op);

/** Gives it up: `done` follows with HT_ECANCELED. One that does not run is left alone. */
void ht_dynamodb_delete_item_cancel(struct ht_dynamodb_delete_item *op);

/** Frees what a stopped operation keeps. Zeroed memory is fine. */
void ht_dynamodb_delete_item_finish(struct ht_dynamodb_delete_item *op);

/** Appends the request's body. 0, HT_ENOMEM, HT_ETOOBIG. Pure. */
int ht_dynamodb_delete_item_format(const struct ht_dynamodb_delete_item *op,
                                   struct ht_buffer *body) HT_MUST_CHECK;
