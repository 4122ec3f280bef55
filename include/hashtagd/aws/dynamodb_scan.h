// SPDX-License-Identifier: MIT
#pragma once

/**
 * DynamoDB Scan: one page of a whole table, or of one of its segments, read with strong
 * consistency. Pages end at `limit` items or 1 MB, and may be empty though more follow. Source:
 * Amazon DynamoDB API Reference, "Scan"; Developer Guide, "Parallel scan".
 */

#include "hashtagd/aws/dynamodb_item.h"

/** The largest page: 1 MB of items, each byte escaped, and the JSON around them. */
#define HT_DYNAMODB_SCAN_ANSWER_BYTES (16u << 20)

/** The operation; see aws/dynamodb_item.h for its life. */
struct ht_dynamodb_scan {
    struct ht_aws_call call; /**< private until `done`; then its failure and error say more */
    /* what to ask; the caller's until `done` */
    const char *table_name;
    const char *resource; /**< for people; may be NULL */
    uint32_t segment;     /**< 0 .. segment_count - 1 */
    uint32_t segment_count;
    uint32_t limit;            /**< items of a page; 0: as many as fit */
    struct ht_slice start_key; /**< ExclusiveStartKey as JSON; empty: from the beginning */
    unsigned max_attempts;     /**< as ht_aws_call.max_attempts */
    /** Once, last, never from inside start or cancel. */
    void (*done)(struct ht_dynamodb_scan *op);
    void *user; /**< the caller's */
    /* what came */
    int status;                   /**< as call.status, or HT_EPARSE */
    struct ht_json_reader reader; /**< over the page; valid during `done` */
    struct ht_json_value items;   /**< an array of items, valid during `done` */
    struct ht_slice last_key;     /**< LastEvaluatedKey as JSON, valid during `done`; empty: this
                                   *   was the last page */
    struct ht_buffer texts;       /**< for texts with escapes: has room for all of them */
    struct ht_buffer body;        /**< private */
};

/** Starts it. */
void ht_dynamodb_scan_start(struct ht_aws_client *client, struct ht_dynamodb_scan *op);

/** Gives it up: `done` follows with HT_ECANCELED. One that does not run is left alone. */
void ht_dynamodb_scan_cancel(struct ht_dynamodb_scan *op);

/** Frees what a stopped operation keeps. Zeroed memory is fine. */
void ht_dynamodb_scan_finish(struct ht_dynamodb_scan *op);

/** Appends the request's body. 0, HT_ENOMEM, HT_ETOOBIG. Pure. */
int ht_dynamodb_scan_format(const struct ht_dynamodb_scan *op,
                            struct ht_buffer *body) HT_MUST_CHECK;

/** Reads an answer into the results. 0, HT_EPARSE, HT_ENOMEM. Pure. */
int ht_dynamodb_scan_parse(struct ht_dynamodb_scan *op, struct ht_slice answer) HT_MUST_CHECK;
