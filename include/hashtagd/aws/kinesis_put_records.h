// SPDX-License-Identifier: MIT
#pragma once

/**
 * Kinesis PutRecords: up to 500 records in one request. An answer of 200 says nothing of a single
 * record: each has its own result. Kinesis keeps no order among the records of one request.
 */

#include "hashtagd/aws/kinesis.h"

/** One record to put; the bytes are the caller's until `done`. */
struct ht_kinesis_put_entry {
    struct ht_slice data;          /**< 1 byte to the stream's maximum, with the key */
    struct ht_slice partition_key; /**< 1 .. 256 characters of UTF-8 */
};

/** What became of a record. */
enum ht_kinesis_put_result {
    HT_KINESIS_PUT_STORED,
    HT_KINESIS_PUT_THROTTLED, /**< its shard takes no more at the moment */
    HT_KINESIS_PUT_FAILED,    /**< the service failed, or the answer says nothing of it */
};

/** The operation. Zeroed, filled, started; in place until `done`. */
struct ht_kinesis_put_records {
    struct ht_aws_call call; /**< results: status, error, failure; fill max_attempts as wanted */
    const char *stream_name; /**< the caller's until `done` */
    const struct ht_kinesis_put_entry *entries; /**< the caller's until `done` */
    size_t count;                               /**< 1 .. HT_KINESIS_PUT_MAX_RECORDS */
    enum ht_kinesis_put_result *results; /**< the caller's, `count` of them; filled where status
                                          *   is 0 */
    char reason[128]; /**< where status is 0 and records failed: what was said of the first */
    void (*done)(struct ht_kinesis_put_records *op); /**< once, last, never from inside start */
    void *user;                                      /**< the caller's */
    struct ht_kinesis_request request;               /**< private */
};

/** Starts it. 0; HT_ENOMEM, HT_ETOOBIG: not started, `done` is not called. */
int ht_kinesis_put_records_start(struct ht_aws_client *client,
                                 struct ht_kinesis_put_records *op) HT_MUST_CHECK;

/** Appends the body of a request to `body`; the buffer remembers errors. For tests. */
void ht_kinesis_put_records_format(struct ht_buffer *body, const char *stream_name,
                                   const struct ht_kinesis_put_entry *entries, size_t count);

/** Reads an answer for `count` records into `results` and, of the first that failed, into `reason`
 * (may be NULL, else 128 bytes). HT_EPARSE where it cannot be one, HT_ENOMEM: then nobody knows
 * what was stored. For tests. */
int ht_kinesis_put_records_read(struct ht_slice answer, enum ht_kinesis_put_result *results,
                                size_t count, char *reason) HT_MUST_CHECK;
