// SPDX-License-Identifier: MIT
#pragma once

/**
 * DynamoDB Streams GetShardIterator: where GetRecords begins in a shard. An iterator lives for 15
 * minutes. Source: Amazon DynamoDB API Reference, "GetShardIterator".
 *
 *     op.stream_arn = arn;
 *     op.shard_id = id;
 *     op.type = HT_DYNAMODB_STREAM_AFTER_SEQUENCE_NUMBER;
 *     op.sequence_number = last;
 *     op.done = on_iterator;
 *     ht_dynamodb_streams_get_shard_iterator_start(client, &op);
 */

#include "hashtagd/aws/client.h"

/** The longest iterator that is kept (2048 in the API reference, with room for more). */
#define HT_DYNAMODB_STREAM_ITERATOR_BYTES 8192

/** Where an iterator begins. */
enum ht_dynamodb_stream_start {
    HT_DYNAMODB_STREAM_TRIM_HORIZON, /**< at the oldest record that is there */
    HT_DYNAMODB_STREAM_LATEST,       /**< behind the newest one */
    HT_DYNAMODB_STREAM_AT_SEQUENCE_NUMBER,
    HT_DYNAMODB_STREAM_AFTER_SEQUENCE_NUMBER,
};

/** The operation; in the caller's memory until `done`. Zero it first. */
struct ht_dynamodb_streams_get_shard_iterator {
    struct ht_aws_call
        call; /**< private until `done`; then its failure and error say what went wrong */
    /* what to ask; the caller's until `done` */
    struct ht_slice stream_arn;
    struct ht_slice shard_id;
    enum ht_dynamodb_stream_start type;
    struct ht_slice sequence_number; /**< AT and AFTER: 1 digit or more */
    const char *resource;            /**< for people; may be NULL */
    /** Once, last, never from inside start or cancel. */
    void (*done)(struct ht_dynamodb_streams_get_shard_iterator *op);
    void *user; /**< the caller's */
    /* what came */
    int status;               /**< as call.status, or HT_EPARSE, HT_ETOOBIG */
    struct ht_slice iterator; /**< valid during `done`; not empty where status is 0 */
    struct ht_buffer body;    /**< private */
    struct ht_buffer texts;   /**< private */
};

/** Starts it. */
void ht_dynamodb_streams_get_shard_iterator_start(
    struct ht_aws_client *client, struct ht_dynamodb_streams_get_shard_iterator *op);

/** Gives it up: `done` follows with HT_ECANCELED. One that does not run is left alone. */
void ht_dynamodb_streams_get_shard_iterator_cancel(
    struct ht_dynamodb_streams_get_shard_iterator *op);

/** Appends the request's body. 0, HT_ENOMEM, HT_ETOOBIG. Pure, for tests. */
int ht_dynamodb_streams_get_shard_iterator_format(
    const struct ht_dynamodb_streams_get_shard_iterator *op, struct ht_buffer *body) HT_MUST_CHECK;

/** Reads an answer into the results; `texts` is initialised by the caller. HT_EPARSE with
 * `call.error`, HT_ENOMEM. Pure, for tests. */
int ht_dynamodb_streams_get_shard_iterator_parse(struct ht_dynamodb_streams_get_shard_iterator *op,
                                                 struct ht_slice answer) HT_MUST_CHECK;
