// SPDX-License-Identifier: MIT
#pragma once

/**
 * S3 ListObjectsV2: a page of a bucket's objects, sorted by key. Keys are asked for percent-encoded,
 * so that any byte survives XML, and decoded here. Source: Amazon S3 API Reference, "ListObjectsV2".
 *
 *     op.bucket = HT_SLICE("archive");
 *     op.prefix = HT_SLICE("deleted/2026/");
 *     op.done = on_page;       // op.objects, then op.continuation = op.next_token, start again
 *     ht_s3_list_objects_v2_start(client, &op);
 */

#include "hashtagd/aws/client.h"

/** Keys and prefixes of one page at most. */
#define HT_S3_LIST_MAX 1000

/** An object, or with is_prefix what keys have in common up to the delimiter. */
struct ht_s3_listed {
    struct ht_slice key;           /**< or the common prefix */
    struct ht_slice etag;          /**< with its quotes; may be empty */
    struct ht_slice last_modified; /**< "2026-01-31T12:00:00.000Z" */
    uint64_t size;                 /**< bytes */
    bool is_prefix;
};

/** The operation; in the caller's memory until `done`. Zero it first. */
struct ht_s3_list_objects_v2 {
    struct ht_aws_call
        call; /**< private until `done`; then its failure and error say what went wrong */
    /* what to ask; the caller's until `done`; empty slices are not asked for */
    struct ht_slice bucket;
    struct ht_slice prefix, delimiter, start_after;
    struct ht_slice continuation; /**< next_token of the page before, copied by the caller */
    unsigned max_keys;            /**< 1 to HT_S3_LIST_MAX; 0: that */
    const char *resource;         /**< for people; may be NULL */
    /** Once, last, never from inside start or cancel. */
    void (*done)(struct ht_s3_list_objects_v2 *op);
    void *user; /**< the caller's */
    /* what came; valid during `done` */
    int status;                         /**< as call.status, or HT_EPARSE, HT_ETOOBIG, HT_ENOMEM */
    const struct ht_s3_listed *objects; /**< in the order of the answer */
    size_t count;
    bool is_truncated;          /**< there are more */
    struct ht_slice next_token; /**< empty where there are no more */
    /* private */
    struct ht_buffer query, texts;
    struct ht_s3_listed *listed;
};

/** Starts it. */
void ht_s3_list_objects_v2_start(struct ht_aws_client *client, struct ht_s3_list_objects_v2 *op);

/** Appends the query. HT_ENOMEM, HT_ETOOBIG. Pure, for tests. */
int ht_s3_list_objects_v2_format(const struct ht_s3_list_objects_v2 *op,
                                 struct ht_buffer *query) HT_MUST_CHECK;
