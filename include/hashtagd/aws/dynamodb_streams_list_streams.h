// SPDX-License-Identifier: MIT
#pragma once

/**
 * DynamoDB Streams ListStreams: the change streams of a table, those too that were switched off
 * within the last 24 hours. Source: Amazon DynamoDB API Reference, "ListStreams" (5 calls a
 * second an account). One page is enough here: a table has one stream, and another one for each time
 * that it was switched on within a day.
 *
 *     op.table_name = name;
 *     op.done = on_streams;
 *     ht_dynamodb_streams_list_streams_start(client, &op);
 */

#include "hashtagd/aws/client.h"

/** The most streams that are told. */
#define HT_DYNAMODB_STREAMS_MAX 100

/** The operation; in the caller's memory until `done`. Zero it first. */
struct ht_dynamodb_streams_list_streams {
    struct ht_aws_call
        call; /**< private until `done`; then its failure and error say what went wrong */
    /* what to ask; the caller's until `done` */
    const char *table_name;
    const char *resource; /**< for people; may be NULL */
    /** Once, last, never from inside start or cancel. */
    void (*done)(struct ht_dynamodb_streams_list_streams *op);
    void *user; /**< the caller's */
    /* what came */
    int status;                         /**< as call.status, or HT_EPARSE */
    const struct ht_slice *stream_arns; /**< the operation's, valid during `done` */
    size_t stream_count;
    struct ht_buffer body;  /**< private */
    struct ht_buffer texts; /**< private */
};

/** Starts it. */
void ht_dynamodb_streams_list_streams_start(struct ht_aws_client *client,
                                            struct ht_dynamodb_streams_list_streams *op);

/** Gives it up: `done` follows with HT_ECANCELED. One that does not run is left alone. */
void ht_dynamodb_streams_list_streams_cancel(struct ht_dynamodb_streams_list_streams *op);

/** Appends the request's body. 0, HT_ENOMEM, HT_ETOOBIG. Pure, for tests. */
int ht_dynamodb_streams_list_streams_format(const struct ht_dynamodb_streams_list_streams *op,
                                            struct ht_buffer *body) HT_MUST_CHECK;

/** Reads an answer into the results; `stream_arns` has room for HT_DYNAMODB_STREAMS_MAX, `texts` is
 * initialised by the caller. HT_EPARSE with `call.error`, HT_ENOMEM. Pure, for tests. */
int ht_dynamodb_streams_list_streams_parse(struct ht_dynamodb_streams_list_streams *op,
                                           struct ht_slice answer,
                                           struct ht_slice *stream_arns) HT_MUST_CHECK;
