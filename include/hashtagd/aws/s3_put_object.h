// SPDX-License-Identifier: MIT
#pragma once

/**
 * S3 PutObject: stores a whole object. Source: Amazon S3 API Reference, "PutObject", and S3 User
 * Guide, "Checking object integrity".
 *
 *     op.bucket = HT_SLICE("archive");
 *     op.key = HT_SLICE("deleted/2026/01/31/12/a.jsonl.gz");
 *     op.body = ht_buffer_slice(&gzip);
 *     ht_s3_checksums_of(op.body, &op.checksums);
 *     op.done = on_put;
 *     ht_s3_put_object_start(client, &op);
 *
 * The signature covers the SHA-256 of the body. Content-MD5 and CRC-32 are what S3 itself and its
 * lookalikes check besides; which of them are sent is for the caller to say.
 */

#include "hashtagd/aws/client.h"

/** Longest key (S3 User Guide, "Naming objects"). */
#define HT_S3_KEY_BYTES 1024

/** Room for an ETag as text, its end mark included; longer ones are cut. */
#define HT_S3_ETAG_BYTES 96

/** Headers of the caller that can be sent along. */
#define HT_S3_METADATA_MAX 8

/** Checksums of a body. */
struct ht_s3_checksums {
    bool has_md5, has_crc32; /**< which are sent */
    uint8_t md5[16];         /**< of the body */
    uint32_t crc32;          /**< of the body, zlib's polynomial */
};

/** The operation; in the caller's memory until `done`. Zero it first. */
struct ht_s3_put_object {
    struct ht_aws_call
        call; /**< private until `done`; then its failure and error say what went wrong */
    /* what to ask; the caller's until `done` */
    struct ht_slice bucket;
    struct ht_slice key;  /**< 1 to HT_S3_KEY_BYTES bytes, any UTF-8 */
    struct ht_slice body; /**< may be empty */
    struct ht_s3_checksums checksums;
    const char *content_type;              /**< NULL: none is sent */
    const struct ht_http_header *metadata; /**< "x-amz-meta-..." and others; may be NULL */
    size_t metadata_count;                 /**< at most HT_S3_METADATA_MAX */
    bool creates_only;    /**< If-None-Match: *, so that an object that is there is not replaced */
    const char *resource; /**< for people; may be NULL */
    /** Once, last, never from inside start or cancel. */
    void (*done)(struct ht_s3_put_object *op);
    void *user; /**< the caller's */
    /* what came */
    int status;                  /**< as call.status; HT_EEXIST where creates_only and it is there;
                                  *   HT_EUNSUPPORTED where the peer does not know creates_only */
    char etag[HT_S3_ETAG_BYTES]; /**< with its quotes; empty where there is none */
    /* private */
    struct ht_buffer path;
    struct ht_http_header headers[HT_S3_METADATA_MAX + 5];
    char md5_text[32], crc32_text[16];
};

/** Computes both checksums of `body`, to be sent. Any thread. */
void ht_s3_checksums_of(struct ht_slice body, struct ht_s3_checksums *checksums);

/** Starts it. */
void ht_s3_put_object_start(struct ht_aws_client *client, struct ht_s3_put_object *op);
