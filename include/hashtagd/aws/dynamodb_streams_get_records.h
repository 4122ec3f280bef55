// SPDX-License-Identifier: MIT
#pragma once

/**
 * DynamoDB Streams GetRecords: the next records of a shard, in their order. Records are slices of the
 * answer and each is read by itself, so that a damaged one does not take its neighbours along.
 * Source: Amazon DynamoDB API Reference, "GetRecords" and "Record" (1000 records or 1 MB; at most
 * two readers a shard).
 *
 *     op.iterator = iterator;
 *     op.limit = 1000;
 *     op.done = on_records;
 *     ht_dynamodb_streams_get_records_start(client, &op);
 *     ...
 *     for (size_t i = 0; i < op->record_count; i++) {
 *         if (ht_dynamodb_stream_record_read(op->records[i], &record) == 0) ...
 */

#include "hashtagd/aws/client.h"

/** The most records of one answer. */
#define HT_DYNAMODB_STREAMS_RECORDS_MAX 1000

/** What happened to the item. */
enum ht_dynamodb_stream_event {
    HT_DYNAMODB_STREAM_EVENT_OTHER, /**< none of these */
    HT_DYNAMODB_STREAM_EVENT_INSERT,
    HT_DYNAMODB_STREAM_EVENT_MODIFY,
    HT_DYNAMODB_STREAM_EVENT_REMOVE,
};

/** Who removed an item. */
enum ht_dynamodb_stream_identity {
    HT_DYNAMODB_STREAM_IDENTITY_NONE,  /**< the record doesn't say: a caller of the API */
    HT_DYNAMODB_STREAM_IDENTITY_TTL,   /**< DynamoDB itself: its time to live was over */
    HT_DYNAMODB_STREAM_IDENTITY_OTHER, /**< something else is said */
};

/** A record. The slices are of the answer; those of JSON are as they stand there, not checked. */
struct ht_dynamodb_stream_record {
    enum ht_dynamodb_stream_event event;
    enum ht_dynamodb_stream_identity identity;
    struct ht_slice event_id;        /**< the same however often it is read; empty where none */
    struct ht_slice sequence_number; /**< digits; never empty */
    int64_t created_ms;              /**< wall time, to the second; 0 where unknown */
    struct ht_slice keys;            /**< JSON, an object of attributes; empty where none */
    struct ht_slice new_image;       /**< likewise */
    struct ht_slice old_image;       /**< likewise */
};

/** The operation; in the caller's memory until `done`. Zero it first. */
struct ht_dynamodb_streams_get_records {
    struct ht_aws_call
        call; /**< private until `done`; then its failure and error say what went wrong */
    /* what to ask; the caller's until `done` */
    struct ht_slice iterator;
    unsigned limit;       /**< records: 1 .. HT_DYNAMODB_STREAMS_RECORDS_MAX */
    const char *resource; /**< for people; may be NULL */
    /** Once, last, never from inside start or cancel. */
    void (*done)(struct ht_dynamodb_streams_get_records *op);
    void *user; /**< the caller's */
    /* what came */
    int status; /**< as call.status, or HT_EPARSE: the answer as a whole makes no sense; HT_ETOOBIG: ask
                 *   for fewer records */
    struct ht_slice *records; /**< in order; the operation's, valid during `done` */
    size_t record_count;
    struct ht_slice next_iterator; /**< valid during `done`; empty: the shard is read to its end */
    struct ht_buffer body;         /**< private */
    struct ht_buffer texts;        /**< private */
};

/** Starts it. */
void ht_dynamodb_streams_get_records_start(struct ht_aws_client *client,
                                           struct ht_dynamodb_streams_get_records *op);

/** Gives it up: `done` follows with HT_ECANCELED. One that does not run is left alone. */
void ht_dynamodb_streams_get_records_cancel(struct ht_dynamodb_streams_get_records *op);

/** Appends the request's body. 0, HT_ENOMEM, HT_ETOOBIG. Pure, for tests. */
int ht_dynamodb_streams_get_records_format(const struct ht_dynamodb_streams_get_records *op,
                                           struct ht_buffer *body) HT_MUST_CHECK;

/** Reads an answer into the results; `records`, which is the caller's to free(), is NULL before and on
 * errors; `texts` is initialised by the caller. HT_EPARSE with `call.error`, HT_ENOMEM. Pure, for tests. */
int ht_dynamodb_streams_get_records_parse(struct ht_dynamodb_streams_get_records *op,
                                          struct ht_slice answer) HT_MUST_CHECK;

/** Reads one record. HT_EPARSE where it is no record: it is broken, or has no sequence number; then
 * `record` holds what could be found. */
int ht_dynamodb_stream_record_read(struct ht_slice text,
                                   struct ht_dynamodb_stream_record *record) HT_MUST_CHECK;
