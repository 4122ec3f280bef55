// SPDX-License-Identifier: MIT
#pragma once

/**
 * Where the keys are to come from, decided from variables and files alone: one source, and the
 * roles to assume with what it gives. Making a plan is pure but for the token files that it names,
 * which ht_aws_plan_read_token() reads. The order is that of botocore's chain.
 */

#include "hashtagd/aws/credentials.h"
#include "profiles.h"

/** Roles that are assumed one with the other's keys; more is a mistake in the files. */
#define HT_AWS_ROLES_MAX 8

/** Bytes of the words for a source, the end mark included. */
#define HT_AWS_ORIGIN_BYTES 160

enum ht_aws_source {
    HT_AWS_SOURCE_KEYS,         /**< they are in the plan */
    HT_AWS_SOURCE_PROCESS,      /**< a program prints them */
    HT_AWS_SOURCE_WEB_IDENTITY, /**< a token from a file is exchanged for them */
    HT_AWS_SOURCE_CONTAINER,    /**< the container's agent has them */
    HT_AWS_SOURCE_INSTANCE,     /**< the machine's metadata has them */
};

/** A role. Texts are owned, NULL where not set. */
struct ht_aws_role {
    char *arn;           /**< not NULL */
    char *session_name;  /**< NULL: the program's name and the time */
    char *external_id;   /**< external_id of the profile */
    char *duration_s;    /**< digits; NULL: the service's default, an hour */
    const char *profile; /**< for people; owned by the plan's profiles or static */
};

/** A plan. To be finished with ht_aws_plan_finish(). */
struct ht_aws_plan {
    enum ht_aws_source source;
    bool is_last_resort;              /**< the instance is asked only because nothing is set up */
    char origin[HT_AWS_ORIGIN_BYTES]; /**< the source in words */
    struct ht_aws_keys *keys;         /**< of HT_AWS_SOURCE_KEYS; owned */
    char *command;                    /**< of HT_AWS_SOURCE_PROCESS; owned */
    char *url;                        /**< of HT_AWS_SOURCE_CONTAINER; owned */
    struct ht_aws_role web_identity;  /**< the role of HT_AWS_SOURCE_WEB_IDENTITY */
    char *token_file;       /**< of the web identity, or of the container; owned or NULL */
    struct ht_buffer token; /**< what it holds, or the container's token itself */
    struct ht_aws_role roles[HT_AWS_ROLES_MAX]; /**< the last is assumed first */
    size_t role_count;                          /**< of `roles` */
};

/**
 * Makes a plan. `profiles` outlives it. HT_EINVAL (a setting is wrong), HT_EUNSUPPORTED (it asks
 * for what needs a person), HT_ENOMEM; the text says which key in which profile, and what to do. To be finished in every case.
 */
int ht_aws_plan_make(struct ht_aws_plan *plan, const struct ht_aws_settings *settings,
                     const struct ht_aws_profiles *profiles, struct ht_error *error) HT_MUST_CHECK;

/** Reads `token_file` into `token` where there is one, a line's end at its end cut off. Blocks.
 * Errors as ht_aws_text_file_read(), HT_EINVAL (empty, or a line break in it). */
int ht_aws_plan_read_token(struct ht_aws_plan *plan, struct ht_error *error) HT_MUST_CHECK;

/** Frees a plan, secrets wiped; zeroed memory is fine. */
void ht_aws_plan_finish(struct ht_aws_plan *plan);

/* --- the parts, one file each --- */

/** The variables: HT_ENOTFOUND where no key is set in them. */
int ht_aws_plan_environment(struct ht_aws_plan *plan, const struct ht_aws_settings *settings,
                            struct ht_error *error) HT_MUST_CHECK;

/** The role, web identity, keys or command of the profile in force: HT_ENOTFOUND, without a text,
 * where it names no source. */
int ht_aws_plan_profile(struct ht_aws_plan *plan, const struct ht_aws_settings *settings,
                        const struct ht_aws_profiles *profiles,
                        struct ht_error *error) HT_MUST_CHECK;

/** AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN: HT_ENOTFOUND, without a text, where unset. */
int ht_aws_plan_web_identity(struct ht_aws_plan *plan, const struct ht_aws_settings *settings,
                             struct ht_error *error) HT_MUST_CHECK;

/** The container's endpoint: HT_ENOTFOUND, without a text, where no variable names one. */
int ht_aws_plan_container(struct ht_aws_plan *plan, const struct ht_aws_settings *settings,
                          struct ht_error *error) HT_MUST_CHECK;
