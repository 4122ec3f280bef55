// SPDX-License-Identifier: MIT
#pragma once

/**
 * IAM PutRolePolicy: gives a role a policy of its own, or replaces it. Source: AWS IAM API Reference,
 * "PutRolePolicy".
 */

#include "hashtagd/aws/client.h"

/** The operation; in the caller's memory until `done`. Zero it first. */
struct ht_iam_put_role_policy {
    struct ht_aws_call
        call; /**< private until `done`; then its failure and error say what went wrong */
    /* what to ask; the caller's until `done` */
    const char *role_name;   /**< not NULL */
    const char *policy_name; /**< not NULL */
    const char *policy;      /**< JSON; not NULL */
    const char *resource;    /**< for people; may be NULL */
    /** Once, last, never from inside start or cancel. */
    void (*done)(struct ht_iam_put_role_policy *op);
    void *user; /**< the caller's */
    /* what came */
    int status;            /**< as call.status */
    struct ht_buffer body; /**< private */
};

/** Starts it. */
void ht_iam_put_role_policy_start(struct ht_aws_client *client, struct ht_iam_put_role_policy *op);
