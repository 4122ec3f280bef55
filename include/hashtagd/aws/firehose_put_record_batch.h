// SPDX-License-Identifier: MIT
#pragma once

/**
 * Firehose PutRecordBatch: hands up to 500 records to a delivery stream. A 200 answer may hold
 * records that were not taken: each record has an outcome of its own. Source: Amazon Data Firehose
 * API Reference, "PutRecordBatch", and the quotas in its Developer Guide.
 *
 *     op.stream_name = HT_SLICE("deleted-hashtags");
 *     op.records = records;
 *     op.count = count;
 *     op.outcomes = outcomes;
 *     op.done = on_put;
 *     ht_firehose_put_record_batch_start(client, &op);
 *
 * Firehose joins records with nothing between them: each must end in a newline of its own.
 */

#include "hashtagd/aws/client.h"

/** Records of one call at most. */
#define HT_FIREHOSE_BATCH_RECORDS 500

/** Bytes of one call at most (4 MiB). The whole body is counted here, Base64 and frame included, so
 * that it holds whichever way the service counts. */
#define HT_FIREHOSE_BATCH_BYTES ((size_t)4 * 1024 * 1024)

/** Bytes of one record at most, before Base64 (1,000 KiB). */
#define HT_FIREHOSE_RECORD_BYTES ((size_t)1024000)

/** What became of a record. */
enum ht_firehose_outcome {
    HT_FIREHOSE_ACCEPTED,
    HT_FIREHOSE_THROTTLED, /**< send it again, later */
    HT_FIREHOSE_BROKEN,    /**< the service failed: send it again */
    HT_FIREHOSE_REFUSED,   /**< the same again would be refused again */
};

/** The operation; in the caller's memory until `done`. Zero it first. */
struct ht_firehose_put_record_batch {
    struct ht_aws_call
        call; /**< private until `done`; then its failure and error say what went wrong */
    /* what to ask; the caller's until `done` */
    struct ht_slice stream_name;
    const struct ht_slice *records;     /**< `count` of them, each not empty */
    size_t count;                       /**< 1 to HT_FIREHOSE_BATCH_RECORDS */
    enum ht_firehose_outcome *outcomes; /**< room for `count`; filled where status is 0 */
    const char *resource;               /**< for people; may be NULL */
    /** Once, last, never from inside start or cancel. */
    void (*done)(struct ht_firehose_put_record_batch *op);
    void *user; /**< the caller's */
    /* what came */
    int status; /**< 0: there is an outcome for each record; else as call.status, or HT_EPARSE (an
                 *   answer that makes no sense: nobody knows what was taken), HT_ETOOBIG */
    size_t failed_count;   /**< outcomes that are not ACCEPTED */
    char code[96];         /**< of the first of these: "ServiceUnavailableException" */
    char message[256];     /**< its words */
    struct ht_buffer body; /**< private */
};

/** Starts it. */
void ht_firehose_put_record_batch_start(struct ht_aws_client *client,
                                        struct ht_firehose_put_record_batch *op);

/** Gives it up: `done` follows with HT_ECANCELED. One that does not run is left alone. */
void ht_firehose_put_record_batch_cancel(struct ht_firehose_put_record_batch *op);

/** Bytes of a body besides its records, for a name of plain characters: with
 * ht_firehose_record_frame_bytes() of each record the sum is the body's length. */
size_t ht_firehose_batch_frame_bytes(struct ht_slice stream_name);

/** Bytes that a record of `length` bytes adds to a body. */
size_t ht_firehose_record_frame_bytes(size_t length);

/** Appends the request's body. 0, HT_ENOMEM, HT_ETOOBIG. Pure, for tests. */
int ht_firehose_put_record_batch_format(const struct ht_firehose_put_record_batch *op,
                                        struct ht_buffer *body) HT_MUST_CHECK;

/** Reads an answer into the results. HT_EPARSE with `call.error`, HT_ENOMEM. Pure, for tests. */
int ht_firehose_put_record_batch_parse(struct ht_firehose_put_record_batch *op,
                                       struct ht_slice answer) HT_MUST_CHECK;
