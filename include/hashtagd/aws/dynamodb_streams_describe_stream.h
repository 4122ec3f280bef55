// SPDX-License-Identifier: MIT
#pragma once

/**
 * DynamoDB Streams DescribeStream: whether the change stream of a table is on, what its records
 * hold, and one page of its shards, or the children of one shard. Source: Amazon DynamoDB
 * API Reference, "DescribeStream" (10 calls a second an account).
 *
 *     op.stream_arn = arn;
 *     op.done = on_described;
 *     ht_dynamodb_streams_describe_stream_start(client, &op);
 */

#include "hashtagd/aws/client.h"

/** The most shards that one page has. */
#define HT_DYNAMODB_STREAMS_SHARDS_MAX 100

/** What a stream's records hold. */
enum ht_dynamodb_stream_view {
    HT_DYNAMODB_STREAM_VIEW_UNKNOWN,
    HT_DYNAMODB_STREAM_VIEW_KEYS_ONLY,
    HT_DYNAMODB_STREAM_VIEW_NEW_IMAGE,
    HT_DYNAMODB_STREAM_VIEW_OLD_IMAGE,
    HT_DYNAMODB_STREAM_VIEW_NEW_AND_OLD_IMAGES,
};

/** One shard. The slices belong to the operation and live during `done`. */
struct ht_dynamodb_stream_shard {
    struct ht_slice shard_id;
    struct ht_slice parent_shard_id;          /**< empty: none, or none that is known any more */
    struct ht_slice starting_sequence_number; /**< may be empty */
    struct ht_slice ending_sequence_number;   /**< empty while the shard is open */
};

/** The operation; in the caller's memory until `done`. Zero it first. */
struct ht_dynamodb_streams_describe_stream {
    struct ht_aws_call
        call; /**< private until `done`; then its failure and error say what went wrong */
    /* what to ask; the caller's until `done` */
    struct ht_slice stream_arn;
    struct ht_slice start_shard_id; /**< of the page before: last_shard_id; empty: the first page */
    struct ht_slice child_shards_of; /**< only the children of this shard; empty: all shards */
    const char *resource;            /**< for people: "the change stream of table x"; may be NULL */
    /** Once, last, never from inside start or cancel. */
    void (*done)(struct ht_dynamodb_streams_describe_stream *op);
    void *user; /**< the caller's */
    /* what came */
    int status;      /**< as call.status, or HT_EPARSE: the answer makes no sense */
    bool is_enabled; /**< StreamStatus is ENABLED or ENABLING: new records come */
    enum ht_dynamodb_stream_view view;
    const struct ht_dynamodb_stream_shard *shards; /**< the operation's, valid during `done` */
    size_t shard_count;
    struct ht_slice last_shard_id; /**< valid during `done`; empty: this was the last page */
    struct ht_buffer body;         /**< private */
    struct ht_buffer texts;        /**< private */
};

/** Starts it. */
void ht_dynamodb_streams_describe_stream_start(struct ht_aws_client *client,
                                               struct ht_dynamodb_streams_describe_stream *op);

/** Gives it up: `done` follows with HT_ECANCELED. One that does not run is left alone. */
void ht_dynamodb_streams_describe_stream_cancel(struct ht_dynamodb_streams_describe_stream *op);

/** Appends the request's body. 0, HT_ENOMEM, HT_ETOOBIG. Pure, for tests. */
int ht_dynamodb_streams_describe_stream_format(const struct ht_dynamodb_streams_describe_stream *op,
                                               struct ht_buffer *body) HT_MUST_CHECK;

/** Reads an answer into the results; `shards` has room for HT_DYNAMODB_STREAMS_SHARDS_MAX. `texts` is
 * initialised by the caller and holds what had escapes. HT_EPARSE with `call.error`, HT_ENOMEM.
 * Pure, for tests. */
int ht_dynamodb_streams_describe_stream_parse(
    struct ht_dynamodb_streams_describe_stream *op, struct ht_slice answer,
    struct ht_dynamodb_stream_shard *shards) HT_MUST_CHECK;
