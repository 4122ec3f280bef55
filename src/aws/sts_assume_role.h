// SPDX-License-Identifier: MIT
#pragma once

/**
 * STS AssumeRole (signed with the keys of somebody who may) and AssumeRoleWithWebIdentity (not
 * signed; the token says who asks). It is a part of the credential chain, so it goes beside
 * aws/client.h, which needs the chain. Source: AWS Security Token Service API Reference.
 */

#include "ask.h"
#include "credentials_plan.h"

#include "hashtagd/aws/sigv4.h"

/** The operation. In the caller's memory; zero it first; stays in place until `done`. */
struct ht_sts_assume_role {
    /* what to ask; the caller's until `done` */
    const struct ht_aws_credentials_options *options; /**< borrowed */
    const char *region;                               /**< NULL: an endpoint must be set */
    const struct ht_aws_role *role;                   /**< whom to become */
    struct ht_aws_keys *keys;                         /**< to sign with; NULL: by web identity */
    struct ht_slice web_identity_token;               /**< where `keys` is NULL */
    void (*done)(struct ht_sts_assume_role *op);      /**< once, last, never from inside start */
    void *user;                                       /**< the caller's */
    /* what came */
    int status;                   /**< 0; HT_EPERMISSION (STS refuses), HT_EINVAL, HT_EPARSE,
                                   *   HT_ECONNECTION, HT_ETIMEDOUT, HT_EIO, HT_ECANCELED, HT_ENOMEM */
    struct ht_error error;        /**< where status is not 0: role, code, request id, cure */
    struct ht_aws_keys *new_keys; /**< where status is 0: the caller's reference */
    /* private */
    struct ht_aws_ask ask;            /**< private */
    struct ht_timer timer;            /**< private */
    struct ht_buffer url, body;       /**< private */
    struct ht_sigv4_result signature; /**< private */
};

/** Starts it. What cannot be started is told by `done` too. */
void ht_sts_assume_role_start(struct ht_sts_assume_role *op);

/** Ends it: `done` follows with HT_ECANCELED. */
void ht_sts_assume_role_cancel(struct ht_sts_assume_role *op);

/** Appends the form that is sent. `now_s` (wall time) goes into the session's name where the role
 * has none. HT_ENOMEM, HT_ETOOBIG. Pure. */
int ht_sts_assume_role_format(const struct ht_sts_assume_role *op, int64_t now_s,
                              struct ht_buffer *body) HT_MUST_CHECK;

/** Reads the XML of a good answer into `*keys`, the caller's. HT_EPARSE, HT_EINVAL, HT_ENOMEM. Pure. */
int ht_sts_assume_role_parse(struct ht_slice answer, const char *origin, struct ht_aws_keys **keys,
                             struct ht_error *error) HT_MUST_CHECK;
