// SPDX-License-Identifier: MIT
#pragma once

/**
 * `hashtagd setup`: what the configuration names at Amazon is looked at, made where it is missing,
 * and waited for until it can be used. One resource after the other, a line each; a second run
 * changes nothing.
 *
 *     look -> there and usable: done
 *          -> there, not usable yet: look again, until it is
 *          -> missing: make -> look again, until it is usable
 *
 * Each file setup_*.c has some resources; setup_run.c runs them. The loop runs inside: nothing
 * else is going on in the process.
 */

#include "aws_command.h"
#include "config.h"

#include "hashtagd/aws/dynamodb_describe_table.h"

/** A setup on its way. */
struct ht_setup {
    const struct ht_config *config; /* borrowed */
    bool is_dry_run;
    bool is_terminal;           /* stderr is one: show how long it waits */
    struct ht_aws_command *aws; /* not owned */
    /* what is known */
    struct ht_aws_account account;
    char bucket[80];    /* of the archive; empty where there is none */
    char prefix[1100];  /* of an existing delivery stream's objects */
    char role_name[80]; /* of the role that setup makes; empty where archive.role names one */
    char role_arn[2100];
    bool is_table_unfit;     /* somebody else's, or not to be seen: nothing of it is changed */
    bool has_bucket;         /* it was seen, or made */
    bool has_private_bucket; /* and what of it is public is settled */
    bool has_delivery;       /* the delivery stream is there already, with bucket and role */
    char changes_leases[300];
    /* results */
    unsigned made_count, present_count, failed_count;
};

/** What a look found. */
struct ht_setup_look {
    bool exists;
    bool is_usable;
    bool is_wrong;  /* it is there, but not as it must be, and setup will not change it */
    char text[400]; /* as it is: "4 shards", "on demand"; where wrong: why, and the cure */
};

/** One resource. */
struct ht_setup_resource {
    const char *kind;                            /* "stream" */
    const char *(*name)(struct ht_setup *setup); /* NULL: not wanted */
    int (*look)(struct ht_setup *setup, struct ht_setup_look *look,
                struct ht_error *error);                         /* 0 or an error */
    int (*make)(struct ht_setup *setup, struct ht_error *error); /* HT_EBUSY: try it again */
    bool is_optional;        /* only setup needs it: the daemon works without seeing it */
    const char *permissions; /* that look and make need, for the cure of a refusal */
};

/** All resources, in the order in which they are made; `*count` of them. Static. */
const struct ht_setup_resource *const *ht_setup_resources(size_t *count);

/** Runs all resources; prints. An exit status. */
int ht_setup_run(struct ht_setup *setup);

/** Asks what a table is like. 0, HT_ENOTFOUND or another error. */
int ht_setup_describe_table(struct ht_setup *setup, const char *table,
                            struct ht_dynamodb_table_description *description,
                            struct ht_error *error);

/** The resources. Static. */
extern const struct ht_setup_resource ht_setup_stream;
extern const struct ht_setup_resource ht_setup_table;
extern const struct ht_setup_resource ht_setup_change_stream;
extern const struct ht_setup_resource ht_setup_time_to_live;
extern const struct ht_setup_resource ht_setup_leases;
extern const struct ht_setup_resource ht_setup_changes_leases;
extern const struct ht_setup_resource ht_setup_bucket;
extern const struct ht_setup_resource ht_setup_bucket_block;
extern const struct ht_setup_resource ht_setup_role;
extern const struct ht_setup_resource ht_setup_delivery;
