// SPDX-License-Identifier: MIT
#pragma once

/**
 * The archive port over a Firehose delivery stream, which collects records into objects in S3.
 *
 * Lines of appends are joined into records of up to 1,000,000 bytes (Firehose bills each record as a
 * multiple of 5 KB, "Amazon Data Firehose pricing"), each ending in a newline. They are held until
 * there is a record's or `buffer_bytes` worth, `buffer_s` are over, or ops->flush. One call runs at a
 * time, with up to 500 records and 4 MiB; of an answer only what failed is sent again, after a pause
 * that grows. An append is answered once all its lines were accepted. Within one call records that
 * are sent again come behind those that were accepted: a line's deleted_at and event_id tell.
 *
 * A line that is refused for good, or longer than a record may be, goes to the dead letters and its
 * neighbours go on; a record is halved to find it. A line that is refused while the stream takes
 * nothing else is not given up.
 *
 * A call that fails, or a stream that accepts nothing for a minute, fails what waits, as the port
 * says; health then says why, and goes back to working with the next success.
 *
 * Life: create, appends, ops->close, ops->destroy. Loop thread.
 */

#include "hashtagd/aws/client.h"
#include "hashtagd/base/log.h"
#include "hashtagd/base/random.h"
#include "hashtagd/base/timer.h"
#include "hashtagd/pipeline/archive.h"
#include "hashtagd/pipeline/dead_letters.h"

/** Longest name of a delivery stream (API reference, CreateDeliveryStream), with its end mark. */
#define HT_FIREHOSE_NAME_BYTES 65

/** How an archive is made; pointers are borrowed and outlive it unless said otherwise. */
struct ht_firehose_archive_options {
    struct ht_aws_client *aws;
    struct ht_clock *clock;
    struct ht_timer_queue *timers;
    struct ht_random *random;
    struct ht_dead_letters
        *dead_letters;        /**< closed after the archive; may be NULL: then a line that
                                           *   is refused is tried for ever */
    const struct ht_log *log; /**< may be NULL */
    const char *name;         /**< of the delivery stream; copied */
    uint32_t buffer_s;        /**< lines are held so long at most */
    size_t buffer_bytes;      /**< ... or until there are so many; 1,000,000 at most */
    size_t record_bytes;      /**< lines are joined up to this; 0: 1,000,000, which is the most */
};

/** Whether `name` can be a delivery stream's: 1 to 64 of a-z A-Z 0-9 _ . -
 * 0 or HT_EINVAL, with `error` (may be NULL). */
int ht_firehose_archive_check_name(const char *name, struct ht_error *error) HT_MUST_CHECK;

/** Makes an archive. `*archive` is the caller's. HT_EINVAL for the name, HT_ENOMEM, with `error` (may
 * be NULL). What Firehose refuses comes with the appends. */
int ht_firehose_archive_create(struct ht_archive **archive,
                               const struct ht_firehose_archive_options *options,
                               struct ht_error *error) HT_MUST_CHECK;
