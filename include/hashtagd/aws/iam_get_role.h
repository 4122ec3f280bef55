// SPDX-License-Identifier: MIT
#pragma once

/**
 * IAM GetRole: whether there is a role of this name, and its ARN. Source: AWS IAM API Reference,
 * "GetRole".
 */

#include "hashtagd/aws/client.h"

/** The operation; in the caller's memory until `done`. Zero it first. */
struct ht_iam_get_role {
    struct ht_aws_call
        call; /**< private until `done`; then its failure and error say what went wrong */
    /* what to ask; the caller's until `done` */
    const char *role_name; /**< not NULL */
    const char *resource;  /**< for people; may be NULL */
    /** Once, last, never from inside start or cancel. */
    void (*done)(struct ht_iam_get_role *op);
    void *user; /**< the caller's */
    /* what came */
    int status;            /**< as call.status; HT_EPARSE: an answer without an ARN */
    char arn[2049];        /**< of the role */
    struct ht_buffer body; /**< private */
};

/** Starts it. */
void ht_iam_get_role_start(struct ht_aws_client *client, struct ht_iam_get_role *op);
