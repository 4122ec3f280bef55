// SPDX-License-Identifier: MIT
#pragma once

/**
 * DynamoDB CreateTable: makes a table with a partition key of type S. It is usable when
 * DescribeTable says ACTIVE, some seconds later. Source: Amazon DynamoDB API Reference,
 * "CreateTable".
 */

#include "hashtagd/aws/dynamodb_describe_table.h"

/** The operation; in the caller's memory until `done`. Zero it first. */
struct ht_dynamodb_create_table {
    struct ht_aws_call call; /**< private until `done`; then its failure and error say more */
    /* what to ask; the caller's until `done` */
    const char *table_name;
    const char *key_name;             /**< the partition key's attribute */
    uint64_t read_units, write_units; /**< provisioned; both 0: on demand */
    const char *stream_view;          /**< change stream: "NEW_AND_OLD_IMAGES", ...; NULL: none */
    const char *resource;             /**< for people: "table hashtags"; may be NULL */
    /** Once, last, never from inside start or cancel. */
    void (*done)(struct ht_dynamodb_create_table *op);
    void *user; /**< the caller's */
    /* what came */
    int status; /**< as call.status (HT_EEXIST: there is such a table), or HT_EPARSE */
    struct ht_dynamodb_table_description table;
    struct ht_buffer body; /**< private */
};

/** Starts it. */
void ht_dynamodb_create_table_start(struct ht_aws_client *client,
                                    struct ht_dynamodb_create_table *op);

/** Appends the request's body. 0, HT_ENOMEM, HT_ETOOBIG. Pure. */
int ht_dynamodb_create_table_format(const struct ht_dynamodb_create_table *op,
                                    struct ht_buffer *body) HT_MUST_CHECK;
