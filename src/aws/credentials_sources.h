// SPDX-License-Identifier: MIT
#pragma once

/** The sources of keys that must be asked: a program, the container's agent, the machine. Each has
 * one struct, and ends with `done`, once, last, never from inside start or cancel. */

#include "ask.h"
#include "command_line.h"
#include "credentials_plan.h"

#include "hashtagd/net/process.h"

/** A program that prints keys. */
struct ht_aws_process_source {
    const struct ht_aws_credentials_options *options;   /**< borrowed */
    const char *command;                                /**< the caller's until `done` */
    const char *origin;                                 /**< likewise */
    void (*done)(struct ht_aws_process_source *source); /**< not NULL */
    void *user;                                         /**< the caller's */
    int status;                                         /**< 0, or as of a request for keys */
    struct ht_error error;                              /**< where status is not 0 */
    struct ht_aws_keys *keys;        /**< where it is 0: the caller's reference */
    struct ht_aws_command_line line; /**< private */
    struct ht_process *process;      /**< private */
    struct ht_timer timer;           /**< private */
};

/** Starts the program. What cannot be started is told by `done` too. */
void ht_aws_process_source_start(struct ht_aws_process_source *source);
/** Ends it: `done` follows with HT_ECANCELED. */
void ht_aws_process_source_cancel(struct ht_aws_process_source *source);

/** The agent of a container. */
struct ht_aws_container_source {
    const struct ht_aws_credentials_options *options;     /**< borrowed */
    const struct ht_aws_plan *plan;                       /**< url, token, origin; until `done` */
    void (*done)(struct ht_aws_container_source *source); /**< not NULL */
    void *user;                                           /**< the caller's */
    int status;                                           /**< 0, or as of a request for keys */
    struct ht_error error;                                /**< where status is not 0 */
    struct ht_aws_keys *keys; /**< where it is 0: the caller's reference */
    struct ht_aws_ask ask;    /**< private */
};

/** Asks the agent. */
void ht_aws_container_source_start(struct ht_aws_container_source *source);
/** Ends it: `done` follows with HT_ECANCELED. */
void ht_aws_container_source_cancel(struct ht_aws_container_source *source);

/** The metadata of the machine (IMDSv2): keys, or the region. */
struct ht_aws_instance_source {
    const struct ht_aws_credentials_options *options;    /**< borrowed */
    bool wants_region;                                   /**< the region, else keys */
    void (*done)(struct ht_aws_instance_source *source); /**< not NULL */
    void *user;                                          /**< the caller's */
    int status;               /**< 0; HT_ENOTFOUND (off, no role), or as of a request for keys */
    struct ht_error error;    /**< where status is not 0 */
    struct ht_aws_keys *keys; /**< keys, where status is 0: the caller's reference */
    char *region;             /**< the region, where status is 0: the caller's */
    struct ht_aws_ask ask;    /**< private */
    struct ht_buffer url;     /**< private */
    struct ht_buffer token;   /**< private */
    struct ht_buffer role;    /**< private: percent-encoded */
    int step;                 /**< private */
    bool has_new_token;       /**< private: it was asked for a second time */
};

/** Asks the machine's metadata. */
void ht_aws_instance_source_start(struct ht_aws_instance_source *source);
/** Ends it: `done` follows with HT_ECANCELED. */
void ht_aws_instance_source_cancel(struct ht_aws_instance_source *source);

/** Whether AWS_EC2_METADATA_DISABLED turns the metadata off. */
bool ht_aws_instance_is_disabled(const struct ht_aws_settings *settings);
