// SPDX-License-Identifier: MIT
#pragma once

/**
 * The archive port over objects in S3, or in what speaks like it:
 *
 *     <prefix>YYYY/MM/DD/HH/20260131T120000.123Z-<random>-<counter>.jsonl.gz   (UTC)
 *
 * The random part is this process's own and the counter never repeats, so keys never collide; within
 * a process they sort by time, even where the clock goes back.
 *
 * Lines wait in memory (the callers' own) until an object is closed: buffer_s after its first line, at
 * buffer_bytes, or by ops->flush. It is compressed on the worker and put with its checksums; one object
 * at a time. Where the put fails, its appends and all that wait behind fail, as the port says. When
 * they come again, in the same order, the same object is put under the same key: a lost answer leaves
 * no second copy. The object is only created, never replaced, where the peer knows If-None-Match.
 *
 * Life: create, appends, ops->close, ops->destroy. Loop thread.
 */

#include "hashtagd/aws/client.h"
#include "hashtagd/base/log.h"
#include "hashtagd/base/timer.h"
#include "hashtagd/net/worker.h"
#include "hashtagd/pipeline/archive.h"

/** Longest name of a bucket (S3 User Guide, "Bucket naming rules"; old ones had up to 255), with its
 * end mark. */
#define HT_S3_BUCKET_BYTES 256

/** Longest prefix, with its end mark: the rest of a key is shorter than 128 bytes. */
#define HT_S3_PREFIX_BYTES 256

/** How an archive is made; pointers are borrowed and outlive it unless said otherwise. */
struct ht_s3_archive_options {
    struct ht_aws_client *aws;
    struct ht_worker *worker; /**< compresses; stopped after the archive is closed */
    struct ht_clock *clock;
    struct ht_timer_queue *timers;
    const struct ht_log *log; /**< may be NULL */
    const char *bucket;       /**< copied */
    const char *prefix;       /**< before the date, "deleted/"; may be empty; copied */
    uint32_t buffer_s;        /**< an object is closed so long after its first line */
    size_t buffer_bytes;      /**< ... or when it has so many bytes of lines */
    bool leaves_out_crc32;    /**< AWS_REQUEST_CHECKSUM_CALCULATION is when_required: Content-MD5
                               *   alone, for lookalikes that refuse what they do not know */
};

/** Whether the names can be used: a bucket of 3 to 255 letters, digits, '.', '-', '_'; a prefix
 * shorter than HT_S3_PREFIX_BYTES without control characters that does not begin with '/'. 0 or
 * HT_EINVAL, with `error` (may be NULL). */
int ht_s3_archive_check_names(const char *bucket, const char *prefix,
                              struct ht_error *error) HT_MUST_CHECK;

/** Makes an archive. `*archive` is the caller's. HT_EINVAL for the names, HT_ENOMEM, HT_EIO (no
 * random numbers), with `error` (may be NULL). What S3 refuses comes with the appends. */
int ht_s3_archive_create(struct ht_archive **archive, const struct ht_s3_archive_options *options,
                         struct ht_error *error) HT_MUST_CHECK;
