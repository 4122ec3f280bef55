// SPDX-License-Identifier: MIT
#pragma once

/**
 * Kinesis ListShards, all pages of it. A page after the first is asked for by its token alone. A
 * token lives for five minutes; where it expired meanwhile everything is listed anew.
 */

#include "hashtagd/aws/kinesis.h"

/** The most shards of one stream that are listed; AWS's own limits are at 20,000 and below. */
#define HT_KINESIS_SHARDS_MAX 40000

/** The operation. Zeroed, filled, started; in place until `done`. */
struct ht_kinesis_list_shards {
    struct ht_aws_call call;                         /**< results: status, error, failure */
    const char *stream_name;                         /**< the caller's until `done` */
    void (*done)(struct ht_kinesis_list_shards *op); /**< once, last, never from inside start */
    void *user;                                      /**< the caller's */
    struct ht_kinesis_shard *shards; /**< result, where status is 0; freed after `done` */
    size_t count;                    /**< of `shards` */
    /* private */
    struct ht_kinesis_request request;
    struct ht_aws_client *client;
    size_t capacity;
    unsigned restarts; /* because of an expired token */
    char *token;       /* owned: of the next page, or NULL */
};

/** Starts it. 0; HT_ENOMEM, HT_ETOOBIG: not started, `done` is not called. */
int ht_kinesis_list_shards_start(struct ht_aws_client *client,
                                 struct ht_kinesis_list_shards *op) HT_MUST_CHECK;

/** Ends it soon, with HT_ECANCELED; one that does not run is left alone. */
void ht_kinesis_list_shards_cancel(struct ht_kinesis_list_shards *op);
