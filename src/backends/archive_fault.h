// SPDX-License-Identifier: MIT
#pragma once

/**
 * What a failed call to Firehose or S3 means for the archive: one sentence with the resource, the
 * request id and the cure, and whether a person is needed. Pure.
 */

#include "hashtagd/aws/client.h"
#include "hashtagd/pipeline/health.h"

/** What there is to say. */
struct ht_archive_fault {
    enum ht_health_state state; /**< WAITING: it mends by itself; FAILED: a person is needed */
    struct ht_error error;
};

/** Reads the failure of `call`, whose status is not 0. `region` is where the client works (may be
 * NULL), `bucket_region` what S3 said (may be empty). */
void ht_archive_fault_read(struct ht_archive_fault *fault, const struct ht_aws_call *call,
                           const char *region, struct ht_slice bucket_region);
