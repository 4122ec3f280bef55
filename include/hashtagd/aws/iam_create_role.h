// SPDX-License-Identifier: MIT
#pragma once

/**
 * IAM CreateRole. A role that was just made is known everywhere only some seconds later. Source: AWS
 * IAM API Reference, "CreateRole".
 */

#include "hashtagd/aws/client.h"

/** The operation; in the caller's memory until `done`. Zero it first. */
struct ht_iam_create_role {
    struct ht_aws_call
        call; /**< private until `done`; then its failure and error say what went wrong */
    /* what to ask; the caller's until `done` */
    const char *role_name;    /**< not NULL; HT_EEXIST where there is one */
    const char *trust_policy; /**< JSON: who may take it on; not NULL */
    const char *description;  /**< not NULL */
    const char *resource;     /**< for people; may be NULL */
    /** Once, last, never from inside start or cancel. */
    void (*done)(struct ht_iam_create_role *op);
    void *user; /**< the caller's */
    /* what came */
    int status;            /**< as call.status; HT_EPARSE: an answer without an ARN */
    char arn[2049];        /**< of the role */
    struct ht_buffer body; /**< private */
};

/** Starts it. */
void ht_iam_create_role_start(struct ht_aws_client *client, struct ht_iam_create_role *op);
