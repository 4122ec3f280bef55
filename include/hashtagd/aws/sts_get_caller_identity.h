// SPDX-License-Identifier: MIT
#pragma once

/**
 * STS GetCallerIdentity: whose keys these are. It needs no permission, so it tells good keys from
 * bad ones. Source: AWS Security Token Service API Reference, "GetCallerIdentity".
 */

#include "hashtagd/aws/client.h"

/** The operation; zero it first. In the caller's memory, in place until `done`. */
struct ht_sts_get_caller_identity {
    struct ht_aws_call call; /**< private until `done`; then its failure and error say more */
    /** Once, last, never from inside start or cancel. */
    void (*done)(struct ht_sts_get_caller_identity *op);
    void *user; /**< the caller's */
    /* what came */
    int status;            /**< as call.status, or HT_EPARSE: an answer that makes no sense */
    struct ht_error error; /**< where status is not 0 */
    char account[32];      /**< "123456789012" */
    char arn[256];         /**< "arn:aws:sts::123456789012:assumed-role/NAME/SESSION"; a longer one
                            *   is HT_EPARSE */
};

/** Starts it. */
void ht_sts_get_caller_identity_start(struct ht_aws_client *client,
                                      struct ht_sts_get_caller_identity *op);

/** Gives it up: `done` follows with HT_ECANCELED. One that does not run is left alone. */
void ht_sts_get_caller_identity_cancel(struct ht_sts_get_caller_identity *op);

/** Reads account and ARN out of a good answer. HT_EPARSE; op->error says why. Pure. */
int ht_sts_get_caller_identity_parse(struct ht_sts_get_caller_identity *op,
                                     struct ht_slice answer) HT_MUST_CHECK;
