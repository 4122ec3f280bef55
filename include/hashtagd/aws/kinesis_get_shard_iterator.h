// SPDX-License-Identifier: MIT
#pragma once

/**
 * Kinesis GetShardIterator: a place in a shard, valid for five minutes. Five calls a second and
 * shard. A sequence number that was trimmed gives an iterator at the oldest record, without a word;
 * one that is of no such shard is refused with InvalidArgumentException.
 */

#include "hashtagd/aws/kinesis.h"

/* name, as the API writes it */
#define HT_KINESIS_ITERATOR_MAP(X)                                                                 \
    X(TRIM_HORIZON, "TRIM_HORIZON")                                                                \
    X(LATEST, "LATEST")                                                                            \
    X(AT_SEQUENCE_NUMBER, "AT_SEQUENCE_NUMBER")                                                    \
    X(AFTER_SEQUENCE_NUMBER, "AFTER_SEQUENCE_NUMBER")                                              \
    X(AT_TIMESTAMP, "AT_TIMESTAMP")

enum ht_kinesis_iterator_type {
#define X(name, text) HT_KINESIS_##name,
    HT_KINESIS_ITERATOR_MAP(X)
#undef X
};

/** Where to begin. */
struct ht_kinesis_place {
    enum ht_kinesis_iterator_type type;
    char sequence_number[HT_KINESIS_SEQUENCE_BYTES]; /**< for the two with a sequence number */
    int64_t time_ms;                                 /**< AT_TIMESTAMP: wall time */
};

/** The operation. Zeroed, filled, started; in place until `done`. */
struct ht_kinesis_get_shard_iterator {
    struct ht_aws_call call; /**< results: status, error, failure */
    const char *stream_name; /**< the caller's until `done` */
    const char *shard_id;    /**< the caller's until `done` */
    struct ht_kinesis_place place;
    char iterator[HT_KINESIS_ITERATOR_BYTES];               /**< result, where status is 0 */
    void (*done)(struct ht_kinesis_get_shard_iterator *op); /**< once, last, not inside start */
    void *user;                                             /**< the caller's */
    struct ht_kinesis_request request;                      /**< private */
};

/** Starts it. 0; HT_ENOMEM, HT_ETOOBIG: not started, `done` is not called. */
int ht_kinesis_get_shard_iterator_start(struct ht_aws_client *client,
                                        struct ht_kinesis_get_shard_iterator *op) HT_MUST_CHECK;

/** Ends it soon, with HT_ECANCELED; one that does not run is left alone. */
void ht_kinesis_get_shard_iterator_cancel(struct ht_kinesis_get_shard_iterator *op);
