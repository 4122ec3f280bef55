// SPDX-License-Identifier: MIT
#pragma once

/** One run through the chain, from the files to keys. */

#include "credentials_plan.h"
#include "credentials_sources.h"
#include "sts_assume_role.h"

#include "hashtagd/net/worker.h"

/** A run. In the chain's memory; stays in place until `done`. Zero it before the first start. */
struct ht_aws_fetch {
    /* what to do; fill */
    const struct ht_aws_credentials_options *options; /**< borrowed */
    const char *region;                               /**< NULL: look for one */
    void (*done)(struct ht_aws_fetch *fetch);         /**< once, last, never from inside start */
    void *user;                                       /**< the caller's */
    /* what came */
    int status;               /**< as of struct ht_aws_credentials_request */
    struct ht_error error;    /**< where status is not 0 */
    struct ht_aws_keys *keys; /**< where status is 0: the caller's reference */
    char *found_region; /**< that the machine's metadata named; owned by the caller, or NULL */
    bool is_instance;   /**< the keys are the machine's own, not those of a role assumed */
    /* private */
    struct ht_job job;                /**< private */
    struct ht_aws_profiles *profiles; /**< private */
    struct ht_aws_plan plan;          /**< private */
    int step;                         /**< private: what is under way */
    size_t role;                      /**< private: roles that are still to be assumed */
    struct ht_error region_error;     /**< private: code 0: the region was not asked for, or told */
    bool is_canceled;                 /**< private */
    struct ht_aws_instance_source instance;   /**< private */
    struct ht_aws_process_source process;     /**< private */
    struct ht_aws_container_source container; /**< private */
    struct ht_sts_assume_role assume;         /**< private */
};

/** Starts a run. Cannot fail. */
void ht_aws_fetch_start(struct ht_aws_fetch *fetch);

/** Ends a run early: `done` follows with HT_ECANCELED on a later turn. */
void ht_aws_fetch_cancel(struct ht_aws_fetch *fetch);
