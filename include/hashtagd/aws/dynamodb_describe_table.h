// SPDX-License-Identifier: MIT
#pragma once

/**
 * DynamoDB DescribeTable: whether a table is there and usable, its key, its change stream. The
 * description is also what CreateTable and UpdateTable answer. Source: Amazon DynamoDB API
 * Reference, "DescribeTable" and "TableDescription".
 */

#include "hashtagd/aws/client.h"

#include <stdbool.h>

/** Longest name of a key's attribute, with its end mark (255, "Constraints in DynamoDB"). */
#define HT_DYNAMODB_ATTRIBUTE_NAME_BYTES 256

/** Longest ARN that is kept, with its end mark (1024, "TableArn" and "LatestStreamArn" have up to
 * 1024 characters). */
#define HT_DYNAMODB_ARN_BYTES 1025

/** What is known of a table. Texts are empty where the service does not tell. */
struct ht_dynamodb_table_description {
    char status[48];                                 /**< "ACTIVE", "CREATING", "UPDATING", ... */
    char key_name[HT_DYNAMODB_ATTRIBUTE_NAME_BYTES]; /**< the partition key's attribute */
    char key_type[4];                                /**< "S", "N" or "B" */
    bool has_sort_key;
    bool is_on_demand;                      /**< BillingMode PAY_PER_REQUEST */
    uint64_t read_units, write_units;       /**< provisioned; 0 on demand */
    bool has_stream;                        /**< a change stream is on */
    char stream_view[24];                   /**< "NEW_AND_OLD_IMAGES", "OLD_IMAGE", ... */
    char stream_arn[HT_DYNAMODB_ARN_BYTES]; /**< LatestStreamArn: of one that is off, too */
    char arn[HT_DYNAMODB_ARN_BYTES];
    uint64_t item_count; /**< as it was some hours ago */
};

/** The operation; in the caller's memory until `done`. Zero it first. */
struct ht_dynamodb_describe_table {
    struct ht_aws_call call; /**< private until `done`; then its failure and error say more */
    /* what to ask; the caller's until `done` */
    const char *table_name;
    const char *resource; /**< for people: "table hashtags"; may be NULL */
    /** Once, last, never from inside start or cancel. */
    void (*done)(struct ht_dynamodb_describe_table *op);
    void *user; /**< the caller's */
    /* what came */
    int status; /**< as call.status (HT_ENOTFOUND: no such table), or HT_EPARSE */
    struct ht_dynamodb_table_description table;
    struct ht_buffer body; /**< private */
};

/** Starts it. */
void ht_dynamodb_describe_table_start(struct ht_aws_client *client,
                                      struct ht_dynamodb_describe_table *op);

/** Gives it up: `done` follows with HT_ECANCELED. One that does not run is left alone. */
void ht_dynamodb_describe_table_cancel(struct ht_dynamodb_describe_table *op);

/** Appends the request's body. 0, HT_ENOMEM, HT_ETOOBIG. Pure. */
int ht_dynamodb_describe_table_format(const struct ht_dynamodb_describe_table *op,
                                      struct ht_buffer *body) HT_MUST_CHECK;

/** Reads a description out of an answer with the member "Table" or "TableDescription". 0,
 * HT_EPARSE, HT_ENOMEM. Pure. */
int ht_dynamodb_table_description_parse(struct ht_dynamodb_table_description *table,
                                        struct ht_slice answer) HT_MUST_CHECK;
