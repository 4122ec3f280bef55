// SPDX-License-Identifier: MIT
#pragma once

/**
 * Whether a call that failed is tried again, and when: the "standard" mode of 2026 of the AWS SDKs
 * (botocore 1.43, AWS_NEW_RETRIES_2026). A pure decision: it gets the fault, the attempts so far, a
 * random number and what the server asked for.
 *
 * Retries are paid from a bucket of tokens, one bucket a service, so that a service in trouble
 * is not asked many times by everybody: an empty bucket means no retry. Success pays back.
 *
 *     struct ht_aws_retry retry = {.max_attempts = ..., .is_dynamodb = ...};
 *     struct ht_aws_retry_decision next = ht_aws_retry_decide(&retry, &quota, &trouble);
 *     if (next.is_again) wait(next.delay_ms);
 */

#include "hashtagd/aws/client.h"

#include <stdbool.h>
#include <stdint.h>

/** Tokens of a full bucket. */
#define HT_AWS_RETRY_TOKENS 500

/** The bucket of one service. */
struct ht_aws_retry_quota {
    unsigned tokens; /**< 0 to HT_AWS_RETRY_TOKENS */
};

/** The attempts of one call. */
struct ht_aws_retry {
    unsigned max_attempts; /**< in all; 1 and up */
    unsigned retries;      /**< 0 at first: how many were granted */
    unsigned last_cost;    /**< 0 at first: what the last of them cost */
    bool is_dynamodb;      /**< DynamoDB and its streams wait less */
};

/** What happened. */
struct ht_aws_trouble {
    enum ht_aws_fault fault;
    int64_t hint_ms; /**< of x-amz-retry-after; below 0: none */
    double unit;     /**< random, in [0, 1) */
};

/** What follows. */
struct ht_aws_retry_decision {
    bool is_again;
    uint64_t delay_ms; /**< before the next attempt; 0 where there is none */
};

/** Makes a full bucket. */
void ht_aws_retry_quota_init(struct ht_aws_retry_quota *quota);

/** Attempts in all that a service gets where nothing else is set: 3; DynamoDB and its streams 4. */
unsigned ht_aws_retry_default_attempts(enum ht_aws_service service);

/** Decides, and takes the cost out of the bucket where the call goes on. Only throttling and
 * transient faults are tried again. */
struct ht_aws_retry_decision ht_aws_retry_decide(struct ht_aws_retry *retry,
                                                 struct ht_aws_retry_quota *quota,
                                                 const struct ht_aws_trouble *trouble);

/** The call succeeded: gives back the cost of the last retry, or one token where there was none. */
void ht_aws_retry_succeed(const struct ht_aws_retry *retry, struct ht_aws_retry_quota *quota);

/** Reads x-amz-retry-after (whole milliseconds); -1 where `text` is empty or no such number. */
int64_t ht_aws_retry_parse_hint(struct ht_slice text);
