// SPDX-License-Identifier: MIT
#pragma once

/**
 * Kinesis GetRecords: the hot path of a reader. The operation brings the answer's body; reading it
 * is a step of its own, so that a large one can be read on a worker:
 *
 *     op.done: status 0 -> ht_aws_call_take_answer() -> ht_kinesis_page_read()
 *
 * A page lies in the memory of the body: the data of the records is decoded in its place, nothing
 * is copied. A record that cannot be read is left out and counted; its neighbours stay.
 */

#include "hashtagd/aws/kinesis.h"
#include "hashtagd/json/reader.h"

/** The most children of a shard that a page tells. */
#define HT_KINESIS_CHILDREN_MAX 16

/** One record. The slices lie in the page's body. */
struct ht_kinesis_record {
    struct ht_slice data;            /**< decoded; may be empty */
    struct ht_slice partition_key;   /**< as it stands */
    struct ht_slice sequence_number; /**< digits */
    int64_t arrival_ms;              /**< wall time; 0 where it is not told */
};

/** An answer. Zeroed memory is an empty one. */
struct ht_kinesis_page {
    char *body; /**< owned; may be NULL in an empty page */
    size_t body_bytes;
    struct ht_kinesis_record *records; /**< owned */
    size_t count;
    size_t bad_count;              /**< records left out */
    char bad_reason[64];           /**< of the last of them */
    struct ht_slice last_sequence; /**< the last readable one, of bad records too; may be empty */
    char next_iterator[HT_KINESIS_ITERATOR_BYTES];             /**< empty: the shard is finished */
    int64_t behind_ms;                                         /**< MillisBehindLatest */
    struct ht_kinesis_shard children[HT_KINESIS_CHILDREN_MAX]; /**< at the end of a shard */
    size_t child_count;
};

/** Reads `body` (malloc'ed, `length` bytes; the page's from now on, in every case) into `page`,
 * which is to be finished. `reader` is used for it alone meanwhile. Any thread. 0, HT_EPARSE (not
 * an answer of GetRecords), HT_ETOOBIG, HT_ENOMEM; `error` (may be NULL) is filled. */
int ht_kinesis_page_read(struct ht_kinesis_page *page, struct ht_json_reader *reader, char *body,
                         size_t length, struct ht_error *error) HT_MUST_CHECK;

/** Frees it; zeroed memory is fine. */
void ht_kinesis_page_finish(struct ht_kinesis_page *page);

/** The operation. Zeroed, filled, started; in place until `done`. */
struct ht_kinesis_get_records {
    struct ht_aws_call call; /**< results: status, error, failure, answer; fill max_answer_bytes,
                              *   max_attempts, timeout_ms as wanted */
    const char *stream_name; /**< for people */
    const char *iterator;    /**< the caller's until `done` */
    uint32_t limit;          /**< 1 .. HT_KINESIS_READ_MAX_RECORDS */
    void (*done)(struct ht_kinesis_get_records *op); /**< once, last, never from inside start */
    void *user;                                      /**< the caller's */
    struct ht_kinesis_request request;               /**< private */
};

/** Starts it. 0; HT_ENOMEM, HT_ETOOBIG: not started, `done` is not called. */
int ht_kinesis_get_records_start(struct ht_aws_client *client,
                                 struct ht_kinesis_get_records *op) HT_MUST_CHECK;

/** Ends it soon, with HT_ECANCELED; one that does not run is left alone. */
void ht_kinesis_get_records_cancel(struct ht_kinesis_get_records *op);
