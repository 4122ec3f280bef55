// SPDX-License-Identifier: MIT
#pragma once

/**
 * Reads what a service means by an answer that is no success: JSON with `__type`, a header
 * x-amzn-ErrorType, XML `<Error>` (S3, STS, IAM, and emulators for everything), a page of HTML from a
 * proxy or load balancer, an empty or cut-off body. Never fails: where there is no code the HTTP
 * status decides. Pure. Source: botocore 1.43 (parsers.py, retries), AWS service models.
 */

#include "hashtagd/aws/client.h"

/** Bytes of the longest region name that is read out of an answer, end mark included. */
#define HT_AWS_REGION_BYTES 64

/** An answer. Everything is the caller's. */
struct ht_aws_reply {
    enum ht_aws_service service;          /**< who answered */
    int http_status;                      /**< 100 to 599 */
    const struct ht_http_header *headers; /**< as sent */
    size_t header_count;                  /**< of them */
    struct ht_slice body;                 /**< any bytes */
};

/** Reads code, message and request id, and what they mean. Every text is valid for a log: control
 * characters become spaces. Fills all of `failure`. */
void ht_aws_failure_read(const struct ht_aws_reply *reply, struct ht_aws_failure *failure);

/** Reads the request id alone, of good answers too, from headers (x-amzn-RequestId,
 * x-amz-request-id, with x-amz-id-2 behind it where there is one); "" where there is none. */
void ht_aws_failure_read_request_id(const struct ht_aws_reply *reply,
                                    struct ht_aws_failure *failure);

/** What the code of an error means, of single records in an answer of a batch too ("InternalFailure");
 * HT_AWS_FAULT_FINAL where it is unknown. `service` matters for few. */
enum ht_aws_fault ht_aws_failure_classify(enum ht_aws_service service, struct ht_slice code);

/** Whether it may be the clock: the code is one that a wrong signature gives too. */
bool ht_aws_failure_may_be_skew(const struct ht_aws_failure *failure);

/** Whether it is about the keys and no permission could help: they are missing, unknown or expired, or
 * the signature is not accepted (a wrong secret, or another region than the endpoint's). */
bool ht_aws_failure_is_about_keys(const struct ht_aws_failure *failure);

/** The HT_E... for a failure that came with an answer, as struct ht_aws_call tells. */
int ht_aws_failure_status(const struct ht_aws_failure *failure);

/** Reads the region where S3 says that a bucket is (x-amz-bucket-region, or `<Region>` of
 * AuthorizationHeaderMalformed) into `region`; false where the answer names none. */
bool ht_aws_failure_find_region(const struct ht_aws_reply *reply, char region[HT_AWS_REGION_BYTES]);
